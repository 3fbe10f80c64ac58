/**
 * Which class of locks was taken while which was held, and the search for a circle in that: what closes one could deadlock, even if
 * it did not in this run. Whoever calls has lockdep_graph_lock.
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
  LOCK_READ,
  LOCK_TRYLOCK,
  lock_class,
  lock_list,
  MAX_LOCKDEP_ENTRIES,
  MAX_LOCKDEP_KEYS,
  SOFTIRQ_SHIFT,
  USED_IN_HARDIRQ,
  USED_IN_HARDIRQ_READ,
} from "../include/linux/lockdep.ts";
import { print_bad_irq_dependency, print_circular_bug, print_deadlock_bug, print_too_low } from "./lockdep-report.ts";
import { save_trace } from "./lockdep-trace.ts";

const list_entries = kernel_variable("list_entries", array(lock_list, MAX_LOCKDEP_ENTRIES));
const nr_list_entries = kernel_variable("nr_list_entries", u32);

/** Number of the search, and the classes that it has yet to look at, each with how it came there. */
const search_generation = kernel_variable("search_generation", u32);
const search_queue = kernel_variable("search_queue", array(u32, 2 * MAX_LOCKDEP_KEYS));
const search_end = kernel_variable("search_end", u32);

// Kinds of what is held and of what is taken: a shared or an exclusive lock, then a recursive or another one.
const DEP_SR = 1;
const DEP_ER = 2;
const DEP_SN = 4;
const DEP_EN = 8;
/** Bit 0 of how a search has come to a class: only as a reader who may recurse, whom no other reader keeps out. */
const ONLY_RECURSIVE = 1;
const READ_USAGE = (USED_IN_HARDIRQ_READ | ENABLED_HARDIRQ_READ) * (1 + (1 << SOFTIRQ_SHIFT));

function is_reader(held: held_lock): boolean {
  return (held.state & LOCK_READ) !== 0;
}

/** The bit of a pair of locks: as seen from the first when that is what waits. */
function dep_bit(first_is_exclusive: boolean, second_is_exclusive: boolean): number {
  if (second_is_exclusive) return first_is_exclusive ? DEP_EN : DEP_SN;
  return first_is_exclusive ? DEP_ER : DEP_SR;
}

/** The class of a place. */
export function class_of(place: number): u32 {
  return (place & ~ONLY_RECURSIVE) >>> 0;
}

function reach(of_class: number, how: number, parent: number): void {
  const found = lock_class.at(of_class);
  const generation = search_generation.value;
  if (found.visited.get(how) === generation) return;
  found.visited.set(how, generation);
  found.parent.set(how, parent);
  const end = search_end.value;
  search_queue.value.set(end, of_class | how);
  search_end.value = end + 1;
}

/** Goes along an edge, unless it begins with a reader whom the one that the search came by does not keep out. */
function follow(edge: lock_list, from: number, backwards: boolean): void {
  let dep = backwards ? edge.dep_back : edge.dep;
  if (from & ONLY_RECURSIVE) dep &= ~(DEP_SR | DEP_SN);
  if (dep === 0) return;
  const how = dep & (DEP_SN | DEP_EN) ? 0 : ONLY_RECURSIVE;
  reach(backwards ? edge.from : edge.to, how, edge.address | (from & ONLY_RECURSIVE));
}

/** What a search looks for: a class that is held for reading or not, or some usage of any class. */
function is_found(place: number, target: number, target_reads: boolean, usage: number): boolean {
  const of_class = class_of(place);
  const recursive = (place & ONLY_RECURSIVE) !== 0;
  if (target !== 0) return of_class === target && !(recursive && target_reads);
  return (lock_class.at(of_class).usage & (recursive ? usage & ~READ_USAGE : usage)) !== 0;
}

/**
 * The nearest place from a class on, itself included, that is looked for; 0 for none. A place is the address of a class, with
 * ONLY_RECURSIVE.
 */
export function* search(from: u32, backwards: boolean, target: u32, target_reads: boolean, usage: u32): Steps<u32> {
  search_generation.value++;
  search_end.value = 0;
  reach(class_of(from), from & ONLY_RECURSIVE, 0);
  for (let next: u32 = 0; next < search_end.value; next++) {
    const place: u32 = search_queue.value.get(next);
    if (is_found(place, target, target_reads, usage)) return place;
    const at = lock_class.at(class_of(place));
    let edge: u32 = backwards ? at.locks_before : at.locks_after;
    while (edge !== 0) {
      const entry = lock_list.at(edge);
      follow(entry, place, backwards);
      edge = backwards ? entry.next_before : entry.next_after;
    }
  }
  return 0;
}

/** Where a search begins with a held lock. */
export function place_of(held: held_lock): u32 {
  return (held.class | (is_reader(held) ? ONLY_RECURSIVE : 0)) >>> 0;
}

/** The edge that a search came to a place by; 0 for where it began. */
export function edge_to(place: number): u32 {
  const parent = lock_class.at(class_of(place)).parent.get(place & ONLY_RECURSIVE);
  return class_of(parent);
}

/** The place before that. */
export function place_before(place: number, backwards: boolean): u32 {
  const parent = lock_class.at(class_of(place)).parent.get(place & ONLY_RECURSIVE);
  const edge = lock_list.at(class_of(parent));
  return ((backwards ? edge.to : edge.from) | (parent & ONLY_RECURSIVE)) >>> 0;
}

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
