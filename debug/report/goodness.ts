/** Goodness of the candidates on the run queue over time, with the epochs. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { box, drawing, label, line, taskColour, textWidth, ticks, timeUnit } from "./svg.ts";
import { TaskNames } from "./task-names.ts";

const LEFT = 60;
const TOP = 56;
const PLOT = 1000;
const HEIGHT = 300;
const MOST_TASKS = 10;
const MOST_POINTS = 5000;
/** task_struct.state */
const RUNNING = 0;
/** From here on goodness is that of real-time tasks. */
const REAL_TIME = 1000;

interface Point {
  readonly cycle: number;
  readonly goodness: number;
}

/** A task, from each wake-up to where it goes to sleep: only then does it compete. */
interface Candidate {
  points: number;
  readonly turns: Point[][];
  /** Whether its next point begins a turn. */
  hasSlept: boolean;
}

/** Collects what the scheduler saw. */
export class Goodness {
  readonly #hz: number;
  readonly #candidates = new Map<number, Candidate>();
  readonly #names = new TaskNames();
  readonly #epochs: number[] = [];
  #left_off = 0;

  constructor(hz: number) {
    this.#hz = hz;
  }

  event(event: RecordedEvent): void {
    const { cycle } = event;
    this.#names.event(event);
    switch (event.event) {
      case "sched_epoch":
        if (this.#epochs.length < MOST_POINTS) this.#epochs.push(cycle);
        break;
      case "sched_switch":
        if (event["prev_state"] !== RUNNING) this.#sleeps(Number(event["prev"]), cycle);
        break;
      case "sched_goodness":
        this.#weighed(Number(event["pid"]), { cycle, goodness: Number(event["goodness"]) });
    }
  }

  #sleeps(pid: number, cycle: number): void {
    const candidate = this.#candidates.get(pid);
    if (candidate === undefined || candidate.hasSlept) return;
    candidate.hasSlept = true;
    // The scheduler may have weighed it for the last time long before.
    const turn = candidate.turns.at(-1);
    const last = turn?.at(-1);
    if (last !== undefined && last.cycle < cycle && candidate.points++ < MOST_POINTS) turn!.push({ ...last, cycle });
  }

  #weighed(pid: number, point: Point): void {
    let candidate = this.#candidates.get(pid);
    if (candidate === undefined) {
      if (this.#candidates.size === MOST_TASKS) {
        this.#left_off++;
        return;
      }
      candidate = { points: 0, turns: [], hasSlept: true };
      this.#candidates.set(pid, candidate);
    }
    if (candidate.points++ >= MOST_POINTS) return;
    if (candidate.hasSlept) candidate.turns.push([]);
    candidate.hasSlept = false;
    candidate.turns.at(-1)!.push(point);
  }

  /** undefined when the scheduler never had a choice to make. */
  svg(): string | undefined {
    const all = [...this.#candidates.values()].flatMap(({ turns }) => turns.flat());
    if (all.length < 2) return undefined;
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
    const unit = timeUnit((to - from) / this.#hz);
    const scale = unit.perSecond / this.#hz;
    for (const tick of ticks(from * scale, to * scale, 8)) {
      content += label(x(tick / scale), TOP + HEIGHT + 18, `${tick}`, { class: "s", "text-anchor": "middle" });
    }
    content += label(LEFT + PLOT + 8, TOP + HEIGHT + 18, unit.name, { class: "s" });
    content += label(16, TOP - 10, "goodness", { class: "s" });
    for (const epoch of this.#epochs) {
      content += line(x(epoch), TOP - 6, x(epoch), TOP + HEIGHT, "#495057", { "stroke-dasharray": "2 4" });
    }
    let at = LEFT;
    for (const [pid, { turns }] of [...this.#candidates].sort(([a], [b]) => a - b)) {
      content += path(
        turns.map((turn) => turn.map(({ cycle, goodness }) => [x(cycle), y(goodness)])),
        pid,
      );
      const text = this.#names.of(pid);
      content += box(at, TOP + HEIGHT + 34, 12, 12, taskColour(pid)) + label(at + 17, TOP + HEIGHT + 44, text);
      at += textWidth(text) + 36;
    }
    const notes = [
      "a dot each time the scheduler weighed the task, no line while it sleeps; dashed: a new epoch",
      ...(isRealTime ? ["upper edge: real-time"] : []),
      ...(this.#left_off > 0 ? [`only the first ${MOST_TASKS} tasks`] : []),
    ];
    content += label(LEFT, TOP + HEIGHT + 68, notes.join("; "), { class: "s" });
    return drawing(LEFT + PLOT + 40, TOP + HEIGHT + 84, "Goodness over epochs", content);
  }
}

/** @param turns points of stretches without sleep between them */
function path(turns: readonly (readonly (readonly [number, number])[])[], pid: number): string {
  const steps = turns.flatMap((points) =>
    points.map(([x, y], i) => (i === 0 ? `M${x.toFixed(1)} ${y.toFixed(1)}` : `H${x.toFixed(1)}V${y.toFixed(1)}`)),
  );
  const dots = turns.flat().map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
  const stroke = taskColour(pid);
  return (
    `<path d="${steps.join("")}" fill="none" stroke="${stroke}" stroke-width="1.5" stroke-opacity="0.6"/>\n` +
    `<path d="${dots.join("")}" stroke="${stroke}" stroke-width="6" stroke-linecap="round"/>\n`
  );
}
