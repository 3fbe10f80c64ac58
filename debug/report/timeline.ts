/** The CPU timeline: who runs, and on top of it what the kernel does, nested. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { ActivityTracker, type SliceKind } from "../trace/activity.ts";
import { sliceName, taskName } from "../trace/names.ts";
import { BetweenCpus } from "./between-cpus.ts";
import { box, drawing, label, labelWithin, taskColour, textWidth } from "./svg.ts";
import { TimeAxis } from "./time-axis.ts";
import type { Window } from "./window.ts";

const LEFT = 70;
const RIGHT = 24;
const TOP = 48;
const PLOT = 1200;
const ROW = 20;
const GAP = 26;
/** Stretches shorter than this part of the drawing are joined with their neighbours. */
const FINEST = 1 / 3000;

const KINDS: Readonly<Record<SliceKind, readonly [fill: string, meaning: string]>> = {
  syscall: ["#dfe7fd", "system call"],
  exception: ["#ffc9c9", "exception"],
  interrupt: ["#e5dbff", "interrupt: entry to IRET"],
  irq: ["#b197fc", "do_IRQ"],
  bh: ["#ffd8a8", "bottom half"],
  idle: ["#f1f3f5", "halted"],
};

interface Stretch {
  readonly begin: number;
  end: number;
  readonly key: string;
  readonly text: string;
  /** What may stand for the text where that does not fit. */
  readonly short: readonly string[];
  readonly fill: string;
  readonly pale: boolean;
}

/** Collects what the timeline of a window shows. */
export class Timeline {
  readonly #window: Window;
  readonly #hz: number;
  readonly #finest: number;
  /** By CPU, then by row: 0 is the task, then what it is at. */
  readonly #rows = new Map<number, Stretch[][]>();
  readonly #tracker: ActivityTracker;
  /** By pid, idle tasks below 0. */
  readonly #tasks = new Map<number, { readonly text: string; readonly fill: string }>();
  readonly #kinds = new Set<SliceKind>();
  readonly #between: BetweenCpus;

  constructor(window: Window, hz: number) {
    this.#window = window;
    this.#between = new BetweenCpus(window);
    this.#hz = hz;
    this.#finest = (window.to - window.from) * FINEST;
    this.#tracker = new ActivityTracker({
      spent: (cpu, activity, begin, end) => {
        const { pid, open, user } = activity;
        const task = taskName(activity);
        const names = { text: task, short: pid === 0 ? ["idle"] : [`pid ${pid}`, `${pid}`] };
        const shown = this.#add(cpu, 0, begin, end, {
          key: `${pid} ${user}`,
          ...names,
          fill: taskColour(pid),
          pale: !user,
        });
        // A task that has become another program is the same task: the last name stands for it.
        if (shown) this.#tasks.set(pid === 0 ? -1 - cpu : pid, { text: task, fill: taskColour(pid) });
        open.forEach((slice, i) => {
          const key = `${pid} ${slice.kind} ${slice.number} ${slice.begin}`;
          const added = { key, text: sliceName(slice), short: [], fill: KINDS[slice.kind][0], pale: false };
          if (this.#add(cpu, i + 1, begin, end, added)) this.#kinds.add(slice.kind);
        });
      },
    });
  }

  event(event: RecordedEvent): void {
    this.#tracker.event(event);
    this.#between.event(event);
  }

  finish(event: RecordedEvent): void {
    this.#tracker.finish(event);
  }

  /** Returns whether any of it is in the window. */
  #add(cpu: number, row: number, begin: number, end: number, what: Omit<Stretch, "begin" | "end">): boolean {
    const { from, to } = this.#window;
    if (end <= from || begin >= to) return false;
    const rows = this.#rows.get(cpu) ?? [];
    this.#rows.set(cpu, rows);
    while (rows.length <= row) rows.push([]);
    const stretches = rows[row];
    const previous = stretches.at(-1);
    const first = Math.max(begin, from);
    const last = Math.min(end, to);
    if (previous !== undefined && first - previous.end <= this.#finest) {
      const isSame = previous.key === what.key && first === previous.end;
      if (isSame || last - first < this.#finest) {
        previous.end = last;
        return true;
      }
    }
    stretches.push({ begin: first, end: last, ...what });
    return true;
  }

  svg(): string {
    const axis = new TimeAxis(this.#window, this.#hz, LEFT, PLOT);
    const x = (cycle: number) => axis.x(cycle);
    const us = 1e6 / this.#hz;
    let content = "";
    let y = TOP + 12;
    const middles = new Map<number, number>();
    for (const [cpu, rows] of [...this.#rows].sort(([a], [b]) => a - b)) {
      content += label(16, y + 14, `CPU ${cpu}`);
      middles.set(cpu, y + ROW / 2);
      rows.forEach((stretches, row) => {
        const top = y + row * ROW;
        for (const { begin, end, text, short, fill, pale } of stretches) {
          const width = x(end) - x(begin);
          const title = `${text}${row === 0 ? (pale ? ", kernel" : ", ring 3") : ""}: ${((end - begin) * us).toFixed(1)} µs`;
          content += box(x(begin), top, Math.max(width, 1), ROW - 2, fill, title, {
            "fill-opacity": pale ? 0.4 : 1,
            ...(width > 3 ? { stroke: "#868e96", "stroke-width": 0.5 } : {}),
          });
          content += labelWithin(x(begin), top + 13, width, [text, ...short]);
        }
      });
      y += rows.length * ROW + GAP;
    }
    content += this.#between.svg(x, (cpu) => middles.get(cpu) ?? TOP);
    const bottom = y - GAP + 8;
    content = axis.svg(TOP, bottom) + content;
    return drawing(LEFT + PLOT + RIGHT, bottom + 110, "CPU timeline", content + this.#legend(bottom + 48));
  }

  #legend(y: number): string {
    const tasks = [...this.#tasks].sort(([a], [b]) => a - b).map(([, task]) => task);
    const kinds = [...this.#kinds].map((kind) => ({ text: KINDS[kind][1], fill: KINDS[kind][0] }));
    let x = LEFT;
    let row = y;
    let content = "";
    for (const { text, fill } of [...tasks, ...kinds]) {
      const width = textWidth(text) + 36;
      if (x + width > LEFT + PLOT) {
        x = LEFT;
        row += 18;
      }
      content +=
        box(x, row - 10, 12, 12, fill, "", { stroke: "#868e96", "stroke-width": 0.5 }) + label(x + 17, row, text);
      x += width;
    }
    content += label(LEFT, row + 20, "Full colour: in ring 3. Pale: in the kernel, below it for what.", { class: "s" });
    return content + this.#between.legend(LEFT, row + 38);
  }
}
