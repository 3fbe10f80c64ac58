/** Pages and page-table entries of i386 (include/asm-i386/page.h, pgtable.h). */
import type { u32 } from "../../host/types.ts";

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;
/** `x & PAGE_MASK` rounds down to a page; mind that & gives signed results. */
export const PAGE_MASK = ~(PAGE_SIZE - 1);
/** Linear address at which physical memory is mapped, and end of user space. */
export const PAGE_OFFSET = 0xc0000000;
export const TASK_SIZE = PAGE_OFFSET;

export const _PAGE_PRESENT = 0x001;
export const _PAGE_RW = 0x002;
export const _PAGE_USER = 0x004;
export const _PAGE_PWT = 0x008;
export const _PAGE_PCD = 0x010;
export const _PAGE_ACCESSED = 0x020;
export const _PAGE_DIRTY = 0x040;
export const _PAGE_PSE = 0x080;
/** Stays in the TLB when CR3 is loaded, once CR4.PGE is set. */
export const _PAGE_GLOBAL = 0x100;
export const _PAGE_TABLE = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY;
export const PAGE_SHARED = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED;
export const PAGE_READONLY = _PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED;
export const PAGE_COPY = PAGE_READONLY;
/** The same in all page tables, so that a switch need not drop its translations. */
export const PAGE_KERNEL = _PAGE_PRESENT | _PAGE_RW | _PAGE_DIRTY | _PAGE_ACCESSED | _PAGE_GLOBAL;
export const PAGE_KERNEL_RO = PAGE_KERNEL & ~_PAGE_RW;

/** Bytes of RAM that are mapped at PAGE_OFFSET at most; the rest of the linear addresses is for other mappings. */
export const MAXMEM = 896 << 20;

export const PTRS_PER_PGD = 1024;
export const PTRS_PER_PTE = 1024;
export const PGDIR_SHIFT = 22;
export const PGDIR_SIZE = 1 << PGDIR_SHIFT;
export const USER_PTRS_PER_PGD = TASK_SIZE / PGDIR_SIZE;

/** Physical address of a directly mapped kernel address. */
export function __pa(linear: number): u32 {
  return (linear - PAGE_OFFSET) >>> 0;
}

/** Kernel address of a physical address. */
export function __va(physical: number): u32 {
  return (physical + PAGE_OFFSET) >>> 0;
}

export function page_align_down(address: number): u32 {
  return (address & PAGE_MASK) >>> 0;
}

export function page_align_up(address: number): u32 {
  return ((address + PAGE_SIZE - 1) & PAGE_MASK) >>> 0;
}
