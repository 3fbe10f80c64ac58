/**
 * The boot-time allocator (mm/bootmem.c): a bitmap with one bit for every frame of low memory, set while the frame is
 * reserved. It lives until `free_all_bootmem` hands what is left to the buddy allocator.
 */
import { kernel_function, kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { memset } from "../include/asm/string.ts";
import { pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { __pa, __va, PAGE_SHIFT, PAGE_SIZE } from "../include/asm/page.ts";
import { free_boot_block, largest_order, nr_free_pages } from "./page_alloc.ts";

/** The bitmap, 0 before init_bootmem. */
export const node_bootmem_map = kernel_variable("node_bootmem_map", pointer("u32"));
/** First frame above the memory that bootmem manages. */
export const node_low_pfn = kernel_variable("node_low_pfn", u32);

/** First frame that ends after `physical` bytes. */
function PFN_UP(physical: number): number {
  return Math.ceil(physical / PAGE_SIZE);
}

function PFN_DOWN(physical: number): number {
  return Math.floor(physical / PAGE_SIZE);
}

function reserved(pfn: number): boolean {
  return (memory().read8(node_bootmem_map.value + (pfn >>> 3)) & (1 << (pfn & 7))) !== 0;
}

function mark(first: number, end: number, reserve: boolean): void {
  const m = memory();
  const map = node_bootmem_map.value;
  for (let pfn = first; pfn < Math.min(end, node_low_pfn.value); pfn++) {
    const at = map + (pfn >>> 3);
    const bit = 1 << (pfn & 7);
    m.write8(at, reserve ? m.read8(at) | bit : m.read8(at) & ~bit);
  }
}

function bitmap_size(): number {
  return (Math.ceil(node_low_pfn.value / 8) + 3) & ~3;
}

/** Starts bootmem for frames 0 to end_pfn, all reserved, with its bitmap at frame `map_pfn`. Returns the bitmap's bytes. */
export const init_bootmem = kernel_function("init_bootmem", [u32, u32], u32, (map_pfn, end_pfn) => {
  node_bootmem_map.value = __va(map_pfn << PAGE_SHIFT);
  node_low_pfn.value = end_pfn;
  yield* memset(node_bootmem_map.value, 0xff, bitmap_size());
  return bitmap_size();
});

/** Reserves every frame that the physical range touches. */
export const reserve_bootmem = kernel_function("reserve_bootmem", [u32, u32], undefined, (physical, size) => {
  mark(PFN_DOWN(physical), PFN_UP(physical + size), true);
});

/** Frees every frame that lies wholly in the physical range. */
export const free_bootmem = kernel_function("free_bootmem", [u32, u32], undefined, (physical, size) => {
  mark(PFN_UP(physical), PFN_DOWN(physical + size), false);
});

/** Whole zeroed pages for `size` bytes, from the lowest address that has them, as a kernel address. */
export const __alloc_bootmem_pages = kernel_function("__alloc_bootmem_pages", [u32], u32, (size) => {
  const pages = PFN_UP(size);
  for (let pfn = 0, run = 0; pfn < node_low_pfn.value; pfn++) {
    run = reserved(pfn) ? 0 : run + 1;
    if (run < pages) continue;
    const first = pfn - pages + 1;
    mark(first, pfn + 1, true);
    const address = __va(first << PAGE_SHIFT);
    yield* memset(address, 0, pages << PAGE_SHIFT);
    return address;
  }
  BUG(`bootmem has no ${size} bytes left: the machine has too little RAM`);
});

/** Gives the free frames, and those of the bitmap itself, to the buddy allocator. Returns pages given. */
export const free_all_bootmem = kernel_function("free_all_bootmem", [], u32, () => {
  const map_first = PFN_DOWN(__pa(node_bootmem_map.value));
  mark(map_first, map_first + PFN_UP(bitmap_size()), false);
  const end_pfn = node_low_pfn.value;
  const before = nr_free_pages();
  for (let pfn = 0; pfn < end_pfn; ) {
    if (reserved(pfn)) {
      pfn++;
      continue;
    }
    let end = pfn + 1;
    while (end < end_pfn && !reserved(end)) end++;
    while (pfn < end) {
      const order = largest_order(pfn, end);
      free_boot_block(pfn, order);
      pfn += 1 << order;
    }
  }
  node_bootmem_map.value = 0;
  return nr_free_pages() - before;
});
