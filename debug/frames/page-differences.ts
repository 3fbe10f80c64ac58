/** All entries of page tables, and which of them differ between two moments (Intel SDM vol. 3, 4.3). */
import type { Machine } from "../../emulator/index.ts";
import { CR4_PSE, FRAME_MASK, PAGE_LARGE, PAGE_PRESENT } from "../paging.ts";

const ENTRIES = 1024;
const NO_ENTRIES = new Uint32Array(ENTRIES);

export interface PageTables {
  /** Entries of the page directory. */
  readonly directory: Uint32Array;
  /** Entries of page tables, by the directory entry that names the table. */
  readonly tables: ReadonlyMap<number, Uint32Array>;
}

/** An entry that is not the same at another moment; where there is no page table, its entries are 0. */
export interface EntryDifference {
  readonly level: "PDE" | "PTE";
  readonly index: number;
  /** The first linear address that it maps. */
  readonly linear: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Reads page tables without side effects.
 * @param directory physical address of the page directory; without one there are no entries
 * @param cr4 tells whether there are pages of 4 MiB
 */
export function readPageTables(machine: Machine, directory: number | undefined, cr4: number): PageTables {
  const tables = new Map<number, Uint32Array>();
  if (directory === undefined) return { directory: NO_ENTRIES, tables };
  const entries = readEntries(machine, directory);
  for (const [index, pde] of entries.entries()) {
    const isTable = (pde & PAGE_PRESENT) !== 0 && !((pde & PAGE_LARGE) !== 0 && (cr4 & CR4_PSE) !== 0);
    if (isTable) tables.set(index, readEntries(machine, (pde & FRAME_MASK) >>> 0));
  }
  return { directory: entries, tables };
}

/** Entries that differ, by address; that of the directory before those of its table. */
export function tableDifferences(before: PageTables, after: PageTables): EntryDifference[] {
  const found: EntryDifference[] = [];
  for (let i = 0; i < ENTRIES; i++) {
    const linear = i * 2 ** 22;
    compare(found, "PDE", i, linear, before.directory[i], after.directory[i]);
    const tableBefore = before.tables.get(i) ?? NO_ENTRIES;
    const tableAfter = after.tables.get(i) ?? NO_ENTRIES;
    for (let j = 0; j < ENTRIES; j++) compare(found, "PTE", j, linear + j * 2 ** 12, tableBefore[j], tableAfter[j]);
  }
  return found;
}

function compare(
  found: EntryDifference[],
  level: EntryDifference["level"],
  index: number,
  linear: number,
  before: number,
  after: number,
): void {
  if (before !== after) found.push({ level, index, linear, before, after });
}

function readEntries(machine: Machine, physical: number): Uint32Array {
  const bytes = machine.readPhysical(physical, 4 * ENTRIES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Uint32Array.from({ length: ENTRIES }, (_, index) => view.getUint32(4 * index, true));
}
