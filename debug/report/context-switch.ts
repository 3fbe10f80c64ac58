/** A context switch: the stacks of the task that leaves and of the one that comes, ESP before and after, TSS.esp0. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { hex } from "../numbers.ts";
import { blocksOf } from "./stack-blocks.ts";
import { isSwitchFrame, type KernelStack, stackOf } from "./stack-words.ts";
import { arrow, box, drawing, label, line, taskColour } from "./svg.ts";
import { TaskNames } from "./task-names.ts";

const MOST_SWITCHES = 8;
const TOP = 96;
const ROW = 20;
const STACK_WIDTH = 250;
const LEFT_STACK = 130;
const GAP = 330;
const RIGHT_STACK = LEFT_STACK + STACK_WIDTH + GAP;
const WIDTH = RIGHT_STACK + STACK_WIDTH + 130;

const ESP = "#c92a2a";
const ESP0 = "#1864ab";

/** Collects the first switches of which both stacks are in the trace. */
export class ContextSwitches {
  readonly #names = new TaskNames();
  readonly #switches: { readonly prev: KernelStack; readonly next: KernelStack; readonly names: string[] }[] = [];
  #prev: KernelStack | undefined;

  event(event: RecordedEvent): void {
    this.#names.event(event);
    if (event.event !== "kernel_stack" || this.#switches.length === MOST_SWITCHES) return;
    const stack = stackOf(event);
    if (stack.which === "prev") {
      this.#prev = stack;
      return;
    }
    const prev = this.#prev;
    this.#prev = undefined;
    if (prev?.cycle !== stack.cycle) return;
    this.#switches.push({ prev, next: stack, names: [this.#names.of(prev.pid), this.#names.of(stack.pid)] });
  }

  svgs(): string[] {
    return this.#switches.map(({ prev, next, names }) => draw(prev, next, names));
  }
}

function draw(prev: KernelStack, next: KernelStack, names: readonly string[]): string {
  const left = column(prev, LEFT_STACK, names[0], "leaves");
  const right = column(next, RIGHT_STACK, names[1], "comes");
  let content = left.markup + right.markup;
  content += label(16, 46, `at cycle ${prev.cycle}, in switch_to; high addresses on top`, { class: "s" });
  // ESP, one instruction before and after.
  const [fromX, toX] = [LEFT_STACK + STACK_WIDTH, RIGHT_STACK];
  content += arrow(fromX + 4, left.end, toX - 6, right.end, ESP, GAP / 3);
  const middle = (fromX + toX) / 2;
  const low = Math.max(left.end, right.end);
  const coloured = (fill: string) => ({ style: `fill:${fill}`, "text-anchor": "middle" });
  content += label(middle, low + 26, "movl next->thread.esp, %esp", { ...coloured(ESP), class: "m" });
  content += label(middle, low + 44, "the one instruction that is the switch", coloured(ESP));
  // TSS.esp0.
  content += arrow(fromX + 4, TOP, toX - 6, TOP, ESP0);
  content += label(middle, TOP + 20, `TSS.esp0: ${hex(prev.tssEsp0)}`, { ...coloured(ESP0), class: "m" });
  content += label(middle, TOP + 38, `→ ${hex(next.esp0)}, by __switch_to`, { ...coloured(ESP0), class: "m" });
  content += label(middle, TOP + 56, "where the CPU will put the frame of the", coloured(ESP0));
  content += label(middle, TOP + 72, "next entry from ring 3", coloured(ESP0));
  const isNew = !next.words.some(isSwitchFrame);
  const note = isNew
    ? `${names[1]} has never run: its stack holds registers alone, and it begins in ret_from_fork.`
    : `${names[1]} goes on where it called switch_to: switch_to pops the switch frame and returns on this stack.`;
  content += label(16, low + 76, note);
  const saved = prev.words.some(isSwitchFrame)
    ? `${names[0]} keeps its place in thread.esp (${hex(prev.esp)}) and in the switch frame above it, until it is switched to.`
    : "";
  content += label(16, low + 94, saved);
  return drawing(WIDTH, low + 108, `Context switch: from ${names[0]} to ${names[1]}`, content);
}

/** A stack with its addresses, and how far down it goes. */
function column(stack: KernelStack, x: number, name: string, does: string): { markup: string; end: number } {
  let markup = box(x, TOP - 34, STACK_WIDTH, 20, taskColour(stack.pid), "", { rx: 3 });
  markup += label(x + STACK_WIDTH / 2, TOP - 20, `${name} ${does}`, { "text-anchor": "middle", "font-weight": "600" });
  let y = TOP;
  const isLeft = stack.which === "prev";
  const address = (at: number, value: number, style: string) =>
    label(isLeft ? x - 8 : x + STACK_WIDTH + 8, at + 4, hex(value), {
      class: "m",
      style,
      ...(isLeft ? { "text-anchor": "end" } : {}),
    });
  markup += address(TOP, stack.esp0, `fill:${ESP0}`);
  for (const { text, fill, rows } of blocksOf(stack.words)) {
    markup += box(x, y, STACK_WIDTH, rows * ROW, fill, "", { stroke: "#adb5bd", "stroke-width": 0.6 });
    markup += label(x + 8, y + (rows * ROW) / 2 + 4, text);
    y += rows * ROW;
  }
  markup += line(x - 6, y, x + STACK_WIDTH + 6, y, ESP, { "stroke-width": 2 });
  markup += address(y, stack.esp, `fill:${ESP}`);
  markup += label(x + STACK_WIDTH / 2, y + 16, isLeft ? "ESP before" : "ESP after", {
    "text-anchor": "middle",
    style: `fill:${ESP}`,
  });
  return { markup, end: y };
}
