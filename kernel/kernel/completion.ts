/** Completions: waiting for something that happens once, or so many times (kernel/sched.c, Linux 2.6). */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { completion } from "../include/linux/completion.ts";
import { ERESTARTSYS } from "../include/linux/errno.ts";
import { list_del } from "../include/linux/list.ts";
import {
  current,
  get_current,
  MAX_SCHEDULE_TIMEOUT,
  set_current_state,
  signal_pending_state,
  TASK_INTERRUPTIBLE,
  TASK_KILLABLE,
  TASK_NORMAL,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
} from "../include/linux/sched.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../include/linux/spinlock.ts";
import { init_waitqueue_entry, wait_queue_t } from "../include/linux/wait.ts";
import { schedule_timeout } from "./sched.ts";
import { __add_wait_queue_exclusive, __wake_up_common, TASK_LIST } from "./wait.ts";

/** `done` of what has happened for everybody, once and for all. */
const ALL = 0xffffffff;

/**
 * Completes `x`: lets one waiter, now or later, go on. Once its lock is given back it is not looked at again: it may lie on the
 * stack of the one it lets go.
 * @context any
 */
export const complete = kernel_function("complete", [pointer("completion")], undefined, function* (at) {
  const x = completion.at(at);
  const { lock } = x.wait;
  const flags = yield* spin_lock_irqsave(lock.address);
  if (x.done !== ALL) x.done++;
  yield* __wake_up_common(x.wait.address, TASK_NORMAL, 1, 0, 0);
  yield* spin_unlock_irqrestore(lock.address, flags);
});

/** Lets everybody go on who waits, or will, until reinit_completion. @context any */
export const complete_all = kernel_function("complete_all", [pointer("completion")], undefined, function* (at) {
  const x = completion.at(at);
  const { lock } = x.wait;
  const flags = yield* spin_lock_irqsave(lock.address);
  x.done = ALL;
  yield* __wake_up_common(x.wait.address, TASK_NORMAL, 0, 0, 0);
  yield* spin_unlock_irqrestore(lock.address, flags);
});

/**
 * Sleeps in `state` until `x` is completed, at most `timeout` ticks: those that are left, at least 1; 0 when the time was up;
 * -ERESTARTSYS when a signal came first. Waiters are served in the order in which they came.
 * @context might_sleep
 */
const wait_for_common = kernel_function(
  "wait_for_common",
  [pointer("completion"), i32, i32],
  i32,
  function* (at, timeout, state) {
    const x = completion.at(at);
    const { lock } = x.wait;
    let left = timeout;
    yield* spin_lock_irq(lock.address);
    if (x.done === 0) {
      const wait = local(wait_queue_t);
      init_waitqueue_entry(wait.address, get_current());
      __add_wait_queue_exclusive(x.wait.address, wait.address);
      do {
        // The state before the look for signals, so that who sends one sees whom to wake.
        yield* set_current_state(state);
        if (signal_pending_state(state, current())) {
          current().state = TASK_RUNNING;
          left = -ERESTARTSYS;
          break;
        }
        yield* spin_unlock_irq(lock.address);
        left = yield* schedule_timeout(left);
        yield* spin_lock_irq(lock.address);
      } while (x.done === 0 && left !== 0);
      list_del(wait.address + TASK_LIST);
    }
    // Completed and interrupted, or too late, at once: completed, since nobody else was woken for it.
    if (x.done !== 0) {
      if (x.done !== ALL) x.done--;
      left = Math.max(left, 1);
    }
    yield* spin_unlock_irq(lock.address);
    return left;
  },
);

/** Sleeps, deaf to signals, until `x` is completed. @context might_sleep */
export const wait_for_completion = kernel_function(
  "wait_for_completion",
  [pointer("completion")],
  undefined,
  function* (x) {
    yield* wait_for_common(x, MAX_SCHEDULE_TIMEOUT, TASK_UNINTERRUPTIBLE);
  },
);

/** At most `timeout` ticks: those that were left, at least 1, or 0. @context might_sleep */
export const wait_for_completion_timeout = kernel_function(
  "wait_for_completion_timeout",
  [pointer("completion"), i32],
  i32,
  function* (x, timeout) {
    return yield* wait_for_common(x, timeout, TASK_UNINTERRUPTIBLE);
  },
);

/** 0, or -ERESTARTSYS when a signal came first. @context might_sleep */
export const wait_for_completion_interruptible = kernel_function(
  "wait_for_completion_interruptible",
  [pointer("completion")],
  i32,
  function* (x) {
    return Math.min(yield* wait_for_common(x, MAX_SCHEDULE_TIMEOUT, TASK_INTERRUPTIBLE), 0);
  },
);

/** Ticks left, at least 1, 0 when the time was up, or -ERESTARTSYS. @context might_sleep */
export const wait_for_completion_interruptible_timeout = kernel_function(
  "wait_for_completion_interruptible_timeout",
  [pointer("completion"), i32],
  i32,
  function* (x, timeout) {
    return yield* wait_for_common(x, timeout, TASK_INTERRUPTIBLE);
  },
);

/** 0, or -ERESTARTSYS when SIGKILL came first: all other signals wait. @context might_sleep */
export const wait_for_completion_killable = kernel_function(
  "wait_for_completion_killable",
  [pointer("completion")],
  i32,
  function* (x) {
    return Math.min(yield* wait_for_common(x, MAX_SCHEDULE_TIMEOUT, TASK_KILLABLE), 0);
  },
);

/** Takes a completion if there is one: whether there was. Never sleeps. @context any */
export const try_wait_for_completion = kernel_function(
  "try_wait_for_completion",
  [pointer("completion")],
  i32,
  function* (at) {
    const x = completion.at(at);
    const flags = yield* spin_lock_irqsave(x.wait.lock.address);
    const done = x.done;
    if (done !== 0 && done !== ALL) x.done = done - 1;
    yield* spin_unlock_irqrestore(x.wait.lock.address, flags);
    return done === 0 ? 0 : 1;
  },
);

/** Whether somebody who waits now would not have to. @context any */
export function* completion_done(at: u32): Steps<boolean> {
  const x = completion.at(at);
  const flags = yield* spin_lock_irqsave(x.wait.lock.address);
  const { done } = x;
  yield* spin_unlock_irqrestore(x.wait.lock.address, flags);
  return done !== 0;
}
