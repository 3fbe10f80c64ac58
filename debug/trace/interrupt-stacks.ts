/** Kernel stacks while an interrupt is handled: the task's, and that of the CPU where handlers have one. */
import { EBP, ESP } from "../../emulator/index.ts";
import type { TraceEvent } from "../../kernel/index.ts";
import {
  back_trace,
  type Kernel,
  type KernelStack,
  memory,
  pt_regs,
  task_struct,
  thread_info,
} from "../../kernel/inspect.ts";
import { bareHex } from "../numbers.ts";

const WORD = 4;
const RPL = 3;
/** Fields of struct pt_regs that the CPU pushes only on the way from ring 3. */
const FROM_USER = new Set(["esp", "xss"]);

/** The stack that a core is on, and the one that was left for it. Inside `kernel.inspect()`. @param pid of the task */
export function interrupt_stacks(kernel: Kernel, cpu: number, pid: number): TraceEvent[] {
  const core = kernel.machine.cores[cpu];
  const esp = core.r[ESP] >>> 0;
  const stack = kernel.stack_at(esp);
  if (stack === undefined) return [];
  const notes = new Map<number, string>();
  for (const { frame, regs } of back_trace(memory(), kernel.image, core.eip, core.r[EBP])) {
    if (regs !== undefined) note_registers(notes, regs);
    if (kernel.stack_at(frame) === undefined) continue; // entry code still has the program's EBP
    notes.set(frame, "saved ebp");
    notes.set(frame + WORD, `return to ${kernel.image.symbolize(read(frame + WORD))}`);
  }
  const snapshot = (of: KernelStack, from: number) => ({
    event: "interrupt_stack",
    pid,
    ...layout(kernel, of),
    ...words(from, of.end, notes),
  });
  if (stack.kind === "task") return [snapshot(stack, esp)];
  const left = read(stack.end - WORD);
  const own = kernel.stack_at(left);
  notes.set(stack.end - WORD, "ESP of the task's stack");
  note_registers(notes, left);
  return own === undefined ? [snapshot(stack, esp)] : [snapshot(stack, esp), snapshot(own, left)];
}

function read(at: number): number {
  return memory().read32(at) >>> 0;
}

function note_registers(notes: Map<number, string>, regs: number): void {
  const from_user = (read(regs + pt_regs.offset("xcs")) & RPL) !== 0;
  for (const name of Object.keys(pt_regs.fields))
    if (from_user || !FROM_USER.has(name)) notes.set(regs + pt_regs.offset(name), `pt_regs.${name}`);
}

/** What the lower end of a stack is. */
function layout(kernel: Kernel, { kind, start }: KernelStack) {
  const which = kind;
  switch (kernel.image.stacks?.kind) {
    case "thread_info":
      return { which, start, low: "thread_info", low_bytes: thread_info.size };
    case "vmap":
      return { which, start, low: kind === "task" ? "not mapped" : "none", low_bytes: 0 };
    default:
      return { which, start, low: "task_struct", low_bytes: task_struct.size };
  }
}

/** Those from an address up to a stack's end, with what is known about them. */
function words(esp: number, end: number, notes: ReadonlyMap<number, string>) {
  const listed: string[] = [];
  for (let at = esp; at < end; at += WORD) {
    listed.push(`${bareHex(read(at))} ${notes.get(at) ?? ""}`.trimEnd());
  }
  return { esp, words: listed.join(";") };
}
