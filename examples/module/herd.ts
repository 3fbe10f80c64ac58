/**
 * The thundering herd: tasks that wait for the same thing, of which there is one at a time. sys_herd_take(exclusive) waits for a
 * token and takes it, sys_herd_give() makes one and wakes. Of those who do not wait exclusively all are woken each
 * time, and all but one go to sleep again.
 */
import {
  i32,
  init_waitqueue_head,
  kernel_function,
  kernel_variable,
  printk,
  u32,
  wait_event,
  wait_event_exclusive,
  wait_queue_head_t,
  wake_up,
} from "esp0/kernel/module";

export const herd = kernel_variable("herd", wait_queue_head_t);
export const herd_tokens = kernel_variable("herd_tokens", u32);
/** How often somebody looked for a token. */
export const herd_looks = kernel_variable("herd_looks", u32);

export const sys_herd_init = kernel_function("sys_herd_init", [], i32, function* () {
  init_waitqueue_head(herd.address);
  return 0;
});

function has_token(): boolean {
  herd_looks.value++;
  return herd_tokens.value > 0;
}

export const sys_herd_take = kernel_function("sys_herd_take", [u32], i32, function* (exclusive) {
  if (exclusive === 0) yield* wait_event(herd.address, () => has_token());
  else yield* wait_event_exclusive(herd.address, () => has_token());
  herd_tokens.value--;
  return 0;
});

export const sys_herd_give = kernel_function("sys_herd_give", [], i32, function* () {
  printk(`herd: a token, after ${herd_looks.value} looks\n`);
  herd_tokens.value++;
  yield* wake_up(herd.address);
  return 0;
});
