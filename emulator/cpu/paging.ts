import { PAGE_SIZE } from "../memory/physical-memory.ts";
import { CR4_PGE, CR4_PSE } from "./control-registers.ts";
import type { Core } from "./core.ts";
import {
  CR0_PG,
  CR0_WP,
  TLB_GLOBAL,
  TLB_NO_USER,
  TLB_NO_WRITE_SUPER,
  TLB_NO_WRITE_USER,
  VECTOR_PF,
} from "./state-layout.ts";

/** Bits of page directory and page table entries (Intel SDM vol. 3, 4.3). */
const PAGE_PRESENT = 0x001;
const PAGE_WRITABLE = 0x002;
const PAGE_USER = 0x004;
const PAGE_ACCESSED = 0x020;
const PAGE_DIRTY = 0x040;
/** In a directory entry, with CR4.PSE: maps 4 MiB itself. */
const PAGE_LARGE = 0x080;
const PAGE_GLOBAL = 0x100;

/** Bits of the #PF error code. */
const PF_PRESENT = 1;
const PF_WRITE = 2;
const PF_USER = 4;
const PF_RESERVED = 8;

/** Address bits of a 4 KiB and of a 4 MiB page, and the bits between them that a 4 MiB entry must keep 0. */
const FRAME_MASK = 0xfffff000;
const LARGE_FRAME_MASK = 0xffc00000;
const LARGE_RESERVED = 0x003ff000;

/** What `walk` returns in place of an address. */
export const NO_PAGE = -1;

/**
 * Translates a linear address after a TLB miss, as an access of the given kind would: see `walk`.
 * @returns the physical address, int32
 * @throws #PF with CR2 = `linear`
 */
export function translate(cpu: Core, linear: number, write: boolean, user: boolean): number {
  const physical = walk(cpu, linear, write, user);
  if (physical === NO_PAGE) throw cpu.fault;
  return physical | 0;
}

/**
 * Walks the page tables (or maps one to one with paging off) for an access of the given kind: checks the rights, sets
 * the accessed and dirty bits, fills the TLB entry. A clean page is entered as not writable, so that the first write walks
 * again and marks it dirty.
 * @param user the access is made at CPL 3 (not an implicit supervisor access)
 * @returns the physical address, unsigned; or NO_PAGE, with CR2 = `linear` and the #PF in `cpu.fault`
 */
export function walk(cpu: Core, linear: number, write: boolean, user: boolean): number {
  if ((cpu.cr0 & CR0_PG) === 0) {
    cpu.fillTlb(linear, linear, 0);
    return linear >>> 0;
  }
  const access = (write ? PF_WRITE : 0) | (user ? PF_USER : 0);
  const pdeAddress = (cpu.cr3 & FRAME_MASK) | ((linear >>> 20) & 0xffc);
  const pde = cpu.peekPhysical32(pdeAddress);
  if ((pde & PAGE_PRESENT) === 0) return pageFault(cpu, linear, access);

  if ((pde & PAGE_LARGE) !== 0 && (cpu.cr4 & CR4_PSE) !== 0) {
    if ((pde & LARGE_RESERVED) !== 0) return pageFault(cpu, linear, access | PF_PRESENT | PF_RESERVED);
    if (!isAllowed(cpu, pde, write, user)) return pageFault(cpu, linear, access | PF_PRESENT);
    const used = pde | PAGE_ACCESSED | (write ? PAGE_DIRTY : 0);
    if (used !== pde) markEntry(cpu, pdeAddress, used);
    const physical = (pde & LARGE_FRAME_MASK) | (linear & ~LARGE_FRAME_MASK);
    cpu.fillTlb(linear, physical, tlbFlags(cpu, used, used));
    return physical >>> 0;
  }

  const pteAddress = (pde & FRAME_MASK) | ((linear >>> 10) & 0xffc);
  const pte = cpu.peekPhysical32(pteAddress);
  if ((pte & PAGE_PRESENT) === 0) return pageFault(cpu, linear, access);
  const rights = pde & pte;
  if (!isAllowed(cpu, rights, write, user)) return pageFault(cpu, linear, access | PF_PRESENT);
  if ((pde & PAGE_ACCESSED) === 0) markEntry(cpu, pdeAddress, pde | PAGE_ACCESSED);
  const used = pte | PAGE_ACCESSED | (write ? PAGE_DIRTY : 0);
  if (used !== pte) markEntry(cpu, pteAddress, used);
  const physical = (pte & FRAME_MASK) | (linear & ~FRAME_MASK);
  cpu.fillTlb(linear, physical, tlbFlags(cpu, rights, used));
  return physical >>> 0;
}

/** Sets the accessed or dirty bit, a locked access (Intel SDM 3A 8.1.2.1): it comes after all stores. */
function markEntry(cpu: Core, physical: number, entry: number): void {
  cpu.drainStores();
  cpu.memory.write32(physical, entry);
}

/**
 * Whether the accessed and dirty bits that a walk sets may be bytes of decoded instructions, or lie in a device: then it
 * belongs into the midst of the instruction that it is made for.
 */
export function walkIsDelicate(cpu: Core, linear: number): boolean {
  if ((cpu.cr0 & CR0_PG) === 0) return false;
  if (isDelicate(cpu, cpu.cr3)) return true;
  const pde = cpu.memory.read32((cpu.cr3 & FRAME_MASK) | ((linear >>> 20) & 0xffc));
  return (pde & PAGE_PRESENT) !== 0 && isDelicate(cpu, pde);
}

function isDelicate(cpu: Core, physical: number): boolean {
  const host = cpu.memory.hostPage(physical >>> 12);
  return host < 0 || cpu.codeCache.hasCode(host >>> 12);
}

function pageFault(cpu: Core, linear: number, errorCode: number): typeof NO_PAGE {
  cpu.cr2 = linear;
  cpu.fault.vector = VECTOR_PF;
  cpu.fault.errorCode = errorCode;
  return NO_PAGE;
}

/**
 * Raises the #PF that a supervisor's write to `linear` would raise, and writes nothing (the page is marked dirty).
 */
export function touchForWrite(cpu: Core, linear: number): void {
  translate(cpu, linear | 0, true, false);
}

/**
 * The physical address behind a linear one according to the page tables in memory, as an unsigned number, or -1 when
 * no page is mapped there. For debuggers: has no effect on the guest, and ignores rights and the TLB.
 */
export function probe(cpu: Core, linear: number): number {
  if ((cpu.cr0 & CR0_PG) === 0) return linear >>> 0;
  const pde = cpu.peekPhysical32((cpu.cr3 & FRAME_MASK) | ((linear >>> 20) & 0xffc));
  if ((pde & PAGE_PRESENT) === 0) return -1;
  if ((pde & PAGE_LARGE) !== 0 && (cpu.cr4 & CR4_PSE) !== 0) {
    return ((pde & LARGE_FRAME_MASK) | (linear & ~LARGE_FRAME_MASK)) >>> 0;
  }
  const pte = cpu.peekPhysical32((pde & FRAME_MASK) | ((linear >>> 10) & 0xffc));
  return (pte & PAGE_PRESENT) === 0 ? -1 : ((pte & FRAME_MASK) | (linear & ~FRAME_MASK)) >>> 0;
}

/** @param rights U/S and R/W bits that hold for the whole walk */
function isAllowed(cpu: Core, rights: number, write: boolean, user: boolean): boolean {
  if (user && (rights & PAGE_USER) === 0) return false;
  if (!write || (rights & PAGE_WRITABLE) !== 0) return true;
  return !user && (cpu.cr0 & CR0_WP) === 0;
}

/** @param leaf the entry that maps the page, for its dirty and global bits */
function tlbFlags(cpu: Core, rights: number, leaf: number): number {
  let flags = (rights & PAGE_USER) === 0 ? TLB_NO_USER : 0;
  if ((rights & PAGE_WRITABLE) === 0) {
    flags |= (cpu.cr0 & CR0_WP) === 0 ? TLB_NO_WRITE_USER : TLB_NO_WRITE_USER | TLB_NO_WRITE_SUPER;
  }
  if ((leaf & PAGE_DIRTY) === 0) flags |= TLB_NO_WRITE_USER | TLB_NO_WRITE_SUPER;
  if ((leaf & PAGE_GLOBAL) !== 0 && (cpu.cr4 & CR4_PGE) !== 0) flags |= TLB_GLOBAL;
  return flags;
}

/**
 * A copy of memory as a core sees it through its page tables, read without side effects.
 * @param address linear, 0 to 2^32 - 1; wraps round at 4 GiB
 * @throws RangeError when a page is not mapped
 */
export function readLinear(cpu: Core, address: number, length: number): Uint8Array {
  const result = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const linear = (address + done) >>> 0;
    const physical = probe(cpu, linear);
    if (physical < 0) {
      throw new RangeError(`linear address 0x${linear.toString(16)} is not mapped on core ${cpu.id}`);
    }
    const inPage = linear % PAGE_SIZE;
    const count = Math.min(length - done, PAGE_SIZE - inPage);
    const onBus = cpu.memory.busPage(Math.floor(physical / PAGE_SIZE)) * PAGE_SIZE + inPage;
    result.set(cpu.peekPhysical(onBus, count), done);
    done += count;
  }
  return result;
}
