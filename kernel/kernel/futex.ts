/**
 * Fast user-space mutexes (Linux 2.6's kernel/futex.c): FUTEX_WAIT and FUTEX_WAKE between threads, which is what a C
 * library needs to join a thread and to wait for a lock. A futex is known by its address space and its address; processes
 * that share memory do not meet here.
 */
import { kernel_function, kernel_table, kernel_variable, local, type Steps } from "../host/declarations.ts";
import { container_of, i32, pointer, struct, u32 } from "../host/types.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../include/asm/spinlock.ts";
import { copy_from_user, get_user } from "../include/asm/uaccess.ts";
import { EAGAIN, EFAULT, EINTR, EINVAL, ENOSYS, ETIMEDOUT } from "../include/linux/errno.ts";
import {
  INIT_LIST_HEAD,
  list_add_tail,
  list_del_init,
  list_empty,
  list_for_each,
  list_head,
} from "../include/linux/list.ts";
import {
  current,
  get_current,
  MAX_SCHEDULE_TIMEOUT,
  set_current_state,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
} from "../include/linux/sched.ts";
import { schedule_timeout, wake_up_process } from "./sched.ts";
import { signal_pending } from "./signal.ts";
import { ticks_until, timespec, timespec_is_valid, timespec_to_jiffies } from "./time.ts";

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_BITSET_MATCH_ANY = 0xffffffff;
/** For threads of one process only: as all futexes are here. */
const FUTEX_PRIVATE_FLAG = 128;
/** The clock that an absolute timeout is of; without it, the monotonic one. */
const FUTEX_CLOCK_REALTIME = 256;
const FUTEX_COMMAND_MASK = ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);

/** A waiter, on its own stack. Off the list once it was woken. */
const futex_q = struct("futex_q", {
  list: list_head,
  task: pointer("task_struct"),
  mm: pointer("mm_struct"),
  uaddr: u32,
  word: u32,
  timeout: timespec,
});

/** Everybody who waits. */
const futex_queue = kernel_variable("futex_queue", list_head);
const futex_lock = kernel_table("futex_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

export function futex_init(): void {
  INIT_LIST_HEAD(futex_queue.address);
}

/**
 * Wakes up to `nr` waiters of an address of the current address space, who waited longest first. Returns how many.
 * @context in_task
 */
export const futex_wake = kernel_function("futex_wake", [u32, i32], i32, function* (uaddr, nr) {
  const { mm } = current();
  let woken: i32 = 0;
  yield* spin_lock(futex_lock.address);
  for (const entry of list_for_each(futex_queue.address)) {
    if (woken >= nr) break;
    const q = futex_q.at(container_of(entry, futex_q, "list"));
    if (q.mm !== mm || q.uaddr !== uaddr) continue;
    list_del_init(entry);
    yield* wake_up_process(q.task);
    woken++;
  }
  yield* spin_unlock(futex_lock.address);
  return woken;
});

/**
 * Ticks to wait for a user's timeout (0: none), relative or of the absolute time of a clock; -errno for a bad one.
 * @context might_sleep
 */
function* timeout_ticks(utime: u32, op: i32, t: timespec): Steps<i32> {
  if (utime === 0) return MAX_SCHEDULE_TIMEOUT;
  if ((yield* copy_from_user(t.address, utime, timespec.size)) !== 0) return -EFAULT;
  if (!timespec_is_valid(t)) return -EINVAL;
  if ((op & FUTEX_COMMAND_MASK) === FUTEX_WAIT_BITSET) return ticks_until(op & FUTEX_CLOCK_REALTIME ? 0 : 1, t);
  return Math.min(timespec_to_jiffies(t.tv_sec, t.tv_nsec) + 1, MAX_SCHEDULE_TIMEOUT - 1);
}

/** Sleeps until woken, if the word still has the value expected. @context might_sleep */
const futex_wait = kernel_function("futex_wait", [u32, i32, u32, u32], i32, function* (uaddr, op, expected, utime) {
  const q = local(futex_q);
  const ticks = yield* timeout_ticks(utime, op, q.timeout);
  if (ticks < 0) return ticks;
  q.task = get_current();
  q.mm = current().mm;
  q.uaddr = uaddr;
  // On the list before the look: who changes the word after it wakes us.
  yield* spin_lock(futex_lock.address);
  list_add_tail(q.list.address, futex_queue.address);
  yield* spin_unlock(futex_lock.address);
  const error = yield* get_user(q.address + futex_q.offset("word"), uaddr);
  // The state before the look at the list, too: a wake-up in between makes it RUNNING again.
  yield* set_current_state(TASK_INTERRUPTIBLE);
  let left = ticks;
  if (error === 0 && q.word === expected && !list_empty(q.list.address)) left = yield* schedule_timeout(ticks);
  current().state = TASK_RUNNING;
  yield* spin_lock(futex_lock.address);
  const woken = list_empty(q.list.address);
  list_del_init(q.list.address);
  yield* spin_unlock(futex_lock.address);
  if (woken) return 0;
  if (error !== 0) return error;
  if (q.word !== expected) return -EAGAIN;
  if (left === 0) return -ETIMEDOUT;
  return signal_pending(current()) ? -EINTR : 0;
});

/**
 * futex(2): FUTEX_WAIT with a relative timeout, FUTEX_WAIT_BITSET with an absolute one and for any bit, FUTEX_WAKE;
 * -ENOSYS for every other operation.
 * @context might_sleep
 */
export const sys_futex = kernel_function(
  "sys_futex",
  [u32, i32, u32, u32, u32, u32],
  i32,
  function* (uaddr, op, value, utime, _uaddr2, bits) {
    if (uaddr & 3) return -EINVAL;
    switch (op & FUTEX_COMMAND_MASK) {
      case FUTEX_WAIT_BITSET:
        if (bits !== FUTEX_BITSET_MATCH_ANY) return -ENOSYS;
        return yield* futex_wait(uaddr, op, value, utime);
      case FUTEX_WAIT:
        return yield* futex_wait(uaddr, op, value, utime);
      case FUTEX_WAKE:
        return yield* futex_wake(uaddr, value | 0);
      default:
        return -ENOSYS;
    }
  },
);
