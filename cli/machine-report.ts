/** What `esp0 machine` tells of a machine: registers, the last instructions before a crash, statistics. */
import { type Disassembler, loadDisassembler } from "../asm/index.ts";
import { type Core, CS, Journal, type Machine, type RegisterName, serialTarget } from "../emulator/index.ts";
import { keyboardTarget } from "./keyboard-input.ts";
import { formatTable } from "./table.ts";
import { tierTable } from "./tier-option.ts";

/** Instructions shown before a crash, and how far back they are looked for, in cycles. */
const LAST_INSTRUCTIONS = 16;
const CYCLES_BACK = 4096;
/** A run longer than this, in cycles, is not run again to find its last instructions. */
const LONGEST_REPLAY = 1_000_000_000;
const LONGEST_INSTRUCTION = 15;
const FLAG_IF = 1 << 9;
/** SEG_ACCESS bit D of a code segment. */
const ACCESS_BIG = 0x4000;

const REGISTER_LINES: readonly (readonly RegisterName[])[] = [
  ["eax", "ebx", "ecx", "edx"],
  ["esi", "edi", "ebp", "esp"],
  ["eip", "eflags"],
  ["cs", "ss", "ds", "es", "fs", "gs", "ldtr", "tr"],
  ["cr0", "cr2", "cr3", "cr4"],
  ["gdtr_base", "gdtr_limit", "idtr_base", "idtr_limit"],
];
const SHORT: ReadonlySet<RegisterName> = new Set([
  ...(["cs", "ss", "ds", "es", "fs", "gs", "ldtr", "tr"] as const),
  ...(["gdtr_limit", "idtr_limit"] as const),
]);

/** The registers of a core, a few a line. */
export function describeRegisters(machine: Machine, core: number): string {
  return REGISTER_LINES.map((names) => {
    const values = names.map((name) => `${name} ${hex(machine.getRegister(name, core), SHORT.has(name) ? 4 : 8)}`);
    return `  ${values.join("  ")}\n`;
  }).join("");
}

/** Where each core stands, and its registers: `core 0 at 0008:00010003, halted with interrupts off (IF is 0)`. */
export function describeCores(machine: Machine): string {
  return machine.cores
    .map((core) => {
      if (core.waitsForStartup) return `core ${core.id} waits for its start-up message\n`;
      const place = `${hex(machine.getRegister("cs", core.id), 4)}:${hex(machine.getRegister("eip", core.id), 8)}`;
      return `core ${core.id} at ${place}, ${activity(machine, core)}\n${describeRegisters(machine, core.id)}`;
    })
    .join("");
}

/** What a core does, or waits for. */
function activity(machine: Machine, core: Core): string {
  const isEnabled = (machine.getRegister("eflags", core.id) & FLAG_IF) !== 0;
  if (!core.halted) return `running, interrupts ${isEnabled ? "on" : "off"}`;
  return isEnabled
    ? "halted with interrupts on (IF is 1): every source is masked or has nothing to say"
    : "halted with interrupts off (IF is 0)";
}

/** Where an instruction lay, and its bytes. */
interface Executed {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly bits: 16 | 32;
}

/**
 * The last instructions of a core before the machine crashed. Nothing keeps them while it runs: the run is repeated, on
 * a machine like the first, and its end taken step by step.
 * @param build makes the machine as it was at the start
 * @param journal what was done to it then
 * @param isKeyboard whether its input was typed on the keyboard
 * @returns one a line; empty when the run was too long to repeat
 */
export async function describeLastInstructions(
  crashed: Machine,
  core: number,
  build: () => Machine,
  journal: Journal,
  isKeyboard: boolean,
): Promise<string> {
  if (crashed.cycles > LONGEST_REPLAY) return "";
  const executed = replay(build(), core, crashed.cycles, journal, isKeyboard).slice(-LAST_INSTRUCTIONS);
  const disassemble = await loadDisassembler();
  return executed.map((instruction) => `  ${describeInstruction(instruction, disassemble)}\n`).join("");
}

function replay(machine: Machine, core: number, end: number, { entries }: Journal, isKeyboard: boolean): Executed[] {
  const target = isKeyboard ? keyboardTarget(machine) : serialTarget(machine);
  const journal = new Journal(entries);
  while (journal.due !== Number.POSITIVE_INFINITY) {
    machine.run({ untilCycle: journal.due });
    journal.performDue(target);
  }
  machine.run({ untilCycle: Math.max(machine.cycles, end - CYCLES_BACK) });
  const executed: Executed[] = [];
  for (;;) {
    const cpu = machine.cores[core];
    const before = cpu.instructions;
    const next = nextInstruction(machine, core);
    const stop = machine.step();
    if (cpu.instructions !== before && next !== undefined) executed.push(next);
    if (executed.length > 2 * LAST_INSTRUCTIONS) executed.splice(0, LAST_INSTRUCTIONS);
    if (stop.kind !== "budget" || machine.cycles > end) return executed;
  }
}

/** What a core is about to execute; undefined when that cannot be read. */
function nextInstruction(machine: Machine, core: number): Executed | undefined {
  const cpu = machine.cores[core];
  const offset = machine.getRegister("eip", core);
  const linear = (cpu.segBase(CS) + offset) >>> 0;
  const bits = (cpu.segAccess(CS) & ACCESS_BIG) !== 0 ? 32 : 16;
  for (let length = LONGEST_INSTRUCTION; length > 0; length--) {
    try {
      const bytes = machine.readLinear(linear, length, core);
      return { segment: machine.getRegister("cs", core), offset, bytes, bits };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { segment: machine.getRegister("cs", core), offset, bytes: new Uint8Array(0), bits };
}

function describeInstruction({ segment, offset, bytes, bits }: Executed, disassemble: Disassembler): string {
  const place = `${hex(segment, 4)}:${hex(offset, 8)}`;
  const [instruction] = disassemble(bytes, offset, { bits, limit: 1 });
  if (instruction === undefined) return `${place}  (not readable)`;
  const code = Array.from(instruction.bytes, (byte) => hex(byte, 2)).join(" ");
  return `${place}  ${code.padEnd(24)}  ${instruction.text}`;
}

/** The table that `--stats` prints. */
export function machineStatistics(machine: Machine, seconds: number): string {
  const { instructions, interrupts, halts, idleCycles } = machine.counters;
  const total = machine.instructions;
  const count = (value: number) => value.toLocaleString("en-US");
  const perCore: [string, string][] =
    instructions.length > 1 ? instructions.map((executed, core) => [`  core ${core}`, count(executed)]) : [];
  const rows: [string, string][] = [
    ["instructions", count(total)],
    ...perCore,
    ["interrupts", count(interrupts)],
    ["halts", count(halts)],
    ["idle cycles", count(idleCycles)],
    ["machine seconds", (machine.cycles / machine.clock.hz).toFixed(3)],
    ["host seconds", seconds.toFixed(3)],
    ["guest MIPS", seconds > 0 ? (total / seconds / 1e6).toFixed(1) : "-"],
  ];
  return formatTable(rows) + tierTable(machine);
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, "0");
}
