/** The O(1) scheduler's two arrays of each CPU over time: which tasks are in them, on which level, and when the two change places. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { box, drawing, label, line, taskColour, textWidth } from "./svg.ts";
import { TaskNames } from "./task-names.ts";
import { TimeAxis } from "./time-axis.ts";
import type { Window } from "./window.ts";

const LEFT = 150;
const RIGHT = 24;
const TOP = 48;
const PLOT = 1200;
const LANE = 9;
/** Tasks of a level that are drawn one below the other; more lie on the last of them. */
const MOST_LANES = 6;
const GAP = 18;
const MOST_STAYS = 5000;
/** Who comes back within this part of the drawing was never away. */
const FINEST = 1 / 3000;

const ARRAYS = ["active", "expired"] as const;
type ArrayName = (typeof ARRAYS)[number];
const FILLS: Readonly<Record<ArrayName, string>> = { active: "#f1f8f1", expired: "#fbf1f1" };

/** A task in an array, on one level. */
interface Stay {
  readonly queue: number;
  readonly array: ArrayName;
  readonly prio: number;
  readonly pid: number;
  readonly begin: number;
  end: number;
}

/** Collects what the arrays of a window's trace hold. */
export class PriorityArrays {
  readonly #window: Window;
  readonly #hz: number;
  readonly #names = new TaskNames();
  /** Those that are over, and in the window. */
  readonly #stays = new Set<Stay>();
  /** Where each task is, or was last. */
  readonly #last = new Map<number, Stay>();
  readonly #in = new Set<number>();
  readonly #swaps: { readonly queue: number; readonly cycle: number }[] = [];
  #isFull = false;

  constructor(window: Window, hz: number) {
    this.#window = window;
    this.#hz = hz;
  }

  event(event: RecordedEvent): void {
    const { cycle } = event;
    this.#names.event(event);
    switch (event.event) {
      case "sched_enqueue":
        this.#comes(Number(event["pid"]), {
          queue: Number(event["queue"]),
          array: event["array"] === "active" ? "active" : "expired",
          prio: Number(event["prio"]),
          cycle,
        });
        break;
      case "sched_dequeue":
        this.#leaves(Number(event["pid"]), cycle);
        break;
      case "sched_array_switch":
        this.#swap(event.cpu, cycle);
    }
  }

  #comes(pid: number, at: Pick<Stay, "queue" | "array" | "prio"> & { readonly cycle: number }): void {
    const { queue, array, prio, cycle } = at;
    const last = this.#last.get(pid);
    this.#in.add(pid);
    const wasAway = cycle - (last?.end ?? 0) > (this.#window.to - this.#window.from) * FINEST;
    const isSame = last !== undefined && last.queue === queue && last.array === array && last.prio === prio;
    if (isSame && !wasAway) {
      last.end = Number.POSITIVE_INFINITY;
      return;
    }
    this.#last.set(pid, { queue, array, prio, pid, begin: cycle, end: Number.POSITIVE_INFINITY });
  }

  #leaves(pid: number, cycle: number): void {
    const last = this.#last.get(pid);
    if (!this.#in.delete(pid) || last === undefined) return;
    last.end = cycle;
    if (cycle <= this.#window.from || last.begin >= this.#window.to) return;
    if (this.#stays.size < MOST_STAYS) this.#stays.add(last);
    else this.#isFull ||= !this.#stays.has(last);
  }

  #swap(queue: number, cycle: number): void {
    const { from, to } = this.#window;
    if (cycle >= from && cycle <= to && this.#swaps.length < MOST_STAYS) this.#swaps.push({ queue, cycle });
    for (const pid of [...this.#in]) {
      const { queue: of, array, prio } = this.#last.get(pid)!;
      if (of !== queue) continue;
      this.#leaves(pid, cycle);
      this.#comes(pid, { queue, array: array === "active" ? "expired" : "active", prio, cycle });
    }
  }

  /** undefined for a scheduler that has no such arrays. */
  svg(): string | undefined {
    const { from, to } = this.#window;
    const open = Array.from(this.#in, (pid) => this.#last.get(pid)!).filter(({ begin }) => begin < to);
    const shown = [...new Set([...this.#stays, ...open])].sort((a, b) => a.begin - b.begin);
    if (shown.length === 0) return undefined;
    const axis = new TimeAxis(this.#window, this.#hz, LEFT, PLOT);
    const within = (cycle: number) => axis.x(Math.min(Math.max(cycle, from), to));
    let content = "";
    let y = TOP + 8;
    for (const queue of [...new Set(shown.map((stay) => stay.queue))].sort((a, b) => a - b)) {
      const top = y;
      content += label(16, y + 12, `CPU ${queue}`);
      for (const array of ARRAYS) {
        const rows = rowsOf(shown.filter((stay) => stay.queue === queue && stay.array === array));
        const height = Math.max(
          20,
          rows.reduce((sum, { lanes }) => sum + rowHeight(lanes.length), 0),
        );
        content += box(LEFT, y, PLOT, height, FILLS[array]) + label(LEFT - 84, y + 12, array, { class: "s" });
        let row = y;
        for (const { prio, lanes } of rows) {
          content += label(LEFT - 8, row + 11, `${prio}`, { class: "s", "text-anchor": "end" });
          lanes.forEach((stays, i) => {
            for (const { pid, begin, end } of stays) {
              const [x, width] = [within(begin), within(end) - within(begin)];
              const title = `${this.#names.of(pid)}, ${array}, level ${prio}`;
              content += box(x, row + 2 + i * LANE, width, LANE - 1, taskColour(pid), title);
            }
          });
          row += rowHeight(lanes.length);
        }
        y += height + 2;
      }
      for (const { cycle } of this.#swaps.filter((swap) => swap.queue === queue)) {
        content += line(axis.x(cycle), top - 6, axis.x(cycle), y, "#495057", { "stroke-dasharray": "2 3" });
      }
      y += GAP;
    }
    const bottom = y - GAP + 6;
    content = axis.svg(TOP, bottom) + content + this.#legend(shown, bottom + 46);
    return drawing(LEFT + PLOT + RIGHT, bottom + 82, "Active and expired arrays", content);
  }

  /** As many tasks as the legend has room for: those that were there for longest. */
  #longest(shown: readonly Stay[]): number[] {
    const { from, to } = this.#window;
    const times = new Map<number, number>();
    for (const { pid, begin, end } of shown)
      times.set(pid, (times.get(pid) ?? 0) + Math.min(end, to) - Math.max(begin, from));
    let room = PLOT;
    return [...times]
      .sort(([, a], [, b]) => b - a)
      .map(([pid]) => pid)
      .filter((pid) => (room -= textWidth(this.#names.of(pid)) + 36) >= 0)
      .sort((a, b) => a - b);
  }

  #legend(shown: readonly Stay[], y: number): string {
    let content = "";
    let x = LEFT;
    for (const pid of this.#longest(shown)) {
      const text = this.#names.of(pid);
      content += box(x, y - 10, 12, 12, taskColour(pid)) + label(x + 17, y, text);
      x += textWidth(text) + 36;
    }
    const notes = [
      "numbers: levels of priority, the best on top",
      "dashed: the active array is empty, and the two change places",
      ...(this.#isFull ? [`only the first ${MOST_STAYS} stays; --from and --to show a part`] : []),
    ];
    return content + label(LEFT, y + 20, notes.join("; "), { class: "s" });
  }
}

interface Row {
  readonly prio: number;
  /** In each, stays that follow one another. */
  readonly lanes: Stay[][];
}

function rowsOf(stays: readonly Stay[]): Row[] {
  const levels = [...new Set(stays.map(({ prio }) => prio))].sort((a, b) => a - b);
  return levels.map((prio) => {
    const lanes: Stay[][] = [];
    for (const stay of stays.filter((one) => one.prio === prio)) {
      const free = lanes.find((lane) => lane.at(-1)!.end <= stay.begin);
      if (free !== undefined) free.push(stay);
      else if (lanes.length < MOST_LANES) lanes.push([stay]);
      else lanes.at(-1)!.push(stay);
    }
    return { prio, lanes };
  });
}

function rowHeight(lanes: number): number {
  return lanes * LANE + 4;
}
