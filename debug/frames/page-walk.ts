/** A walk through the page tables, with every entry it met (Intel SDM vol. 3, 4.3). */
import type { Machine } from "../../emulator/index.ts";
import { hex } from "../numbers.ts";
import { CR0_PG, CR4_PSE, FRAME_MASK, LARGE_FRAME_MASK, PAGE_LARGE, PAGE_PRESENT } from "../paging.ts";

/** The registers that a walk starts from. */
export interface PagingRegisters {
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
}

/** An entry that the walk met. */
export interface WalkedEntry {
  readonly level: "PDE" | "PTE";
  readonly index: number;
  /** Physical address of the entry. */
  readonly address: number;
  readonly value: number;
}

export interface PageWalk {
  readonly linear: number;
  readonly paging: boolean;
  readonly entries: readonly WalkedEntry[];
  /** Where it leads; undefined when an entry is not present. */
  readonly physical: number | undefined;
  /** Bytes of the page. */
  readonly pageSize: number;
}

/** Walks without side effects. */
export function walkPages(machine: Machine, { cr0, cr3, cr4 }: PagingRegisters, address: number): PageWalk {
  const linear = address >>> 0;
  if ((cr0 & CR0_PG) === 0) return { linear, paging: false, entries: [], physical: linear, pageSize: 4096 };
  const pde = entryOf(machine, "PDE", cr3, linear >>> 22);
  const missing = (entries: readonly WalkedEntry[]) => ({
    linear,
    paging: true,
    entries,
    physical: undefined,
    pageSize: 4096,
  });
  if ((pde.value & PAGE_PRESENT) === 0) return missing([pde]);
  if ((pde.value & PAGE_LARGE) !== 0 && (cr4 & CR4_PSE) !== 0) {
    const physical = ((pde.value & LARGE_FRAME_MASK) | (linear & ~LARGE_FRAME_MASK)) >>> 0;
    return { linear, paging: true, entries: [pde], physical, pageSize: 1 << 22 };
  }
  const pte = entryOf(machine, "PTE", pde.value, (linear >>> 12) & 0x3ff);
  if ((pte.value & PAGE_PRESENT) === 0) return missing([pde, pte]);
  const physical = ((pte.value & FRAME_MASK) | (linear & ~FRAME_MASK)) >>> 0;
  return { linear, paging: true, entries: [pde, pte], physical, pageSize: 4096 };
}

function entryOf(machine: Machine, level: "PDE" | "PTE", table: number, index: number): WalkedEntry {
  const address = ((table & FRAME_MASK) >>> 0) + 4 * index;
  const bytes = machine.readPhysical(address, 4);
  return { level, index, address, value: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) };
}

/** Why a walk led nowhere. */
export function explain({ entries }: PageWalk): string {
  const last = entries.at(-1)!;
  const covers = last.level === "PDE" ? "no page table covers these 4 MiB" : "the page is not present";
  return `${covers} (${last.level} ${hex(last.value)} at physical ${hex(last.address)})`;
}

const BITS: readonly (readonly [bit: number, name: string])[] = [
  [0x001, "P"],
  [0x002, "RW"],
  [0x004, "US"],
  [0x008, "PWT"],
  [0x010, "PCD"],
  [0x020, "A"],
  [0x040, "D"],
  [0x080, "PS"],
  [0x100, "G"],
];
const PAGE_ATTRIBUTE = 0x080;

/** The name of a bit of an entry; `-` when it is clear. */
function bitName(level: WalkedEntry["level"], value: number, bit: number, name: string): string {
  if ((value & bit) === 0) return "-";
  return bit === PAGE_ATTRIBUTE && level === "PTE" ? "PAT" : name;
}

/** What software keeps in an entry. */
function softwareBits(value: number): string {
  const software = (value >>> 9) & 7;
  return software === 0 ? "" : ` AVL=${software}`;
}

/** The bits of an entry by name, those that are clear as `-`: `P RW US - - A D - -`, and what software keeps in it. */
export function entryBits({ level, value }: Pick<WalkedEntry, "level" | "value">): string {
  return BITS.map(([bit, name]) => bitName(level, value, bit, name)).join(" ") + softwareBits(value);
}

/** Those that are set: `P RW US A D`; `empty`, or `not present`, for what maps nothing. */
export function setEntryBits(level: WalkedEntry["level"], value: number): string {
  if ((value & PAGE_PRESENT) === 0) return value === 0 ? "empty" : "not present";
  const names = BITS.map(([bit, name]) => bitName(level, value, bit, name)).filter((name) => name !== "-");
  return names.join(" ") + softwareBits(value);
}
