/** count(how, times): adds 1 to a counter that all CPUs share, so many times, in one of three ways. */
import {
  atomic_inc,
  i32,
  kernel_function,
  kernel_variable,
  local_inc,
  printk,
  type Steps,
  u32,
} from "esp0/kernel/module";

export const by_statement = kernel_variable("by_statement", u32);
export const by_incl = kernel_variable("by_incl", u32);
export const by_lock_incl = kernel_variable("by_lock_incl", u32);

/** A load and a store, with everything in between that another CPU does. */
function* count_by_statements(times: u32): Steps<void> {
  for (let i: u32 = 0; i < times; i++) by_statement.value += 1;
}

/** One instruction, which loads and stores: no interrupt comes between, but another CPU. */
function* count_by_incl(times: u32): Steps<void> {
  for (let i: u32 = 0; i < times; i++) yield* local_inc(by_incl.address);
}

/** One instruction, and for other CPUs one access. */
function* count_by_lock_incl(times: u32): Steps<void> {
  for (let i: u32 = 0; i < times; i++) yield* atomic_inc(by_lock_incl.address);
}

export const sys_count = kernel_function("sys_count", [u32, u32], i32, function* (how, times) {
  if (how === 0) yield* count_by_statements(times);
  if (how === 1) yield* count_by_incl(times);
  if (how === 2) yield* count_by_lock_incl(times);
  if (how === 3) {
    printk(`by statements ${by_statement.value}, by incl ${by_incl.value}, by lock; incl ${by_lock_incl.value}\n`);
  }
  return 0;
});
