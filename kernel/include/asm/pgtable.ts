/** Page directories and page tables of i386 (include/asm-i386/pgtable.h): entries are looked at by their addresses. */

import { memory } from "../../host/memory.ts";
import type { u32 } from "../../host/types.ts";
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
export function pgd_index(address: u32): u32 {
  return address >>> PGDIR_SHIFT;
}

/** Address of the page-directory entry for a linear address. */
export function pgd_offset(pgd: u32, address: u32): u32 {
  return pgd + 4 * pgd_index(address);
}

/** Kernel address of the page table that a present page-directory entry names. */
export function pgd_page(pgd_entry: u32): u32 {
  return __va((memory().read32(pgd_entry) & FRAME) >>> 0);
}

export function pgd_none(pgd_entry: u32): boolean {
  return memory().read32(pgd_entry) === 0;
}

/** Address of the page-table entry for a linear address, below a present page-directory entry. */
export function pte_offset(pgd_entry: u32, address: u32): u32 {
  return pgd_page(pgd_entry) + 4 * ((address >>> PAGE_SHIFT) & (PTRS_PER_PTE - 1));
}

/** Whether an entry's value maps a page, accessible or PROT_NONE. */
export function pte_present(pte: u32): boolean {
  return (pte & (_PAGE_PRESENT | _PAGE_PROTNONE)) !== 0;
}

export function pte_none(pte: u32): boolean {
  return pte === 0;
}

export function pte_write(pte: u32): boolean {
  return (pte & _PAGE_RW) !== 0;
}

export function pte_mkwrite(pte: u32): u32 {
  return (pte | _PAGE_RW) >>> 0;
}

export function pte_mkdirty(pte: u32): u32 {
  return (pte | _PAGE_DIRTY) >>> 0;
}

export function pte_mkclean(pte: u32): u32 {
  return (pte & ~_PAGE_DIRTY) >>> 0;
}

export function pte_mkyoung(pte: u32): u32 {
  return (pte | _PAGE_ACCESSED) >>> 0;
}

export function pte_mkold(pte: u32): u32 {
  return (pte & ~_PAGE_ACCESSED) >>> 0;
}

export function pte_wrprotect(pte: u32): u32 {
  return (pte & ~_PAGE_RW) >>> 0;
}

/** Physical frame number in an entry. */
export function pte_pfn(pte: u32): u32 {
  return pte >>> PAGE_SHIFT;
}
