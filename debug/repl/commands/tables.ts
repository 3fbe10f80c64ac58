/** Descriptor tables and the TSS, as they lie in memory. */
import { type DescriptorView, formatDescriptor, LDTR, TR, viewDescriptorTable } from "../../../emulator/index.ts";
import { EXCEPTIONS } from "../../exceptions.ts";
import { bareHex, hex } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";

const DESCRIPTOR_BYTES = 8;
const REAL_MODE_VECTORS = 256;
const FIRST_EXTERNAL_VECTOR = 32;

/** Descriptors of a table that are not empty. */
function showTable(
  console: Console,
  name: string,
  base: number,
  limit: number,
  argument: string,
  isIdt: boolean,
): void {
  const bytes = console.guest.read(base, limit + 1);
  const all = viewDescriptorTable(bytes);
  const only = argument === "" ? undefined : console.number(argument) >>> (isIdt ? 0 : 3);
  if (only !== undefined && all[only] === undefined) {
    throw new CommandError(`the ${name} has ${all.length} entries; ${argument} is behind its end`);
  }
  console.print(`${name} at ${hex(base)}, limit ${hex(limit, 4)}: ${all.length} entries`);
  let left = 0;
  let last = "";
  let alike = 0;
  all.forEach((view, index) => {
    const isEmpty = bytes
      .subarray(index * DESCRIPTOR_BYTES, (index + 1) * DESCRIPTOR_BYTES)
      .every((byte) => byte === 0);
    if (only === undefined ? isEmpty : index !== only) {
      if (only === undefined) left++;
      return;
    }
    // Most of an IDT is one and the same gate.
    const text = `${formatDescriptor(view)}${gateTarget(console, view)}`;
    if (isIdt && only === undefined && text === last && index >= FIRST_EXTERNAL_VECTOR) {
      alike++;
      return;
    }
    last = text;
    const number = isIdt ? bareHex(index, 2) : bareHex(index * DESCRIPTOR_BYTES, 4);
    console.print(`  ${number}  ${text}${isIdt ? vectorName(index) : ""}`);
  });
  if (alike > 0) console.print(`  ${alike} more like the one before them`);
  if (left > 0) console.print(`  ${left} empty`);
}

function gateTarget({ session }: Console, view: DescriptorView): string {
  return view.kind === "gate" && session.symbols.symbolize(view.offset) !== undefined
    ? `  <${session.symbols.format(view.offset)}>`
    : "";
}

function vectorName(vector: number): string {
  const name = EXCEPTIONS[vector];
  return name === undefined ? "" : `  ${name}`;
}

function showInterruptTable(console: Console, argument: string): void {
  const { guest } = console;
  const base = guest.register("idtr_base");
  if (guest.core.protectedMode) {
    showTable(console, "IDT", base, guest.register("idtr_limit"), argument, true);
    return;
  }
  const words = new DataView(guest.read(base, 4 * REAL_MODE_VECTORS).slice().buffer);
  const only = argument === "" ? undefined : console.number(argument);
  let shown = 0;
  console.print(`interrupt vectors of real mode at ${hex(base)}`);
  for (let vector = 0; vector < REAL_MODE_VECTORS; vector++) {
    const entry = words.getUint32(4 * vector, true);
    if (only === undefined ? entry === 0 : vector !== only) continue;
    console.print(`  ${bareHex(vector, 2)}  ${bareHex(entry >>> 16, 4)}:${bareHex(entry & 0xffff, 4)}`);
    shown++;
  }
  if (shown === 0) console.print("  none is set");
}

/** Fields of a 32-bit TSS (Intel SDM vol. 3, figure 7-2): name, offset, bytes. */
const TSS_FIELDS: readonly (readonly [name: string, offset: number, bytes: 2 | 4])[] = [
  ["back link", 0, 2],
  ["esp0", 4, 4],
  ["ss0", 8, 2],
  ["esp1", 12, 4],
  ["ss1", 16, 2],
  ["esp2", 20, 4],
  ["ss2", 24, 2],
  ["cr3", 28, 4],
  ["eip", 32, 4],
  ["eflags", 36, 4],
  ...["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"].map((name, i) => [name, 40 + 4 * i, 4] as const),
  ...["es", "cs", "ss", "ds", "fs", "gs", "ldt"].map((name, i) => [name, 72 + 4 * i, 2] as const),
  ["trap", 100, 2],
  ["I/O bitmap offset", 102, 2],
];
const TSS_BYTES = 104;
const PER_LINE = 4;

function showTss(console: Console): void {
  const { core } = console.guest;
  if (!core.segValid(TR)) throw new CommandError("TR is null: the CPU has no TSS");
  const base = core.segBase(TR) >>> 0;
  const limit = core.segLimit(TR) >>> 0;
  const bytes = console.guest.read(base, TSS_BYTES);
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  console.print(
    `TSS of CPU ${core.id} at ${hex(base)}, limit ${hex(limit, 4)}, TR ${bareHex(core.segSelector(TR) & 0xffff, 4)}`,
  );
  const cells = TSS_FIELDS.map(([name, offset, size]) => {
    const value = size === 4 ? words.getUint32(offset, true) : words.getUint16(offset, true);
    return `${name} ${bareHex(value, 2 * size)}`;
  });
  for (let i = 0; i < cells.length; i += PER_LINE) console.print(`  ${cells.slice(i, i + PER_LINE).join("  ")}`);
  const bitmap = words.getUint16(TSS_BYTES - 2, true);
  if (bitmap > limit) console.print("  The I/O bitmap lies behind the limit: no port is permitted to ring 3.");
  const esp0 = words.getUint32(4, true);
  const owner = console.session.kernel === undefined ? undefined : ownerOf(console, esp0);
  if (owner !== undefined) console.print(`  esp0 is the top of the kernel stack of ${owner}.`);
}

function ownerOf(console: Console, esp0: number): string | undefined {
  const stack = console.guest.stackAt(esp0);
  const task = console.guest.tasks().find(({ address }) => stack?.kind === "task" && address === stack.task);
  return task === undefined ? undefined : `pid ${task.pid} (${task.comm})`;
}

export const tables: readonly Command[] = [
  {
    names: ["gdt"],
    group: "CPU and devices",
    usage: "[SELECTOR]",
    summary: "the global descriptor table",
    completes: "expression",
    run: (argument, console) => {
      const { guest } = console;
      showTable(console, "GDT", guest.register("gdtr_base"), guest.register("gdtr_limit"), argument, false);
    },
  },
  {
    names: ["ldt"],
    group: "CPU and devices",
    usage: "[SELECTOR]",
    summary: "the local descriptor table",
    completes: "expression",
    run: (argument, console) => {
      const { core } = console.guest;
      if (!core.segValid(LDTR)) console.print("LDTR is null: there is no local descriptor table.");
      else showTable(console, "LDT", core.segBase(LDTR) >>> 0, core.segLimit(LDTR) >>> 0, argument, false);
    },
  },
  {
    names: ["idt"],
    group: "CPU and devices",
    usage: "[VECTOR]",
    summary: "the interrupt descriptor table, with its handlers",
    completes: "expression",
    run: (argument, console) => showInterruptTable(console, argument),
  },
  {
    names: ["tss"],
    group: "CPU and devices",
    usage: "",
    summary: "the task state segment of the CPU, with esp0",
    run: (_argument, console) => showTss(console),
  },
];
