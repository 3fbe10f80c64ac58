/** Wait queues, sleeping on them, and completions (kernel/sched.c and kernel/fork.c, Linux 2.4). */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { container_of, i32, pointer, u32 } from "../host/types.ts";
import { completion } from "../include/linux/completion.ts";
import { ERESTARTSYS } from "../include/linux/errno.ts";
import { list_add, list_add_tail, list_del, list_for_each } from "../include/linux/list.ts";
import {
  current,
  get_current,
  MAX_SCHEDULE_TIMEOUT,
  set_current_state,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_UNINTERRUPTIBLE,
  task_struct,
} from "../include/linux/sched.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
} from "../include/linux/spinlock.ts";
import { init_waitqueue_entry, WQ_FLAG_EXCLUSIVE, wait_queue_head_t, wait_queue_t } from "../include/linux/wait.ts";
import { schedule, schedule_timeout, try_to_wake_up } from "./sched.ts";

/** What __wake_up does. @context irqs_disabled holds wait_queue_head_t.lock of queue */
function* __wake_up_common(queue: u32, mode: u32, nr: i32): Steps<void> {
  let exclusive_left = nr;
  for (const entry of list_for_each(wait_queue_head_t.at(queue).task_list.address)) {
    const wait = wait_queue_t.at(container_of(entry, wait_queue_t, "task_list"));
    const p = task_struct.at(wait.task);
    if ((p.state & mode) === 0) continue;
    const woken = yield* try_to_wake_up(p.address, 0);
    if (woken !== 0 && wait.flags & WQ_FLAG_EXCLUSIVE && --exclusive_left === 0) break;
  }
}

/**
 * Wakes the tasks on a wait queue whose state is in `mode`: all of them, but only `nr` of the exclusive waiters.
 * @context any
 */
export const __wake_up = kernel_function(
  "__wake_up",
  [pointer("wait_queue_head_t"), u32, i32],
  undefined,
  function* (queue, mode, nr) {
    const head = wait_queue_head_t.at(queue);
    const flags = yield* spin_lock_irqsave(head.lock.address);
    yield* __wake_up_common(queue, mode, nr);
    yield* spin_unlock_irqrestore(head.lock.address, flags);
  },
);

/** @context any */
export function* wake_up(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_UNINTERRUPTIBLE | TASK_INTERRUPTIBLE, 1);
}

/** @context any */
export function* wake_up_interruptible(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_INTERRUPTIBLE, 1);
}

/** The same, by who has the queue's lock. @context irqs_disabled holds wait_queue_head_t.lock of queue */
export function* wake_up_locked(queue: u32): Steps<void> {
  yield* __wake_up_common(queue, TASK_UNINTERRUPTIBLE | TASK_INTERRUPTIBLE, 1);
}

const TASK_LIST = wait_queue_t.offset("task_list");

/** What add_wait_queue does (include/linux/wait.h). @context holds wait_queue_head_t.lock of queue */
function __add_wait_queue(queue: number, wait: number): void {
  wait_queue_t.at(wait).flags &= ~WQ_FLAG_EXCLUSIVE;
  list_add(wait + TASK_LIST, wait_queue_head_t.at(queue).task_list.address);
}

/** @context holds wait_queue_head_t.lock of queue */
export function __add_wait_queue_exclusive(queue: number, wait: number): void {
  wait_queue_t.at(wait).flags |= WQ_FLAG_EXCLUSIVE;
  list_add_tail(wait + TASK_LIST, wait_queue_head_t.at(queue).task_list.address);
}

/** What remove_wait_queue does, with the queue's lock held. */
export function __remove_wait_queue(wait: number): void {
  list_del(wait + TASK_LIST);
}

/** Puts a wait-queue entry first on the queue (kernel/fork.c). @context any */
export function* add_wait_queue(queue: u32, wait: u32): Steps<void> {
  const lock = wait_queue_head_t.at(queue).lock.address;
  const flags = yield* spin_lock_irqsave(lock);
  __add_wait_queue(queue, wait);
  yield* spin_unlock_irqrestore(lock, flags);
}

/** Exclusive waiters go to the end, so that everybody else is woken with the first of them. @context any */
export function* add_wait_queue_exclusive(queue: u32, wait: u32): Steps<void> {
  const lock = wait_queue_head_t.at(queue).lock.address;
  const flags = yield* spin_lock_irqsave(lock);
  __add_wait_queue_exclusive(queue, wait);
  yield* spin_unlock_irqrestore(lock, flags);
}

/** @context any */
export function* remove_wait_queue(queue: u32, wait: u32): Steps<void> {
  const lock = wait_queue_head_t.at(queue).lock.address;
  const flags = yield* spin_lock_irqsave(lock);
  __remove_wait_queue(wait);
  yield* spin_unlock_irqrestore(lock, flags);
}

/**
 * Sleeps on the queue until the condition holds (include/linux/sched.h); who makes it hold wakes the queue. A macro: the
 * condition is evaluated where it is used, a statement in front of each sleep and with the task on the queue already, so
 * that no wake-up is lost.
 */
export function* wait_event(queue: u32, condition: () => boolean): Steps<void> {
  if (condition()) return;
  const wait = local(wait_queue_t);
  init_waitqueue_entry(wait.address, get_current());
  yield* add_wait_queue(queue, wait.address);
  for (;;) {
    yield* set_current_state(TASK_UNINTERRUPTIBLE);
    if (condition()) break;
    yield* schedule();
  }
  current().state = TASK_RUNNING;
  yield* remove_wait_queue(queue, wait.address);
}

/** The same; a signal ends it with -ERESTARTSYS. 0 when the condition holds. */
export function* wait_event_interruptible(queue: u32, condition: () => boolean): Steps<i32> {
  if (condition()) return 0;
  const wait = local(wait_queue_t);
  init_waitqueue_entry(wait.address, get_current());
  yield* add_wait_queue(queue, wait.address);
  let result: i32 = 0;
  for (;;) {
    yield* set_current_state(TASK_INTERRUPTIBLE);
    if (condition()) break;
    if (current().sigpending !== 0) {
      result = -ERESTARTSYS;
      break;
    }
    yield* schedule();
  }
  current().state = TASK_RUNNING;
  yield* remove_wait_queue(queue, wait.address);
  return result;
}

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

/**
 * Sleeps until woken through the queue. Nobody rechecks a condition: a wake-up between the caller's check and the sleep
 * is lost, unless interrupts are off from the check on and no other CPU sends it.
 * @context in_task
 */
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

/** Completes `x`: lets one waiter, now or later, go on. @context any */
export const complete = kernel_function("complete", [pointer("completion")], undefined, function* (at) {
  const x = completion.at(at);
  const { lock } = x.wait;
  const flags = yield* spin_lock_irqsave(lock.address);
  x.done++;
  yield* __wake_up_common(x.wait.address, TASK_UNINTERRUPTIBLE | TASK_INTERRUPTIBLE, 1);
  yield* spin_unlock_irqrestore(lock.address, flags);
});

/** Sleeps, deaf to signals, until `x` is completed. Waiters are served in order. @context might_sleep */
export const wait_for_completion = kernel_function(
  "wait_for_completion",
  [pointer("completion")],
  undefined,
  function* (at) {
    const x = completion.at(at);
    const { lock } = x.wait;
    yield* spin_lock_irq(lock.address);
    if (x.done === 0) {
      const wait = local(wait_queue_t);
      init_waitqueue_entry(wait.address, get_current());
      __add_wait_queue_exclusive(x.wait.address, wait.address);
      do {
        current().state = TASK_UNINTERRUPTIBLE;
        yield* spin_unlock_irq(lock.address);
        yield* schedule();
        yield* spin_lock_irq(lock.address);
      } while (x.done === 0);
      __remove_wait_queue(wait.address);
    }
    x.done--;
    yield* spin_unlock_irq(lock.address);
  },
);
