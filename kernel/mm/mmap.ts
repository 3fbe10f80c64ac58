/** Mapping and unmapping memory of an address space (mm/mmap.c); its areas are in vma.ts. */
import { get_file } from "../fs/file_table.ts";
import { call_pointer, kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import {
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "../include/asm/mman.ts";
import {
  PAGE_MASK,
  PAGE_SHIFT,
  PGDIR_SIZE,
  page_align_down,
  page_align_up,
  TASK_SIZE,
  USER_PTRS_PER_PGD,
} from "../include/asm/page.ts";
import { pgd_index } from "../include/asm/pgtable.ts";
import { spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { flush_tlb_mm } from "../include/asm/tlbflush.ts";
import { EACCES, EINVAL, ENODEV, ENOMEM } from "../include/linux/errno.ts";
import { FMODE_READ, FMODE_WRITE, file, file_operations, IS_ERR } from "../include/linux/fs.ts";
import {
  mm_struct,
  STACK_LIMIT,
  VM_DATA_FLAGS,
  VM_GROWSDOWN,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_SHARED,
  vm_area_struct,
} from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { clear_page_tables, zap_page_range } from "./memory.ts";
import { nr_free_pages } from "./page_alloc.ts";
import { shmem_file_setup, shmem_mmap } from "./shmem.ts";
import {
  find_vma_intersection,
  find_vma_prev,
  for_each_vma,
  free_vma,
  insert_anonymous_area,
  insert_vm_struct,
  new_vma,
  split_vma,
  vma_behind,
} from "./vma.ts";

/** Where mappings without a wish of their own begin. */
const TASK_UNMAPPED_BASE = TASK_SIZE / 3;
/** Areas a process may have. */
export const MAX_MAP_COUNT = 65536;

/** Grows the area before `start` over start to end - 1, if it is private anonymous memory with these flags. */
function* extend_previous(mm: mm_struct, start: u32, end: u32, flags: u32): Steps<boolean> {
  const prev = yield* find_vma_prev(mm.address, start);
  if (prev === 0) return false;
  const vma = vm_area_struct.at(prev);
  if (vma.vm_end !== start || vma.vm_flags !== flags || vma.vm_file !== 0 || flags & VM_SHARED) return false;
  vma.vm_end = end;
  mm.total_vm += (end - start) >>> PAGE_SHIFT;
  return true;
}

/** The first gap of `length` bytes, at `wish` if there is one; 0 when there is none. */
export function* get_unmapped_area(mm: u32, wish: u32, length: u32): Steps<u32> {
  if (length > TASK_SIZE) return 0;
  let start: u32 = page_align_up(wish);
  if (start !== 0 && start <= TASK_SIZE - length && (yield* find_vma_intersection(mm, start, start + length)) === 0)
    return start;
  start = page_align_up(TASK_UNMAPPED_BASE);
  for (const vma of for_each_vma(mm)) {
    if (vma.vm_end <= start) continue;
    if (start + length <= vma.vm_start) break;
    start = vma.vm_end;
  }
  return start <= TASK_SIZE - length ? start : 0;
}

/**
 * Maps `length` bytes of a file from page `pgoff` on (or of zeros, file 0) into the current address space: private, or
 * shared; files cannot be written to, so a shared mapping of one is for reading. Returns the address or -errno. MAP_FIXED
 * replaces what was there. Needs mmap_sem for writing.
 * @context might_sleep
 */
export const do_mmap_pgoff = kernel_function(
  "do_mmap_pgoff",
  [pointer("file"), u32, u32, u32, u32, u32],
  u32,
  function* (file_address, wish, length, prot, flags, pgoff) {
    const mm = mm_struct.at(current().mm);
    if (length === 0) return wish;
    const bytes = page_align_up(length);
    if (bytes === 0 || bytes > TASK_SIZE) return -EINVAL;
    if (pgoff + (bytes >>> PAGE_SHIFT) > 0x100000) return -EINVAL;
    if (mm.map_count > MAX_MAP_COUNT) return -ENOMEM;
    let start: u32 = wish;
    if (flags & MAP_FIXED) {
      if (start & ~PAGE_MASK) return -EINVAL;
      if (start > TASK_SIZE - bytes) return -ENOMEM;
    } else {
      start = yield* get_unmapped_area(mm.address, wish, bytes);
      if (start === 0) return -ENOMEM;
    }
    let vm_flags: u32 = (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    if (flags & MAP_GROWSDOWN) vm_flags |= VM_GROWSDOWN;
    const sharing = flags & MAP_TYPE;
    if (sharing !== MAP_SHARED && sharing !== MAP_PRIVATE) return -EINVAL;
    let mmap: u32 = 0;
    if (file_address !== 0) {
      const { f_mode, f_op } = file.at(file_address);
      if ((f_mode & FMODE_READ) === 0) return -EACCES;
      if (sharing === MAP_SHARED) {
        if (prot & PROT_WRITE && (f_mode & FMODE_WRITE) === 0) return -EACCES;
        vm_flags |= VM_SHARED | VM_MAYSHARE;
        if ((f_mode & FMODE_WRITE) === 0) vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
      }
      mmap = f_op === 0 ? 0 : file_operations.at(f_op).mmap;
      if (mmap === 0) return -ENODEV;
    } else if (sharing === MAP_SHARED) {
      vm_flags |= VM_SHARED | VM_MAYSHARE;
    }
    const error = yield* do_munmap(mm.address, start, bytes);
    if (error !== 0) return error;
    if (file_address === 0 && (vm_flags & VM_GROWSDOWN) === 0) {
      if (yield* extend_previous(mm, start, start + bytes, vm_flags)) return start;
    }
    const vma = yield* new_vma(mm.address, start, start + bytes, vm_flags);
    if (vma === undefined) return -ENOMEM;
    if (file_address === 0 && sharing === MAP_SHARED) {
      const shared = yield* shmem_file_setup(bytes);
      if (IS_ERR(shared)) {
        yield* free_vma(vma);
        return shared;
      }
      vma.vm_file = shared;
      yield* shmem_mmap(shared, vma.address);
    } else if (file_address !== 0) {
      vma.vm_pgoff = pgoff;
      vma.vm_file = file_address;
      yield* get_file(file_address);
      const refused = yield* call_pointer(mmap, i32, file_address, vma.address);
      if (refused !== 0) {
        yield* free_vma(vma);
        return refused;
      }
    }
    yield* insert_vm_struct(mm.address, vma.address);
    mm.total_vm += bytes >>> PAGE_SHIFT;
    return start;
  },
);

/** Frees the page tables that lie wholly in the gap between `prev` and the area behind it. */
function* free_pgtables(mm: u32, prev: u32, start: u32, end: u32): Steps<void> {
  const next = vma_behind(mm_struct.at(mm), prev);
  const used_below = prev === 0 ? 0 : vm_area_struct.at(prev).vm_end;
  const used_from = next === 0 ? TASK_SIZE : vm_area_struct.at(next).vm_start;
  const first: u32 = Math.max(pgd_index(start), Math.ceil(used_below / PGDIR_SIZE));
  const last: u32 = Math.min(Math.ceil(end / PGDIR_SIZE), pgd_index(used_from));
  if (last <= first) return;
  yield* clear_page_tables(mm, first, last - first);
  yield* flush_tlb_mm(mm);
}

/**
 * Makes sure that no area reaches over an address. Returns false when out of memory, or of areas.
 * @context might_sleep
 */
function* split_at(mm: mm_struct, boundary: u32): Steps<boolean> {
  const straddling = yield* find_vma_intersection(mm.address, boundary, boundary + 1);
  if (straddling === 0 || vm_area_struct.at(straddling).vm_start === boundary) return true;
  if (mm.map_count >= MAX_MAP_COUNT) return false;
  return (yield* split_vma(vm_area_struct.at(straddling), boundary)) !== undefined;
}

/**
 * Removes every mapping in a range, splitting areas that reach over its ends. Returns 0, -EINVAL for a bad range, or
 * -ENOMEM when a split found no memory; then nothing has changed but that areas may be split. Needs mmap_sem for writing.
 * @context might_sleep
 */
export const do_munmap = kernel_function(
  "do_munmap",
  [pointer("mm_struct"), u32, u32],
  i32,
  function* (mm_address, start, length) {
    const bytes = page_align_up(length);
    if (start & ~PAGE_MASK || start > TASK_SIZE || length > TASK_SIZE - start || bytes === 0) return -EINVAL;
    const mm = mm_struct.at(mm_address);
    const end: u32 = start + bytes;
    if (!(yield* split_at(mm, start)) || !(yield* split_at(mm, end))) return -ENOMEM;
    const prev = yield* find_vma_prev(mm_address, start);
    const first = vma_behind(mm, prev);
    if (first === 0 || vm_area_struct.at(first).vm_start >= end) return 0;
    mm.mmap_cache = 0;
    for (let at: u32 = first; at !== 0 && vm_area_struct.at(at).vm_start < end; ) {
      const vma = vm_area_struct.at(at);
      const { vm_start, vm_end, vm_next } = vma;
      if (prev === 0) mm.mmap = vm_next;
      else vm_area_struct.at(prev).vm_next = vm_next;
      mm.map_count--;
      mm.total_vm -= (vm_end - vm_start) >>> PAGE_SHIFT;
      yield* zap_page_range(mm_address, vm_start, vm_end - vm_start);
      yield* free_vma(vma);
      at = vm_next;
    }
    yield* free_pgtables(mm_address, prev, start, end);
    return 0;
  },
);

/** Whether so many more pages are free now. What others were promised, and what reclaiming could free, is not counted. */
function vm_enough_memory(pages: number): boolean {
  return nr_free_pages() > pages;
}

/**
 * Anonymous memory at a fixed place of the current address space, for the heap and .bss. Returns `start` or -errno. Needs
 * mmap_sem for writing.
 * @context might_sleep
 */
export const do_brk = kernel_function("do_brk", [u32, u32], u32, function* (start, length) {
  const mm = mm_struct.at(current().mm);
  const bytes = page_align_up(length);
  if (bytes === 0) return start;
  if (start & ~PAGE_MASK || start > TASK_SIZE - bytes) return -EINVAL;
  const error = yield* do_munmap(mm.address, start, bytes);
  if (error !== 0) return error;
  if (mm.map_count > MAX_MAP_COUNT || !vm_enough_memory(bytes >>> PAGE_SHIFT)) return -ENOMEM;
  if (yield* extend_previous(mm, start, start + bytes, VM_DATA_FLAGS)) return start;
  return (yield* insert_anonymous_area(mm.address, start, start + bytes, VM_DATA_FLAGS)) === undefined
    ? -ENOMEM
    : start;
});

/** Moves the end of the heap. Returns the new end, or the old one if it cannot be moved there. @context might_sleep */
export const sys_brk = kernel_function("sys_brk", [u32], u32, function* (brk) {
  const mm = mm_struct.at(current().mm);
  yield* down_write(mm.mmap_sem.address);
  const end = yield* move_brk(mm, brk);
  yield* up_write(mm.mmap_sem.address);
  return end;
});

/** What brk does. Needs mmap_sem for writing. @context might_sleep */
function* move_brk(mm: mm_struct, brk: u32): Steps<u32> {
  if (brk < mm.end_code || brk < mm.start_brk || brk > TASK_SIZE) return mm.brk;
  const old_end = page_align_up(mm.brk);
  const new_end = page_align_up(brk);
  if (new_end > old_end) {
    if ((yield* find_vma_intersection(mm.address, old_end, new_end + (1 << PAGE_SHIFT))) !== 0) return mm.brk;
    if ((yield* do_brk(old_end, new_end - old_end)) !== old_end) return mm.brk;
  } else if (new_end < old_end) {
    if ((yield* do_munmap(mm.address, new_end, old_end - new_end)) !== 0) return mm.brk;
  }
  mm.brk = brk;
  return brk;
}

/** @context might_sleep */
export const sys_munmap = kernel_function("sys_munmap", [u32, u32], i32, function* (start, length) {
  const { mm } = current();
  yield* down_write(mm_struct.at(mm).mmap_sem.address);
  const result = yield* do_munmap(mm, start, length);
  yield* up_write(mm_struct.at(mm).mmap_sem.address);
  return result;
});

/**
 * Grows a stack area down to the page of `address`. Returns 0, or -ENOMEM beyond STACK_LIMIT. Page faults have mmap_sem for
 * reading only: page_table_lock keeps two of them apart.
 */
export function* expand_stack(vma_address: u32, address: u32): Steps<i32> {
  const { vm_mm } = vm_area_struct.at(vma_address);
  yield* spin_lock(mm_struct.at(vm_mm).page_table_lock.address);
  const result: i32 = grow_down(vm_area_struct.at(vma_address), page_align_down(address));
  yield* spin_unlock(mm_struct.at(vm_mm).page_table_lock.address);
  return result;
}

function grow_down(vma: vm_area_struct, start: number): number {
  if (vma.vm_start <= start) return 0; // another thread was faster
  if (vma.vm_end - start > STACK_LIMIT) return -ENOMEM;
  const grow = (vma.vm_start - start) >>> PAGE_SHIFT;
  vma.vm_start = start;
  vma.vm_pgoff -= grow;
  mm_struct.at(vma.vm_mm).total_vm += grow;
  return 0;
}

/** Unmaps everything and frees all areas and page tables; nobody uses the address space any more. @context in_task */
export const exit_mmap = kernel_function("exit_mmap", [pointer("mm_struct")], undefined, function* (mm_address) {
  const mm = mm_struct.at(mm_address);
  mm.mmap_cache = 0;
  for (const vma of for_each_vma(mm_address)) {
    mm.mmap = vma.vm_next;
    mm.map_count--;
    mm.total_vm -= (vma.vm_end - vma.vm_start) >>> PAGE_SHIFT;
    yield* zap_page_range(mm_address, vma.vm_start, vma.vm_end - vma.vm_start);
    yield* free_vma(vma);
  }
  if (mm.map_count !== 0) BUG(`exit_mmap: ${mm.map_count} areas too many were counted`);
  yield* clear_page_tables(mm_address, 0, USER_PTRS_PER_PGD);
  yield* flush_tlb_mm(mm_address);
});
