/** The CPU's registers. */
import { type Core, formatDescriptor, type RegisterName, viewDescriptorTable } from "../../../emulator/index.ts";
import { REGISTERS } from "../../frames/guest.ts";
import { bareHex, hex, table } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { type Bits, CR0_BITS, CR4_BITS, FLAG_BITS, setBits } from "../format/flags.ts";

const GENERAL: readonly (readonly RegisterName[])[] = [
  ["eax", "ebx", "ecx", "edx"],
  ["esi", "edi", "ebp", "esp"],
];
const SELECTORS: readonly RegisterName[] = ["cs", "ss", "ds", "es", "fs", "gs", "tr", "ldtr"];
const SEGMENT_NAMES = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"];
const ACCESS_GRANULARITY = 0x8000;
const DEBUG_REGISTERS: readonly RegisterName[] = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"];

function marked(console: Console, name: RegisterName, digits: number): string {
  const { session } = console;
  const value = session.machine.getRegister(name, session.core);
  const before = console.registersBefore.get(session.core)?.[name];
  const text = `${name}=${bareHex(value, digits)}`;
  return before === undefined || before === value ? `${text}${console.color ? "" : " "}` : console.changed(text);
}

/** A segment's cache as the descriptor that would fill it. */
function cachedDescriptor(core: Core, segment: number): Uint8Array {
  const access = core.segAccess(segment);
  const base = core.segBase(segment);
  const limit = (access & ACCESS_GRANULARITY) === 0 ? core.segLimit(segment) : core.segLimit(segment) >>> 12;
  const descriptor = new DataView(new ArrayBuffer(8));
  descriptor.setUint32(0, (limit & 0xffff) | (base << 16), true);
  descriptor.setUint32(4, (base & 0xff000000) | (access << 8) | (limit & 0xf0000) | ((base >>> 16) & 0xff), true);
  return new Uint8Array(descriptor.buffer);
}

function showRegisters(console: Console): void {
  const { guest } = console;
  for (const row of GENERAL)
    console.print(
      row
        .map((name) => marked(console, name, 8))
        .join(" ")
        .trimEnd(),
    );
  console.print(`${marked(console, "eip", 8)} ${console.session.symbols.format(guest.pc)}`);
  console.print(
    `${marked(console, "eflags", 8)} [${setBits(guest.register("eflags"), FLAG_BITS)}]  cpl=${guest.core.cpl}`,
  );
  console.print(
    SELECTORS.map((name) => marked(console, name, 4))
      .join(" ")
      .trimEnd(),
  );
}

function showBits(console: Console, name: RegisterName, bits: readonly Bits[]): void {
  console.print(`${name} = ${hex(console.guest.register(name))}  [${setBits(console.guest.register(name), bits)}]`);
}

export const registers: readonly Command[] = [
  {
    names: ["regs", "registers"],
    group: "Registers and memory",
    usage: "[REGISTER…]",
    summary: "the registers; what has changed since the last stop is marked",
    completes: "register",
    run: (argument, console) => {
      if (argument === "") return showRegisters(console);
      for (const name of argument.split(/[\s,]+/)) {
        const register = REGISTERS.find((known) => known === name.toLowerCase().replace(/^\$/, ""));
        if (register === undefined) throw new CommandError(`no register ${name}; there are ${REGISTERS.join(", ")}`);
        const value = console.guest.register(register);
        console.print(`${register} = ${hex(value)}  ${value | 0}`);
      }
    },
  },
  {
    names: ["segments", "segs"],
    group: "Registers and memory",
    usage: "",
    summary: "segment registers with their descriptor caches",
    help: "The caches are what the CPU uses; the tables in memory may say something else by now (see gdt, ldt).",
    run: (_argument, console) => {
      const { core } = console.guest;
      const rows = SEGMENT_NAMES.map((name, segment) => {
        const selector = bareHex(core.segSelector(segment) & 0xffff, 4);
        if (!core.segValid(segment)) return [name, selector, "null: cannot be used"];
        const text = formatDescriptor(viewDescriptorTable(cachedDescriptor(core, segment))[0]);
        return [name, selector, text];
      });
      console.print(...table(rows));
    },
  },
  {
    names: ["flags"],
    group: "Registers and memory",
    usage: "",
    summary: "EFLAGS by name, every one with its value",
    run: (_argument, console) => {
      const value = console.guest.register("eflags");
      console.print(`eflags = ${hex(value)}`);
      const rows = FLAG_BITS.map(({ name, mask, shift, meaning }) => [
        `  ${name}`,
        String((value & mask) >>> shift),
        meaning,
      ]);
      console.print(...table(rows));
    },
  },
  {
    names: ["cr", "control"],
    group: "Registers and memory",
    usage: "",
    summary: "control registers, and GDTR, IDTR and debug registers",
    run: (_argument, console) => {
      const { guest } = console;
      showBits(console, "cr0", CR0_BITS);
      console.print(`cr2 = ${hex(guest.register("cr2"))}  (address of the last page fault)`);
      console.print(`cr3 = ${hex(guest.register("cr3"))}  (physical address of the page directory)`);
      showBits(console, "cr4", CR4_BITS);
      console.print(`gdtr = ${hex(guest.register("gdtr_base"))}, limit ${hex(guest.register("gdtr_limit"), 4)}`);
      console.print(`idtr = ${hex(guest.register("idtr_base"))}, limit ${hex(guest.register("idtr_limit"), 4)}`);
      console.print(DEBUG_REGISTERS.map((name) => `${name} = ${hex(guest.register(name))}`).join("  "));
    },
  },
];
