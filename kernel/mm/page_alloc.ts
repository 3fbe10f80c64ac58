/**
 * The buddy allocator (mm/page_alloc.c): page frames in blocks of 2^order, 4 KiB to 2 MiB, aligned to their size.
 *
 * A free block is known by its first page: PG_buddy, its order in `private`, on the free list of that order. Every other
 * page of memory is in use (`count` > 0, or part of a block in use) or reserved. Interrupts may allocate and free too:
 * they are off while the free lists change (zone->lock).
 */
import { kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { type i32, pointer, u32 } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { BUG } from "../include/asm/bug.ts";
import { __pa, __va, PAGE_SHIFT } from "../include/asm/page.ts";
import { spin_lock_init } from "../include/asm/spinlock.ts";
import { clear_page, memcpy, memset } from "../include/asm/string.ts";
import { INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_empty, list_next } from "../include/linux/list.ts";
import {
  __GFP_WAIT,
  type free_area_t,
  MAX_ORDER,
  PG_buddy,
  PG_reserved,
  PG_slab,
  page,
  try_to_free_pages,
  zone_struct,
} from "../include/linux/mm.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../include/linux/spinlock.ts";

/** One struct page for every frame of RAM. */
export const mem_map = kernel_variable("mem_map", pointer("page"));
/** Frames that mem_map describes. */
export const max_mapnr = kernel_variable("max_mapnr", u32);
/** The only zone: all of low memory. */
export const contig_page_data = kernel_variable("contig_page_data", zone_struct);

const FLAGS = page.offset("flags");
const COUNT = page.offset("count");

/** The frame number of a struct page. */
export function page_to_pfn(page_struct: u32): u32 {
  return (page_struct - mem_map.value) / page.size;
}

/** The struct page of a frame number. Throws KernelBug beyond the end of memory. */
export function pfn_to_page(pfn: u32): u32 {
  if (pfn >= max_mapnr.value) BUG(`frame 0x${pfn.toString(16)} is beyond the end of memory`);
  return mem_map.value + pfn * page.size;
}

/** The struct page of a directly mapped kernel address. */
export function virt_to_page(address: u32): u32 {
  return pfn_to_page(__pa(address) >>> PAGE_SHIFT);
}

/** The kernel address of a page. */
export function page_address(page_struct: u32): u32 {
  return __va(page_to_phys(page_struct));
}

/** The physical address of a page. */
export function page_to_phys(page_struct: u32): u32 {
  return page_to_pfn(page_struct) * (1 << PAGE_SHIFT);
}

/** Whether a frame number names RAM that mem_map describes. */
export function pfn_valid(pfn: u32): boolean {
  return pfn < max_mapnr.value;
}

export function page_count(page_struct: u32): i32 {
  return memory().read32(page_struct + COUNT);
}

export function PageReserved(page_struct: u32): boolean {
  return (memory().read32(page_struct + FLAGS) & PG_reserved) !== 0;
}

/** Takes a reference to a page. @inline */
export function* get_page(page_struct: u32): Steps<void> {
  yield* atomic_inc(page_struct + COUNT);
}

/** Drops a reference to a page; the last one frees it. Reserved pages stay. @context any */
export function* put_page(page_struct: u32): Steps<void> {
  yield* __free_pages(page_struct, 0);
}

/** Pages free. */
export function nr_free_pages(): u32 {
  return contig_page_data.value.free_pages;
}

function free_area(order: u32): free_area_t {
  return contig_page_data.value.free_area.get(order);
}

function check_order(order: u32): void {
  if (!(order >= 0 && order < MAX_ORDER)) BUG(`page order ${order} is not in 0..${MAX_ORDER - 1}`);
}

/** Empties the free lists and takes over `pages` struct pages at `map`, zeroed; all of them reserved until freed. */
export function* free_area_init(map: u32, pages: u32): Steps<void> {
  mem_map.value = map;
  max_mapnr.value = pages;
  // The first struct page is copied to the next one, the first two to the next two, and so on.
  page.at(map).flags = PG_reserved;
  for (let done: u32 = 1; done < pages; done *= 2) {
    yield* memcpy(map + done * page.size, map, Math.min(done, pages - done) * page.size);
  }
  const zone = contig_page_data.value;
  zone.size = pages;
  zone.free_pages = 0;
  spin_lock_init(zone.lock.address);
  for (let order = 0; order < MAX_ORDER; order++) {
    INIT_LIST_HEAD(free_area(order).free_list.address);
    free_area(order).nr_free = 0;
  }
}

/** Held, with interrupts off, while blocks come and go. */
function zone_lock(): u32 {
  return contig_page_data.value.lock.address;
}

/** Marks a block as free, before it is put on the free list of its order. @context holds contig_page_data.lock */
function mark_free(block: u32, order: u32): void {
  page.at(block).flags = PG_buddy;
  page.at(block).private = order;
  free_area(order).nr_free++;
}

/** Puts a block on the free list of its order, to be taken next. @context holds contig_page_data.lock */
function add_block(block: u32, order: u32): void {
  mark_free(block, order);
  list_add(block, free_area(order).free_list.address);
}

/** Takes a block off the free list of its order. @context holds contig_page_data.lock */
function take_block(block: u32, order: u32): void {
  list_del(block);
  page.at(block).flags = 0;
  free_area(order).nr_free--;
}

/** Takes a block off the free lists, splitting a larger one as need be; 0 when none is large enough. @context any */
function* rmqueue(order: u32): Steps<u32> {
  const flags = yield* spin_lock_irqsave(zone_lock());
  let from = order;
  while (from < MAX_ORDER && list_empty(free_area(from).free_list.address)) from++;
  let block: u32 = 0;
  if (from < MAX_ORDER) {
    block = list_next(free_area(from).free_list.address);
    if ((page.at(block).flags & PG_buddy) === 0 || page_count(block) !== 0)
      BUG(`page 0x${block.toString(16)} on a free list is not free`);
    take_block(block, from);
    while (from > order) {
      from--;
      add_block(block + page.size * (1 << from), from);
    }
    page.at(block).count = 1;
    page.at(block).private = order;
    contig_page_data.value.free_pages -= 1 << order;
  }
  yield* spin_unlock_irqrestore(zone_lock(), flags);
  return block;
}

/** Puts an unused block on the free lists, merged with its free buddies. @context any */
function* __free_pages_ok(block: u32, order: u32): Steps<void> {
  const flags = yield* spin_lock_irqsave(zone_lock());
  contig_page_data.value.free_pages += 1 << order;
  let pfn: u32 = page_to_pfn(block);
  let merged = order;
  for (; merged < MAX_ORDER - 1; merged++) {
    const buddy_pfn: u32 = pfn ^ (1 << merged);
    if (buddy_pfn + (1 << merged) > max_mapnr.value) break;
    const buddy = page.at(mem_map.value + buddy_pfn * page.size);
    if ((buddy.flags & PG_buddy) === 0 || buddy.private !== merged) break;
    take_block(buddy.address, merged);
    pfn &= buddy_pfn;
  }
  add_block(mem_map.value + pfn * page.size, merged);
  yield* spin_unlock_irqrestore(zone_lock(), flags);
}

function frame_name(block: u32): string {
  return `page frame 0x${page_to_pfn(block).toString(16)}`;
}

/**
 * Drops the reference to a block that was got with this order, if it is the only one: then nobody else can take one, and it needs
 * no LOCK. Returns whether it was.
 */
function put_only_reference(block: u32, order: u32): boolean {
  check_order(order);
  const { flags, count, private: got_with } = page.at(block);
  if (flags & PG_reserved) return false;
  if (flags & PG_buddy || count <= 0) BUG(`${frame_name(block)} is freed but not in use (count ${count})`);
  if (got_with !== order) BUG(`${frame_name(block)} is freed with order ${order} but was got with order ${got_with}`);
  if (flags & PG_slab) BUG(`${frame_name(block)} is freed while it is a slab`);
  if (count !== 1) return false;
  page.at(block).count = 0;
  return true;
}

/**
 * Hands a reserved block to the allocator at boot, when no buddy of it is free. `pfn` is aligned to the order. What is
 * handed over first is taken first, so that memory fills up from below: the initramfs lies at its top.
 */
export function* free_boot_block(pfn: u32, order: u32): Steps<void> {
  const block = pfn_to_page(pfn);
  yield* memset(block, 0, page.size << order);
  mark_free(block, order);
  list_add_tail(block, free_area(order).free_list.address);
  contig_page_data.value.free_pages += 1 << order;
}

/** Gives a reserved frame to the allocator. */
export function* free_reserved_page(pfn: u32): Steps<void> {
  const freed = page.at(pfn_to_page(pfn));
  freed.flags = 0;
  freed.count = 1;
  freed.private = 0;
  yield* __free_pages(freed.address, 0);
}

/** The free block that a frame is in; 0 when it is in none. Interrupts are off. @bounded by the orders, of which there are ten */
function free_block_of(pfn: u32): u32 {
  for (let order = 0; order < MAX_ORDER; order++) {
    const block = page.at(mem_map.value + (pfn & -(1 << order)) * page.size);
    if ((block.flags & PG_buddy) !== 0 && block.private === order) return block.address;
  }
  return 0;
}

/**
 * Puts the frames `pfn` to `end` - 1, which are in no block, on the free lists.
 * @context irqs_disabled holds contig_page_data.lock
 */
function* add_frames(pfn: u32, end: u32): Steps<void> {
  let at = pfn;
  while (at < end) {
    const order = largest_order(at, end);
    add_block(mem_map.value + at * page.size, order);
    at += 1 << order;
  }
}

/**
 * Takes the part of a free block that lies in frames `first` to `end` - 1 off the free lists. Returns the block's end.
 * @context irqs_disabled holds contig_page_data.lock
 */
function* reserve_in_block(block: u32, first: u32, end: u32): Steps<u32> {
  const order = page.at(block).private;
  const start: u32 = page_to_pfn(block);
  const behind: u32 = start + (1 << order);
  take_block(block, order);
  yield* add_frames(start, first);
  yield* add_frames(end, behind);
  let pfn: u32 = Math.max(start, first);
  while (pfn < Math.min(behind, end)) {
    page.at(mem_map.value + pfn * page.size).flags = PG_reserved;
    contig_page_data.value.free_pages--;
    pfn++;
  }
  return behind;
}

/**
 * Takes the frames `first` to `end` - 1 off the free lists for good. Returns false, and takes none, when one is in use.
 * @context any
 */
export function* reserve_free_pages(first: u32, end: u32): Steps<boolean> {
  const flags = yield* spin_lock_irqsave(zone_lock());
  let are_free = end <= max_mapnr.value;
  let pfn = first;
  while (are_free && pfn < end) {
    const block = free_block_of(pfn);
    are_free = block !== 0;
    if (are_free) pfn = page_to_pfn(block) + (1 << page.at(block).private);
  }
  pfn = first;
  while (are_free && pfn < end) pfn = yield* reserve_in_block(free_block_of(pfn), first, end);
  yield* spin_unlock_irqrestore(zone_lock(), flags);
  return are_free;
}

/**
 * A block of 2^order page frames with count 1, as its first struct page; 0 when out of memory.
 * @context might_sleep if gfp_mask & __GFP_WAIT
 */
export const __alloc_pages = kernel_function("__alloc_pages", [u32, u32], pointer("page"), function* (gfp_mask, order) {
  check_order(order);
  let block = yield* rmqueue(order);
  while (block === 0 && gfp_mask & __GFP_WAIT) {
    if ((yield* try_to_free_pages(gfp_mask, order)) === 0) break;
    block = yield* rmqueue(order);
  }
  return block;
});

/** One page frame, as its struct page; 0 when out of memory. @context might_sleep if gfp_mask & __GFP_WAIT */
export function* alloc_page(gfp_mask: u32): Steps<u32> {
  return yield* __alloc_pages(gfp_mask, 0);
}

/**
 * 2^order pages, aligned to their size, as a kernel address; 0 when out of memory. Contents are undefined.
 * @context might_sleep if gfp_mask & __GFP_WAIT
 */
export const __get_free_pages = kernel_function("__get_free_pages", [u32, u32], u32, function* (gfp_mask, order) {
  const block = yield* __alloc_pages(gfp_mask, order);
  return block === 0 ? 0 : page_address(block);
});

/** One page full of zeros, as a kernel address; 0 when out of memory. @context might_sleep if gfp_mask & __GFP_WAIT */
export const get_zeroed_page = kernel_function("get_zeroed_page", [u32], u32, function* (gfp_mask) {
  const address = yield* __get_free_pages(gfp_mask, 0);
  if (address !== 0) yield* clear_page(address);
  return address;
});

/**
 * Drops a reference to a block; the last one frees it. Throws KernelBug for free pages and for a wrong order.
 * @context any
 */
export const __free_pages = kernel_function(
  "__free_pages",
  [pointer("page"), u32],
  undefined,
  function* (block, order) {
    if (put_only_reference(block, order)) yield* __free_pages_ok(block, order);
    else if (!PageReserved(block)) {
      if ((yield* atomic_dec_and_test(block + COUNT)) !== 0) yield* __free_pages_ok(block, order);
    }
  },
);

/** Frees what `__get_free_pages` gave. Address 0 is ignored. @context any */
export const free_pages = kernel_function("free_pages", [u32, u32], undefined, function* (address, order) {
  if (address !== 0) yield* __free_pages(virt_to_page(address), order);
});

/** The largest order of a block that starts at `pfn` and ends by `end_pfn`. */
export function largest_order(pfn: u32, end_pfn: u32): u32 {
  let order = 0;
  while (order < MAX_ORDER - 1 && (pfn & ((2 << order) - 1)) === 0 && pfn + (2 << order) <= end_pfn) order++;
  return order;
}

/** The `order` for `__get_free_pages` that gives at least `bytes` bytes. */
export function get_order(bytes: u32): u32 {
  let order = 0;
  while (1 << (order + PAGE_SHIFT) < bytes) order++;
  return order;
}
