/** Doubly linked circular lists (include/linux/list.h). All functions take linear addresses of `struct list_head`. */
import { memory } from "../../host/memory.ts";
import { pointer, struct, type u32 } from "../../host/types.ts";

export const list_head = struct("list_head", { next: pointer("list_head"), prev: pointer("list_head") });

const NEXT = 0;
const PREV = 4;

export function INIT_LIST_HEAD(head: number): void {
  memory().write32(head + NEXT, head);
  memory().write32(head + PREV, head);
}

function link(entry: number, prev: number, next: number): void {
  const m = memory();
  m.write32(next + PREV, entry);
  m.write32(entry + NEXT, next);
  m.write32(entry + PREV, prev);
  m.write32(prev + NEXT, entry);
}

/** Inserts `entry` right after `head`. */
export function list_add(entry: number, head: number): void {
  link(entry, head, memory().read32(head + NEXT) >>> 0);
}

/** Inserts `entry` right before `head`: at the end of the list. */
export function list_add_tail(entry: number, head: number): void {
  link(entry, memory().read32(head + PREV) >>> 0, head);
}

/** Unlinks `entry`; its own pointers stay. */
export function list_del(entry: number): void {
  const m = memory();
  const next = m.read32(entry + NEXT) >>> 0;
  const prev = m.read32(entry + PREV) >>> 0;
  m.write32(next + PREV, prev);
  m.write32(prev + NEXT, next);
}

export function list_del_init(entry: number): void {
  list_del(entry);
  INIT_LIST_HEAD(entry);
}

export function list_empty(head: number): boolean {
  return memory().read32(head + NEXT) >>> 0 === head;
}

export function list_next(entry: number): u32 {
  return memory().read32(entry + NEXT) >>> 0;
}

export function list_prev(entry: number): u32 {
  return memory().read32(entry + PREV) >>> 0;
}

/** Moves all entries of `from` to the empty list `to`. */
export function list_splice_init(from: number, to: number): void {
  INIT_LIST_HEAD(to);
  if (list_empty(from)) return;
  const m = memory();
  const first = m.read32(from + NEXT) >>> 0;
  const last = m.read32(from + PREV) >>> 0;
  m.write32(to + NEXT, first);
  m.write32(to + PREV, last);
  m.write32(first + PREV, to);
  m.write32(last + NEXT, to);
  INIT_LIST_HEAD(from);
}

/** The entries of a list, first to last. The next entry is read before the current one is handed out (`_safe`). */
export function* list_for_each(head: u32): Generator<number, void, undefined> {
  let entry: u32 = list_next(head);
  while (entry !== head) {
    const next = list_next(entry);
    yield entry;
    entry = next;
  }
}
