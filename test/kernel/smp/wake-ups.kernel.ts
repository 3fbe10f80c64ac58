/** A task that says that it is about to sleep, and then looks whether it has to; with the barrier in between, and without. */
import { kernel_function, kernel_variable, local, type Steps } from "../../../kernel/host/declarations.ts";
import { i32, u32 } from "../../../kernel/host/types.ts";
import {
  current,
  get_current,
  set_current_state,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
} from "../../../kernel/include/linux/sched.ts";
import {
  init_waitqueue_entry,
  init_waitqueue_head,
  wait_queue_head_t,
  wait_queue_t,
} from "../../../kernel/include/linux/wait.ts";
import { schedule } from "../../../kernel/kernel/sched.ts";
import { add_wait_queue, remove_wait_queue, wake_up } from "../../../kernel/kernel/wait.ts";

const queue = kernel_variable("wake_ups_queue", wait_queue_head_t);
/** The round that the sleeper waits in, and the one for which the condition holds. */
export const waiting = kernel_variable("wake_ups_waiting", u32);
export const ready = kernel_variable("wake_ups_ready", u32);

export const sys_wake_ups_init = kernel_function("sys_wake_ups_init", [], i32, function* () {
  init_waitqueue_head(queue.address);
  return 0;
});

/** A store of the state, and a load of the condition. */
function* sleep_once(round: u32, barrier: boolean): Steps<void> {
  const wait = local(wait_queue_t);
  init_waitqueue_entry(wait.address, get_current());
  waiting.value = round;
  yield* add_wait_queue(queue.address, wait.address); // its lock lets nothing wait that was stored before
  if (barrier) yield* set_current_state(TASK_UNINTERRUPTIBLE);
  else current().state = TASK_UNINTERRUPTIBLE;
  while (ready.value < round) {
    yield* schedule();
    if (barrier) yield* set_current_state(TASK_UNINTERRUPTIBLE);
    else current().state = TASK_UNINTERRUPTIBLE;
  }
  current().state = TASK_RUNNING;
  yield* remove_wait_queue(queue.address, wait.address);
}

/** sleeps(rounds, barrier) */
export const sys_sleeps = kernel_function("sys_sleeps", [u32, u32], i32, function* (rounds, barrier) {
  for (let round: u32 = 1; round <= rounds; round++) yield* sleep_once(round, barrier !== 0);
  return 0;
});

/** wakes(rounds): makes the condition hold and wakes whoever is about to sleep, as soon as somebody is. */
export const sys_wakes = kernel_function("sys_wakes", [u32], i32, function* (rounds) {
  for (let round: u32 = 1; round <= rounds; round++) {
    while (waiting.value < round) yield;
    ready.value = round;
    yield* wake_up(queue.address);
  }
  return 0;
});
