/** A stack, word by word, with what each word is. */
import { type CpuStack, pt_regs, task_struct, thread_info } from "../../../kernel/inspect.ts";
import { codeAddressOf, hasLeft, vectorSlot } from "../../frames/entry.ts";
import { SWITCH_FRAME_BYTES } from "../../frames/entry-frames.ts";
import { backtrace, type Frame, type StackPointers } from "../../frames/frame-walk.ts";
import { MemoryError } from "../../frames/guest.ts";
import { bareHex, hex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { entryName } from "./entry.ts";

/** Words shown of a stack without a known end. */
const WORDS = 32;
/** What switch_to pushes, from the lowest address up. */
const SWITCH_FRAME = ["ebp", "edi", "esi", "ebx"];
const REGISTERS: readonly string[] = Object.keys(pt_regs.fields);
/** Fields of struct pt_regs that the CPU pushes only on the way from ring 3. */
const FROM_USER = new Set(["esp", "xss"]);
const RPL = 3;

/** A stack with its ends. */
export interface ShownStack {
  readonly end: number;
  /** What is behind its end. */
  readonly above: string;
  /** The lowest address that can be used, and what lies below it. */
  readonly lowest: number;
  readonly below: string;
}

/** A task's kernel stack, as the kernel's configuration has it. */
export function taskStack({ guest }: Console, task: number): ShownStack {
  const { start, end } = guest.stackOf(task);
  const above = "end of the stack, esp0";
  const pcb = `task_struct (${hex(task)} to ${hex(task + task_struct.size)})`;
  switch (guest.session.kernel?.image.stacks?.kind) {
    case "thread_info": {
      const lowest = start + thread_info.size;
      return { end, above, lowest, below: `the thread_info (${hex(start)} to ${hex(lowest)}) of the ${pcb}` };
    }
    case "vmap":
      return { end, above, lowest: start, below: `a page that is not mapped; the ${pcb} is elsewhere` };
    default:
      return { end, above, lowest: start + task_struct.size, below: `the ${pcb}` };
  }
}

/** A stack that belongs to a CPU. */
export function cpuStack({ guest }: Console, { kind, cpu, start, end }: CpuStack): ShownStack {
  const above = `end of the ${kind} of CPU ${cpu}`;
  if (guest.session.kernel?.image.stacks?.kind !== "thread_info")
    return { end, above, lowest: start, below: "its end" };
  return { end, above, lowest: start + thread_info.size, below: `its thread_info (at ${hex(start)})` };
}

/** From ESP upwards to the end of a stack. */
export function stackLines(
  console: Console,
  start: StackPointers,
  task: number | undefined,
  stack?: ShownStack,
): string[] {
  const notes = annotations(console, start, task);
  const esp = start.esp & ~3;
  const end = stack?.end ?? esp + 4 * WORDS;
  const lines: string[] = [];
  try {
    for (let address = esp >>> 0; address < end; address += 4) {
      const value = console.guest.read32(address);
      const note = notes.get(address) ?? symbolNote(console, value);
      const mark = address === esp >>> 0 ? "esp->" : "     ";
      lines.push(`${mark} ${bareHex(address)}:  ${bareHex(value)}${note === "" ? "" : `  ${note}`}`);
    }
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    lines.push(`      ${error.message}`);
  }
  if (stack !== undefined) {
    lines.push(`      ${bareHex(end)}   ${stack.above}`);
    lines.push(`      ${(esp >>> 0) - stack.lowest} bytes free below, down to ${stack.below}`);
  }
  return lines;
}

/** A word that might be the address of something with a name, only in parentheses: it may be left over. */
function symbolNote({ session }: Console, value: number): string {
  const place = session.symbols.symbolize(value);
  return place === undefined || place.size === 0 || value < 0x1000 ? "" : `(${session.symbols.format(value)})`;
}

/** What the words are that the frames account for, by address. */
function annotations(console: Console, start: StackPointers, task: number | undefined): Map<number, string> {
  const notes = new Map<number, string>();
  const { symbols } = console.session;
  const frames = backtrace(console.guest, start, task);
  frames.forEach((frame, index) => {
    const name = symbols.symbolize(codeAddressOf(frame))?.symbol ?? hex(frame.pc);
    if (name === "switch_to") {
      const slot = frame.returnSlot ?? 0;
      if (slot - frame.esp >= SWITCH_FRAME_BYTES) {
        for (const [i, register] of SWITCH_FRAME.entries()) {
          notes.set(slot - SWITCH_FRAME_BYTES + 4 * i, `saved ${register} (switch_to)`);
        }
      }
    }
    if (frame.returnSlot !== undefined) noteReturn(console, notes, frame, name);
    if (frame.entryFrame !== undefined) noteEntry(console, notes, frame, frames[index + 1]);
  });
  return notes;
}

function noteReturn({ guest, session }: Console, notes: Map<number, string>, frame: Frame, name: string): void {
  const slot = frame.returnSlot!;
  notes.set(slot, `return address of ${name}: ${session.symbols.format(guest.read32(slot))}`);
  if (slot === frame.ebp + 4) notes.set(slot - 4, `saved ebp of the caller, frame of ${name}`);
}

/** struct pt_regs, of which the CPU's frame is the upper part. */
function noteEntry(console: Console, notes: Map<number, string>, frame: Frame, outer: Frame | undefined): void {
  const cpu = frame.entryFrame!;
  const base = cpu - pt_regs.offset("eip");
  const fromUser = (console.guest.read32(cpu + 4) & RPL) !== 0;
  for (const field of REGISTERS) {
    const address = base + pt_regs.offset(field);
    if (hasLeft(frame, address) || (FROM_USER.has(field) && !fromUser)) continue;
    const place = field === "eip" && outer !== undefined ? `: ${console.session.symbols.format(outer.pc)}` : "";
    const by = address >= cpu ? " (pushed by the CPU)" : "";
    const what = field === "ebx" ? `, struct pt_regs begins: ${entryName(console, frame)}` : "";
    notes.set(address, `pt_regs.${field}${place}${by}${what}`);
  }
  const slot = vectorSlot(console.guest, frame);
  if (slot === undefined) return;
  notes.set(slot, `vector ${console.guest.read32(slot)}, until pt_regs.xes is saved here`);
  notes.set(base + pt_regs.offset("orig_eax"), "error code, until pt_regs.orig_eax is saved here");
}
