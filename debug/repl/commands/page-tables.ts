/** Page tables: the walk to an address, what has changed in them, what the TLB has of them. */

import { GuestError, type TaskName } from "../../frames/guest.ts";
import {
  type EntryDifference,
  type PageTables,
  readPageTables,
  tableDifferences,
} from "../../frames/page-differences.ts";
import { entryBits, explain, setEntryBits, walkPages } from "../../frames/page-walk.ts";
import { grouped, hex } from "../../numbers.ts";
import { CR0_PG, FRAME_MASK } from "../../paging.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { atPosition, positionOf } from "../positions.ts";
import { taskArgument } from "../task-argument.ts";

const MOST_DIFFERENCES = 200;

function pageTables(console: Console, argument: string): void {
  const { rest, task } = taskArgument(console, argument, "of");
  if (rest === "") throw new CommandError("pt which address? As in pt 0x08048000, pt $esp, pt value of 2");
  const { guest } = console;
  const linear = console.address(rest);
  const { cr0, cr3, cr4 } = guest.core;
  const directory = task === undefined ? cr3 >>> 0 : guest.cr3Of(task.address);
  const walk = walkPages(guest.machine, { cr0, cr3: directory, cr4 }, linear);
  if (!walk.paging) {
    console.print(`${hex(linear)} is physical too: paging is off.`);
    return;
  }
  console.print(`${hex(linear)}${task === undefined ? "" : ` of pid ${task.pid}`}, CR3 ${hex(directory)}`);
  for (const entry of walk.entries) {
    console.print(
      `  ${entry.level} ${String(entry.index).padStart(4)} at physical ${hex(entry.address)}: ${hex(entry.value)}  ${entryBits(entry)}`,
    );
  }
  if (walk.physical === undefined) console.print(`  not mapped: ${explain(walk)}`);
  else {
    const size = walk.pageSize === 4096 ? "4 KiB" : "4 MiB";
    console.print(
      `  -> physical ${hex(walk.physical)}, ${size} page at ${hex((walk.physical & -walk.pageSize) >>> 0)}${pageUse(console, walk.physical)}`,
    );
  }
}

/** How many users a frame has, by the kernel's mem_map. */
function pageUse(console: Console, physical: number): string {
  if (console.session.kernel === undefined) return "";
  try {
    const count = console.number(`((page *)mem_map)[${physical >>> 12}].count`);
    return `, used ${count} time${count === 1 ? "" : "s"}`;
  } catch {
    return "";
  }
}

function translations(console: Console, argument: string): void {
  const { core, machine } = console.guest;
  const only = argument === "" ? undefined : console.address(argument) >>> 12;
  const entries = core.tlbEntries().filter(({ page }) => only === undefined || page === only);
  if (entries.length === 0)
    console.print(only === undefined ? "The TLB is empty." : `${hex(only * 4096)} is not in the TLB.`);
  for (const { page, physicalPage, user, writable, global } of entries) {
    const linear = page * 4096;
    const walk = walkPages(machine, core, linear);
    const isStale = walk.physical === undefined || walk.physical >>> 12 !== physicalPage;
    const rights = `${user ? "user" : "kernel"} ${writable ? "rw" : "r-"}${global ? " global" : ""}`;
    const note = isStale
      ? `  stale: the page tables say ${walk.physical === undefined ? "not present" : hex(walk.physical)}`
      : "";
    console.print(`${hex(linear)} -> ${hex(physicalPage * 4096)}  ${rights}${note}`);
  }
}

/** `pt-diff POSITION [POSITION] [of PID]`. */
async function differences(console: Console, argument: string): Promise<void> {
  const { rest, task: named } = taskArgument(console, argument, "of");
  const [from, to, ...others] = rest.split(/\s+/).filter((word) => word !== "");
  if (from === undefined || others.length > 0) {
    throw new CommandError(
      "pt-diff POSITION [POSITION] [of PID] is expected, as in pt-diff 67,354 or pt-diff -200 -50 of 2",
    );
  }
  const task = named ?? console.guest.currentTask();
  const first = await tablesAt(console, positionOf(console, from), task);
  const second = to === undefined ? tablesOf(console, task) : await tablesAt(console, positionOf(console, to), task);
  const whose = task === undefined ? `CPU ${console.session.core}` : `pid ${task.pid} (${task.comm})`;
  console.print(`Page tables of ${whose}, at #${grouped(first.position)} -> #${grouped(second.position)}`);
  if (first.cr3 !== second.cr3) console.print(`  CR3 ${directory(first)} -> ${directory(second)}`);
  const found = tableDifferences(first.tables, second.tables);
  console.print(...found.slice(0, MOST_DIFFERENCES).map(describeDifference));
  const left = found.length - MOST_DIFFERENCES;
  if (left > 0) console.print(`  … and ${left} more`);
  console.print(
    found.length === 0
      ? "  No entry differs."
      : `  ${grouped(found.length)} ${found.length === 1 ? "entry differs" : "entries differ"}.`,
  );
}

/** Page tables of a moment. */
interface TablesOfMoment {
  readonly position: number;
  /** Physical address of the page directory; undefined where paging is off. */
  readonly cr3: number | undefined;
  readonly tables: PageTables;
}

function directory({ cr3 }: TablesOfMoment): string {
  return cr3 === undefined ? "none, paging is off" : hex(cr3);
}

function tablesAt(console: Console, position: number, task: TaskName | undefined): Promise<TablesOfMoment> {
  return atPosition(console, position, () => tablesOf(console, task));
}

/** Those of the task with the pid, or of the selected CPU, where the session stands. @throws CommandError */
function tablesOf({ guest, session }: Console, task: TaskName | undefined): TablesOfMoment {
  const { position } = session;
  const { cr0, cr3, cr4 } = guest.core;
  const moment = (directoryAddress: number | undefined) => ({
    position,
    cr3: directoryAddress,
    tables: readPageTables(guest.machine, directoryAddress, cr4),
  });
  if (task === undefined) return moment((cr0 & CR0_PG) === 0 ? undefined : (cr3 & FRAME_MASK) >>> 0);
  try {
    return moment(guest.cr3Of(guest.task(task.pid).address));
  } catch (error) {
    throw error instanceof GuestError ? new CommandError(`at #${grouped(position)}: ${error.message}`) : error;
  }
}

/** `0x0804a000  PTE   74: 0x00095065 -> 0x00127067  frame 0x00095000 -> 0x00127000  P US A D -> P RW US A D`. */
function describeDifference({ level, index, linear, before, after }: EntryDifference): string {
  const frames = [before, after].map((value) => hex((value & FRAME_MASK) >>> 0));
  const frame = frames[0] === frames[1] ? "" : `  frame ${frames.join(" -> ")}`;
  const bits = [before, after].map((value) => setEntryBits(level, value)).join(" -> ");
  return `  ${hex(linear)}  ${level} ${String(index).padStart(4)}: ${hex(before)} -> ${hex(after)}${frame}  ${bits}`;
}

export const pageTableCommands: readonly Command[] = [
  {
    names: ["pt", "page-tables"],
    group: "Registers and memory",
    usage: "ADDRESS [of PID]",
    summary: "the walk through the page tables, with every bit",
    help:
      "Bits of entries: P present, RW writable, US user, PWT PCD caching, A accessed, D dirty, PS 4 MiB page, PAT, G global,\n" +
      "AVL what software keeps there. `of PID` walks the tables of another task.",
    completes: "expression",
    run: (argument, console) => pageTables(console, argument),
  },
  {
    names: ["pt-diff"],
    group: "Registers and memory",
    usage: "POSITION [POSITION] [of PID]",
    summary: "which entries of the page tables differ between two moments",
    help:
      "From a position to another, or to where it stands; positions are those of goto. Entries of the page directory (PDE) and\n" +
      "of page tables (PTE), each with the first address that it maps, its frame and the bits that are set. The tables are those\n" +
      "of the current task, or of PID; on a bare machine, of the selected CPU.",
    completes: "expression",
    run: (argument, console) => differences(console, argument),
  },
  {
    names: ["tlb"],
    group: "Registers and memory",
    usage: "[ADDRESS]",
    summary: "translations that the CPU has cached, and those that the page tables no longer have",
    completes: "expression",
    run: (argument, console) => translations(console, argument),
  },
];
