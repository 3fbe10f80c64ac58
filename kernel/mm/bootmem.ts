/**
 * The boot-time allocator (mm/bootmem.c): a bitmap with one bit for every frame of low memory, set while the frame is
 * reserved. It lives until `free_all_bootmem` hands what is left to the buddy allocator. Nothing else runs meanwhile.
 */
import { kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { __pa, __va, PAGE_SHIFT, PAGE_SIZE } from "../include/asm/page.ts";
import { memset } from "../include/asm/string.ts";
import { free_boot_block, largest_order, nr_free_pages } from "./page_alloc.ts";

/** The bitmap, 0 before init_bootmem. */
export const node_bootmem_map = kernel_variable("node_bootmem_map", pointer("u32"));
/** First frame above the memory that bootmem manages. */
export const node_low_pfn = kernel_variable("node_low_pfn", u32);

/** Frames in a word of the bitmap. */
const WORD = 32;

/** First frame that ends after `physical` bytes. */
function PFN_UP(physical: number): u32 {
  return Math.ceil(physical / PAGE_SIZE);
}

function PFN_DOWN(physical: number): u32 {
  return Math.floor(physical / PAGE_SIZE);
}

/** Address of the byte that a frame's bit is in. */
function byte_of(pfn: u32): u32 {
  return node_bootmem_map.value + (pfn >>> 3);
}

function is_reserved(pfn: u32): boolean {
  return (memory().read8(byte_of(pfn)) & (1 << (pfn & 7))) !== 0;
}

function mark_frame(pfn: u32, reserve: boolean): void {
  const at = byte_of(pfn);
  const bit = 1 << (pfn & 7);
  memory().write8(at, reserve ? memory().read8(at) | bit : memory().read8(at) & ~bit);
}

/** Reserves or frees the frames first to end - 1: whole bytes of the bitmap at once, single bits at either end. */
function* mark(first: u32, end: u32, reserve: boolean): Steps<void> {
  const last: u32 = Math.min(end, node_low_pfn.value);
  if (first >= last) return;
  let pfn = first;
  while (pfn < last && (pfn & 7) !== 0) mark_frame(pfn++, reserve);
  const bytes: u32 = (last - pfn) >>> 3;
  yield* memset(byte_of(pfn), reserve ? 0xff : 0, bytes);
  pfn += 8 * bytes;
  while (pfn < last) mark_frame(pfn++, reserve);
}

/** The first frame from `pfn` to `end` - 1 that is reserved, or that is not; `end` when there is none. */
function* next_frame(pfn: u32, end: u32, reserved: boolean): Steps<u32> {
  const none_here = reserved ? 0 : -1;
  let at = pfn;
  while (at < end) {
    if (at % WORD === 0 && memory().read32(byte_of(at)) === none_here) at += WORD;
    else if (is_reserved(at) === reserved) return at;
    else at++;
  }
  return end;
}

function bitmap_size(): u32 {
  return (Math.ceil(node_low_pfn.value / 8) + 3) & ~3;
}

/** Starts bootmem for frames 0 to end_pfn, all reserved, with its bitmap at frame `map_pfn`. Returns the bitmap's bytes. */
export const init_bootmem = kernel_function("init_bootmem", [u32, u32], u32, function* (map_pfn, end_pfn) {
  node_bootmem_map.value = __va(map_pfn << PAGE_SHIFT);
  node_low_pfn.value = end_pfn;
  yield* memset(node_bootmem_map.value, 0xff, bitmap_size());
  return bitmap_size();
});

/** Reserves every frame that the physical range touches. */
export const reserve_bootmem = kernel_function("reserve_bootmem", [u32, u32], undefined, function* (physical, size) {
  yield* mark(PFN_DOWN(physical), PFN_UP(physical + size), true);
});

/** Frees every frame that lies wholly in the physical range. */
export const free_bootmem = kernel_function("free_bootmem", [u32, u32], undefined, function* (physical, size) {
  yield* mark(PFN_UP(physical), PFN_DOWN(physical + size), false);
});

/** Whole zeroed pages for `size` bytes, from the lowest address that has them, as a kernel address. */
export const __alloc_bootmem_pages = kernel_function("__alloc_bootmem_pages", [u32], u32, function* (size) {
  const pages = PFN_UP(size);
  const end_pfn = node_low_pfn.value;
  let first = yield* next_frame(0, end_pfn, false);
  while (first + pages <= end_pfn) {
    const end = yield* next_frame(first, first + pages, true);
    if (end === first + pages) {
      yield* mark(first, end, true);
      const address = __va(first << PAGE_SHIFT);
      yield* memset(address, 0, pages << PAGE_SHIFT);
      return address;
    }
    first = yield* next_frame(end, end_pfn, false);
  }
  return BUG(`bootmem has no ${size} bytes left: the machine has too little RAM`);
});

/** Gives the free frames, and those of the bitmap itself, to the buddy allocator. Returns pages given. */
export const free_all_bootmem = kernel_function("free_all_bootmem", [], u32, function* () {
  const map_first = PFN_DOWN(__pa(node_bootmem_map.value));
  yield* mark(map_first, map_first + PFN_UP(bitmap_size()), false);
  const end_pfn = node_low_pfn.value;
  const before = nr_free_pages();
  let pfn: u32 = yield* next_frame(0, end_pfn, false);
  while (pfn < end_pfn) {
    const end = yield* next_frame(pfn, end_pfn, true);
    while (pfn < end) {
      const order = largest_order(pfn, end);
      yield* free_boot_block(pfn, order);
      pfn += 1 << order;
    }
    pfn = yield* next_frame(end, end_pfn, false);
  }
  node_bootmem_map.value = 0;
  return nr_free_pages() - before;
});
