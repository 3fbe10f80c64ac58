/** A kernel stack, word by word, with what each word is. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { fillOf, isSwitchFrame, type KernelStack, type StackWord, stackOf, WORD_KINDS } from "./stack-words.ts";
import { box, drawing, label, line } from "./svg.ts";

const MOST_STACKS = 8;
const TOP = 76;
const LEFT = 16;
const ROW = 18;
/** Words in a row of which nothing is known, above which they are left out. */
const UNKNOWN = 3;

/** Collects stacks of sleeping tasks; those of new tasks hold nothing but registers and are passed over. */
export class KernelStacks {
  readonly #stacks: KernelStack[] = [];

  event(event: RecordedEvent): void {
    if (event.event !== "kernel_stack" || this.#stacks.length === MOST_STACKS) return;
    const stack = stackOf(event);
    if (stack.which === "next" && stack.words.some(isSwitchFrame)) this.#stacks.push(stack);
  }

  svgs(): string[] {
    return this.#stacks.map(draw);
  }
}

type Row = StackWord | { readonly skipped: number };

function rowsOf({ words }: KernelStack): Row[] {
  const rows: Row[] = [];
  const unknown: Row[] = [];
  const flush = () => {
    rows.push(...(unknown.length > UNKNOWN ? [{ skipped: unknown.length }] : unknown));
    unknown.length = 0;
  };
  for (const word of words) {
    if (word.note === "") unknown.push(word);
    else {
      flush();
      rows.push(word);
    }
  }
  flush();
  return rows;
}

function draw(stack: KernelStack): string {
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
    content += box(LEFT + 104, y, 92, ROW, fillOf(row.note), "", { stroke: "#adb5bd", "stroke-width": 0.6 });
    content += label(LEFT, y + 13, `0x${row.address.toString(16).padStart(8, "0")}`, { class: "m" });
    content += label(LEFT + 110, y + 13, row.value, { class: "m" });
    content += label(notesAt, y + 13, row.note);
  });
  const end = TOP + rows.length * ROW;
  content += line(LEFT + 84, end, LEFT + 204, end, "#c92a2a", { "stroke-width": 2 });
  content += label(notesAt, end + 14, `ESP = thread.esp = 0x${stack.esp.toString(16)}`, { style: "fill:#c92a2a" });
  WORD_KINDS.forEach(({ fill, meaning }, i) => {
    const y = end + 40 + i * 18;
    content +=
      box(LEFT, y - 10, 12, 12, fill, "", { stroke: "#868e96", "stroke-width": 0.6 }) + label(LEFT + 18, y, meaning);
  });
  return drawing(width, end + 40 + WORD_KINDS.length * 18 + 8, `Kernel stack of pid ${stack.pid}`, content);
}
