/**
 * Spinlocks and reader/writer spinlocks (include/asm-i386/spinlock.h): the words, and the functions of lib/spinlock.S that
 * take and give them. A kernel for one CPU has no lock: a statement that only takes or gives one is a nop there. Variants that
 * mask interrupts are in include/linux/spinlock.ts.
 */
import { asm_function, smp_function } from "../../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../../host/types.ts";

/** `lock` is 1 when free; `lock; decb` takes it to 0, those who wait below. */
export const spinlock_t = struct("spinlock_t", { lock: u32 });
export const SPIN_LOCK_UNLOCKED = 1;

/** `lock` is RW_LOCK_BIAS when free. Each reader takes one off, a writer all of it. */
export const rwlock_t = struct("rwlock_t", { lock: u32 });
export const RW_LOCK_BIAS = 0x01000000;

/** Takes a lock, turning on the spot until it is free. Nobody who holds it may be interrupted by somebody who wants it. */
export const spin_lock = smp_function("spin_lock", [pointer("spinlock_t")]);
export const spin_unlock = smp_function("spin_unlock", [pointer("spinlock_t")]);
/** Takes a lock if it is free. Returns whether it did; with one CPU it always is. */
export const spin_trylock = asm_function("spin_trylock", [pointer("spinlock_t")], i32);
/** Waits until nobody holds a lock. */
export const spin_unlock_wait = smp_function("spin_unlock_wait", [pointer("spinlock_t")]);

/** Several may read at a time, if nobody writes; in interrupts too, so that writers have to mask these. */
export const read_lock = smp_function("read_lock", [pointer("rwlock_t")]);
export const read_unlock = smp_function("read_unlock", [pointer("rwlock_t")]);
/** One may write, if nobody reads. */
export const write_lock = smp_function("write_lock", [pointer("rwlock_t")]);
export const write_unlock = smp_function("write_unlock", [pointer("rwlock_t")]);
export const write_trylock = asm_function("write_trylock", [pointer("rwlock_t")], i32);

/** Whether somebody holds a lock; in a kernel for one CPU nobody ever does. */
export function spin_is_locked(lock: number): boolean {
  return (spinlock_t.at(lock).lock << 24) >> 24 <= 0;
}

export function spin_lock_init(lock: number): void {
  spinlock_t.at(lock).lock = SPIN_LOCK_UNLOCKED;
}

export function rwlock_init(lock: number): void {
  rwlock_t.at(lock).lock = RW_LOCK_BIAS;
}
