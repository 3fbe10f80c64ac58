/** The graph of classes of locks, walked: from one class to what can be come to by those who wait. Whoever calls has lockdep_graph_lock. */
import { kernel_variable, type Steps } from "../host/declarations.ts";
import { array, u32 } from "../host/types.ts";
import {
  ENABLED_HARDIRQ_READ,
  type held_lock,
  LOCK_READ,
  lock_class,
  lock_list,
  MAX_LOCKDEP_KEYS,
  SOFTIRQ_SHIFT,
  USED_IN_HARDIRQ_READ,
} from "../include/linux/lockdep.ts";

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

export function is_reader(held: held_lock): boolean {
  return (held.state & LOCK_READ) !== 0;
}

/** The bit of a pair of locks: as seen from the first when that is what waits. */
export function dep_bit(first_is_exclusive: boolean, second_is_exclusive: boolean): number {
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
