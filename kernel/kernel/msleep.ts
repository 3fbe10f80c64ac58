/**
 * Sleeping by the clock (kernel/timer.c, Linux 2.6): at least as long as asked for. A tick is the resolution, and the current
 * one is partly over, so that one more is waited for.
 */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { type i32, u32 } from "../host/types.ts";
import {
  current,
  MAX_SCHEDULE_TIMEOUT,
  signal_pending_state,
  TASK_INTERRUPTIBLE,
  TASK_KILLABLE,
  TASK_UNINTERRUPTIBLE,
} from "../include/linux/sched.ts";
import { MSEC_PER_SEC } from "../include/linux/time.ts";
import { schedule_timeout } from "./sched.ts";
import { HZ } from "./timer.ts";

/** Ticks that last at least as long; below MAX_SCHEDULE_TIMEOUT. */
export function msecs_to_jiffies(milliseconds: number): i32 {
  return Math.min(Math.ceil((milliseconds * HZ.value) / MSEC_PER_SEC), MAX_SCHEDULE_TIMEOUT - 1);
}

export function jiffies_to_msecs(ticks: number): u32 {
  return Math.floor((ticks * MSEC_PER_SEC) / HZ.value);
}

/** schedule_timeout() in a state that no signal ends. @context might_sleep */
export function* schedule_timeout_uninterruptible(timeout: i32): Steps<i32> {
  current().state = TASK_UNINTERRUPTIBLE;
  return yield* schedule_timeout(timeout);
}

/** In one that any signal ends. @context might_sleep */
export function* schedule_timeout_interruptible(timeout: i32): Steps<i32> {
  current().state = TASK_INTERRUPTIBLE;
  return yield* schedule_timeout(timeout);
}

/** In one that SIGKILL ends. @context might_sleep */
export function* schedule_timeout_killable(timeout: i32): Steps<i32> {
  current().state = TASK_KILLABLE;
  return yield* schedule_timeout(timeout);
}

/** Sleeps for so many milliseconds at least, deaf to signals and wake-ups. @context might_sleep */
export const msleep = kernel_function("msleep", [u32], undefined, function* (milliseconds) {
  let left: i32 = msecs_to_jiffies(milliseconds) + 1;
  while (left !== 0) left = yield* schedule_timeout_uninterruptible(left);
});

/** The same; a signal ends it. Returns the milliseconds left. @context might_sleep */
export const msleep_interruptible = kernel_function("msleep_interruptible", [u32], u32, function* (milliseconds) {
  let left: i32 = msecs_to_jiffies(milliseconds) + 1;
  while (left !== 0 && !signal_pending_state(TASK_INTERRUPTIBLE, current())) {
    left = yield* schedule_timeout_interruptible(left);
  }
  return jiffies_to_msecs(left);
});

/** Sleeps for so many seconds at least. @context might_sleep */
export function* ssleep(seconds: u32): Steps<void> {
  yield* msleep(seconds * MSEC_PER_SEC);
}
