/** How many tasks are on each CPU's run queue, over time. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { drawing, element, label, line, ticks } from "./svg.ts";
import { TimeAxis } from "./time-axis.ts";
import type { Window } from "./window.ts";

const LEFT = 90;
const RIGHT = 24;
const TOP = 48;
const PLOT = 1200;
const HEIGHT = 64;
const GAP = 26;
/** Changes within this part of the drawing are one stroke, from the least to the most. */
const FINEST = 1 / 3000;

/** From a cycle on `length` tasks; with others before in the same stroke, the least and the most of them. */
interface Point {
  readonly cycle: number;
  length: number;
  least: number;
  most: number;
}

/** Collects the lengths of queues in a window. */
export class RunQueues {
  readonly #window: Window;
  readonly #hz: number;
  readonly #finest: number;
  readonly #queues = new Map<number, Point[]>();
  #shared = false;

  constructor(window: Window, hz: number) {
    this.#window = window;
    this.#hz = hz;
    this.#finest = (window.to - window.from) * FINEST;
  }

  event(event: RecordedEvent): void {
    switch (event.event) {
      case "sched_switch":
        this.#shared ||= event.cpu !== event["queue"];
        this.#add(Number(event["queue"]), event.cycle, Number(event["nr_running"]));
        break;
      case "sched_wakeup":
        this.#add(Number(event["queue"]), event.cycle, Number(event["nr_running"]));
        break;
      case "sched_migrate":
        // Those that are woken or chosen do not go from one queue to another.
        if (event["why"] === "wakeup" || event["why"] === "chosen") break;
        this.#change(Number(event["from"]), event.cycle, -1);
        this.#change(Number(event["to"]), event.cycle, 1);
    }
  }

  #change(queue: number, cycle: number, by: number): void {
    const length = this.#queues.get(queue)?.at(-1)?.length ?? 0;
    this.#add(queue, cycle, Math.max(0, length + by));
  }

  #add(queue: number, cycle: number, length: number): void {
    const { from, to } = this.#window;
    if (cycle >= to) return;
    const points = this.#queues.get(queue) ?? [];
    this.#queues.set(queue, points);
    const last = points.at(-1);
    if (last?.length === length) return;
    if (cycle < from)
      points.length = 0; // what it was when the window begins
    else if (last !== undefined && cycle - last.cycle < this.#finest) {
      last.length = length;
      last.least = Math.min(last.least, length);
      last.most = Math.max(last.most, length);
      return;
    }
    points.push({ cycle: Math.max(cycle, from), length, least: length, most: length });
  }

  /** undefined when no queue ever changed. */
  svg(): string | undefined {
    const queues = [...this.#queues].sort(([a], [b]) => a - b);
    if (queues.every(([, points]) => points.length < 2)) return undefined;
    const axis = new TimeAxis(this.#window, this.#hz, LEFT, PLOT);
    const most = Math.max(1, ...queues.flatMap(([, points]) => points.map((point) => point.most)));
    const bottom = TOP + queues.length * (HEIGHT + GAP);
    let content = axis.svg(TOP, bottom);
    queues.forEach(([queue, points], i) => {
      const base = TOP + (i + 1) * (HEIGHT + GAP) - GAP / 2;
      const y = (length: number) => base - (length / most) * HEIGHT;
      content += label(16, base - HEIGHT / 2 + 4, this.#shared ? "all CPUs" : `CPU ${queue}`);
      for (const tick of ticks(0, most, 3).filter(Number.isInteger)) {
        content += line(LEFT, y(tick), LEFT + PLOT, y(tick), tick === 0 ? "#adb5bd" : "#f1f3f5");
        content += label(LEFT - 8, y(tick) + 4, `${tick}`, { class: "s", "text-anchor": "end" });
      }
      content += this.#steps(points, axis, y);
    });
    const note = "tasks on the queue, those that run included";
    return drawing(
      LEFT + PLOT + RIGHT,
      bottom + 56,
      "Run queues",
      content + label(LEFT, bottom + 42, note, { class: "s" }),
    );
  }

  #steps(points: readonly Point[], axis: TimeAxis, y: (length: number) => number): string {
    const fixed = (value: number) => value.toFixed(1);
    const end = axis.x(this.#window.to);
    const outline = points.map(({ cycle, length, least, most }) => {
      const stroke = least === most ? "" : `V${fixed(y(least))}V${fixed(y(most))}`;
      return `H${fixed(axis.x(cycle))}${stroke}V${fixed(y(length))}`;
    });
    const [{ cycle: first }] = points;
    const d = `M${fixed(axis.x(first))} ${fixed(y(0))}${outline.join("")}H${fixed(end)}V${fixed(y(0))}`;
    return element("path", { d, fill: "#74b9e8", "fill-opacity": 0.35, stroke: "#1971c2", "stroke-width": 1.2 });
  }
}
