/** Memory: `x` as in gdb, disassembly. */

import { bareHex, hex } from "../../numbers.ts";
import { readUpTo, symbolOptions } from "../code-reading.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { FORMATS, type MemoryFormat, memoryLines } from "../format/memory.ts";
import { showWebAssembly } from "./tier.ts";

const SLASH = /^\/(\d*)([a-z]*)\s*/;
const SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = { b: 1, h: 2, w: 4, g: 8 };
const MOST_UNITS = 65_536;
const LONGEST_INSTRUCTION = 15;
const INSTRUCTIONS = 10;

function formatOf(argument: string): { format: MemoryFormat; rest: string } {
  const slash = SLASH.exec(argument);
  let letter = "x";
  let size: 1 | 2 | 4 | 8 = 4;
  for (const character of slash?.[2] ?? "") {
    if (Object.hasOwn(SIZES, character)) size = SIZES[character];
    else if (FORMATS.includes(character)) letter = character;
    else {
      throw new CommandError(
        `x/${slash?.[1] ?? ""}${slash?.[2] ?? ""}: '${character}' is no format; formats are ${FORMATS.join(" ")}, sizes b h w g`,
      );
    }
  }
  if (letter === "c" && !/[bhwg]/.test(slash?.[2] ?? "")) size = 1;
  if (letter === "a") size = 4;
  const count = slash?.[1] === undefined || slash[1] === "" ? 1 : Number(slash[1]);
  if (count < 1 || count > MOST_UNITS) throw new CommandError(`x: ${count} units; 1 to ${MOST_UNITS} are possible`);
  return { format: { count, letter, size }, rest: slash === null ? argument : argument.slice(slash[0].length) };
}

/** `x`: `/4xw $esp`, or `/4xw` to go on. */
export async function examine(console: Console, argument: string): Promise<void> {
  const { format, rest } = formatOf(argument);
  const cursor = console.cursors.get("x");
  if (rest === "" && cursor === undefined) throw new CommandError("x what? An address is expected, as in x/8x $esp");
  const start = rest === "" ? cursor!.address : console.address(rest);
  if (format.letter === "i") return disassembleFrom(console, start, format.count, "x");
  let end = start;
  try {
    for (const { text, next } of memoryLines(console, start, format)) {
      console.print(text);
      end = next;
    }
  } finally {
    console.cursors.set("x", { address: end >>> 0, argument: argument.slice(0, argument.length - rest.length).trim() });
  }
}

async function disassembleFrom(console: Console, start: number, count: number, cursor: string): Promise<void> {
  const disassemble = await console.disassembler();
  const { guest } = console;
  let bytes = readUpTo(console, start, count * LONGEST_INSTRUCTION);
  if (bytes.length > count * LONGEST_INSTRUCTION) bytes = bytes.subarray(0, count * LONGEST_INSTRUCTION);
  const instructions = disassemble(bytes, start - guest.codeBase, {
    bits: guest.bits,
    limit: count,
    ...symbolOptions(console),
  });
  let last = "";
  for (const { address, bytes: code, text } of instructions) {
    const linear = (address + guest.codeBase) >>> 0;
    const symbol = console.session.symbols.symbolize(linear);
    const name = symbol === undefined ? "" : symbol.symbol;
    if (name !== last && name !== "") console.print(`${console.bold(console.session.symbols.format(linear))}:`);
    last = name;
    const shown = Array.from(code, (byte) => bareHex(byte, 2)).join(" ");
    console.print(`${linear === guest.pc ? "=>" : "  "} ${bareHex(linear)}:  ${shown.padEnd(21)}  ${text}`);
    console.cursors.set(cursor, { address: (linear + code.length) >>> 0, argument: "" });
  }
}

async function disassembly(console: Console, argument: string): Promise<void> {
  const cursor = console.cursors.get("disas");
  if (argument === "--on")
    return disassembleFrom(console, cursor?.address ?? console.frame().pc, INSTRUCTIONS, "disas");
  const webAssembly = /^\/w\b\s*\*?\s*(.*)$/.exec(argument);
  if (webAssembly !== null) {
    const [, place] = webAssembly;
    return showWebAssembly(console, place === "" ? console.guest.pc : console.address(place));
  }
  const [, what, count] = /^(.*?)(?:,\s*(.+))?$/.exec(argument) ?? [];
  const start = what === undefined || what === "" ? console.frame().pc : console.address(what.replace(/^\*\s*/, ""));
  const symbol = console.session.symbols.symbolize(start);
  if (count !== undefined) return disassembleFrom(console, start, Math.max(1, console.number(count)), "disas");
  // A whole function, when it is one that was named.
  const isFunction = what !== undefined && what !== "" && symbol?.offset === 0 && symbol.size > 0;
  if (!isFunction) return disassembleFrom(console, start, INSTRUCTIONS, "disas");
  const disassemble = await console.disassembler();
  const all = disassemble(console.guest.read(start, symbol.size), start, { bits: console.guest.bits });
  return disassembleFrom(console, start, all.length, "disas");
}

export const memory: readonly Command[] = [
  {
    names: ["x"],
    group: "Registers and memory",
    usage: "[/NFU] [ADDRESS]",
    summary: "memory, as in gdb: x/8xw $esp, x/s comm, x/5i $eip",
    help: "N units of format F (x d u t o c a s i) and size U (b h w g). Without ADDRESS, and at an empty line, it goes on.",
    completes: "expression",
    repeats: "next",
    run: (argument, console) => examine(console, argument),
  },
  {
    names: ["xp"],
    group: "Registers and memory",
    usage: "[/N] ADDRESS",
    summary: "physical memory, in words",
    completes: "expression",
    run: (argument, console) => {
      const { format, rest } = formatOf(argument);
      if (rest === "") throw new CommandError("xp which physical address? As in xp/8 $cr3");
      const start = console.number(rest) >>> 0;
      const bytes = console.guest.readPhysical(start, format.count * 4);
      const words = new DataView(bytes.buffer, bytes.byteOffset);
      for (let i = 0; i < format.count; i += 4) {
        const row: string[] = [];
        for (let j = i; j < Math.min(i + 4, format.count); j++) row.push(hex(words.getUint32(4 * j, true)));
        console.print(`${bareHex(start + 4 * i)}:  ${row.join("  ")}`);
      }
    },
  },
  {
    names: ["disas", "disassemble", "u"],
    group: "Registers and memory",
    usage: "[/w] [PLACE][, N]",
    summary: "instructions: a whole function, or N from a place on; /w: their WebAssembly, where they are compiled",
    completes: "symbol",
    repeats: "next",
    run: (argument, console) => disassembly(console, argument),
  },
];
