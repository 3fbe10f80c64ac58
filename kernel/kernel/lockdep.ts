/**
 * Checks how locks are used (kernel/lockdep.c, Linux 2.6): every lock that is taken is noted with what is held already, and so is
 * whether interrupts may come meanwhile. What could deadlock in some run is reported in the first run that shows its parts.
 *
 * What a CPU holds is changed by that CPU alone. Classes, and which was taken while which was held, change under a lock of their
 * own, with interrupts off; who only looks something up takes no lock: what is found there stays true.
 */
import { asm_function, kernel_function, kernel_table, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { pointer, u32 } from "../host/types.ts";
import { EFLAGS_IF } from "../include/asm/processor-flags.ts";
import { SPIN_LOCK_UNLOCKED, spinlock_t } from "../include/asm/spinlock.ts";
import { local_irq_restore, local_irq_save } from "../include/asm/system.ts";
import {
  debug_locks,
  find_held_lock,
  HELD_TRACE,
  held_lock,
  held_locks,
  LOCK_ACQUIRED,
  LOCK_CONTEXT,
  LOCK_HARDIRQS_OFF,
  LOCK_IN_HARDIRQ,
  LOCK_IN_SOFTIRQ,
  LOCK_RWLOCK,
  LOCK_SOFTIRQS_OFF,
  LOCK_TRYLOCK,
  lock_class,
  lock_key,
  MAX_LOCK_DEPTH,
} from "../include/linux/lockdep.ts";
import { get_current } from "../include/linux/sched.ts";
import {
  chain_is_known,
  chain_key_of,
  look_up_lock_class,
  note_chain,
  register_lock_class,
} from "./lockdep-classes.ts";
import { check_deadlock, check_prevs_add } from "./lockdep-graph.ts";
import {
  print_kernel_sys_exit_bug,
  print_non_static_key,
  print_too_low,
  print_unlock_imbalance_bug,
} from "./lockdep-report.ts";
import { caller_of, frames_from } from "./lockdep-trace.ts";
import { mark_usage, usage_of } from "./lockdep-usage.ts";
import { global_bh_lock, irq_stat } from "./softirq.ts";

const _raw_spin_lock = asm_function("_raw_spin_lock", [pointer("spinlock_t")], undefined);
const _raw_spin_unlock = asm_function("_raw_spin_unlock", [pointer("spinlock_t")], undefined);

/** Held while classes and their order change: innermost of all, and nobody checks it. */
const graph_lock = kernel_table("lockdep_graph_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/** What is so where a lock is taken. @param flags EFLAGS of who takes it */
function state_of(how: number, flags: number): u32 {
  const { local_irq_count, local_bh_count } = irq_stat.value;
  const in_softirq = local_bh_count !== 0 && find_held_lock(global_bh_lock.address) !== undefined;
  return (
    how |
    (flags & EFLAGS_IF ? 0 : LOCK_HARDIRQS_OFF) |
    (local_irq_count + local_bh_count === 0 ? 0 : LOCK_SOFTIRQS_OFF) |
    (local_irq_count !== 0 ? LOCK_IN_HARDIRQ : in_softirq ? LOCK_IN_SOFTIRQ : 0)
  );
}

/** Of what is held below `depth` in the context of a lock; 0 for nothing. */
function chain_key_below(depth: number, state: number): u32 {
  if (depth === 0) return 0;
  const below = held_locks.value.locks.get(depth - 1);
  return (below.state & LOCK_CONTEXT) === (state & LOCK_CONTEXT) ? below.chain_key : 0;
}

/** Puts a lock on top of what this CPU holds. Returns its address, 0 when there is no room. @bounded by HELD_TRACE */
function hold(lock: number, subclass: number, state: number, frame: number): u32 {
  const { depth, locks } = held_locks.value;
  if (depth === MAX_LOCK_DEPTH) return 0;
  const held = locks.get(depth);
  const key = lock_key(lock, (state & LOCK_RWLOCK) !== 0);
  held.instance = lock;
  held.class = key === 0 ? 0 : look_up_lock_class(key, subclass);
  held.task = get_current();
  held.state = state;
  held.chain_key = chain_key_of(chain_key_below(depth, state), held.class, state);
  frames_from(frame, held.trace.address, HELD_TRACE);
  held_locks.value.depth = depth + 1;
  return held.address;
}

/** Whether nothing about a lock is new that was just put on top. */
function is_known(held: held_lock): boolean {
  if (held.class === 0) return false;
  if ((usage_of(held.state) & ~lock_class.at(held.class).usage) !== 0) return false;
  return (held.state & LOCK_TRYLOCK) !== 0 || chain_is_known(held.chain_key);
}

/** Looks at what is new about a lock. @context irqs_disabled */
function* __lock_acquire(held: held_lock, subclass: u32, frame: u32): Steps<void> {
  yield* _raw_spin_lock(graph_lock.address);
  if (held.class === 0) yield* find_class(held, subclass, frame);
  if (debug_locks.value !== 0) yield* mark_usage(held, frame);
  if (debug_locks.value !== 0 && (held.state & LOCK_TRYLOCK) === 0) {
    if (yield* check_deadlock(held, frame)) yield* check_prevs_add(held, frame);
    note_chain(held.chain_key);
  }
  yield* _raw_spin_unlock(graph_lock.address);
}

/** Gives a held lock its class, which is a new one. */
function* find_class(held: held_lock, subclass: u32, frame: u32): Steps<void> {
  const key: u32 = lock_key(held.instance, (held.state & LOCK_RWLOCK) !== 0);
  if (key === 0) {
    yield* print_non_static_key(held, frame);
    return;
  }
  const found: u32 = register_lock_class(key, subclass);
  if (found === 0) {
    yield* print_too_low("MAX_LOCKDEP_KEYS", frame);
    return;
  }
  held.class = found;
  held.chain_key = chain_key_of(chain_key_below(held_locks.value.depth - 1, held.state), found, held.state);
}

/** Whether interrupts are on while something is held that was taken with interrupts off. @bounded by MAX_LOCK_DEPTH */
function enabled_meanwhile(flags: number): boolean {
  if ((flags & EFLAGS_IF) === 0) return false;
  const { depth, locks } = held_locks.value;
  for (let i = 0; i < depth; i++) if (locks.get(i).state & LOCK_HARDIRQS_OFF) return true;
  return false;
}

/** Notes of all that is held that interrupts may come (trace_hardirqs_on). @context irqs_disabled */
function* mark_held_locks(frame: u32): Steps<void> {
  yield* _raw_spin_lock(graph_lock.address);
  for (let i = 0; i < held_locks.value.depth; i++) {
    const held = held_locks.value.locks.get(i);
    held.state &= ~LOCK_HARDIRQS_OFF;
    if (debug_locks.value !== 0 && held.class !== 0) yield* mark_usage(held, frame);
  }
  yield* _raw_spin_unlock(graph_lock.address);
}

/** See include/linux/lockdep.ts. @context any */
export const lock_acquire = kernel_function(
  "lock_acquire",
  [u32, u32, u32],
  undefined,
  function* (lock, subclass, how) {
    const flags = local_irq_save();
    const frame = caller_of();
    const checks = debug_locks.value !== 0;
    if (checks && enabled_meanwhile(flags)) yield* mark_held_locks(frame);
    const at = hold(lock, subclass, state_of(how, flags), frame);
    if (at === 0) yield* print_too_low("MAX_LOCK_DEPTH", frame);
    else if (checks && !is_known(held_lock.at(at))) yield* __lock_acquire(held_lock.at(at), subclass, frame);
    local_irq_restore(flags);
  },
);

/** The lock that was put on top is taken. */
export function lock_acquired(lock: number): void {
  const held = find_held_lock(lock);
  if (held !== undefined) held.state |= LOCK_ACQUIRED;
}

/** @bounded by MAX_LOCK_DEPTH */
function index_of(lock: number): number {
  const { depth, locks } = held_locks.value;
  for (let i = depth - 1; i >= 0; i--) if (locks.get(i).instance === lock) return i;
  return -1;
}

/** Moves what is held at `index` one down, over what was held there. @bounded by the words of a held_lock */
function move_down(index: number): void {
  const { locks } = held_locks.value;
  const [to, from] = [locks.get(index - 1), locks.get(index)];
  for (let at = 0; at < held_lock.size; at += 4) memory().write32(to.address + at, memory().read32(from.address + at));
  to.chain_key = chain_key_of(chain_key_below(index - 1, to.state), to.class, to.state);
}

/** See include/linux/lockdep.ts. @context any */
export const lock_release = kernel_function("lock_release", [u32], undefined, function* (lock) {
  const flags = local_irq_save();
  const frame = caller_of();
  const checks = debug_locks.value !== 0;
  if (checks && enabled_meanwhile(flags)) yield* mark_held_locks(frame);
  let index = index_of(lock);
  if (index >= 0) {
    while (++index < held_locks.value.depth) move_down(index);
    held_locks.value.depth--;
  } else if (checks) yield* print_unlock_imbalance_bug(lock, frame);
  local_irq_restore(flags);
});

/** On the way to user space, where nobody may hold anything (entry.S). @context irqs_disabled */
export const lockdep_sys_exit = kernel_function("lockdep_sys_exit", [], undefined, function* () {
  if (held_locks.value.depth !== 0 && debug_locks.value !== 0) yield* print_kernel_sys_exit_bug();
});
