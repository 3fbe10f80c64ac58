/** One task looks whether something has happened and sleeps if not; another, or a timer's function, has it happen and wakes. */
import { kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";
import { lock_kernel, unlock_kernel } from "../../../kernel/include/asm/smplock.ts";
import { completion, init_completion } from "../../../kernel/include/linux/completion.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { init_waitqueue_head, wait_queue_head_t } from "../../../kernel/include/linux/wait.ts";
import { wait_event } from "../../../kernel/include/linux/wait-event.ts";
import { complete, wait_for_completion } from "../../../kernel/kernel/completion.ts";
import { sleep_on } from "../../../kernel/kernel/sleep-on.ts";
import { add_timer, init_timer, jiffies } from "../../../kernel/kernel/timer.ts";
import { wake_up } from "../../../kernel/kernel/wait.ts";

const queue = kernel_variable("r_queue", wait_queue_head_t);
const happened = kernel_variable("r_happened", u32);
const event = kernel_variable("r_event", completion);
/** The sleeper is about to look. */
export const looking = kernel_variable("r_looking", u32);

kernel_function("sys_r_init", [], i32, function* () {
  init_waitqueue_head(queue.address);
  init_completion(event.address);
  return 0;
});

/** Sleeps without a condition, after a look of its own: a wake-up between the two is lost. */
export const careless = kernel_function("r_careless", [], undefined, function* () {
  looking.value = 1;
  if (happened.value === 0) yield* sleep_on(queue.address);
  looking.value = 2;
});

export const careful = kernel_function("r_careful", [], undefined, function* () {
  looking.value = 1;
  yield* wait_event(queue.address, () => happened.value !== 0);
  looking.value = 2;
});

export const by_completion = kernel_function("r_by_completion", [], undefined, function* () {
  looking.value = 1;
  yield* wait_for_completion(event.address);
  looking.value = 2;
});

function* sleeper(how: u32): Steps<void> {
  if (how === 0) yield* careless();
  if (how === 1) yield* careful();
  if (how === 2) yield* by_completion();
}

function* waker(how: u32): Steps<void> {
  if (how === 2) {
    yield* complete(event.address);
    return;
  }
  happened.value = 1;
  yield* wake_up(queue.address);
}

kernel_function("sys_r_sleep", [u32], i32, function* (how) {
  yield* sleeper(how);
  return 0;
});

/** With the big kernel lock: nobody else who has it comes between the look and the sleep, in which it is given up. */
kernel_function("sys_r_sleep_locked", [u32], i32, function* (how) {
  yield* lock_kernel();
  yield* sleeper(how);
  yield* unlock_kernel();
  return 0;
});

kernel_function("sys_r_wake", [u32], i32, function* (how) {
  while (looking.value === 0);
  yield* waker(how);
  return 0;
});

kernel_function("sys_r_wake_locked", [u32], i32, function* (how) {
  yield* lock_kernel();
  yield* waker(how);
  yield* unlock_kernel();
  return 0;
});

const timer = kernel_variable("r_timer", timer_list);

const ring = kernel_function("r_ring", [u32], undefined, function* (how) {
  yield* waker(how);
});

/** Sleeps until a timer's function has it happen, at the next tick. */
kernel_function("sys_r_sleep_till_tick", [u32], i32, function* (how) {
  const t = timer.value;
  init_timer(t.address);
  t.expires = jiffies.value + 1;
  t.data = how;
  t.function = ring.address;
  yield* add_timer(t.address);
  yield* sleeper(how);
  return 0;
});
