/**
 * What a kernel that checks locks knows of them (include/linux/lockdep.h): classes of locks, which was taken while which was
 * held, and what each CPU holds. kernel/lockdep.ts fills it in; all of it is linked with CONFIG_PROVE_LOCKING only.
 */
import { configured, cpu, image } from "../../host/context.ts";
import { asm_function, cstring, kernel_variable, per_cpu } from "../../host/declarations.ts";
import { memory, read_cstring } from "../../host/memory.ts";
import { array, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { PAGE_OFFSET } from "../asm/page.ts";

const LONGEST_NAME = 64;
export const MAX_LOCKDEP_KEYS = 256;
export const MAX_LOCKDEP_ENTRIES = 2048;
export const MAX_LOCK_DEPTH = 32;
/** Words of all back-traces, each behind its length. */
export const MAX_STACK_TRACE_ENTRIES = 16384;
/** Locks of one class that may be held at once by who says which is which (`spin_lock_nested`). */
export const MAX_LOCKDEP_SUBCLASSES = 8;
/** A power of 2: sequences of held locks that were found to be in order. */
export const CHAINHASH_SIZE = 8192;
/** A power of 2, more than there are classes. */
export const CLASSHASH_SIZE = 512;

// How a class has been used: bits of `usage`. Each of the first two is that of interrupt handlers, the next two of bottom
// halves: taken there, or held while they may come; by writers, or by readers.
export const USED_IN_HARDIRQ = 1;
export const USED_IN_HARDIRQ_READ = 2;
export const ENABLED_HARDIRQ = 4;
export const ENABLED_HARDIRQ_READ = 8;
/** Shifts those of interrupt handlers to those of bottom halves. */
export const SOFTIRQ_SHIFT = 4;
export const LOCK_USAGE_BITS = 8;

/** Locks that are used alike: those in the same variable, or initialised by the same statement or under the same name. */
export const lock_class = struct("lock_class", {
  /** Address of the lock, of the statement that initialises it or of its name. */
  key: u32,
  subclass: u32,
  usage: u32,
  /** Locks that were taken while one of this class was held, and those held while one of this was taken. */
  locks_after: pointer("lock_list"),
  locks_before: pointer("lock_list"),
  /** The search that has come by last, and how it came there: for readers that may recurse, and for others. */
  visited: array(u32, 2),
  parent: array(u32, 2),
  /** Back-trace of the first use of each kind. */
  usage_traces: array(u32, LOCK_USAGE_BITS),
});
export type lock_class = ViewOf<typeof lock_class>;

/** `to` was taken while `from` was held. */
export const lock_list = struct("lock_list", {
  from: pointer("lock_class"),
  to: pointer("lock_class"),
  next_after: pointer("lock_list"),
  next_before: pointer("lock_list"),
  /** Kinds of `from` and `to`, a bit for each of four: see `dep_bit`. */
  dep: u32,
  /** The same as seen from `to`. */
  dep_back: u32,
  /** Back-trace of `to`. */
  trace: u32,
});
export type lock_list = ViewOf<typeof lock_list>;

/** How a lock is taken: for reading, which others may do too, or at once or not at all; what it is; and what is so meanwhile. */
export const LOCK_READ = 1;
export const LOCK_TRYLOCK = 2;
export const LOCK_RWLOCK = 0x80;
export const LOCK_HARDIRQS_OFF = 4;
export const LOCK_SOFTIRQS_OFF = 8;
/** It is not only wanted. */
export const LOCK_ACQUIRED = 0x10;
export const LOCK_IN_HARDIRQ = 0x20;
export const LOCK_IN_SOFTIRQ = 0x40;
export const LOCK_CONTEXT = LOCK_IN_HARDIRQ | LOCK_IN_SOFTIRQ;
/** Return addresses that are kept of who holds a lock. */
export const HELD_TRACE = 8;

export const held_lock = struct("held_lock", {
  instance: u32,
  class: pointer("lock_class"),
  task: pointer("task_struct"),
  state: u32,
  /** Of the classes held in the same context, up to this one. */
  chain_key: u32,
  trace: array(u32, HELD_TRACE),
});
export type held_lock = ViewOf<typeof held_lock>;

/** What a CPU holds, the latest last: who holds a spinlock stays on its CPU. */
const held_lock_stack = struct("held_lock_stack", { depth: u32, locks: array(held_lock, MAX_LOCK_DEPTH) });
export const held_locks = per_cpu("held_locks", held_lock_stack);

/** 1 until something was found to be wrong: one report is made, since what follows from it would make more. */
export const debug_locks = kernel_variable("debug_locks", u32, 1);
/** Reports made. */
export const nr_lock_reports = kernel_variable("nr_lock_reports", u32);

/** Gives a lock class a name that is looked up where it is printed. */
export const wait_queue_head_lock = cstring("wait_queue_head_t.lock");
export const sigmask_lock_name = cstring("task_struct.sigmask_lock");
export const irq_desc_lock = cstring("irq_desc_t.lock");
export const tty_read_lock = cstring("tty_struct.read_lock");
export const async_struct_lock = cstring("async_struct.lock");

/** Notes that the caller of the caller wants a lock: `how` of LOCK_READ, LOCK_TRYLOCK, LOCK_RWLOCK. Reports what is wrong with that. */
export const lock_acquire = asm_function("lock_acquire", [u32, u32, u32], undefined);
/** Notes that it gives it. */
export const lock_release = asm_function("lock_release", [u32], undefined);

/** `runqueue_lock`, `wait_queue_head_t.lock`, or where locks of the class are initialised. @bounded by LONGEST_NAME */
export function name_of_key(key: number): string {
  const site = image().function_at(key);
  if (site !== undefined) return `${site}() ${image().line_at(key - 1) ?? ""}`.trimEnd();
  return image().data_at(key) ?? read_cstring(key, LONGEST_NAME);
}

/** The name of a lock that is a variable, or in one; else that of a spinlock's class, if it is known. */
export function lock_name(lock: number): string {
  const name = image().data_at(lock);
  if (name !== undefined) return name;
  const key = configured("CONFIG_PROVE_LOCKING") ? lock_key(lock, false) : 0;
  return is_static(key) ? name_of_key(key) : `the lock at 0x${(lock >>> 0).toString(16)}`;
}

/** Whether an address is the kernel's own: text or a variable. */
export function is_static(address: number): boolean {
  return address >= image().symbol("_text") && address < image().symbol("_end");
}

/**
 * What tells the class of a lock that is being initialised, as bytes from PAGE_OFFSET: its name if it has one, nothing for a
 * variable, which tells itself, else the statement that is being executed.
 */
export function key_of_lock(lock: number, name: number): u32 {
  if (name !== 0) return name - PAGE_OFFSET;
  return is_static(lock) ? 0 : (cpu().eip >>> 0) - PAGE_OFFSET;
}

/** Bits of a spinlock's word that are its own. */
const KEY_SHIFT = 8;

/** What tells the class of a lock; 0 for one that was not initialised. */
export function lock_key(lock: number, is_rwlock: boolean): u32 {
  const word = is_rwlock ? (is_static(lock) ? 0 : memory().read32(lock + 4)) : memory().read32(lock) >>> KEY_SHIFT;
  if (word !== 0) return word + PAGE_OFFSET;
  return is_static(lock) ? lock : 0;
}

/** What this CPU holds or wants of a lock: the latest, or undefined. @bounded by MAX_LOCK_DEPTH */
export function find_held_lock(lock: number): held_lock | undefined {
  const { depth, locks } = held_locks.value;
  for (let i = depth - 1; i >= 0; i--) if (locks.get(i).instance === lock) return locks.get(i);
  return undefined;
}

/** Whether who asks holds a lock. With an answer of yes where nothing is known. */
export function lock_is_held(lock: number): boolean {
  return !configured("CONFIG_PROVE_LOCKING") || debug_locks.value === 0 || find_held_lock(lock) !== undefined;
}
