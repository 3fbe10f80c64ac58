/**
 * Which class of locks was taken while which was held: what closes a circle in that could deadlock, even if it did not in this run. Whoever calls has lockdep_graph_lock.
 */
import { kernel_variable, type Steps } from "../host/declarations.ts";
import { array, u32 } from "../host/types.ts";
import {
  debug_locks,
  ENABLED_HARDIRQ,
  ENABLED_HARDIRQ_READ,
  type held_lock,
  held_locks,
  LOCK_CONTEXT,
  LOCK_TRYLOCK,
  lock_class,
  lock_list,
  MAX_LOCKDEP_ENTRIES,
  SOFTIRQ_SHIFT,
  USED_IN_HARDIRQ,
  USED_IN_HARDIRQ_READ,
} from "../include/linux/lockdep.ts";
import { print_bad_irq_dependency, print_circular_bug, print_deadlock_bug, print_too_low } from "./lockdep-report.ts";
import { dep_bit, is_reader, place_of, search } from "./lockdep-search.ts";
import { save_trace } from "./lockdep-trace.ts";

const list_entries = kernel_variable("list_entries", array(lock_list, MAX_LOCKDEP_ENTRIES));
const nr_list_entries = kernel_variable("nr_list_entries", u32);

/**
 * Looks for a lock of the same class among those held. Returns whether the order of what is held is to be looked at: not for one
 * who reads what he is reading.
 */
export function* check_deadlock(next: held_lock, frame: u32): Steps<boolean> {
  for (let i = held_locks.value.depth - 2; i >= 0; i--) {
    const prev = held_locks.value.locks.get(i);
    if (prev.class !== next.class) continue;
    if (is_reader(prev) && is_reader(next)) return false;
    yield* print_deadlock_bug(prev, next, frame);
    return false;
  }
  return true;
}

/** Notes that `next` was taken while others were held: the last of them, and those before if that one was but tried. */
export function* check_prevs_add(next: held_lock, frame: u32): Steps<void> {
  for (let i = held_locks.value.depth - 2; i >= 0 && debug_locks.value !== 0; i--) {
    const prev = held_locks.value.locks.get(i);
    if ((prev.state & LOCK_CONTEXT) !== (next.state & LOCK_CONTEXT)) return;
    if (prev.class !== 0) yield* check_prev_add(prev, next, frame);
    if ((prev.state & LOCK_TRYLOCK) === 0) return;
  }
}

function* check_prev_add(prev: held_lock, next: held_lock, frame: u32): Steps<void> {
  const found = yield* search(place_of(next), false, prev.class, is_reader(prev), 0);
  if (found !== 0) {
    yield* print_circular_bug(prev, next, found, frame);
    return;
  }
  yield* check_irq_usage(prev, next, 0, frame);
  yield* check_irq_usage(prev, next, SOFTIRQ_SHIFT, frame);
  if (debug_locks.value === 0) return;
  if (!add_bits(prev, next) && !add_edge(prev, next, save_trace(frame))) {
    yield* print_too_low("MAX_LOCKDEP_ENTRIES", frame);
  }
}

/**
 * Whether an interrupt handler (a bottom half) that wants what is held before `prev` could come to whoever holds what is taken after
 * `next`, with `prev` held elsewhere by somebody who waits for that.
 */
function* check_irq_usage(prev: held_lock, next: held_lock, shift: u32, frame: u32): Steps<void> {
  if (debug_locks.value === 0) return;
  for (let by_reader: u32 = 0; by_reader < 2; by_reader++) {
    const used: u32 = (by_reader ? USED_IN_HARDIRQ_READ : USED_IN_HARDIRQ) << shift;
    const before = yield* search(place_of(prev), true, 0, false, used);
    if (before === 0) continue;
    const enabled: u32 = (by_reader ? ENABLED_HARDIRQ : ENABLED_HARDIRQ | ENABLED_HARDIRQ_READ) << shift;
    const after = yield* search(place_of(next), false, 0, false, enabled);
    if (after === 0) continue;
    yield* print_bad_irq_dependency(prev, next, before, after, used, enabled, frame);
    return;
  }
}

/** Adds the kinds of a pair to the edge that there is. Returns whether there is one. @bounded by MAX_LOCKDEP_KEYS */
function add_bits(prev: held_lock, next: held_lock): boolean {
  for (let at = lock_class.at(prev.class).locks_after; at !== 0; at = lock_list.at(at).next_after) {
    const edge = lock_list.at(at);
    if (edge.to !== next.class) continue;
    edge.dep |= dep_bit(!is_reader(prev), !is_reader(next));
    edge.dep_back |= dep_bit(!is_reader(next), !is_reader(prev));
    return true;
  }
  return false;
}

function add_edge(prev: held_lock, next: held_lock, trace: number): boolean {
  const number = nr_list_entries.value;
  if (number === MAX_LOCKDEP_ENTRIES || trace === 0) return false;
  nr_list_entries.value = number + 1;
  const edge = list_entries.value.get(number);
  const from = lock_class.at(prev.class);
  const to = lock_class.at(next.class);
  edge.from = from.address;
  edge.to = to.address;
  edge.dep = dep_bit(!is_reader(prev), !is_reader(next));
  edge.dep_back = dep_bit(!is_reader(next), !is_reader(prev));
  edge.trace = trace;
  edge.next_after = from.locks_after;
  from.locks_after = edge.address;
  edge.next_before = to.locks_before;
  to.locks_before = edge.address;
  return true;
}
