/**
 * User page tables (mm/memory.c): copying them for fork, emptying them, and curing page faults.
 *
 * Page tables and rss change with page_table_lock held; what says that it needs it has its caller take it. Page tables come
 * with mmap_sem held for reading at least, and go with mmap_sem held for writing.
 */
import { image, trace, tracing } from "../host/context.ts";
import { call_pointer, kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { BUG } from "../include/asm/bug.ts";
import {
  __pa,
  _PAGE_TABLE,
  PAGE_SHIFT,
  PGDIR_SIZE,
  PTRS_PER_PGD,
  page_align_down,
  USER_PTRS_PER_PGD,
} from "../include/asm/page.ts";
import {
  pgd_index,
  pgd_none,
  pgd_offset,
  pgd_page,
  pte_mkclean,
  pte_mkdirty,
  pte_mkold,
  pte_mkwrite,
  pte_mkyoung,
  pte_none,
  pte_offset,
  pte_pfn,
  pte_present,
  pte_write,
  pte_wrprotect,
} from "../include/asm/pgtable.ts";
import { spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { clear_page, copy_page, find_nonzero, memcpy, memset } from "../include/asm/string.ts";
import { tlb_free_gathered, tlb_gathers, tlb_remove_page } from "../include/asm/tlb.ts";
import { flush_tlb_mm, flush_tlb_page } from "../include/asm/tlbflush.ts";
import { ENOMEM } from "../include/linux/errno.ts";
import {
  GFP_HIGHUSER,
  GFP_KERNEL,
  mm_struct,
  VM_MAYWRITE,
  VM_SHARED,
  vm_area_struct,
  vm_operations_struct,
} from "../include/linux/mm.ts";
import { current, kstat } from "../include/linux/sched.ts";
import {
  __get_free_pages,
  alloc_page,
  free_pages,
  get_page,
  get_zeroed_page,
  PageReserved,
  page_address,
  page_count,
  page_to_phys,
  pfn_to_page,
  pfn_valid,
  put_page,
  virt_to_page,
} from "./page_alloc.ts";

/** What handle_mm_fault says. */
export const FAULT_MINOR = 1;
export const FAULT_MAJOR = 2;
export const FAULT_SIGBUS = 0;
export const FAULT_OOM = -1;

/** What `nopage` returns beside a page. */
export const NOPAGE_SIGBUS = 0;
export const NOPAGE_OOM = 0xffffffff;

/** The entry that maps a page with a protection. */
export function mk_pte(page_struct: number, protection: number): u32 {
  return page_to_phys(page_struct) | protection;
}

/** The struct page that a present entry maps; 0 when it maps no RAM. */
export function pte_page(pte: number): u32 {
  return pfn_valid(pte_pfn(pte)) ? pfn_to_page(pte_pfn(pte)) : 0;
}

/** Address of an address space's page_table_lock. */
function page_table_lock(mm: number): u32 {
  return mm_struct.at(mm).page_table_lock.address;
}

/** The frame of zeros that reads of untouched anonymous memory see. */
function zero_page(): u32 {
  return virt_to_page(image().symbol("empty_zero_page"));
}

/**
 * A page directory with the kernel's entries and no user ones, as a kernel address; 0 when out of memory.
 * @context might_sleep
 */
export const pgd_alloc = kernel_function("pgd_alloc", [pointer("mm_struct")], u32, function* (_mm) {
  const pgd = yield* __get_free_pages(GFP_KERNEL, 0);
  if (pgd === 0) return 0;
  const user_bytes = 4 * USER_PTRS_PER_PGD;
  yield* memset(pgd, 0, user_bytes);
  yield* memcpy(
    pgd + user_bytes,
    image().symbol("swapper_pg_dir") + user_bytes,
    4 * (PTRS_PER_PGD - USER_PTRS_PER_PGD),
  );
  return pgd;
});

/** Frees a page directory; its user entries are clear already. */
export const pgd_free = kernel_function("pgd_free", [u32], undefined, function* (pgd) {
  yield* free_pages(pgd, 0);
});

/**
 * The address of the page-table entry for a linear address, with a page table made if there is none. 0 when out of
 * memory. Gives up page_table_lock while it allocates.
 * @context might_sleep holds mm_struct.page_table_lock of mm
 */
export const pte_alloc = kernel_function(
  "pte_alloc",
  [pointer("mm_struct"), u32, u32],
  u32,
  function* (mm, pgd_entry, address) {
    if (pgd_none(pgd_entry)) {
      yield* spin_unlock(page_table_lock(mm));
      const table = yield* get_zeroed_page(GFP_KERNEL);
      yield* spin_lock(page_table_lock(mm));
      if (table === 0) return 0;
      // Another thread may have been faster.
      if (pgd_none(pgd_entry)) memory().write32(pgd_entry, __pa(table) | _PAGE_TABLE);
      else yield* free_pages(table, 0);
    }
    return pte_offset(pgd_entry, address);
  },
);

/**
 * Gives the page tables of directory entries first to first + nr - 1 back; no page is mapped through them any more, nor is
 * another thread about to: it needs mmap_sem for writing.
 */
export const clear_page_tables = kernel_function(
  "clear_page_tables",
  [pointer("mm_struct"), u32, u32],
  undefined,
  function* (mm, first, nr) {
    const { pgd } = mm_struct.at(mm);
    const end: u32 = first + nr;
    for (let index: u32 = first; ; index++) {
      index += yield* find_nonzero(pgd + 4 * index, end - index);
      if (index === end) return;
      const entry: u32 = pgd + 4 * index;
      const table = pgd_page(entry);
      memory().write32(entry, 0);
      yield* free_pages(table, 0);
    }
  },
);

/**
 * Copies one entry for fork: a private writable page is write-protected on both sides. Returns the struct page that has one
 * more user now, which the caller counts; 0 for none.
 */
function copy_one_pte(source: number, destination: number, cow: boolean, shared: boolean, dst_mm: mm_struct): u32 {
  const m = memory();
  let pte = m.read32(source);
  if (!pte_present(pte)) return 0;
  let counted = 0;
  const page_struct = pte_page(pte);
  if (page_struct !== 0 && !PageReserved(page_struct)) {
    if (cow && pte_write(pte)) {
      pte = pte_wrprotect(pte);
      m.write32(source, pte);
    }
    if (shared) pte = pte_mkclean(pte);
    pte = pte_mkold(pte);
    counted = page_struct;
    dst_mm.rss++;
  }
  m.write32(destination, pte);
  return counted;
}

/**
 * Makes `dst` see what `src` sees in the range of `vma`, by sharing the frames (fork). The caller flushes the TLB, since
 * entries of `src` became read-only. Returns 0 or -ENOMEM; what was copied stays and is unmapped with `dst`. Needs mmap_sem
 * of `src` for writing, so that nobody else changes its page tables; nobody knows `dst` yet.
 * @context might_sleep
 */
export const copy_page_range = kernel_function(
  "copy_page_range",
  [pointer("mm_struct"), pointer("mm_struct"), pointer("vm_area_struct")],
  i32,
  function* (dst, src, vma_address) {
    const vma = vm_area_struct.at(vma_address);
    const flags = vma.vm_flags;
    const cow = (flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
    const shared = (flags & VM_SHARED) !== 0;
    const dst_mm = mm_struct.at(dst);
    const src_pgd = mm_struct.at(src).pgd;
    const end = vma.vm_end;
    yield* spin_lock(dst_mm.page_table_lock.address);
    for (let address: u32 = vma.vm_start; address < end; ) {
      const next = Math.min(next_table(address), end);
      const src_entry = pgd_offset(src_pgd, address);
      if (!pgd_none(src_entry)) {
        const first = pte_offset(src_entry, address);
        const dst_first = yield* pte_alloc(dst, pgd_offset(dst_mm.pgd, address), address);
        if (dst_first === 0) {
          yield* spin_unlock(dst_mm.page_table_lock.address);
          return -ENOMEM;
        }
        const pages: u32 = (next - address) >>> PAGE_SHIFT;
        for (let i: u32 = 0; ; i++) {
          i += yield* find_nonzero(first + 4 * i, pages - i);
          if (i === pages) break;
          const counted = copy_one_pte(first + 4 * i, dst_first + 4 * i, cow, shared, dst_mm);
          if (counted !== 0) yield* get_page(counted);
        }
      }
      address = next;
    }
    yield* spin_unlock(dst_mm.page_table_lock.address);
    return 0;
  },
);

/** First address behind the 4 MiB that the page table for `address` covers. */
function next_table(address: number): u32 {
  return (pgd_index(address) + 1) * PGDIR_SIZE;
}

/**
 * Takes an entry's page out of an address space. Returns whether its frame is to be freed now: not when other CPUs may still
 * have its translation, as they may when threads run there. Then it is among the gathered ones.
 */
function unmap_page(mm: mm_struct, pte_address: number, gathers: boolean): u32 {
  const m = memory();
  const page_struct = pte_page(m.read32(pte_address));
  m.write32(pte_address, 0);
  if (page_struct === 0 || PageReserved(page_struct)) return 0;
  mm.rss--;
  if (!gathers) return page_struct;
  tlb_remove_page(page_struct);
  return 0;
}

/**
 * Unmaps every page in a range and drops the references to the frames. Page tables stay. Needs mmap_sem for writing, or the
 * address space to itself.
 * @context in_task
 */
export const zap_page_range = kernel_function(
  "zap_page_range",
  [pointer("mm_struct"), u32, u32],
  undefined,
  function* (mm_address, start, size) {
    const mm = mm_struct.at(mm_address);
    const end = start + size;
    const gathers = tlb_gathers(mm);
    yield* spin_lock(mm.page_table_lock.address);
    for (let address: u32 = start; address < end; ) {
      const next = Math.min(next_table(address), end);
      const entry = pgd_offset(mm.pgd, address);
      if (!pgd_none(entry)) {
        const first = pte_offset(entry, address);
        const pages: u32 = (next - address) >>> PAGE_SHIFT;
        for (let i: u32 = 0; ; i++) {
          i += yield* find_nonzero(first + 4 * i, pages - i);
          if (i === pages) break;
          const page_struct = unmap_page(mm, first + 4 * i, gathers);
          if (page_struct !== 0) yield* put_page(page_struct);
        }
        if (gathers) yield* tlb_free_gathered(mm_address);
      }
      address = next;
    }
    yield* flush_tlb_mm(mm_address);
    yield* spin_unlock(mm.page_table_lock.address);
  },
);

/** Writes an entry that replaces a present one, and makes all CPUs forget that. Needs page_table_lock. */
function* establish_pte(vma: u32, address: u32, pte_address: u32, pte: u32): Steps<void> {
  memory().write32(pte_address, pte);
  yield* flush_tlb_page(vma, address);
}

function trace_cow(address: number, old_page: number, new_page: number, count_before: number): void {
  if (!tracing()) return;
  trace({
    event: "cow",
    pid: current().pid,
    address,
    old_frame: page_to_phys(old_page),
    new_frame: page_to_phys(new_page),
    count_before,
    count_after: page_count(old_page),
    copied: old_page === new_page ? 0 : 1,
  });
}

/**
 * A write to a present read-only page of a writable area: the last user gets the page itself, any other a copy. The page
 * of zeros is never reused, and taking a fresh page instead of it is demand-zero, not copy-on-write. Gives up
 * page_table_lock.
 * @context might_sleep holds mm_struct.page_table_lock of mm_address
 */
const do_wp_page = kernel_function(
  "do_wp_page",
  [pointer("mm_struct"), pointer("vm_area_struct"), u32, u32, u32],
  i32,
  function* (mm_address, vma, address, pte_address, pte) {
    const old_page = pte_page(pte);
    if (old_page === 0) BUG(`do_wp_page: address 0x${address.toString(16)} maps no RAM (entry 0x${pte.toString(16)})`);
    const reserved = PageReserved(old_page);
    const count_before = page_count(old_page);
    if (!reserved && count_before === 1) {
      kstat.value.cow_reuses++;
      yield* establish_pte(vma, address, pte_address, pte_mkyoung(pte_mkdirty(pte_mkwrite(pte))));
      yield* spin_unlock(page_table_lock(mm_address));
      trace_cow(address, old_page, old_page, count_before);
      return FAULT_MINOR;
    }
    if (!reserved) yield* get_page(old_page);
    yield* spin_unlock(page_table_lock(mm_address));
    const new_page = yield* alloc_page(GFP_HIGHUSER);
    if (new_page === 0) {
      if (!reserved) yield* put_page(old_page);
      return FAULT_OOM;
    }
    if (reserved) yield* clear_page(page_address(new_page));
    else yield* copy_page(page_address(new_page), page_address(old_page));
    yield* spin_lock(page_table_lock(mm_address));
    if (memory().read32(pte_address) >>> 0 !== pte >>> 0) {
      // Another thread was faster.
      yield* spin_unlock(page_table_lock(mm_address));
      yield* put_page(new_page);
      if (!reserved) yield* put_page(old_page);
      return FAULT_MINOR;
    }
    const { vm_page_prot } = vm_area_struct.at(vma);
    yield* establish_pte(vma, address, pte_address, pte_mkwrite(pte_mkdirty(mk_pte(new_page, vm_page_prot))));
    if (reserved) mm_struct.at(mm_address).rss++;
    yield* spin_unlock(page_table_lock(mm_address));
    if (reserved) return FAULT_MINOR;
    yield* put_page(old_page);
    yield* put_page(old_page);
    kstat.value.cow_copies++;
    trace_cow(address, old_page, new_page, count_before);
    return FAULT_MINOR;
  },
);

/**
 * First touch of anonymous memory: a read maps the page of zeros read-only, a write a fresh zeroed page. Gives up
 * page_table_lock.
 * @context might_sleep holds mm_struct.page_table_lock of mm_address
 */
const do_anonymous_page = kernel_function(
  "do_anonymous_page",
  [pointer("mm_struct"), pointer("vm_area_struct"), u32, i32, u32],
  i32,
  function* (mm_address, vma_address, _address, write_access, pte_address) {
    const vma = vm_area_struct.at(vma_address);
    if (write_access === 0) {
      memory().write32(pte_address, pte_wrprotect(mk_pte(zero_page(), vma.vm_page_prot)));
      yield* spin_unlock(page_table_lock(mm_address));
      return FAULT_MINOR;
    }
    yield* spin_unlock(page_table_lock(mm_address));
    const page_struct = yield* alloc_page(GFP_HIGHUSER);
    if (page_struct === 0) return FAULT_OOM;
    yield* clear_page(page_address(page_struct));
    yield* spin_lock(page_table_lock(mm_address));
    const is_first = map_new_page(
      mm_address,
      pte_address,
      pte_mkwrite(pte_mkdirty(mk_pte(page_struct, vma.vm_page_prot))),
    );
    yield* spin_unlock(page_table_lock(mm_address));
    if (!is_first) yield* put_page(page_struct);
    return FAULT_MINOR;
  },
);

/**
 * Puts a page where there is none: returns false when another thread was faster, which has put its own there. Needs
 * page_table_lock.
 */
function map_new_page(mm: number, pte_address: number, pte: number): boolean {
  const m = memory();
  if (!pte_none(m.read32(pte_address))) return false;
  const page_struct = pte_page(pte);
  if (page_struct === 0 || !PageReserved(page_struct)) mm_struct.at(mm).rss++;
  m.write32(pte_address, pte);
  return true;
}

/**
 * First touch of a page: asks the area's `nopage`. A write to a private area gets its own copy at once. Gives up
 * page_table_lock.
 * @context might_sleep holds mm_struct.page_table_lock of mm_address
 */
const do_no_page = kernel_function(
  "do_no_page",
  [pointer("mm_struct"), pointer("vm_area_struct"), u32, i32, u32],
  i32,
  function* (mm_address, vma_address, address, write_access, pte_address) {
    const vma = vm_area_struct.at(vma_address);
    const nopage = vma.vm_ops === 0 ? 0 : vm_operations_struct.at(vma.vm_ops).nopage;
    if (nopage === 0) return yield* do_anonymous_page(mm_address, vma_address, address, write_access, pte_address);
    yield* spin_unlock(page_table_lock(mm_address));
    let page_struct = yield* call_pointer(nopage, u32, vma_address, page_align_down(address));
    if (page_struct === NOPAGE_SIGBUS) return FAULT_SIGBUS;
    if (page_struct === NOPAGE_OOM) return FAULT_OOM;
    if (write_access !== 0 && (vma.vm_flags & VM_SHARED) === 0) {
      const copy = yield* alloc_page(GFP_HIGHUSER);
      if (copy === 0) {
        yield* put_page(page_struct);
        return FAULT_OOM;
      }
      yield* copy_page(page_address(copy), page_address(page_struct));
      yield* put_page(page_struct);
      page_struct = copy;
    }
    let pte = mk_pte(page_struct, vma.vm_page_prot);
    if (write_access !== 0) pte = pte_mkwrite(pte_mkdirty(pte));
    yield* spin_lock(page_table_lock(mm_address));
    const is_first = map_new_page(mm_address, pte_address, pte);
    yield* spin_unlock(page_table_lock(mm_address));
    if (is_first) return FAULT_MAJOR;
    yield* put_page(page_struct);
    return FAULT_MINOR;
  },
);

/**
 * Makes an access to `address` in `vma` possible; the caller has checked that the area allows it, and has mmap_sem. Returns
 * FAULT_MINOR, FAULT_MAJOR, FAULT_SIGBUS or FAULT_OOM.
 * @context might_sleep
 */
export const handle_mm_fault = kernel_function(
  "handle_mm_fault",
  [pointer("mm_struct"), pointer("vm_area_struct"), u32, i32],
  i32,
  function* (mm, vma, address, write_access) {
    yield* spin_lock(page_table_lock(mm));
    const pte_address = yield* pte_alloc(mm, pgd_offset(mm_struct.at(mm).pgd, address), address);
    if (pte_address === 0) {
      yield* spin_unlock(page_table_lock(mm));
      return FAULT_OOM;
    }
    const pte = memory().read32(pte_address);
    if (!pte_present(pte)) return yield* do_no_page(mm, vma, address, write_access, pte_address);
    if (write_access !== 0) {
      if (!pte_write(pte)) return yield* do_wp_page(mm, vma, address, pte_address, pte);
      yield* establish_pte(vma, address, pte_address, pte_mkyoung(pte_mkdirty(pte)));
    } else {
      yield* establish_pte(vma, address, pte_address, pte_mkyoung(pte));
    }
    yield* spin_unlock(page_table_lock(mm));
    return FAULT_MINOR;
  },
);
