/** Changing what may be done with mapped memory (mm/mprotect.c). */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, u32 } from "../host/types.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../include/asm/mman.ts";
import { _PAGE_ACCESSED, _PAGE_DIRTY, PAGE_MASK, PAGE_SIZE, page_align_up, TASK_SIZE } from "../include/asm/page.ts";
import { pgd_none, pgd_offset, pte_offset, pte_present } from "../include/asm/pgtable.ts";
import { spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { flush_tlb_mm } from "../include/asm/tlbflush.ts";
import { EACCES, EINVAL, ENOMEM } from "../include/linux/errno.ts";
import { mm_struct, VM_EXEC, VM_READ, VM_WRITE, vm_area_struct } from "../include/linux/mm.ts";
import { down_write, up_write } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { find_vma, merge_anonymous_areas, protection_map, split_vma } from "./vma.ts";

const PROTECTIONS = PROT_READ | PROT_WRITE | PROT_EXEC;
const VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC;
/** VM_MAYREAD and so on are VM_READ and so on, four bits up. */
const MAY_SHIFT = 4;
/** What an entry keeps when its protection changes. */
const PAGE_CHG_MASK = PAGE_MASK | _PAGE_ACCESSED | _PAGE_DIRTY;

/** Gives the present entries of an area its protection. Private writable pages become writable by a fault. Needs mmap_sem. */
function* change_protection(vma: vm_area_struct): Steps<void> {
  const { pgd, page_table_lock } = mm_struct.at(vma.vm_mm);
  const m = memory();
  const protection = vma.vm_page_prot;
  yield* spin_lock(page_table_lock.address);
  for (let address: u32 = vma.vm_start; address < vma.vm_end; address += PAGE_SIZE) {
    const entry = pgd_offset(pgd, address);
    if (pgd_none(entry)) continue;
    const at = pte_offset(entry, address);
    const pte = m.read32(at);
    if (!pte_present(pte)) continue;
    m.write32(at, (pte & PAGE_CHG_MASK) | protection);
  }
  yield* flush_tlb_mm(vma.vm_mm);
  yield* spin_unlock(page_table_lock.address);
}

/**
 * Cuts the area so that it begins at `start` or later and ends at `end` or before. The part, undefined out of memory.
 * @context might_sleep
 */
function* cut_out(found: vm_area_struct, start: u32, end: u32): Steps<vm_area_struct | undefined> {
  let vma: vm_area_struct | undefined = found;
  if (vma.vm_start < start) vma = yield* split_vma(vma, start);
  if (vma !== undefined && vma.vm_end > end && (yield* split_vma(vma, end)) === undefined) return undefined;
  return vma;
}

/**
 * mprotect(2): -EINVAL for an unaligned address or unknown protection, -ENOMEM where nothing is mapped, -EACCES for what
 * the file's open mode forbids. Areas before the one that fails have changed then.
 * @context might_sleep
 */
export const sys_mprotect = kernel_function("sys_mprotect", [u32, u32, u32], i32, function* (start, length, prot) {
  const sem = mm_struct.at(current().mm).mmap_sem.address;
  yield* down_write(sem);
  const result = yield* do_mprotect(start, length, prot);
  yield* up_write(sem);
  return result;
});

/** What mprotect does. Needs mmap_sem for writing. @context might_sleep */
function* do_mprotect(start: u32, length: u32, prot: u32): Steps<i32> {
  if (start & ~PAGE_MASK || prot & ~PROTECTIONS) return -EINVAL;
  const bytes = page_align_up(length);
  if (length > TASK_SIZE || start + bytes > TASK_SIZE) return -ENOMEM;
  if (bytes === 0) return 0;
  const { mm } = current();
  const end: u32 = start + bytes;
  for (let address: u32 = start; address < end; ) {
    const found = yield* find_vma(mm, address);
    if (found === 0 || vm_area_struct.at(found).vm_start > address) return -ENOMEM;
    const { vm_flags } = vm_area_struct.at(found);
    const flags: u32 = (vm_flags & ~VM_ACCESS) | prot;
    if (prot & ~(vm_flags >>> MAY_SHIFT) & VM_ACCESS) return -EACCES;
    const vma = yield* cut_out(vm_area_struct.at(found), address, end);
    if (vma === undefined) return -ENOMEM;
    vma.vm_flags = flags;
    vma.vm_page_prot = protection_map(flags);
    yield* change_protection(vma);
    address = vma.vm_end;
  }
  yield* merge_anonymous_areas(mm, start, end);
  return 0;
}
