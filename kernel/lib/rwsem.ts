/** Waiting for reader/writer semaphores (lib/rwsem.c, Linux 2.4): what arch/i386/lib/rwsem.S leaves, when somebody has to wait. */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { container_of, type i32, pointer, struct, u32 } from "../host/types.ts";
import { atomic_add, atomic_add_return } from "../include/asm/atomic.ts";
import { spin_lock, spin_unlock, spin_unlock_wait } from "../include/asm/spinlock.ts";
import { list_add_tail, list_del, list_empty, list_head, list_next } from "../include/linux/list.ts";
import { RWSEM_ACTIVE_BIAS, RWSEM_ACTIVE_MASK, RWSEM_WAITING_BIAS, rw_semaphore } from "../include/linux/rwsem.ts";
import { current, get_current, set_current_state, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from "../include/linux/sched.ts";
import { schedule, wake_up_process } from "../kernel/sched.ts";

/** Somebody who waits, on his own stack. `flags` is what for, 0 once he has it. */
const rwsem_waiter = struct("rwsem_waiter", { list: list_head, flags: u32, task: pointer("task_struct") });

const RWSEM_WAITING_FOR_READ = 1;
const RWSEM_WAITING_FOR_WRITE = 2;

function flags_of(entry: number): number {
  return rwsem_waiter.at(container_of(entry, rwsem_waiter, "list")).flags;
}

/** Gives the semaphore to a waiter, which goes on from here: its stack may be gone once the wait_lock is free. */
function* grant(entry: u32): Steps<void> {
  const waiter = rwsem_waiter.at(container_of(entry, rwsem_waiter, "list"));
  list_del(entry);
  waiter.flags = 0;
  yield* wake_up_process(waiter.task);
}

/** Readers in front of the list, up to the first writer. */
function* readers_in_front(head: u32): Steps<i32> {
  let readers: i32 = 0;
  for (let entry: u32 = list_next(head); entry !== head && flags_of(entry) === RWSEM_WAITING_FOR_READ; ) {
    readers++;
    entry = list_next(entry);
  }
  return readers;
}

/**
 * Makes the caller active, if nobody is: only then may the semaphore be handed on. Whoever made it impossible and gives up
 * hands it on himself, unless that happens just now.
 */
function* become_the_only_active(sem: rw_semaphore): Steps<boolean> {
  for (;;) {
    const before = (yield* atomic_add_return(RWSEM_ACTIVE_BIAS, sem.address)) - RWSEM_ACTIVE_BIAS;
    if ((before & RWSEM_ACTIVE_MASK) === 0) return true;
    if (((yield* atomic_add_return(-RWSEM_ACTIVE_BIAS, sem.address)) & RWSEM_ACTIVE_MASK) !== 0) return false;
  }
}

/**
 * Gives the semaphore to the writer in front of the list, or to all readers in front of the first writer. When a writer has
 * become a reader (`downgrading`), only to readers. Needs wait_lock, and somebody on the list.
 */
function* __rwsem_do_wake(sem: rw_semaphore, downgrading: boolean): Steps<void> {
  const head = sem.wait_list.address;
  if (!downgrading && !(yield* become_the_only_active(sem))) return;
  if (flags_of(list_next(head)) === RWSEM_WAITING_FOR_WRITE) {
    if (!downgrading) yield* grant(list_next(head));
    return;
  }
  const readers = yield* readers_in_front(head);
  const active = downgrading ? readers : readers - 1; // one is active already
  yield* atomic_add(active * RWSEM_ACTIVE_BIAS - readers * RWSEM_WAITING_BIAS, sem.address);
  for (let left: i32 = readers; left > 0; left--) yield* grant(list_next(head));
}

/**
 * Waits at the end of the list until somebody gives the semaphore. `adjustment` makes a waiter of who has counted as active.
 * @context might_sleep
 */
function* rwsem_down_failed_common(sem: rw_semaphore, wanted: u32, adjustment: i32): Steps<void> {
  const waiter = local(rwsem_waiter);
  waiter.flags = wanted;
  waiter.task = get_current();
  yield* set_current_state(TASK_UNINTERRUPTIBLE);
  yield* spin_lock(sem.wait_lock.address);
  list_add_tail(waiter.list.address, sem.wait_list.address);
  const count = yield* atomic_add_return(adjustment, sem.address);
  if ((count & RWSEM_ACTIVE_MASK) === 0) yield* __rwsem_do_wake(sem, false);
  yield* spin_unlock(sem.wait_lock.address);
  while (waiter.flags !== 0) {
    yield* schedule();
    yield* set_current_state(TASK_UNINTERRUPTIBLE);
  }
  current().state = TASK_RUNNING;
  yield* spin_unlock_wait(sem.wait_lock.address); // who gave it has yet to wake this task, which may end next
}

/** @context might_sleep */
export const rwsem_down_read_failed = kernel_function(
  "rwsem_down_read_failed",
  [pointer("rw_semaphore")],
  undefined,
  function* (sem) {
    yield* rwsem_down_failed_common(
      rw_semaphore.at(sem),
      RWSEM_WAITING_FOR_READ,
      RWSEM_WAITING_BIAS - RWSEM_ACTIVE_BIAS,
    );
  },
);

/** @context might_sleep */
export const rwsem_down_write_failed = kernel_function(
  "rwsem_down_write_failed",
  [pointer("rw_semaphore")],
  undefined,
  function* (sem) {
    yield* rwsem_down_failed_common(rw_semaphore.at(sem), RWSEM_WAITING_FOR_WRITE, -RWSEM_ACTIVE_BIAS);
  },
);

/** The last that was active has given it up. */
export const rwsem_wake = kernel_function("rwsem_wake", [pointer("rw_semaphore")], undefined, function* (at) {
  const sem = rw_semaphore.at(at);
  yield* spin_lock(sem.wait_lock.address);
  if (!list_empty(sem.wait_list.address)) yield* __rwsem_do_wake(sem, false);
  yield* spin_unlock(sem.wait_lock.address);
});

/** A writer has become a reader, and somebody waits. */
export const rwsem_downgrade_wake = kernel_function(
  "rwsem_downgrade_wake",
  [pointer("rw_semaphore")],
  undefined,
  function* (at) {
    const sem = rw_semaphore.at(at);
    yield* spin_lock(sem.wait_lock.address);
    if (!list_empty(sem.wait_list.address)) yield* __rwsem_do_wake(sem, true);
    yield* spin_unlock(sem.wait_lock.address);
  },
);
