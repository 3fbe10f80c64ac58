/** Wait queues: waking those who sleep on them, and getting on and off (kernel/sched.c and kernel/wait.c, Linux 2.6). */
import { call_pointer, kernel_function, type Steps } from "../host/declarations.ts";
import { container_of, i32, pointer, u32 } from "../host/types.ts";
import { ERESTARTSYS } from "../include/linux/errno.ts";
import {
  list_add,
  list_add_tail,
  list_del,
  list_del_init,
  list_empty,
  list_for_each,
  list_next,
  list_prev,
} from "../include/linux/list.ts";
import {
  current,
  set_current_state,
  signal_pending_state,
  TASK_INTERRUPTIBLE,
  TASK_NORMAL,
  TASK_RUNNING,
  task_struct,
} from "../include/linux/sched.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../include/linux/spinlock.ts";
import { default_wake_function, WQ_FLAG_EXCLUSIVE, wait_queue_head_t, wait_queue_t } from "../include/linux/wait.ts";
import { try_to_wake_up } from "./sched.ts";

/** Wakes the task of an entry, if it sleeps in one of the states of `mode`. Returns whether it did. @context irqs_disabled */
kernel_function(
  "default_wake_function",
  [pointer("wait_queue_t"), u32, i32, u32],
  i32,
  function* (wait, mode, sync, _key) {
    const p = task_struct.at(wait_queue_t.at(wait).task);
    return (p.state & mode) === 0 ? 0 : yield* try_to_wake_up(p.address, sync);
  },
);

/** The same; takes the entry off its queue if so: the next wake-up is for somebody else. @context irqs_disabled */
kernel_function(
  "autoremove_wake_function",
  [pointer("wait_queue_t"), u32, i32, u32],
  i32,
  function* (wait, mode, sync, key) {
    const woken = yield* default_wake_function(wait, mode, sync, key);
    if (woken !== 0) list_del_init(wait + TASK_LIST);
    return woken;
  },
);

/**
 * What __wake_up does: calls the function of each entry, until `nr` exclusive ones have woken somebody. For the entries of
 * 2.4, which only have their task woken, this is done here.
 * @context irqs_disabled holds wait_queue_head_t.lock of queue
 */
export function* __wake_up_common(queue: u32, mode: u32, nr: i32, sync: i32, key: u32): Steps<void> {
  let exclusive_left = nr;
  for (const entry of list_for_each(wait_queue_head_t.at(queue).task_list.address)) {
    const wait = wait_queue_t.at(container_of(entry, wait_queue_t, "task_list"));
    if (wait.func !== default_wake_function.address) {
      const { flags } = wait; // before the call: a waiter that was woken may be gone after it
      const done = yield* call_pointer(wait.func, i32, wait.address, mode, sync, key);
      if (done !== 0 && flags & WQ_FLAG_EXCLUSIVE && --exclusive_left === 0) break;
      continue;
    }
    if ((task_struct.at(wait.task).state & mode) === 0) continue;
    const woken = yield* try_to_wake_up(wait.task, sync);
    if (woken !== 0 && wait.flags & WQ_FLAG_EXCLUSIVE && --exclusive_left === 0) break;
  }
}

/** @inline */
function* wake(queue: u32, mode: u32, nr: i32, sync: i32, key: u32): Steps<void> {
  const head = wait_queue_head_t.at(queue);
  const flags = yield* spin_lock_irqsave(head.lock.address);
  yield* __wake_up_common(queue, mode, nr, sync, key);
  yield* spin_unlock_irqrestore(head.lock.address, flags);
}

/**
 * Wakes the tasks on a wait queue whose state is in `mode`: all of them, but only `nr` of the exclusive waiters; all of these,
 * too, with 0.
 * @context any
 */
export const __wake_up = kernel_function(
  "__wake_up",
  [pointer("wait_queue_head_t"), u32, i32],
  undefined,
  function* (queue, mode, nr) {
    yield* wake(queue, mode, nr, 0, 0);
  },
);

/** The same with a key, which tells those that are meant (wake_bit_function). @context any */
export const __wake_up_key = kernel_function(
  "__wake_up_key",
  [pointer("wait_queue_head_t"), u32, i32, u32],
  undefined,
  function* (queue, mode, nr, key) {
    yield* wake(queue, mode, nr, 0, key);
  },
);

/** The same by a waker that is about to sleep: those woken do not preempt it. @context any */
export const __wake_up_sync = kernel_function(
  "__wake_up_sync",
  [pointer("wait_queue_head_t"), u32, i32],
  undefined,
  function* (queue, mode, nr) {
    yield* wake(queue, mode, nr, 1, 0);
  },
);

/** Wakes everybody on a queue, but of the exclusive waiters one. @context any */
export function* wake_up(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_NORMAL, 1);
}

/** At most `nr` exclusive waiters. @context any */
export function* wake_up_nr(queue: u32, nr: i32): Steps<void> {
  yield* __wake_up(queue, TASK_NORMAL, nr);
}

/** Exclusive waiters, too: the thundering herd. @context any */
export function* wake_up_all(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_NORMAL, 0);
}

/** The same, by who has the queue's lock. @context irqs_disabled holds wait_queue_head_t.lock of queue */
export function* wake_up_locked(queue: u32): Steps<void> {
  yield* __wake_up_common(queue, TASK_NORMAL, 1, 0, 0);
}

/** Those that a signal would wake, too. @context any */
export function* wake_up_interruptible(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_INTERRUPTIBLE, 1);
}

/** @context any */
export function* wake_up_interruptible_nr(queue: u32, nr: i32): Steps<void> {
  yield* __wake_up(queue, TASK_INTERRUPTIBLE, nr);
}

/** @context any */
export function* wake_up_interruptible_all(queue: u32): Steps<void> {
  yield* __wake_up(queue, TASK_INTERRUPTIBLE, 0);
}

/** @context any */
export function* wake_up_interruptible_sync(queue: u32): Steps<void> {
  yield* __wake_up_sync(queue, TASK_INTERRUPTIBLE, 1);
}

/** Whether somebody is on the queue: a look without its lock. */
export function waitqueue_active(queue: number): boolean {
  return !list_empty(wait_queue_head_t.at(queue).task_list.address);
}

export const TASK_LIST = wait_queue_t.offset("task_list");

/** What add_wait_queue does (include/linux/wait.h). @context holds wait_queue_head_t.lock of queue */
export function __add_wait_queue(queue: number, wait: number): void {
  wait_queue_t.at(wait).flags &= ~WQ_FLAG_EXCLUSIVE;
  enqueue(queue, wait);
}

/** @context holds wait_queue_head_t.lock of queue */
export function __add_wait_queue_exclusive(queue: number, wait: number): void {
  wait_queue_t.at(wait).flags |= WQ_FLAG_EXCLUSIVE;
  enqueue(queue, wait);
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
 * Puts the current task on a queue, if it is not on it, and says that it is about to sleep. The condition is looked at
 * after that: who makes it hold from then on, and wakes the queue, makes the task RUNNING again.
 * @context any
 */
export const prepare_to_wait = kernel_function(
  "prepare_to_wait",
  [pointer("wait_queue_head_t"), pointer("wait_queue_t"), i32],
  undefined,
  function* (queue, wait, state) {
    const lock = wait_queue_head_t.at(queue).lock.address;
    const flags = yield* spin_lock_irqsave(lock);
    if (list_empty(wait + TASK_LIST)) __add_wait_queue(queue, wait);
    yield* set_current_state(state);
    yield* spin_unlock_irqrestore(lock, flags);
  },
);

/** The same as an exclusive waiter: behind all others. @context any */
export const prepare_to_wait_exclusive = kernel_function(
  "prepare_to_wait_exclusive",
  [pointer("wait_queue_head_t"), pointer("wait_queue_t"), i32],
  undefined,
  function* (queue, wait, state) {
    const lock = wait_queue_head_t.at(queue).lock.address;
    const flags = yield* spin_lock_irqsave(lock);
    if (list_empty(wait + TASK_LIST)) __add_wait_queue_exclusive(queue, wait);
    yield* set_current_state(state);
    yield* spin_unlock_irqrestore(lock, flags);
  },
);

/**
 * What the wait_event family calls in front of each look: -ERESTARTSYS, and the entry is off the queue, when a signal is
 * pending that ends a sleep in `state`, so that no wake-up is spent on a task that leaves; else 0. WQ_FLAG_EXCLUSIVE in
 * the entry says on which end it goes.
 * @context any
 */
export const prepare_to_wait_event = kernel_function(
  "prepare_to_wait_event",
  [pointer("wait_queue_head_t"), pointer("wait_queue_t"), i32],
  i32,
  function* (queue, wait, state) {
    const { lock } = wait_queue_head_t.at(queue);
    const flags = yield* spin_lock_irqsave(lock.address);
    let result: i32 = 0;
    if (signal_pending_state(state, current())) {
      list_del_init(wait + TASK_LIST);
      result = -ERESTARTSYS;
    } else {
      if (list_empty(wait + TASK_LIST)) enqueue(queue, wait);
      // The lock does not have the state seen before the condition is looked at: the barrier does.
      yield* set_current_state(state);
    }
    yield* spin_unlock_irqrestore(lock.address, flags);
    return result;
  },
);

/** On the end of the queue where an entry's flags say. @context holds wait_queue_head_t.lock of queue */
function enqueue(queue: number, wait: number): void {
  const { task_list } = wait_queue_head_t.at(queue);
  if (wait_queue_t.at(wait).flags & WQ_FLAG_EXCLUSIVE) list_add_tail(wait + TASK_LIST, task_list.address);
  else list_add(wait + TASK_LIST, task_list.address);
}

/** Whether an entry is off its queue, and nobody is about to take it off: both its pointers say so (list_empty_careful). */
function is_off(entry: number): boolean {
  return list_next(entry) === entry && list_prev(entry) === entry;
}

/** The current task waits no more. A waiter that was woken is off the queue already, and needs no lock. @context any */
export const finish_wait = kernel_function(
  "finish_wait",
  [pointer("wait_queue_head_t"), pointer("wait_queue_t")],
  undefined,
  function* (queue, wait) {
    yield* set_current_state(TASK_RUNNING);
    if (is_off(wait + TASK_LIST)) return;
    const lock = wait_queue_head_t.at(queue).lock.address;
    const flags = yield* spin_lock_irqsave(lock);
    list_del_init(wait + TASK_LIST);
    yield* spin_unlock_irqrestore(lock, flags);
  },
);
