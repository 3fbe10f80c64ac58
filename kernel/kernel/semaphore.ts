/**
 * Waiting for semaphores (arch/i386/kernel/semaphore.c, Linux 2.4): what lib/semaphore.S leaves, when the count got below 0.
 *
 * Everybody who waits has taken one off the count. Whoever looks whether he can have it, with the queue's lock, puts back what
 * the others took, which is what `sleepers` says, and leaves one off for himself and all of them if he cannot.
 */
import { kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { atomic_add, atomic_add_negative } from "../include/asm/atomic.ts";
import { semaphore } from "../include/asm/semaphore.ts";
import { EINTR } from "../include/linux/errno.ts";
import {
  current,
  get_current,
  TASK_INTERRUPTIBLE,
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
import { schedule } from "./sched.ts";
import { signal_pending } from "./signal.ts";
import { __add_wait_queue_exclusive, __remove_wait_queue, wake_up, wake_up_locked } from "./wait.ts";

/** Waits in `state` until it has the semaphore, or a signal comes: 0 or -EINTR. @context might_sleep */
function* down_slowly(sem: semaphore, state: i32): Steps<i32> {
  const wait = local(wait_queue_t);
  const { lock } = sem.wait;
  let result: i32 = 0;
  init_waitqueue_entry(wait.address, get_current());
  current().state = state;
  yield* spin_lock_irq(lock.address);
  __add_wait_queue_exclusive(sem.wait.address, wait.address);
  sem.sleepers++;
  for (;;) {
    const { sleepers } = sem;
    if (state === TASK_INTERRUPTIBLE && signal_pending(current())) {
      result = -EINTR;
      sem.sleepers = 0;
      yield* atomic_add(sleepers, sem.address);
      break;
    }
    if ((yield* atomic_add_negative(sleepers - 1, sem.address)) === 0) {
      sem.sleepers = 0;
      break;
    }
    sem.sleepers = 1;
    yield* spin_unlock_irq(lock.address);
    yield* schedule();
    current().state = state;
    yield* spin_lock_irq(lock.address);
  }
  current().state = TASK_RUNNING;
  __remove_wait_queue(wait.address);
  yield* wake_up_locked(sem.wait.address); // there may be more of it to have
  yield* spin_unlock_irq(lock.address);
  return result;
}

/** @context might_sleep */
export const __down = kernel_function("__down", [pointer("semaphore")], undefined, function* (sem) {
  yield* down_slowly(semaphore.at(sem), TASK_UNINTERRUPTIBLE);
});

/** @context might_sleep */
export const __down_interruptible = kernel_function(
  "__down_interruptible",
  [pointer("semaphore")],
  i32,
  function* (sem) {
    return yield* down_slowly(semaphore.at(sem), TASK_INTERRUPTIBLE);
  },
);

/** Puts back what was taken off the count. @context any */
export const __down_trylock = kernel_function("__down_trylock", [pointer("semaphore")], i32, function* (at) {
  const sem = semaphore.at(at);
  const flags: u32 = yield* spin_lock_irqsave(sem.wait.lock.address);
  const sleepers: i32 = sem.sleepers + 1;
  sem.sleepers = 0;
  if ((yield* atomic_add_negative(sleepers, at)) === 0) yield* wake_up_locked(sem.wait.address);
  yield* spin_unlock_irqrestore(sem.wait.lock.address, flags);
  return 1;
});

/** @context any */
export const __up = kernel_function("__up", [pointer("semaphore")], undefined, function* (sem) {
  yield* wake_up(semaphore.at(sem).wait.address);
});
