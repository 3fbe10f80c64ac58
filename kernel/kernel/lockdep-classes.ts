/** Classes of locks, and the sequences of them that were found to be in order. Whoever adds some has lockdep_graph_lock. */
import { kernel_variable } from "../host/declarations.ts";
import { array, pointer, u32 } from "../host/types.ts";
import { CHAINHASH_SIZE, CLASSHASH_SIZE, LOCK_READ, lock_class, MAX_LOCKDEP_KEYS } from "../include/linux/lockdep.ts";

export const lock_classes = kernel_variable("lock_classes", array(lock_class, MAX_LOCKDEP_KEYS));
export const nr_lock_classes = kernel_variable("nr_lock_classes", u32);
/** Classes at the place that their key says, or behind it. */
const classhash_table = kernel_variable("classhash_table", array(pointer("lock_class"), CLASSHASH_SIZE));
/** Chain keys, likewise. */
const chainhash_table = kernel_variable("chainhash_table", array(u32, CHAINHASH_SIZE));
const nr_lock_chains = kernel_variable("nr_lock_chains", u32);

const GOLDEN_RATIO = 0x9e3779b1;
/** Places that are looked at for a chain. */
const MOST_PROBES = 64;

function hash(value: number, size: number): number {
  return (Math.imul(value, GOLDEN_RATIO) >>> 12) & (size - 1);
}

/** Where a class is, or would be, in the table. @bounded by CLASSHASH_SIZE, half of which is empty */
function place_of_class(key: number, subclass: number): number {
  let at = hash(key + subclass, CLASSHASH_SIZE);
  for (;;) {
    const found = classhash_table.value.get(at);
    if (found === 0) return at;
    const known = lock_class.at(found);
    if (known.key === key && known.subclass === subclass) return at;
    at = (at + 1) & (CLASSHASH_SIZE - 1);
  }
}

/** The class with a key, or 0. */
export function look_up_lock_class(key: number, subclass: number): u32 {
  return classhash_table.value.get(place_of_class(key, subclass));
}

/** The class with a key, which is made if there is none; 0 when there is no room. */
export function register_lock_class(key: number, subclass: number): u32 {
  const at = place_of_class(key, subclass);
  const known = classhash_table.value.get(at);
  if (known !== 0) return known;
  const number = nr_lock_classes.value;
  if (number === MAX_LOCKDEP_KEYS) return 0;
  nr_lock_classes.value = number + 1;
  const made = lock_classes.value.get(number);
  made.key = key;
  made.subclass = subclass;
  classhash_table.value.set(at, made.address);
  return made.address;
}

/** What tells a sequence of held classes: what tells those before, and the last of them. */
export function chain_key_of(before: number, of_class: number, state: number): u32 {
  const id = of_class | (state & LOCK_READ);
  const mixed = Math.imul(((before << 7) | (before >>> 25)) ^ id, GOLDEN_RATIO);
  return (mixed ^ (mixed >>> 15)) >>> 0 || 1;
}

/** Where a chain is in the table, or could be; -1 when there is no place. @bounded by MOST_PROBES */
function place_of_chain(key: number): number {
  let at = hash(key, CHAINHASH_SIZE);
  for (let i = 0; i < MOST_PROBES; i++) {
    const found = chainhash_table.value.get(at);
    if (found === key || found === 0) return at;
    at = (at + 1) & (CHAINHASH_SIZE - 1);
  }
  return -1;
}

export function chain_is_known(key: number): boolean {
  const at = place_of_chain(key);
  return at >= 0 && chainhash_table.value.get(at) === key;
}

/** Remembers a chain, if there is room: one that is not known is looked at again. */
export function note_chain(key: number): void {
  const at = place_of_chain(key);
  if (at < 0 || chainhash_table.value.get(at) === key) return;
  chainhash_table.value.set(at, key);
  nr_lock_chains.value++;
}
