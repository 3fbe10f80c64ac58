/**
 * The buddy allocator (mm/page_alloc.c): page frames in blocks of 2^order, 4 KiB to 2 MiB, aligned to their size.
 *
 * A free block is known by its first page: PG_buddy, its order in `private`, on the free list of that order. Every other
 * page of memory is in use (`count` > 0, or part of a block in use) or reserved. Each operation is one guest instruction.
 */
import { kernel_function, kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { __pa, __va, PAGE_SHIFT } from "../include/asm/page.ts";
import { clear_page } from "../include/asm/string.ts";
import { INIT_LIST_HEAD, list_add, list_del, list_empty, list_next } from "../include/linux/list.ts";
import {
  __GFP_WAIT,
  MAX_ORDER,
  PG_buddy,
  PG_reserved,
  PG_slab,
  page,
  try_to_free_pages,
  zone_struct,
} from "../include/linux/mm.ts";

/** One struct page for every frame of RAM. */
export const mem_map = kernel_variable("mem_map", pointer("page"));
/** Frames that mem_map describes. */
export const max_mapnr = kernel_variable("max_mapnr", u32);
/** The only zone: all of low memory. */
export const contig_page_data = kernel_variable("contig_page_data", zone_struct);

const FLAGS = page.offset("flags");
const COUNT = page.offset("count");
const PRIVATE = page.offset("private");

/** The frame number of a struct page. */
export function page_to_pfn(page_struct: number): number {
  return (page_struct - mem_map.value) / page.size;
}

/** The struct page of a frame number. Throws KernelBug beyond the end of memory. */
export function pfn_to_page(pfn: number): number {
  if (pfn >= max_mapnr.value) BUG(`frame 0x${pfn.toString(16)} is beyond the end of memory`);
  return mem_map.value + pfn * page.size;
}

/** The struct page of a directly mapped kernel address. */
export function virt_to_page(address: number): number {
  return pfn_to_page(__pa(address) >>> PAGE_SHIFT);
}

/** The kernel address of a page. */
export function page_address(page_struct: number): number {
  return __va(page_to_phys(page_struct));
}

/** The physical address of a page. */
export function page_to_phys(page_struct: number): number {
  return page_to_pfn(page_struct) * (1 << PAGE_SHIFT);
}

/** Whether a frame number names RAM that mem_map describes. */
export function pfn_valid(pfn: number): boolean {
  return pfn < max_mapnr.value;
}

export function page_count(page_struct: number): number {
  return memory().read32(page_struct + COUNT);
}

export function PageReserved(page_struct: number): boolean {
  return (memory().read32(page_struct + FLAGS) & PG_reserved) !== 0;
}

/** Takes a reference to a page. */
export function get_page(page_struct: number): void {
  memory().write32(page_struct + COUNT, page_count(page_struct) + 1);
}

/** Drops a reference to a page; the last one frees it. Reserved pages stay. */
export function put_page(page_struct: number): void {
  release_pages(page_struct, 0);
}

/** Pages free. */
export function nr_free_pages(): number {
  return contig_page_data.value.free_pages;
}

function free_area(order: number) {
  return contig_page_data.value.free_area.get(order);
}

function check_order(order: number): void {
  if (!(order >= 0 && order < MAX_ORDER)) BUG(`page order ${order} is not in 0..${MAX_ORDER - 1}`);
}

/** Empties the free lists and takes over `pages` struct pages at `map`, all reserved until freed. */
export function free_area_init(map: number, pages: number): void {
  mem_map.value = map;
  max_mapnr.value = pages;
  const m = memory();
  for (let at = map; at < map + pages * page.size; at += page.size) m.write32(at + FLAGS, PG_reserved);
  const zone = contig_page_data.value;
  zone.size = pages;
  zone.free_pages = 0;
  for (let order = 0; order < MAX_ORDER; order++) {
    INIT_LIST_HEAD(free_area(order).free_list.address);
    free_area(order).nr_free = 0;
  }
}

function add_block(block: number, order: number): void {
  const m = memory();
  const area = free_area(order);
  m.write32(block + FLAGS, PG_buddy);
  m.write32(block + PRIVATE, order);
  list_add(block, area.free_list.address);
  area.nr_free++;
}

function take_block(block: number, order: number): void {
  const area = free_area(order);
  list_del(block);
  memory().write32(block + FLAGS, 0);
  area.nr_free--;
}

/** Takes a block off the free lists, splitting a larger one as need be; 0 when none is large enough. */
function rmqueue(order: number): number {
  const m = memory();
  for (let from = order; from < MAX_ORDER; from++) {
    const head = free_area(from).free_list.address;
    if (list_empty(head)) continue;
    const block = list_next(head);
    if ((m.read32(block + FLAGS) & PG_buddy) === 0 || page_count(block) !== 0)
      BUG(`page 0x${block.toString(16)} on a free list is not free`);
    take_block(block, from);
    for (let half = from - 1; half >= order; half--) add_block(block + page.size * (1 << half), half);
    m.write32(block + COUNT, 1);
    m.write32(block + PRIVATE, order);
    contig_page_data.value.free_pages -= 1 << order;
    return block;
  }
  return 0;
}

/** Puts an unused block on the free lists, merged with its free buddies. */
function __free_pages_ok(block: number, order: number): void {
  const m = memory();
  const map = mem_map.value;
  const frames = max_mapnr.value;
  const zone = contig_page_data.value;
  zone.free_pages += 1 << order;
  let pfn = page_to_pfn(block);
  let merged = order;
  for (; merged < MAX_ORDER - 1; merged++) {
    const buddy_pfn = pfn ^ (1 << merged);
    if (buddy_pfn + (1 << merged) > frames) break;
    const buddy = map + buddy_pfn * page.size;
    if ((m.read32(buddy + FLAGS) & PG_buddy) === 0 || m.read32(buddy + PRIVATE) !== merged) break;
    take_block(buddy, merged);
    pfn &= buddy_pfn;
  }
  add_block(map + pfn * page.size, merged);
}

function release_pages(block: number, order: number): void {
  check_order(order);
  const m = memory();
  const flags = m.read32(block + FLAGS);
  if (flags & PG_reserved) return;
  const where = `page frame 0x${page_to_pfn(block).toString(16)}`;
  const count = page_count(block);
  if (flags & PG_buddy || count <= 0) BUG(`${where} is freed but not in use (count ${count})`);
  if (m.read32(block + PRIVATE) !== order)
    BUG(`${where} is freed with order ${order} but was got with order ${m.read32(block + PRIVATE)}`);
  if (flags & PG_slab) BUG(`${where} is freed while it is a slab`);
  m.write32(block + COUNT, count - 1);
  if (count === 1) __free_pages_ok(block, order);
}

/** Hands a reserved block to the allocator at boot. `pfn` is aligned to the order. */
export function free_boot_block(pfn: number, order: number): void {
  const m = memory();
  const block = pfn_to_page(pfn);
  for (let i = 0; i < 1 << order; i++) m.write32(block + i * page.size + FLAGS, 0);
  __free_pages_ok(block, order);
}

/** A block of 2^order page frames with count 1, as its first struct page; 0 when out of memory. */
export const __alloc_pages = kernel_function("__alloc_pages", [u32, u32], pointer("page"), function* (gfp_mask, order) {
  check_order(order);
  let block = rmqueue(order);
  while (block === 0 && gfp_mask & __GFP_WAIT) {
    if ((yield* try_to_free_pages(gfp_mask, order)) === 0) break;
    block = rmqueue(order);
  }
  return block;
});

/** One page frame, as its struct page; 0 when out of memory. */
export const alloc_page = (gfp_mask: number) => __alloc_pages(gfp_mask, 0);

/** 2^order pages, aligned to their size, as a kernel address; 0 when out of memory. Contents are undefined. */
export const __get_free_pages = kernel_function("__get_free_pages", [u32, u32], u32, function* (gfp_mask, order) {
  const block = yield* __alloc_pages(gfp_mask, order);
  return block === 0 ? 0 : page_address(block);
});

/** One page full of zeros, as a kernel address; 0 when out of memory. */
export const get_zeroed_page = kernel_function("get_zeroed_page", [u32], u32, function* (gfp_mask) {
  const address = yield* __get_free_pages(gfp_mask, 0);
  if (address !== 0) yield* clear_page(address);
  return address;
});

/** Drops a reference to a block; the last one frees it. Throws KernelBug for free pages and for a wrong order. */
export const __free_pages = kernel_function("__free_pages", [pointer("page"), u32], undefined, (block, order) => {
  release_pages(block, order);
});

/** Frees what `__get_free_pages` gave. Address 0 is ignored. */
export const free_pages = kernel_function("free_pages", [u32, u32], undefined, (address, order) => {
  if (address !== 0) release_pages(virt_to_page(address), order);
});

/** The largest order of a block that starts at `pfn` and ends by `end_pfn`. */
export function largest_order(pfn: number, end_pfn: number): number {
  let order = 0;
  while (order < MAX_ORDER - 1 && (pfn & ((2 << order) - 1)) === 0 && pfn + (2 << order) <= end_pfn) order++;
  return order;
}

/** The `order` for `__get_free_pages` that gives at least `bytes` bytes. */
export function get_order(bytes: number): number {
  let order = 0;
  while (1 << (order + PAGE_SHIFT) < bytes) order++;
  return order;
}
