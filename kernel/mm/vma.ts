/**
 * Areas of address spaces (mm/mmap.c): looking them up, for which mmap_sem is needed for reading, and making, linking, splitting
 * and joining them, for which it is needed for writing.
 */
import { fput, get_file } from "../fs/file_table.ts";
import { cstring, kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { pointer, type u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { PAGE_COPY, PAGE_READONLY, PAGE_SHARED, PAGE_SHIFT } from "../include/asm/page.ts";
import { PAGE_NONE } from "../include/asm/pgtable.ts";
import { memcpy } from "../include/asm/string.ts";
import { GFP_KERNEL, mm_struct, VM_EXEC, VM_READ, VM_SHARED, VM_WRITE, vm_area_struct } from "../include/linux/mm.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "./slab.ts";

export const vm_area_cachep = kernel_variable("vm_area_cachep", pointer("kmem_cache_t"));

const vm_area_struct_name = cstring("vm_area_struct");

/** Makes the areas' cache. @context might_sleep */
export const vma_init = kernel_function("vma_init", [], undefined, function* () {
  vm_area_cachep.value = yield* kmem_cache_create(vm_area_struct_name.address, vm_area_struct.size, 0);
});

/** The page protection for the low four flags, VM_READ, VM_WRITE, VM_EXEC, VM_SHARED (protection_map). */
export function protection_map(vm_flags: number): u32 {
  if ((vm_flags & (VM_READ | VM_WRITE | VM_EXEC)) === 0) return PAGE_NONE;
  if ((vm_flags & VM_WRITE) === 0) return PAGE_READONLY;
  return vm_flags & VM_SHARED ? PAGE_SHARED : PAGE_COPY;
}

/** The areas of an address space, in order of address. */
export function* for_each_vma(mm: u32): Generator<vm_area_struct, void, undefined> {
  for (let at: u32 = mm_struct.at(mm).mmap; at !== 0; ) {
    const vma = vm_area_struct.at(at);
    at = vma.vm_next;
    yield vma;
  }
}

/** The first area that ends after `address`, which it may or may not hold; 0 when there is none. */
export function* find_vma(mm_address: u32, address: u32): Steps<u32> {
  const mm = mm_struct.at(mm_address);
  const cached = mm.mmap_cache;
  if (cached !== 0 && holds(cached, address)) return cached;
  const found = vma_behind(mm, yield* find_vma_prev(mm_address, address));
  if (found !== 0) mm.mmap_cache = found;
  return found;
}

function holds(vma: number, address: number): boolean {
  const { vm_start, vm_end } = vm_area_struct.at(vma);
  return vm_start <= address && address < vm_end;
}

/** The area before the one that find_vma finds; 0 when that is the first. */
export function* find_vma_prev(mm: u32, address: u32): Steps<u32> {
  let prev: u32 = 0;
  for (const vma of for_each_vma(mm)) {
    if (vma.vm_end > address) break;
    prev = vma.address;
  }
  return prev;
}

/** The area behind another, or the first behind 0; 0 when there is none. */
export function vma_behind(mm: mm_struct, prev: number): u32 {
  return prev === 0 ? mm.mmap : vm_area_struct.at(prev).vm_next;
}

/** The first area that has bytes in start to end - 1, or 0. */
export function* find_vma_intersection(mm: u32, start: u32, end: u32): Steps<u32> {
  const vma = yield* find_vma(mm, start);
  return vma !== 0 && vm_area_struct.at(vma).vm_start < end ? vma : 0;
}

/** Links an area into its address space. Throws KernelBug when it overlaps another. */
export const insert_vm_struct = kernel_function(
  "insert_vm_struct",
  [pointer("mm_struct"), pointer("vm_area_struct")],
  undefined,
  function* (mm_address, vma_address) {
    const mm = mm_struct.at(mm_address);
    const vma = vm_area_struct.at(vma_address);
    const prev = yield* find_vma_prev(mm_address, vma.vm_start);
    const next = vma_behind(mm, prev);
    if (next !== 0 && vm_area_struct.at(next).vm_start < vma.vm_end)
      BUG(`areas overlap at 0x${vma.vm_start.toString(16)}`);
    vma.vm_mm = mm_address;
    vma.vm_next = next;
    if (prev === 0) mm.mmap = vma_address;
    else vm_area_struct.at(prev).vm_next = vma_address;
    mm.map_count++;
  },
);

/** Fills in a new area; the caller inserts it. Undefined when out of memory. @context might_sleep */
export function* new_vma(mm: u32, start: u32, end: u32, flags: u32): Steps<vm_area_struct | undefined> {
  const at = yield* kmem_cache_alloc(vm_area_cachep.value, GFP_KERNEL);
  if (at === 0) return undefined;
  const vma = vm_area_struct.at(at);
  vma.vm_mm = mm;
  vma.vm_start = start;
  vma.vm_end = end;
  vma.vm_next = 0;
  vma.vm_flags = flags;
  vma.vm_page_prot = protection_map(flags);
  vma.vm_ops = 0;
  vma.vm_pgoff = 0;
  vma.vm_file = 0;
  return vma;
}

/** Makes an anonymous area and inserts it. Returns it, or undefined when out of memory. @context might_sleep */
export function* insert_anonymous_area(mm: u32, start: u32, end: u32, flags: u32): Steps<vm_area_struct | undefined> {
  const vma = yield* new_vma(mm, start, end, flags);
  if (vma === undefined) return undefined;
  yield* insert_vm_struct(mm, vma.address);
  mm_struct.at(mm).total_vm += (end - start) >>> PAGE_SHIFT;
  return vma;
}

/** Frees an area that is linked nowhere, with its reference to the file. */
export function* free_vma(vma: vm_area_struct): Steps<void> {
  if (vma.vm_file !== 0) yield* fput(vma.vm_file);
  yield* kmem_cache_free(vm_area_cachep.value, vma.address);
}

/**
 * Cuts an area in two at `address`. Returns the part from there on, or undefined when out of memory.
 * @context might_sleep
 */
export function* split_vma(vma: vm_area_struct, address: u32): Steps<vm_area_struct | undefined> {
  const at = yield* kmem_cache_alloc(vm_area_cachep.value, GFP_KERNEL);
  if (at === 0) return undefined;
  const tail = vm_area_struct.at(at);
  yield* memcpy(tail.address, vma.address, vm_area_struct.size);
  tail.vm_start = address;
  tail.vm_pgoff += (address - vma.vm_start) >>> PAGE_SHIFT;
  if (tail.vm_file !== 0) yield* get_file(tail.vm_file);
  vma.vm_end = address;
  yield* insert_vm_struct(vma.vm_mm, at);
  return tail;
}

/** Joins areas of private anonymous memory in start to end that touch and allow the same, also with their neighbours. */
export function* merge_anonymous_areas(mm_address: u32, start: u32, end: u32): Steps<void> {
  const mm = mm_struct.at(mm_address);
  const prev = yield* find_vma_prev(mm_address, start);
  for (let at: u32 = prev === 0 ? mm.mmap : prev; at !== 0; ) {
    const vma = vm_area_struct.at(at);
    if (vma.vm_start > end) return;
    const next = vma.vm_next;
    if (next === 0) return;
    const following = vm_area_struct.at(next);
    const alike = vma.vm_end === following.vm_start && vma.vm_flags === following.vm_flags;
    if (!alike || vma.vm_file !== 0 || following.vm_file !== 0) {
      at = next;
      continue;
    }
    vma.vm_end = following.vm_end;
    vma.vm_next = following.vm_next;
    mm.map_count--;
    mm.mmap_cache = 0;
    yield* free_vma(following);
  }
}
