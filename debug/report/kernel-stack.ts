/** A kernel stack, word by word, with what each word is. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { box, drawing, label, line } from "./svg.ts";

const MOST_STACKS = 8;
const TOP = 76;
const LEFT = 16;
const ROW = 18;
const WORD = 4;
/** Words in a row of which nothing is known, above which they are left out. */
const UNKNOWN = 3;

const FILLS: readonly (readonly [pattern: RegExp, fill: string, meaning: string])[] = [
  [/^pt_regs\./, "#dfe7fd", "struct pt_regs: the registers at the entry to the kernel"],
  [/^switch frame/, "#ffe8a3", "switch frame: what switch_to pushed"],
  [/^return to/, "#d8f3dc", "return address"],
  [/^saved ebp/, "#e5dbff", "saved EBP of the caller"],
];
const OTHER = "#f8f9fa";

interface Stack {
  readonly pid: number;
  readonly esp: number;
  readonly cycle: number;
  readonly words: readonly { readonly value: string; readonly note: string }[];
}

/** Collects stacks of sleeping tasks; those of new tasks hold nothing but registers and are passed over. */
export class KernelStacks {
  readonly #stacks: Stack[] = [];

  event(event: RecordedEvent): void {
    if (event.event !== "kernel_stack" || this.#stacks.length === MOST_STACKS) return;
    const words = String(event["words"])
      .split(";")
      .map((word) => ({ value: word.slice(0, 8), note: word.slice(9) }));
    if (!words.some(({ note }) => note.startsWith("switch frame"))) return;
    this.#stacks.push({ pid: Number(event["pid"]), esp: Number(event["esp"]) >>> 0, cycle: event.cycle, words });
  }

  svgs(): string[] {
    return this.#stacks.map(draw);
  }
}

type Row = { readonly address: number; readonly value: string; readonly note: string } | { readonly skipped: number };

/** From the highest address, the stack's beginning, down to ESP. */
function rowsOf({ esp, words }: Stack): Row[] {
  const rows: Row[] = [];
  const unknown: Row[] = [];
  const flush = () => {
    rows.push(...(unknown.length > UNKNOWN ? [{ skipped: unknown.length }] : unknown));
    unknown.length = 0;
  };
  for (let i = words.length - 1; i >= 0; i--) {
    const row = { address: esp + i * WORD, ...words[i]! };
    if (row.note === "") unknown.push(row);
    else {
      flush();
      rows.push(row);
    }
  }
  flush();
  return rows;
}

function draw(stack: Stack): string {
  const rows = rowsOf(stack);
  const notesAt = LEFT + 214;
  const width = 700;
  let content = label(LEFT, 48, `at cycle ${stack.cycle}, when it was switched to; high addresses on top`, {
    class: "s",
  });
  content += label(LEFT, TOP - 8, "address", { class: "s" }) + label(LEFT + 110, TOP - 8, "value", { class: "s" });
  rows.forEach((row, i) => {
    const y = TOP + i * ROW;
    if ("skipped" in row) {
      content += label(LEFT + 110, y + 13, `… ${row.skipped} words: locals and arguments`, { class: "s" });
      return;
    }
    const fill = FILLS.find(([pattern]) => pattern.test(row.note))?.[1] ?? OTHER;
    content += box(LEFT + 104, y, 92, ROW, fill, "", { stroke: "#adb5bd", "stroke-width": 0.6 });
    content += label(LEFT, y + 13, `0x${(row.address >>> 0).toString(16).padStart(8, "0")}`, { class: "m" });
    content += label(LEFT + 110, y + 13, row.value, { class: "m" });
    content += label(notesAt, y + 13, row.note);
  });
  const end = TOP + rows.length * ROW;
  content += line(LEFT + 84, end, LEFT + 204, end, "#c92a2a", { "stroke-width": 2 });
  content += label(notesAt, end + 14, `ESP = thread.esp = 0x${stack.esp.toString(16)}`, { style: "fill:#c92a2a" });
  FILLS.forEach(([, fill, meaning], i) => {
    const y = end + 40 + i * 18;
    content +=
      box(LEFT, y - 10, 12, 12, fill, "", { stroke: "#868e96", "stroke-width": 0.6 }) + label(LEFT + 18, y, meaning);
  });
  return drawing(width, end + 40 + FILLS.length * 18 + 8, `Kernel stack of pid ${stack.pid}`, content);
}
