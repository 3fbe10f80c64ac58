/**
 * The wait_event family (include/linux/wait.h, Linux 2.6): sleeping until a condition holds. Who makes it hold wakes the queue.
 *
 * Macros: the condition is evaluated where they are used, a statement in front of each sleep, with the task on the queue and
 * its state set already. So a wake-up is never lost: one that comes before the look has made the condition hold, one that
 * comes after it makes the task RUNNING again, and schedule() returns. Woken for nothing, it sleeps again.
 */
import { local, type Steps } from "../../host/declarations.ts";
import type { i32, u32 } from "../../host/types.ts";
import { schedule, schedule_timeout } from "../../kernel/sched.ts";
import { finish_wait, prepare_to_wait_event } from "../../kernel/wait.ts";
import { get_current, TASK_INTERRUPTIBLE, TASK_KILLABLE, TASK_UNINTERRUPTIBLE } from "./sched.ts";
import { spin_lock_irq, spin_unlock_irq } from "./spinlock.ts";
import { init_wait_entry, WQ_FLAG_EXCLUSIVE, wait_queue_t } from "./wait.ts";

/** The loop of all of them; `sleep` is what is done between two looks. 0, or -ERESTARTSYS. */
export function* ___wait_event(
  queue: u32,
  state: i32,
  flags: u32,
  condition: () => boolean,
  sleep: () => Steps<void>,
): Steps<i32> {
  const wait = local(wait_queue_t);
  init_wait_entry(wait.address, get_current(), flags);
  let result: i32 = 0;
  for (;;) {
    result = yield* prepare_to_wait_event(queue, wait.address, state);
    if (condition()) {
      result = 0;
      break;
    }
    if (result !== 0) break;
    yield* sleep();
  }
  yield* finish_wait(queue, wait.address);
  return result;
}

/** The same with a time limit: ticks left, at least 1 when the condition holds; 0 when the time is up; or -ERESTARTSYS. */
export function* ___wait_event_timeout(queue: u32, state: i32, condition: () => boolean, timeout: i32): Steps<i32> {
  const wait = local(wait_queue_t);
  init_wait_entry(wait.address, get_current(), 0);
  let left: i32 = timeout;
  for (;;) {
    const interrupted = yield* prepare_to_wait_event(queue, wait.address, state);
    if (condition()) {
      left = Math.max(left, 1);
      break;
    }
    if (left === 0) break;
    if (interrupted !== 0) {
      left = interrupted;
      break;
    }
    left = yield* schedule_timeout(left);
  }
  yield* finish_wait(queue, wait.address);
  return left;
}

/** Sleeps until the condition holds, deaf to signals. */
export function* wait_event(queue: u32, condition: () => boolean): Steps<void> {
  if (condition()) return;
  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, 0, condition, function* () {
    yield* schedule();
  });
}

/** A signal ends it with -ERESTARTSYS. 0 when the condition holds. */
export function* wait_event_interruptible(queue: u32, condition: () => boolean): Steps<i32> {
  if (condition()) return 0;
  return yield* ___wait_event(queue, TASK_INTERRUPTIBLE, 0, condition, function* () {
    yield* schedule();
  });
}

/** SIGKILL ends it with -ERESTARTSYS, no other signal. 0 when the condition holds. */
export function* wait_event_killable(queue: u32, condition: () => boolean): Steps<i32> {
  if (condition()) return 0;
  return yield* ___wait_event(queue, TASK_KILLABLE, 0, condition, function* () {
    yield* schedule();
  });
}

/** At most `timeout` ticks: those left, at least 1, when the condition holds; 0 when the time is up and it does not. */
export function* wait_event_timeout(queue: u32, condition: () => boolean, timeout: i32): Steps<i32> {
  return yield* ___wait_event_timeout(queue, TASK_UNINTERRUPTIBLE, condition, timeout);
}

/** The same, and -ERESTARTSYS when a signal comes first. */
export function* wait_event_interruptible_timeout(queue: u32, condition: () => boolean, timeout: i32): Steps<i32> {
  return yield* ___wait_event_timeout(queue, TASK_INTERRUPTIBLE, condition, timeout);
}

/** The same, and -ERESTARTSYS when SIGKILL comes first. */
export function* wait_event_killable_timeout(queue: u32, condition: () => boolean, timeout: i32): Steps<i32> {
  return yield* ___wait_event_timeout(queue, TASK_KILLABLE, condition, timeout);
}

/** An exclusive waiter: a wake-up wakes the first of these alone, behind all who are not. */
export function* wait_event_exclusive(queue: u32, condition: () => boolean): Steps<void> {
  if (condition()) return;
  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, WQ_FLAG_EXCLUSIVE, condition, function* () {
    yield* schedule();
  });
}

/** The same; a signal ends it with -ERESTARTSYS. 0 when the condition holds. */
export function* wait_event_interruptible_exclusive(queue: u32, condition: () => boolean): Steps<i32> {
  if (condition()) return 0;
  return yield* ___wait_event(queue, TASK_INTERRUPTIBLE, WQ_FLAG_EXCLUSIVE, condition, function* () {
    yield* schedule();
  });
}

/** Executes `before` in front of each sleep, and `after` behind it: what must not be held, or on, while the task sleeps. */
export function* wait_event_cmd(
  queue: u32,
  condition: () => boolean,
  before: () => Steps<void>,
  after: () => Steps<void>,
): Steps<void> {
  if (condition()) return;
  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, 0, condition, function* () {
    yield* before();
    yield* schedule();
    yield* after();
  });
}

/** Another name of wait_event_cmd. */
export function* wait_event_command(
  queue: u32,
  condition: () => boolean,
  before: () => Steps<void>,
  after: () => Steps<void>,
): Steps<void> {
  yield* wait_event_cmd(queue, condition, before, after);
}

/** Called with a spinlock held, interrupts off: the condition is looked at under it, and it is given up for each sleep. */
export function* wait_event_lock_irq(queue: u32, condition: () => boolean, lock: u32): Steps<void> {
  if (condition()) return;
  yield* ___wait_event(queue, TASK_UNINTERRUPTIBLE, 0, condition, function* () {
    yield* spin_unlock_irq(lock);
    yield* schedule();
    yield* spin_lock_irq(lock);
  });
}

/** The same; a signal ends it with -ERESTARTSYS, the lock held again. 0 when the condition holds. */
export function* wait_event_interruptible_lock_irq(queue: u32, condition: () => boolean, lock: u32): Steps<i32> {
  if (condition()) return 0;
  return yield* ___wait_event(queue, TASK_INTERRUPTIBLE, 0, condition, function* () {
    yield* spin_unlock_irq(lock);
    yield* schedule();
    yield* spin_lock_irq(lock);
  });
}
