/** Page tables as a debugger walks them: without side effects, and whatever the rights (Intel SDM 3A 4.3). */
import type { Machine } from "../../emulator/index.ts";
import { CR0_PG, CR4_PSE, FRAME_MASK, LARGE_FRAME_MASK, PAGE_LARGE, PAGE_PRESENT } from "../paging.ts";

const PAGE_SIZE = 4096;

/** An address space. */
export interface AddressSpace {
  /** Physical address of the page directory; null when paging is off. */
  readonly directory: number | null;
  /** Whether there are pages of 4 MiB. */
  readonly largePages: boolean;
}

/** A stretch of linear memory within one page. */
export interface Piece {
  readonly physical: number;
  /** Places of its first byte, and after its last, in the whole. */
  readonly start: number;
  readonly end: number;
}

/** The address space that a core is in. */
export function addressSpaceOf(machine: Machine, core: number): AddressSpace {
  const { cr0, cr3, cr4 } = machine.cores[core];
  return { directory: (cr0 & CR0_PG) === 0 ? null : cr3 & FRAME_MASK, largePages: (cr4 & CR4_PSE) !== 0 };
}

/** Physical address, unsigned, behind a linear one; -1 where no page is mapped. */
export function physicalAddress(machine: Machine, { directory, largePages }: AddressSpace, linear: number): number {
  if (directory === null) return onBus(machine, linear);
  const pde = read32(machine, (directory | ((linear >>> 20) & 0xffc)) >>> 0);
  if ((pde & PAGE_PRESENT) === 0) return -1;
  if (largePages && (pde & PAGE_LARGE) !== 0) {
    return onBus(machine, (pde & LARGE_FRAME_MASK) | (linear & ~LARGE_FRAME_MASK));
  }
  const pte = read32(machine, ((pde & FRAME_MASK) | ((linear >>> 10) & 0xffc)) >>> 0);
  return (pte & PAGE_PRESENT) === 0 ? -1 : onBus(machine, (pte & FRAME_MASK) | (linear & ~FRAME_MASK));
}

/** Where a range of linear addresses lies, page by page. It wraps round at 4 GiB. @throws RangeError when not mapped */
export function piecesOf(machine: Machine, space: AddressSpace, linear: number, length: number): Piece[] {
  const pieces: Piece[] = [];
  for (let start = 0; start < length; ) {
    const at = (linear + start) >>> 0;
    const physical = physicalAddress(machine, space, at);
    if (physical < 0) throw new RangeError(`linear address 0x${at.toString(16).padStart(8, "0")} is not mapped`);
    const end = Math.min(length, start + PAGE_SIZE - (at % PAGE_SIZE));
    pieces.push({ physical, start, end });
    start = end;
  }
  return pieces;
}

function onBus(machine: Machine, physical: number): number {
  return ((machine.memory.busPage(physical >>> 12) << 12) | (physical & (PAGE_SIZE - 1))) >>> 0;
}

function read32(machine: Machine, physical: number): number {
  const bytes = machine.readPhysical(physical, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
}
