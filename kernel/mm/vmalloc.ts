/**
 * Memory that is contiguous in linear addresses only (mm/vmalloc.c): single page frames, mapped between VMALLOC_START, 8 MiB
 * above the RAM that is mapped at PAGE_OFFSET, and VMALLOC_END, with an unmapped page behind each piece.
 *
 * The page tables of the whole area are there from the boot on (preallocate_vmalloc_pages() of Linux 5.8), in swapper_pg_dir
 * before the first page directory is copied from it: a mapping is in all address spaces as soon as its entries are written.
 * Linux 2.4 has a page fault copy what is missing; a kernel stack could not be reached that way.
 */
import { image } from "../host/context.ts";
import { config_function, kernel_function, kernel_table, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import { FIXADDR_START } from "../include/asm/fixmap.ts";
import {
  __pa,
  _PAGE_PRESENT,
  PAGE_KERNEL,
  PAGE_OFFSET,
  PAGE_SHIFT,
  PAGE_SIZE,
  PGDIR_SIZE,
  page_align_up,
} from "../include/asm/page.ts";
import { _KERNPG_TABLE, pgd_offset, pte_offset, pte_pfn } from "../include/asm/pgtable.ts";
import { RW_LOCK_BIAS, read_lock, read_unlock, rwlock_t, write_lock, write_unlock } from "../include/asm/spinlock.ts";
import { clear_page } from "../include/asm/string.ts";
import { __flush_tlb_one } from "../include/asm/system.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { vm_struct } from "../include/linux/vmalloc.ts";
import { __alloc_bootmem_pages } from "./bootmem.ts";
import { alloc_page, page_to_phys, pfn_to_page, put_page } from "./page_alloc.ts";
import { kfree, kmalloc } from "./slab.ts";

/** What lies between the direct mapping and the area, so that who runs out of the one does not get into the other. */
const VMALLOC_OFFSET = 8 << 20;
/** Bytes of the area at most (VMALLOC_RESERVE). */
const VMALLOC_RESERVE = 128 << 20;

/** What the page table of the fixed addresses maps. */
const FIXADDR_TABLE = FIXADDR_START - (FIXADDR_START % PGDIR_SIZE);

export const VMALLOC_START = kernel_variable("VMALLOC_START", u32);
export const VMALLOC_END = kernel_variable("VMALLOC_END", u32);

/** All pieces, by address. */
export const vmlist = kernel_variable("vmlist", pointer("vm_struct"));
/** Held while pieces come and go, or somebody walks them. Interrupts do not. */
const vmlist_lock = kernel_table("vmlist_lock", [RW_LOCK_BIAS], rwlock_t);

/** Drops translations of a piece on the other CPUs; arch/i386/kernel/smp.ts. */
const flush_tlb_kernel_range = config_function("flush_tlb_kernel_range", [u32, u32], "CONFIG_SMP");

function swapper(address: number): u32 {
  return pgd_offset(image().symbol("swapper_pg_dir"), address);
}

function pte_of(address: u32): u32 {
  return pte_offset(swapper(address), address);
}

/** Lays the area out and makes its page tables: half as much as there is RAM. Before the first copy of swapper_pg_dir. */
export const vmalloc_init = kernel_function("vmalloc_init", [u32], undefined, function* (frames) {
  const ram: u32 = frames << PAGE_SHIFT;
  const start: u32 = PAGE_OFFSET + ram + VMALLOC_OFFSET;
  VMALLOC_START.value = start - (start % VMALLOC_OFFSET);
  const wanted: u32 = Math.min(Math.ceil(ram / 2 / PGDIR_SIZE) * PGDIR_SIZE, VMALLOC_RESERVE);
  VMALLOC_END.value = VMALLOC_START.value + Math.min(wanted, FIXADDR_TABLE - VMALLOC_START.value);
  for (let at: u32 = VMALLOC_START.value; at < VMALLOC_END.value; at += PGDIR_SIZE) {
    const table = yield* __alloc_bootmem_pages(PAGE_SIZE);
    yield* clear_page(table);
    memory().write32(swapper(at), __pa(table) | _KERNPG_TABLE);
  }
});

function aligned(address: number, alignment: number): u32 {
  return (address + alignment - 1) & -alignment;
}

/**
 * Takes a piece of the area: the first hole that is large enough. Nothing is mapped there yet. Returns its vm_struct, 0 for none.
 * @context might_sleep
 */
export const get_vm_area = kernel_function(
  "get_vm_area",
  [u32, u32],
  pointer("vm_struct"),
  function* (size, alignment) {
    const at = yield* kmalloc(vm_struct.size, GFP_KERNEL);
    if (at === 0) return 0;
    const area = vm_struct.at(at);
    area.size = size;
    yield* write_lock(vmlist_lock.address);
    let link: u32 = vmlist.address;
    let addr: u32 = aligned(VMALLOC_START.value, alignment) >>> 0;
    for (let next = memory().read32(link) >>> 0; next !== 0; next = memory().read32(link) >>> 0) {
      const other = vm_struct.at(next);
      if (addr + size + PAGE_SIZE <= other.addr) break;
      addr = aligned(other.addr + other.size + PAGE_SIZE, alignment) >>> 0;
      link = other.address + NEXT;
    }
    const fits = addr + size + PAGE_SIZE <= VMALLOC_END.value;
    if (fits) {
      area.addr = addr;
      area.next = memory().read32(link) >>> 0;
      memory().write32(link, at);
    }
    yield* write_unlock(vmlist_lock.address);
    if (fits) return at;
    yield* kfree(at);
    return 0;
  },
);

const NEXT = vm_struct.offset("next");

/**
 * Takes the page frames of `addr` to `end` - 1 away. They are free when no CPU has a translation that leads there any more.
 * @context irqs_enabled
 */
function* unmap(addr: u32, end: u32): Steps<void> {
  for (let at: u32 = addr; at < end; at += PAGE_SIZE) {
    const pte = memory().read32(pte_of(at));
    memory().write32(pte_of(at), pte & ~_PAGE_PRESENT);
    yield* __flush_tlb_one(at);
  }
  yield* flush_tlb_kernel_range(addr, end);
  for (let at: u32 = addr; at < end; at += PAGE_SIZE) {
    const pte = memory().read32(pte_of(at));
    memory().write32(pte_of(at), 0);
    if (pte !== 0) yield* put_page(pfn_to_page(pte_pfn(pte)));
  }
}

/**
 * Memory of `size` bytes, whole pages, at a multiple of `alignment`, a power of two of at least a page. Contents are undefined. 0 when
 * there is none.
 * @context might_sleep
 */
export const __vmalloc = kernel_function("__vmalloc", [u32, u32], u32, function* (bytes, alignment) {
  const size: u32 = page_align_up(bytes);
  if (size === 0) return 0;
  const found = yield* get_vm_area(size, alignment);
  if (found === 0) return 0;
  const { addr } = vm_struct.at(found);
  for (let at: u32 = addr; at < addr + size; at += PAGE_SIZE) {
    const page = yield* alloc_page(GFP_KERNEL);
    if (page === 0) {
      yield* vfree(addr);
      return 0;
    }
    memory().write32(pte_of(at), page_to_phys(page) | PAGE_KERNEL);
  }
  return addr;
});

/** @context might_sleep */
export const vmalloc = kernel_function("vmalloc", [u32], u32, function* (bytes) {
  return yield* __vmalloc(bytes, PAGE_SIZE);
});

/** Gives back what vmalloc() gave; 0 is nothing. Throws KernelBug for another address. @context irqs_enabled */
export const vfree = kernel_function("vfree", [u32], undefined, function* (addr) {
  if (addr === 0) return;
  yield* read_lock(vmlist_lock.address);
  let at: u32 = vmlist.value;
  while (at !== 0 && vm_struct.at(at).addr !== addr) at = vm_struct.at(at).next;
  yield* read_unlock(vmlist_lock.address);
  if (at === 0) BUG(`vfree: nothing begins at 0x${addr.toString(16)}`);
  // Before the piece is given up: what takes its place begins with no translations.
  yield* unmap(addr, addr + vm_struct.at(at).size);
  yield* write_lock(vmlist_lock.address);
  let link: u32 = vmlist.address;
  while (memory().read32(link) >>> 0 !== at) link = (memory().read32(link) >>> 0) + NEXT;
  memory().write32(link, vm_struct.at(at).next);
  yield* write_unlock(vmlist_lock.address);
  yield* kfree(at);
});
