/**
 * sleep_on and its family (kernel/sched.c, Linux 2.4): sleeping without a condition.
 *
 * Nobody looks again whether there is something to sleep for: a wake-up between the caller's look and the sleep is lost. It is
 * only kept out where the waker cannot come in between: if both have the big kernel lock, which no interrupt handler and no
 * timer's function has. `wait_event` has no such gap.
 */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import {
  current,
  get_current,
  MAX_SCHEDULE_TIMEOUT,
  TASK_INTERRUPTIBLE,
  TASK_UNINTERRUPTIBLE,
} from "../include/linux/sched.ts";
import { init_waitqueue_entry, wait_queue_t } from "../include/linux/wait.ts";
import { schedule_timeout } from "./sched.ts";
import { add_wait_queue, remove_wait_queue } from "./wait.ts";

/** @context in_task */
function* sleep_on_queue(queue: u32, state: i32, timeout: i32): Steps<i32> {
  const wait = local(wait_queue_t);
  init_waitqueue_entry(wait.address, get_current());
  current().state = state;
  yield* add_wait_queue(queue, wait.address);
  const left = yield* schedule_timeout(timeout);
  yield* remove_wait_queue(queue, wait.address);
  return left;
}

/** Sleeps until woken through the queue. @context in_task */
export const sleep_on = kernel_function("sleep_on", [pointer("wait_queue_head_t")], undefined, function* (queue) {
  yield* sleep_on_queue(queue, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
});

/** The same; a signal wakes too. @context in_task */
export const interruptible_sleep_on = kernel_function(
  "interruptible_sleep_on",
  [pointer("wait_queue_head_t")],
  undefined,
  function* (queue) {
    yield* sleep_on_queue(queue, TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
  },
);

/** Sleeps at most `timeout` ticks; returns the ticks left. @context in_task */
export const sleep_on_timeout = kernel_function(
  "sleep_on_timeout",
  [pointer("wait_queue_head_t"), i32],
  i32,
  function* (queue, timeout) {
    return yield* sleep_on_queue(queue, TASK_UNINTERRUPTIBLE, timeout);
  },
);

/** @context in_task */
export const interruptible_sleep_on_timeout = kernel_function(
  "interruptible_sleep_on_timeout",
  [pointer("wait_queue_head_t"), i32],
  i32,
  function* (queue, timeout) {
    return yield* sleep_on_queue(queue, TASK_INTERRUPTIBLE, timeout);
  },
);
