/** What examples/module/count.ts does, for tests: counts in three ways. */
import { kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";
import { atomic_inc } from "../../../kernel/include/asm/atomic.ts";
import { local_inc } from "../../../kernel/include/asm/local.ts";

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
  return 0;
});
