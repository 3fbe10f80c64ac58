/** Whole kernel stacks while an interrupt is handled, from the top down to what lies at their lower ends. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { hex } from "../numbers.ts";
import { blocksOf } from "./stack-blocks.ts";
import { type StackWord, wordsOf } from "./stack-words.ts";
import { arrow, box, drawing, element, label, line, taskColour } from "./svg.ts";
import { TaskNames } from "./task-names.ts";

const TOP = 96;
const ROW = 20;
const WIDTH = 230;
const LEFT = 24;
/** From a column to the next one: its addresses, and the arrow. */
const GAP = 190;
/** Of an address behind a column. */
const ADDRESS = 84;
/** What the note on top takes. */
const NARROWEST = 560;
const THREAD_SIZE = 8192;
const ESP = "#c92a2a";
const STROKE = { stroke: "#adb5bd", "stroke-width": 0.6 };

interface Stack {
  readonly which: string;
  readonly start: number;
  readonly low: string;
  readonly lowBytes: number;
  readonly esp: number;
  readonly words: readonly StackWord[];
}

interface Interrupt {
  readonly cycle: number;
  readonly cpu: number;
  readonly pid: number;
  readonly name: string;
  /** The task's, and the CPU's if the handler is on it. */
  readonly stacks: Stack[];
}

/** Collects those of all interrupts in a trace; there are few. */
export class InterruptStacks {
  readonly #names = new TaskNames();
  readonly #interrupts: Interrupt[] = [];

  event(event: RecordedEvent): void {
    this.#names.event(event);
    if (event.event !== "interrupt_stack") return;
    const { cycle, cpu } = event;
    const pid = Number(event["pid"]);
    const last = this.#interrupts.at(-1);
    const stacks = last?.cycle === cycle && last.cpu === cpu ? last.stacks : [];
    if (stacks.length === 0) this.#interrupts.push({ cycle, cpu, pid, name: this.#names.of(pid), stacks });
    stacks.unshift({
      which: String(event["which"]),
      start: Number(event["start"]),
      low: String(event["low"]),
      lowBytes: Number(event["low_bytes"]),
      esp: Number(event["esp"]),
      words: wordsOf(event),
    });
  }

  svgs(): string[] {
    return this.#interrupts.map(draw);
  }
}

function draw({ cycle, cpu, pid, name, stacks }: Interrupt): string {
  const columns = stacks.map((stack, i) => {
    const x = LEFT + i * (WIDTH + GAP);
    const title = stack.which === "task" ? `stack of ${name}` : `${stack.which} of CPU ${cpu}`;
    return column(stack, x, title, stack.which === "task" ? taskColour(pid) : "#dee2e6", i === stacks.length - 1);
  });
  const height = Math.max(...columns.map(({ bottom }) => bottom)) + 24;
  let content = label(
    16,
    48,
    `at cycle ${cycle}: an interrupt has come while the task was in the kernel; high addresses on top`,
    {
      class: "s",
    },
  );
  content += columns.map(({ markup }) => markup).join("");
  if (stacks.length > 1) {
    // The topmost word of the CPU's stack is the ESP that was left.
    const x = LEFT + WIDTH + GAP;
    content += arrow(x - 2, TOP + ROW / 2, LEFT + WIDTH + ADDRESS + 8, columns[0].end, ESP, -GAP / 3);
  }
  const width = LEFT + stacks.length * (WIDTH + GAP) - GAP + ADDRESS + 16;
  return drawing(Math.max(width, NARROWEST), height, "Stacks in an interrupt", content);
}

/** A stack from its top down, where what is in use ends, and where all of it does. */
function column(stack: Stack, x: number, title: string, fill: string, isCurrent: boolean) {
  const address = (y: number, value: number) => label(x + WIDTH + 8, y + 4, hex(value), { class: "m" });
  let markup = box(x, TOP - 30, WIDTH, 20, fill, "", { rx: 3 });
  markup += label(x + WIDTH / 2, TOP - 16, title, { "text-anchor": "middle", "font-weight": "600" });
  markup += address(TOP, stack.start + THREAD_SIZE);
  let y = TOP;
  for (const block of blocksOf(stack.words)) {
    markup += box(x, y, WIDTH, block.rows * ROW, block.fill, "", STROKE);
    markup += label(x + 8, y + (block.rows * ROW) / 2 + 4, block.text.replace(/\+0x[0-9a-f]+$/, ""));
    y += block.rows * ROW;
  }
  const end = y;
  markup += line(x - 6, end, x + WIDTH + 6, end, ESP, { "stroke-width": 2 }) + address(end, stack.esp);
  const used = isCurrent ? "ESP" : "left with this ESP";
  markup += label(x + WIDTH / 2, end + 15, used, { "text-anchor": "middle", style: `fill:${ESP}` });
  const free = stack.esp - stack.start - stack.lowBytes;
  markup += box(x, y, WIDTH, 3 * ROW, "none", "", { ...STROKE, "stroke-dasharray": "3 3" });
  markup += label(x + 8, y + 2 * ROW + 8, `${free} bytes free`, { class: "s" });
  y += 3 * ROW;
  if (stack.lowBytes > 0) {
    markup += box(x, y, WIDTH, 2 * ROW, "#ffd8a8", "", STROKE);
    markup += label(x + 8, y + ROW + 4, `${stack.low}, ${stack.lowBytes} bytes`);
    y += 2 * ROW;
  }
  markup += address(y, stack.start);
  if (stack.low === "not mapped") {
    markup += hatched(x, y + 2, WIDTH, 2 * ROW) + label(x + 8, y + ROW + 6, "a page that is not mapped");
    y += 2 * ROW + 2;
  }
  return { markup, end, bottom: y };
}

function hatched(x: number, y: number, width: number, height: number): string {
  const strokes = Array.from({ length: Math.ceil(width / 12) }, (_, i) => `M${x + i * 12} ${y + height}l12 ${-height}`);
  const outline = box(x, y, width, height, "#f1f3f5", "", { ...STROKE, "stroke-dasharray": "3 3" });
  return outline + element("path", { d: strokes.join(""), stroke: "#dee2e6", fill: "none" });
}
