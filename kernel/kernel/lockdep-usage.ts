/**
 * How classes of locks are used by interrupt handlers and bottom halves (irq-safe) and by those whom these may interrupt
 * (irq-unsafe). Whoever calls has lockdep_graph_lock.
 */
import type { Steps } from "../host/declarations.ts";
import type { u32 } from "../host/types.ts";
import {
  debug_locks,
  ENABLED_HARDIRQ,
  type held_lock,
  LOCK_HARDIRQS_OFF,
  LOCK_IN_HARDIRQ,
  LOCK_IN_SOFTIRQ,
  LOCK_READ,
  LOCK_SOFTIRQS_OFF,
  LOCK_TRYLOCK,
  LOCK_USAGE_BITS,
  lock_class,
  SOFTIRQ_SHIFT,
  USED_IN_HARDIRQ,
} from "../include/linux/lockdep.ts";
import { print_irq_inversion_bug, print_usage_bug } from "./lockdep-report.ts";
import { place_of, search } from "./lockdep-search.ts";
import { save_trace } from "./lockdep-trace.ts";

/**
 * The usage bits of a lock that is held or wanted like that. A handler of an interrupt counts as one that no other comes between,
 * even with interrupts on: it is the only one that takes the lock there, or masks the others.
 */
export function usage_of(state: number): number {
  let usage = 0;
  if ((state & LOCK_TRYLOCK) === 0) {
    if (state & LOCK_IN_HARDIRQ) usage |= USED_IN_HARDIRQ;
    if (state & LOCK_IN_SOFTIRQ) usage |= USED_IN_HARDIRQ << SOFTIRQ_SHIFT;
  }
  if ((state & (LOCK_HARDIRQS_OFF | LOCK_IN_HARDIRQ)) === 0) {
    usage |= ENABLED_HARDIRQ;
    if ((state & LOCK_SOFTIRQS_OFF) === 0) usage |= ENABLED_HARDIRQ << SOFTIRQ_SHIFT;
  }
  return state & LOCK_READ ? usage << 1 : usage;
}

// Of a bit's number within those of interrupt handlers or of bottom halves.
const BIT_IN_FOUR = SOFTIRQ_SHIFT - 1;
const ENABLED = 2;
const READ = 1;

/** Notes what is new in how a lock is used, and reports what does not go with what is known. */
export function* mark_usage(held: held_lock, frame: u32): Steps<void> {
  for (let bit: u32 = 0; bit < LOCK_USAGE_BITS && debug_locks.value !== 0; bit++) {
    const is_new = (usage_of(held.state) & ~lock_class.at(held.class).usage & (1 << bit)) !== 0;
    if (is_new) yield* mark_lock(held, bit, frame);
  }
}

/** The bits that exclude a bit: a reader's goes with other readers'. */
function excluded_by(bit: number): number {
  const other = (bit & BIT_IN_FOUR) >= ENABLED ? USED_IN_HARDIRQ : ENABLED_HARDIRQ;
  const of_writers = other << (bit & ~BIT_IN_FOUR);
  return bit & READ ? of_writers : of_writers | (of_writers << READ);
}

function* mark_lock(held: held_lock, bit: u32, frame: u32): Steps<void> {
  const known = lock_class.at(held.class);
  known.usage |= 1 << bit;
  known.usage_traces.set(bit, save_trace(frame));
  const excluded: u32 = excluded_by(bit);
  if ((known.usage & excluded) !== 0) {
    yield* print_usage_bug(held, bit, known.usage & excluded, frame);
    return;
  }
  // Who is used in interrupts must not take what is held with them on; who is held with them on, not be taken by the former.
  const backwards = (bit & BIT_IN_FOUR) >= ENABLED;
  const found = yield* search(place_of(held), backwards, 0, false, excluded);
  if (found !== 0) yield* print_irq_inversion_bug(held, found, bit, frame);
}
