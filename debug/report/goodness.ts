/** Goodness of the candidates on the run queue over time, with the epochs. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { box, colour, drawing, label, line, ticks } from "./svg.ts";

const LEFT = 60;
const TOP = 56;
const PLOT = 1000;
const HEIGHT = 300;
const MOST_TASKS = 10;
const MOST_POINTS = 5000;
/** From here on goodness is that of real-time tasks. */
const REAL_TIME = 1000;

interface Point {
  readonly cycle: number;
  readonly goodness: number;
}

/** Collects what the scheduler saw. */
export class Goodness {
  readonly #hz: number;
  readonly #points = new Map<number, Point[]>();
  readonly #epochs: number[] = [];
  #left_off = 0;

  constructor(hz: number) {
    this.#hz = hz;
  }

  event(event: RecordedEvent): void {
    const { cycle } = event;
    if (event.event === "sched_epoch" && this.#epochs.length < MOST_POINTS) this.#epochs.push(cycle);
    if (event.event !== "sched_goodness") return;
    const pid = Number(event["pid"]);
    const points = this.#points.get(pid) ?? [];
    if (points.length === 0 && this.#points.size === MOST_TASKS) {
      this.#left_off++;
      return;
    }
    this.#points.set(pid, points);
    if (points.length < MOST_POINTS) points.push({ cycle, goodness: Number(event["goodness"]) });
  }

  /** undefined when the scheduler never had a choice to make. */
  svg(): string | undefined {
    const all = [...this.#points.values()].flat();
    if (all.length < 2) return undefined;
    const us = 1e6 / this.#hz;
    const from = Math.min(...all.map(({ cycle }) => cycle));
    const to = Math.max(...all.map(({ cycle }) => cycle), from + 1);
    const isRealTime = all.some(({ goodness }) => goodness >= REAL_TIME);
    const ordinary = all.filter(({ goodness }) => goodness < REAL_TIME).map(({ goodness }) => goodness);
    const highest = Math.max(10, ...ordinary) * 1.1;
    // Real-time tasks, far above all others, lie on the upper edge.
    const y = (goodness: number) => TOP + HEIGHT - ((Math.min(goodness, highest) + 1) / (highest + 1)) * HEIGHT;
    const x = (cycle: number) => LEFT + ((cycle - from) / (to - from)) * PLOT;
    let content = "";
    for (const tick of ticks(0, highest, 5)) {
      content += line(LEFT, y(tick), LEFT + PLOT, y(tick), "#e9ecef");
      content += label(LEFT - 8, y(tick) + 4, `${tick}`, { class: "s", "text-anchor": "end" });
    }
    for (const tick of ticks((from * us) / 1000, (to * us) / 1000, 8)) {
      content += label(x((tick * 1000) / us), TOP + HEIGHT + 18, `${tick}`, { class: "s", "text-anchor": "middle" });
    }
    content += label(LEFT + PLOT + 8, TOP + HEIGHT + 18, "ms", { class: "s" });
    for (const epoch of this.#epochs) {
      content += line(x(epoch), TOP - 6, x(epoch), TOP + HEIGHT, "#495057", { "stroke-dasharray": "2 4" });
    }
    [...this.#points].forEach(([pid, points], i) => {
      content += path(
        points.map(({ cycle, goodness }) => [x(cycle), y(goodness)]),
        pid,
      );
      content +=
        box(LEFT + i * 80, TOP + HEIGHT + 34, 12, 12, colour(pid - 1)) +
        label(LEFT + 18 + i * 80, TOP + HEIGHT + 44, `pid ${pid}`);
    });
    const notes = [
      "a dot each time the scheduler weighed the task; dashed: a new epoch",
      ...(isRealTime ? ["upper edge: real-time"] : []),
      ...(this.#left_off > 0 ? [`only the first ${MOST_TASKS} tasks`] : []),
    ];
    content += label(LEFT, TOP + HEIGHT + 68, notes.join("; "), { class: "s" });
    return drawing(LEFT + PLOT + 40, TOP + HEIGHT + 84, "Goodness over epochs", content);
  }
}

function path(points: readonly (readonly [number, number])[], pid: number): string {
  const steps = points.map(([x, y], i) =>
    i === 0 ? `M${x.toFixed(1)} ${y.toFixed(1)}` : `H${x.toFixed(1)}V${y.toFixed(1)}`,
  );
  const dots = points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  const stroke = colour(pid - 1);
  return (
    `<path d="${steps.join("")}" fill="none" stroke="${stroke}" stroke-width="1.5" stroke-opacity="0.6"/>\n` +
    `<path d="${dots.join("")}" stroke="${stroke}" stroke-width="6" stroke-linecap="round"/>\n`
  );
}
