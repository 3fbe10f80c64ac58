/** Growing, shrinking and moving mappings (mm/mremap.c). */
import { get_file } from "../fs/file_table.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { type i32, u32 } from "../host/types.ts";
import { MREMAP_FIXED, MREMAP_MAYMOVE } from "../include/asm/mman.ts";
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, page_align_up, TASK_SIZE } from "../include/asm/page.ts";
import { pgd_none, pgd_offset, pte_none, pte_offset } from "../include/asm/pgtable.ts";
import { spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { flush_tlb_mm } from "../include/asm/tlbflush.ts";
import { EFAULT, EINVAL, ENOMEM } from "../include/linux/errno.ts";
import { mm_struct, VM_GROWSDOWN, vm_area_struct } from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { pte_alloc } from "./memory.ts";
import { do_munmap, get_unmapped_area } from "./mmap.ts";
import { find_vma, find_vma_intersection, insert_vm_struct, new_vma } from "./vma.ts";

/**
 * Moves the entries of `bytes` from one place to another where nothing is mapped. Returns 0, or -ENOMEM half-way. Needs mmap_sem
 * for writing.
 * @context might_sleep
 */
function* move_page_tables(mm_address: u32, from: u32, to: u32, bytes: u32): Steps<i32> {
  const { pgd, page_table_lock } = mm_struct.at(mm_address);
  let result: i32 = 0;
  yield* spin_lock(page_table_lock.address);
  for (let offset: u32 = 0; offset < bytes; offset += PAGE_SIZE) {
    const source_entry = pgd_offset(pgd, from + offset);
    if (pgd_none(source_entry)) continue;
    const source = pte_offset(source_entry, from + offset);
    const pte = memory().read32(source);
    if (pte_none(pte)) continue;
    const target = yield* pte_alloc(mm_address, pgd_offset(pgd, to + offset), to + offset);
    if (target === 0) {
      result = -ENOMEM;
      break;
    }
    memory().write32(source, 0);
    memory().write32(target, pte);
  }
  yield* flush_tlb_mm(mm_address);
  yield* spin_unlock(page_table_lock.address);
  return result;
}

/**
 * Makes an area like `vma` from `old_address` on elsewhere, moves the pages there and unmaps the old place.
 * @context might_sleep
 */
function* move_vma(vma: vm_area_struct, old_address: u32, old_bytes: u32, to: u32, bytes: u32): Steps<u32> {
  const mm = vma.vm_mm;
  const moved = yield* new_vma(mm, to, to + bytes, vma.vm_flags);
  if (moved === undefined) return -ENOMEM;
  moved.vm_ops = vma.vm_ops;
  moved.vm_file = vma.vm_file;
  moved.vm_pgoff = vma.vm_pgoff + ((old_address - vma.vm_start) >>> PAGE_SHIFT);
  if (moved.vm_file !== 0) yield* get_file(moved.vm_file);
  yield* insert_vm_struct(mm, moved.address);
  mm_struct.at(mm).total_vm += bytes >>> PAGE_SHIFT;
  if ((yield* move_page_tables(mm, old_address, to, old_bytes)) !== 0) {
    // The way back needs no page table that is not there.
    yield* move_page_tables(mm, to, old_address, old_bytes);
    yield* do_munmap(mm, to, bytes);
    return -ENOMEM;
  }
  yield* do_munmap(mm, old_address, old_bytes);
  return to;
}

/**
 * mremap(2): shrinks or grows a mapping where it is, or moves it with MREMAP_MAYMOVE. Returns its address or -errno:
 * -EINVAL for bad arguments (MREMAP_FIXED is not supported), -EFAULT when the range is not one mapping, -ENOMEM.
 * @context might_sleep
 */
export const sys_mremap = kernel_function(
  "sys_mremap",
  [u32, u32, u32, u32],
  u32,
  function* (address, old_length, new_length, flags) {
    const sem = mm_struct.at(current().mm).mmap_sem.address;
    yield* down_write(sem);
    const result = yield* do_mremap(address, old_length, new_length, flags);
    yield* up_write(sem);
    return result;
  },
);

/** What mremap does. Needs mmap_sem for writing. @context might_sleep */
const do_mremap = kernel_function(
  "do_mremap",
  [u32, u32, u32, u32],
  u32,
  function* (address, old_length, new_length, flags) {
    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) || flags & MREMAP_FIXED || address & ~PAGE_MASK) return -EINVAL;
    const old_bytes = page_align_up(old_length);
    const bytes = page_align_up(new_length);
    if (bytes === 0 || bytes > TASK_SIZE || old_length > TASK_SIZE - address) return -EINVAL;
    const { mm } = current();
    if (old_bytes >= bytes) {
      if (old_bytes > bytes) {
        const error = yield* do_munmap(mm, address + bytes, old_bytes - bytes);
        if (error !== 0) return error;
      }
      return address;
    }
    const found = yield* find_vma(mm, address);
    if (found === 0) return -EFAULT;
    const vma = vm_area_struct.at(found);
    if (vma.vm_start > address || old_bytes > vma.vm_end - address || old_bytes === 0) return -EFAULT;
    if (vma.vm_flags & VM_GROWSDOWN) return -EFAULT;
    const end: u32 = address + bytes;
    const at_its_end = address + old_bytes === vma.vm_end && end <= TASK_SIZE;
    if (at_its_end && (yield* find_vma_intersection(mm, vma.vm_end, end)) === 0) {
      mm_struct.at(mm).total_vm += (end - vma.vm_end) >>> PAGE_SHIFT;
      vma.vm_end = end;
      return address;
    }
    if ((flags & MREMAP_MAYMOVE) === 0) return -ENOMEM;
    const to = yield* get_unmapped_area(mm, 0, bytes);
    return to === 0 ? -ENOMEM : yield* move_vma(vma, address, old_bytes, to, bytes);
  },
);
