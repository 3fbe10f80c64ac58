/**
 * Spinlocks and reader/writer spinlocks (include/asm-i386/spinlock.h): the words, and the functions of lib/spinlock.S that
 * take and give them. A kernel for one CPU has no lock: a statement that only takes or gives one is a nop there, unless it is
 * configured to check locks (CONFIG_PROVE_LOCKING, kernel/spinlock.ts). Variants that mask interrupts are in
 * include/linux/spinlock.ts.
 */
import { configured } from "../../host/context.ts";
import { asm_function, config_function } from "../../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../../host/types.ts";
import { key_of_lock, lock_is_held, lock_name } from "../linux/lockdep.ts";
import { BUG } from "./bug.ts";

/**
 * `lock` is 1 when free; `lock; decb` takes it to 0, those who wait below. That is its lowest byte; a kernel that checks locks
 * has the lock's class in the others (include/linux/lockdep.ts).
 */
export const spinlock_t = struct("spinlock_t", { lock: u32 });
export const SPIN_LOCK_UNLOCKED = 1;

/** `lock` is RW_LOCK_BIAS when free. Each reader takes one off, a writer all of it. `key` is of use to who checks locks. */
export const rwlock_t = struct("rwlock_t", { lock: u32, key: u32 });
export const RW_LOCK_BIAS = 0x01000000;

/** Takes a lock, turning on the spot until it is free. Nobody who holds it may be interrupted by somebody who wants it. */
export const spin_lock = config_function("spin_lock", [pointer("spinlock_t")], "CONFIG_LOCKS");
/**
 * The same by somebody who holds a lock of the same class already, and knows that everybody takes the two in this order.
 * `subclass`: 1 for the second one, up to MAX_LOCKDEP_SUBCLASSES - 1.
 */
export const spin_lock_nested = config_function("spin_lock_nested", [pointer("spinlock_t"), u32], "CONFIG_LOCKS");
export const spin_unlock = config_function("spin_unlock", [pointer("spinlock_t")], "CONFIG_LOCKS");
/** Takes a lock if it is free. Returns whether it did; with one CPU it always is. */
export const spin_trylock = asm_function("spin_trylock", [pointer("spinlock_t")], i32);
/** Waits until nobody holds a lock. */
export const spin_unlock_wait = config_function("spin_unlock_wait", [pointer("spinlock_t")], "CONFIG_LOCKS");

/** Several may read at a time, if nobody writes; in interrupts too, so that writers have to mask these. */
export const read_lock = config_function("read_lock", [pointer("rwlock_t")], "CONFIG_LOCKS");
export const read_unlock = config_function("read_unlock", [pointer("rwlock_t")], "CONFIG_LOCKS");
/** One may write, if nobody reads. */
export const write_lock = config_function("write_lock", [pointer("rwlock_t")], "CONFIG_LOCKS");
export const write_unlock = config_function("write_unlock", [pointer("rwlock_t")], "CONFIG_LOCKS");
export const write_trylock = asm_function("write_trylock", [pointer("rwlock_t")], i32);

/** Whether somebody holds a lock; in a kernel for one CPU nobody ever does. */
export function spin_is_locked(lock: number): boolean {
  return (spinlock_t.at(lock).lock << 24) >> 24 <= 0;
}

/**
 * A free lock. Locks that are initialised by one statement are of one class to who checks locks, unless they are in a variable of
 * their own.
 * @param name a string (`cstring`) that names their class, for locks that are initialised in several places
 */
export function spin_lock_init(lock: number, name = 0): void {
  const key = configured("CONFIG_PROVE_LOCKING") ? key_of_lock(lock, name) : 0;
  spinlock_t.at(lock).lock = SPIN_LOCK_UNLOCKED | (key << 8);
}

/** The same. */
export function rwlock_init(lock: number, name = 0): void {
  rwlock_t.at(lock).lock = RW_LOCK_BIAS;
  if (configured("CONFIG_PROVE_LOCKING")) rwlock_t.at(lock).key = key_of_lock(lock, name);
}

/** Throws unless somebody holds the lock; with CONFIG_PROVE_LOCKING, unless the caller does. Without CONFIG_LOCKS nothing is checked. */
export function assert_spin_locked(lock: number): void {
  if (!configured("CONFIG_LOCKS")) return;
  if (!spin_is_locked(lock)) BUG(`${lock_name(lock)} is not locked`);
  if (configured("CONFIG_PROVE_LOCKING") && !lock_is_held(lock)) BUG(`${lock_name(lock)} is held by somebody else`);
}
