/** What is shown at each stop: why, where, whose, and what has changed. */
import type { Core, RegisterName } from "../../emulator/index.ts";
import { describeShutdown } from "../exceptions.ts";
import { MemoryError } from "../frames/guest.ts";
import { innermostFrame } from "../frames/stack-frame.ts";
import { bareHex, grouped, hex, plural } from "../numbers.ts";
import type { Stop, StopCause } from "../session/index.ts";
import { readUpTo, symbolOptions } from "./code-reading.ts";
import { showDisplays } from "./commands/displays.ts";
import type { Console } from "./console.ts";
import { describeEvent } from "./format/event.ts";
import { FLAG_BITS, setBits } from "./format/flags.ts";
import { signatureOf } from "./format/frames.ts";

const SHOWN_REGISTERS: readonly RegisterName[] = [
  ...(["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eflags"] as const),
  ...(["cs", "ss", "ds", "es", "fs", "gs", "tr", "ldtr", "cr0", "cr2", "cr3", "cr4"] as const),
];
const SELECTORS: ReadonlySet<RegisterName> = new Set(["cs", "ss", "ds", "es", "fs", "gs", "tr", "ldtr"]);
const LONGEST_INSTRUCTION = 15;

/** Shows a stop. */
export async function reportStop(console: Console, stop: Stop): Promise<void> {
  console.noteRegisters();
  console.forgetFrames();
  console.listed = undefined;
  // What the stop before had asked for ends with the guest's going on.
  const causes = [stop, ...(stop.others ?? [])].map((cause) => ({ cause, commands: commandsOf(console, cause) }));
  const shown = causes.filter(({ commands }) => commands[0] !== "silent");
  console.pending = causes.flatMap(({ commands }) => (commands[0] === "silent" ? commands.slice(1) : commands));
  if (shown.length === 0) return;
  for (const { cause } of shown) {
    const reason = describeReason(console, cause, stop);
    if (reason !== undefined) console.print(console.bold(reason));
  }
  reportShutdown(console, stop.core);
  for (const error of console.conditionErrors.splice(0)) console.print(error);
  await reportPlace(console, stop);
  await showDisplays(console);
}

function commandsOf(console: Console, { breakpoint }: StopCause): readonly string[] {
  return breakpoint === undefined ? [] : (console.breakpointCommands.get(breakpoint.number) ?? []);
}

/** What led to the end of a core that has shut down. */
function reportShutdown(console: Console, core: number): void {
  const causes = describeShutdown(console.session.machine, core);
  if (causes.length === 0) return;
  console.print("The exceptions that led to the shutdown, each on the way to the handler of the one before:");
  console.print(...causes.map((cause) => `  ${cause}`));
}

/** Shows where the session stands. */
export async function reportPlace(console: Console, { position }: Pick<Stop, "position">): Promise<void> {
  const { guest, session } = console;
  const { pc } = guest;
  const task = guest.currentTask();
  const whose = task === undefined ? "" : `, pid ${task.pid} (${task.comm})`;
  const ring = guest.core.protectedMode ? `ring ${guest.core.cpl}` : "real mode";
  console.print(
    `#${grouped(position)}  cpu ${session.core}${whose}, ${ring}${activity(guest.core)}  ${functionPlace(console, pc)}`,
  );
  const line = session.symbols.lineEntry(pc);
  const source = line === undefined ? undefined : sourceLine(console, line.file, line.line);
  if (source !== undefined) console.print(source);
  // A line of a higher language stands for itself, where it begins.
  if (source !== undefined && line?.address === pc && !isAssembly(line.file)) return;
  console.print(await instructionLine(console, pc));
  const changes = changedRegisters(console, session.core);
  if (changes.length > 0) console.print(`   ${changes.join("  ")}`);
}

export function isAssembly(file: string): boolean {
  return /\.[sS]$/.test(file);
}

function activity(core: Core): string {
  if (core.shutdown) return ", shut down";
  if (core.waitsForStartup) return ", waiting for its start-up";
  return core.halted ? ", halted" : "";
}

/** `fib (n=5) at prog.c:30`, `switch_to+0xe  kernel/arch/i386/kernel/switch_to.S:21`. */
function functionPlace(console: Console, pc: number): string {
  const { session, guest } = console;
  const line = session.symbols.lineEntry(pc);
  if (line !== undefined && !isAssembly(line.file)) {
    const frame = innermostFrame(guest);
    if (frame.function !== undefined)
      return `${console.bold(signatureOf(console, frame))} at ${line.file}:${line.line}`;
  }
  const name = console.bold(session.symbols.format(pc));
  return line === undefined ? name : `${name}  ${line.file}:${line.line}`;
}

/** A line of a source with its number; undefined when its text is not at hand. */
export function sourceLine({ sources }: Console, file: string, line: number): string | undefined {
  const text = sources.line(file, line);
  return text === undefined ? undefined : `${String(line).padStart(5)}  ${text.replaceAll("\t", "        ").trimEnd()}`;
}

/** `=> c0101234:  89 60 1c  movl %esp, 0x1c(%eax)`. */
export async function instructionLine(console: Console, pc: number): Promise<string> {
  const { guest } = console;
  let bytes: Uint8Array;
  try {
    bytes = readUpTo(console, pc, LONGEST_INSTRUCTION);
  } catch (error) {
    if (error instanceof MemoryError) return `=> ${bareHex(pc)}:  ${error.message}`;
    throw error;
  }
  const disassemble = await console.disassembler();
  const [instruction] = disassemble(bytes, guest.register("eip"), {
    bits: guest.bits,
    limit: 1,
    ...symbolOptions(console),
  });
  const code = Array.from(instruction.bytes, (byte) => bareHex(byte, 2)).join(" ");
  return `=> ${bareHex(pc)}:  ${code.padEnd(20)} ${instruction.text}`;
}

/** Registers that are not as they were at the stop before, with what they were. */
function changedRegisters(console: Console, core: number): string[] {
  const before = console.registersBefore.get(core);
  const now = console.registersNow.get(core);
  if (before === undefined || now === undefined) return [];
  return SHOWN_REGISTERS.filter((name) => before[name] !== now[name]).map((name) => {
    const digits = SELECTORS.has(name) ? 4 : 8;
    const text =
      name === "eflags" ? `${name}=[${setBits(now[name], FLAG_BITS)}]` : `${name}=${bareHex(now[name], digits)}`;
    return console.changed(text);
  });
}

function describeReason({ guest, session }: Console, cause: StopCause, stop: Stop): string | undefined {
  const { breakpoint } = cause;
  const number = breakpoint === undefined ? "" : ` ${breakpoint.number}`;
  switch (cause.reason) {
    case "step":
      return undefined;
    case "start":
      return "At the reset: nothing has run yet.";
    case "breakpoint":
      return `Breakpoint${number}, hit ${plural(breakpoint?.hits ?? 1, "time")}.`;
    case "watchpoint": {
      const { access } = cause;
      if (access === undefined) return `Watchpoint${number}.`;
      const what = `${plural(access.size, "byte")} at ${session.symbols.symbolize(access.linear) === undefined ? hex(access.linear) : `${session.symbols.format(access.linear)} (${hex(access.linear)})`}`;
      const digits = 2 * access.size;
      if (!access.write) return `Watchpoint${number}: read ${what}: ${hex(access.after, digits)}.`;
      return `Watchpoint${number}: wrote ${what}: ${hex(access.before, digits)} -> ${hex(access.after, digits)}.`;
    }
    case "catch":
      return `Catchpoint${number}: ${cause.event === undefined ? "" : describeEvent(cause.event, session.symbols)}`;
    case "scope":
      return `Watchpoint${number} deleted because the program has left the block in\nwhich its expression is valid.`;
    case "exit":
      return `The guest has ended with status ${stop.status ?? 0}. Going back is still possible.`;
    case "power-off":
      return "The guest has switched its machine off. Going back is still possible.";
    case "panic":
      return "The kernel has panicked; dmesg shows why. Going back is still possible.";
    case "triple-fault":
      return `Triple fault: CPU ${stop.core} has shut down. Going back is still possible.`;
    case "asleep":
      return "Everything is asleep, and nothing can wake it.";
    case "input":
      return "Everything is asleep; a task waits for input: give it some with `input TEXT`.";
    case "interrupted":
      return "Interrupted.";
    case "budget":
      return "Stopped: the instructions are used up (--max-instructions).";
    default:
      return guest.isUser() ? "Stopped in user space." : "Stopped.";
  }
}
