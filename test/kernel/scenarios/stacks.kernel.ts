/** System calls and interrupt handlers that look at the stack they are on, for stacks.test.ts. */
import { request_irq } from "../../../kernel/arch/i386/kernel/irq.ts";
import { cstring, kernel_function, kernel_variable, local, type Steps } from "../../../kernel/host/declarations.ts";
import { array, i32, u32 } from "../../../kernel/host/types.ts";
import { current, get_current } from "../../../kernel/include/linux/sched.ts";

const name = cstring("stacks");

/** What `current` was in the handler that ran last. */
export const seen_current = kernel_variable("seen_current", u32);

/** Takes its time, with interrupts on. */
const slow_handler = kernel_function("slow_handler", [i32, u32, u32], i32, function* (_irq, _dev_id, _regs) {
  seen_current.value = get_current();
  for (let turn = 0; turn < 2000; turn++) yield;
  return 1;
});

const throwing_handler = kernel_function("throwing_handler", [i32, u32, u32], i32, function* (_irq, _dev_id, _regs) {
  throw new Error("nothing to be done");
});

/** IRQ 5 and 9 are slow, 11 throws. */
kernel_function("sys_listen", [], i32, function* () {
  yield* request_irq(5, slow_handler.address, 0, name.address, 0);
  yield* request_irq(9, slow_handler.address, 0, name.address, 0);
  return yield* request_irq(11, throwing_handler.address, 0, name.address, 0);
});

/** Takes its time in the kernel. */
kernel_function("sys_dawdle", [i32], i32, function* (turns) {
  for (let turn = 0; turn < turns; turn++) yield;
  return 0;
});

function* descend(depth: u32): Steps<u32> {
  return depth === 0 ? 0 : 1 + (yield* descend(depth - 1));
}

/** The same with larger frames, so that the end of the stack comes at other places of it. */
function* descend_far(depth: u32): Steps<u32> {
  const words = local(array(u32, 25));
  words.value.set(0, depth);
  return depth === 0 ? 0 : words.value.get(0) - depth + 1 + (yield* descend_far(depth - 1));
}

kernel_function("sys_descend", [u32, i32], i32, function* (depth, far) {
  return far === 0 ? yield* descend(depth) : yield* descend_far(depth);
});

/** The pid, by `current` of hosted code. */
kernel_function("sys_whoami", [], i32, function* () {
  return current().pid;
});
