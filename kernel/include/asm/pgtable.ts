/** Page directories and page tables of i386 (include/asm-i386/pgtable.h): entries are looked at by their addresses. */
import { memory } from "../../host/memory.ts";
import {
  __va,
  _PAGE_ACCESSED,
  _PAGE_DIRTY,
  _PAGE_PRESENT,
  _PAGE_RW,
  PAGE_MASK,
  PAGE_SHIFT,
  PGDIR_SHIFT,
  PTRS_PER_PTE,
} from "./page.ts";

/** Marks an entry of a page that exists but may not be touched (PROT_NONE); the PSE bit, free in 4 KiB entries. */
export const _PAGE_PROTNONE = 0x080;
export const _KERNPG_TABLE = _PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY;
export const PAGE_NONE = _PAGE_PROTNONE | _PAGE_ACCESSED;

const FRAME = PAGE_MASK;

/** Index of the page-directory entry for a linear address. */
export function pgd_index(address: number): number {
  return address >>> PGDIR_SHIFT;
}

/** Address of the page-directory entry for a linear address. */
export function pgd_offset(pgd: number, address: number): number {
  return pgd + 4 * pgd_index(address);
}

/** Kernel address of the page table that a present page-directory entry names. */
export function pgd_page(pgd_entry: number): number {
  return __va((memory().read32(pgd_entry) & FRAME) >>> 0);
}

export function pgd_none(pgd_entry: number): boolean {
  return memory().read32(pgd_entry) === 0;
}

/** Address of the page-table entry for a linear address, below a present page-directory entry. */
export function pte_offset(pgd_entry: number, address: number): number {
  return pgd_page(pgd_entry) + 4 * ((address >>> PAGE_SHIFT) & (PTRS_PER_PTE - 1));
}

/** Whether an entry's value maps a page, accessible or PROT_NONE. */
export function pte_present(pte: number): boolean {
  return (pte & (_PAGE_PRESENT | _PAGE_PROTNONE)) !== 0;
}

export function pte_none(pte: number): boolean {
  return pte === 0;
}

export function pte_write(pte: number): boolean {
  return (pte & _PAGE_RW) !== 0;
}

export function pte_mkwrite(pte: number): number {
  return pte | _PAGE_RW;
}

export function pte_mkdirty(pte: number): number {
  return pte | _PAGE_DIRTY;
}

export function pte_mkclean(pte: number): number {
  return pte & ~_PAGE_DIRTY;
}

export function pte_mkyoung(pte: number): number {
  return pte | _PAGE_ACCESSED;
}

export function pte_mkold(pte: number): number {
  return pte & ~_PAGE_ACCESSED;
}

export function pte_wrprotect(pte: number): number {
  return pte & ~_PAGE_RW;
}

/** Physical frame number in an entry. */
export function pte_pfn(pte: number): number {
  return pte >>> PAGE_SHIFT;
}
