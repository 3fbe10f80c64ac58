/**
 * Taking and giving locks in a kernel that checks how they are used (kernel/spinlock.c, lib/spinlock_debug.c): each is noted, then
 * taken by the code of arch/i386/lib/spinlock.S, and who waits for more than a second says so.
 */
import { asm_function, kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { kernel_flag } from "../include/asm/smplock.ts";
import {
  debug_locks,
  held_locks,
  LOCK_READ,
  LOCK_RWLOCK,
  LOCK_TRYLOCK,
  lock_acquire,
  lock_release,
} from "../include/linux/lockdep.ts";
import { current, task_struct } from "../include/linux/sched.ts";
import { lock_acquired } from "./lockdep.ts";
import { print_schedule_bug } from "./lockdep-report.ts";
import { frame_here } from "./lockdep-trace.ts";
import { A_SPINLOCK, FOR_READING, FOR_WRITING, wait_for_lock } from "./spinlock-debug.ts";

const _raw_spin_trylock = asm_function("_raw_spin_trylock", [pointer("spinlock_t")], i32);
const _raw_spin_unlock = asm_function("_raw_spin_unlock", [pointer("spinlock_t")], undefined);
const _raw_spin_unlock_wait = asm_function("_raw_spin_unlock_wait", [pointer("spinlock_t")], undefined);
const _raw_read_trylock = asm_function("_raw_read_trylock", [pointer("rwlock_t")], i32);
const _raw_read_unlock = asm_function("_raw_read_unlock", [pointer("rwlock_t")], undefined);
const _raw_write_trylock = asm_function("_raw_write_trylock", [pointer("rwlock_t")], i32);
const _raw_write_unlock = asm_function("_raw_write_unlock", [pointer("rwlock_t")], undefined);

// Functions that others know as those of spinlock.S (include/asm/spinlock.ts, smplock.ts).

/** @inline */
function* take_spinlock(lock: u32, subclass: u32): Steps<void> {
  yield* lock_acquire(lock, subclass, 0);
  if ((yield* _raw_spin_trylock(lock)) === 0) yield* wait_for_lock(lock, A_SPINLOCK, frame_here());
  lock_acquired(lock);
}

/** @context any */
kernel_function("spin_lock", [pointer("spinlock_t")], undefined, function* (lock) {
  yield* take_spinlock(lock, 0);
});

/** @context any */
kernel_function("spin_lock_nested", [pointer("spinlock_t"), u32], undefined, function* (lock, subclass) {
  yield* take_spinlock(lock, subclass);
});

/** @context any */
kernel_function("spin_trylock", [pointer("spinlock_t")], i32, function* (lock) {
  if ((yield* _raw_spin_trylock(lock)) === 0) return 0;
  yield* lock_acquire(lock, 0, LOCK_TRYLOCK);
  lock_acquired(lock);
  return 1;
});

/** @context any */
kernel_function("spin_unlock", [pointer("spinlock_t")], undefined, function* (lock) {
  yield* lock_release(lock);
  yield* _raw_spin_unlock(lock);
});

/** @context any */
kernel_function("spin_unlock_wait", [pointer("spinlock_t")], undefined, function* (lock) {
  yield* _raw_spin_unlock_wait(lock);
});

/** @context any */
kernel_function("read_lock", [pointer("rwlock_t")], undefined, function* (lock) {
  yield* lock_acquire(lock, 0, LOCK_RWLOCK | LOCK_READ);
  if ((yield* _raw_read_trylock(lock)) === 0) yield* wait_for_lock(lock, FOR_READING, frame_here());
  lock_acquired(lock);
});

/** @context any */
kernel_function("read_unlock", [pointer("rwlock_t")], undefined, function* (lock) {
  yield* lock_release(lock);
  yield* _raw_read_unlock(lock);
});

/** @context any */
kernel_function("write_lock", [pointer("rwlock_t")], undefined, function* (lock) {
  yield* lock_acquire(lock, 0, LOCK_RWLOCK);
  if ((yield* _raw_write_trylock(lock)) === 0) yield* wait_for_lock(lock, FOR_WRITING, frame_here());
  lock_acquired(lock);
});

/** @context any */
kernel_function("write_unlock", [pointer("rwlock_t")], undefined, function* (lock) {
  yield* lock_release(lock);
  yield* _raw_write_unlock(lock);
});

/** @context any */
kernel_function("write_trylock", [pointer("rwlock_t")], i32, function* (lock) {
  if ((yield* _raw_write_trylock(lock)) === 0) return 0;
  yield* lock_acquire(lock, 0, LOCK_RWLOCK | LOCK_TRYLOCK);
  lock_acquired(lock);
  return 1;
});

// ---- The big kernel lock ----

/** @inline */
function* give_kernel_flag(): Steps<void> {
  yield* lock_release(kernel_flag.address);
  yield* _raw_spin_unlock(kernel_flag.address);
}

/** @context in_task */
kernel_function("lock_kernel", [], undefined, function* () {
  current().lock_depth++;
  if (current().lock_depth === 0) yield* take_spinlock(kernel_flag.address, 0);
});

/** @context in_task */
kernel_function("unlock_kernel", [], undefined, function* () {
  current().lock_depth--;
  if (current().lock_depth < 0) yield* give_kernel_flag();
});

/** What schedule() begins with: nothing else may be held. @context in_task */
kernel_function("release_kernel_lock", [pointer("task_struct")], undefined, function* (prev) {
  if (task_struct.at(prev).lock_depth >= 0) yield* give_kernel_flag();
  if (held_locks.value.depth !== 0 && debug_locks.value !== 0) yield* print_schedule_bug(frame_here());
});

/** @context in_task */
kernel_function("reacquire_kernel_lock", [pointer("task_struct")], undefined, function* (task) {
  if (task_struct.at(task).lock_depth >= 0) yield* take_spinlock(kernel_flag.address, 0);
});
