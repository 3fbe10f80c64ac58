/** The words of a kernel stack as a trace has them, and their colours in drawings. */
import type { RecordedEvent } from "../../kernel/index.ts";

const WORD = 4;

/** What kinds of words there are, by the notes of a trace. */
export const WORD_KINDS: readonly {
  readonly pattern: RegExp;
  readonly fill: string;
  readonly meaning: string;
}[] = [
  { pattern: /^pt_regs\./, fill: "#dfe7fd", meaning: "struct pt_regs: the registers at the entry to the kernel" },
  { pattern: /^switch frame/, fill: "#ffe8a3", meaning: "switch frame: what switch_to pushed" },
  { pattern: /^return to/, fill: "#d8f3dc", meaning: "return address" },
  { pattern: /^saved ebp/, fill: "#e5dbff", meaning: "saved EBP of the caller" },
];
const OTHER = "#f8f9fa";

export interface StackWord {
  readonly address: number;
  /** Eight hexadecimal digits. */
  readonly value: string;
  /** Empty when nothing is known of it. */
  readonly note: string;
}

/** A kernel stack at a switch to or from its task. */
export interface KernelStack {
  readonly pid: number;
  readonly which: "prev" | "next";
  readonly cycle: number;
  readonly esp: number;
  /** thread.esp0, and what TSS.esp0 was. */
  readonly esp0: number;
  readonly tssEsp0: number;
  /** From the highest address, the stack's beginning, down to ESP. */
  readonly words: readonly StackWord[];
}

/** The words of an event, from the highest address down. @param event a `kernel_stack` or an `interrupt_stack` */
export function wordsOf(event: RecordedEvent): StackWord[] {
  const esp = Number(event["esp"]) >>> 0;
  return String(event["words"])
    .split(";")
    .map((word, i) => ({ address: (esp + i * WORD) >>> 0, value: word.slice(0, 8), note: word.slice(9) }))
    .reverse();
}

/** @param event a `kernel_stack` */
export function stackOf(event: RecordedEvent): KernelStack {
  return {
    pid: Number(event["pid"]),
    which: event["which"] === "prev" ? "prev" : "next",
    cycle: event.cycle,
    esp: Number(event["esp"]) >>> 0,
    esp0: Number(event["esp0"]) >>> 0,
    tssEsp0: Number(event["tss_esp0"]) >>> 0,
    words: wordsOf(event),
  };
}

export function fillOf(note: string): string {
  return WORD_KINDS.find(({ pattern }) => pattern.test(note))?.fill ?? OTHER;
}

export function isSwitchFrame({ note }: StackWord): boolean {
  return note.startsWith("switch frame");
}
