/** Address spaces and page frames (include/linux/mm.h, mm.h's struct page; Linux 2.4). */

import { asm_function } from "../../host/declarations.ts";
import { array, i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { spinlock_t } from "../asm/spinlock.ts";
import { list_head } from "./list.ts";
import { rw_semaphore } from "./rwsem.ts";

export const VM_READ = 0x00000001;
export const VM_WRITE = 0x00000002;
export const VM_EXEC = 0x00000004;
export const VM_SHARED = 0x00000008;
export const VM_MAYREAD = 0x00000010;
export const VM_MAYWRITE = 0x00000020;
export const VM_MAYEXEC = 0x00000040;
export const VM_MAYSHARE = 0x00000080;
export const VM_GROWSDOWN = 0x00000100;
export const VM_DATA_FLAGS = VM_READ | VM_WRITE | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
export const VM_STACK_FLAGS = VM_DATA_FLAGS | VM_GROWSDOWN;

/** How a page may be got (include/linux/mm.h): may wait and reclaim, may use the last pages. */
export const __GFP_WAIT = 0x10;
export const __GFP_HIGH = 0x20;
export const __GFP_IO = 0x40;
export const __GFP_HIGHIO = 0x80;
export const __GFP_FS = 0x100;
export const GFP_ATOMIC = __GFP_HIGH;
export const GFP_USER = __GFP_WAIT | __GFP_IO | __GFP_HIGHIO | __GFP_FS;
export const GFP_HIGHUSER = GFP_USER;
export const GFP_KERNEL = __GFP_HIGH | GFP_USER;

/** Bytes the stack may grow to (RLIMIT_STACK's default). */
export const STACK_LIMIT = 8 * 1024 * 1024;

/**
 * `mmap_sem` is held for reading while areas are looked at, by page faults above all, and for writing while they change. Page
 * tables and rss change with `page_table_lock`, which is taken with mmap_sem held, or by who has the address space to himself.
 */
export const mm_struct = struct("mm_struct", {
  mmap: pointer("vm_area_struct"),
  mmap_cache: pointer("vm_area_struct"),
  /** Linear address of the page directory. */
  pgd: pointer("pgd_t"),
  /** Tasks that use it, and everything that keeps the structure: atomic. */
  mm_users: i32,
  mm_count: i32,
  map_count: i32,
  mmap_sem: rw_semaphore,
  page_table_lock: spinlock_t,
  start_code: u32,
  end_code: u32,
  start_data: u32,
  end_data: u32,
  start_brk: u32,
  brk: u32,
  start_stack: u32,
  arg_start: u32,
  arg_end: u32,
  env_start: u32,
  env_end: u32,
  /** Pages present, pages mapped. */
  rss: u32,
  total_vm: u32,
  /** The program that runs here. */
  exe: pointer("inode"),
  /** One bit a CPU, set while it may have translations of this address space. */
  cpu_vm_mask: u32,
});
export type mm_struct = ViewOf<typeof mm_struct>;

export const vm_area_struct = struct("vm_area_struct", {
  vm_mm: pointer("mm_struct"),
  /** First byte, and first byte after the end. */
  vm_start: u32,
  vm_end: u32,
  vm_next: pointer("vm_area_struct"),
  vm_page_prot: u32,
  vm_flags: u32,
  /** Operations, or 0 for anonymous memory. */
  vm_ops: pointer("vm_operations_struct"),
  /** File page shown at vm_start, and the file; 0 for anonymous memory. */
  vm_pgoff: u32,
  vm_file: pointer("file"),
});
export type vm_area_struct = ViewOf<typeof vm_area_struct>;

/** Guest function pointers. `nopage(vma, address)` returns the struct page to map, or 0 (SIGBUS) / -1 (out of memory). */
export const vm_operations_struct = struct("vm_operations_struct", { nopage: pointer("nopage") });

/** One page frame (mem_map[pfn]). */
export const page = struct("page", {
  /** Free list (buddy), inode's pages (page cache); for slab pages `next` is the cache and `prev` the slab. */
  list: list_head,
  flags: u32,
  /** Users of the frame; 0 when free. Atomic. */
  count: i32,
  /** Order of the block that starts here, free or in use. */
  private: u32,
  /** Page number within its file, for pages of the page cache. */
  index: u32,
});
export type page = ViewOf<typeof page>;

export const PG_reserved = 1 << 0;
export const PG_slab = 1 << 1;
/** First page of a free buddy block. */
export const PG_buddy = 1 << 2;

export const MAX_ORDER = 10;

export const free_area_t = struct("free_area_t", { free_list: list_head, nr_free: u32 });
export type free_area_t = ViewOf<typeof free_area_t>;

export const zone_struct = struct("zone_struct", {
  lock: spinlock_t,
  free_pages: u32,
  size: u32,
  free_area: array(free_area_t, MAX_ORDER),
});

/**
 * Frees pages that can be had again, for an allocation of 2^order pages (mm/vmscan.ts, called by symbol because reclaim
 * and allocation know each other). Returns pages freed.
 */
export const try_to_free_pages = asm_function("try_to_free_pages", [u32, u32], i32);
