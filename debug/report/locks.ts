/** Locks: how often each was taken and found taken, and the distributions of how long it was held and waited for. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { LockTimes } from "./lock-times.ts";
import { box, drawing, label, line, textWidth } from "./svg.ts";
import type { Window } from "./window.ts";

const LEFT = 16;
const TOP = 96;
const ROW = 44;
const BARS = 26;
/** Of a bucket's bar. */
const BAR = 24;
const NUMBERS = 170;
const GAP = 60;
/** The locks that are drawn: those that CPUs lost most time with. */
const MOST = 24;
const HELD = "#74b9e8";
const WAITED = "#f28482";

/** Times in instructions of all CPUs; bucket n has those from 2^n to 2^(n+1) - 1, 0 also none. */
interface Distribution {
  count: number;
  total: number;
  longest: number;
  readonly buckets: number[];
}

interface Lock {
  readonly name: string;
  readonly held: Distribution;
  readonly waited: Distribution;
}

/** Collects the times that ended in a window. */
export class Locks {
  readonly #window: Window;
  readonly #locks = new Map<string, Lock>();
  readonly #times = new LockTimes({
    waited: (name, cycles, end) => this.#add(name, "waited", cycles, end),
    held: (name, cycles, end) => this.#add(name, "held", cycles, end),
  });

  constructor(window: Window) {
    this.#window = window;
  }

  event(event: RecordedEvent): void {
    this.#times.event(event);
  }

  #add(name: string, what: "waited" | "held", instructions: number, end: number): void {
    const { from, to } = this.#window;
    if (end <= from || end > to) return;
    let lock = this.#locks.get(name);
    if (lock === undefined) this.#locks.set(name, (lock = { name, held: nothing(), waited: nothing() }));
    const distribution = lock[what];
    distribution.count++;
    distribution.total += instructions;
    distribution.longest = Math.max(distribution.longest, instructions);
    const bucket = Math.floor(Math.log2(Math.max(1, instructions)));
    while (distribution.buckets.length <= bucket) distribution.buckets.push(0);
    distribution.buckets[bucket]++;
  }

  /** undefined when no lock was waited for, and none is known to have been held. */
  svg(): string | undefined {
    if (this.#locks.size === 0) return undefined;
    const sorted = [...this.#locks.values()].sort(
      (a, b) => b.waited.total - a.waited.total || b.held.total - a.held.total,
    );
    const locks = sorted.slice(0, MOST);
    const buckets = Math.max(...locks.flatMap(({ held, waited }) => [held.buckets.length, waited.buckets.length]));
    const knowsHeld = sorted.some(({ held }) => held.count > 0);
    const names = Math.max(...locks.map(({ name }) => textWidth(name))) + 24;
    const panel = buckets * BAR + NUMBERS + GAP;
    const panels = [
      ...(knowsHeld ? [{ what: "held", title: "held", fill: HELD } as const] : []),
      { what: "waited", title: "waited for", fill: WAITED } as const,
    ];
    const bottom = TOP + locks.length * ROW;
    let content = label(LEFT, 48, "in instructions of all CPUs; the bars of a lock are as high as its times are many", {
      class: "s",
    });
    panels.forEach(({ what, title, fill }, i) => {
      const x = LEFT + names + i * panel;
      content += scale(x, title, buckets, bottom);
      locks.forEach((lock, row) => {
        content += bars(x, TOP + row * ROW, lock[what], fill, buckets);
      });
    });
    locks.forEach(({ name }, row) => {
      content += label(LEFT, TOP + row * ROW + BARS - 4, name);
    });
    const notes = [
      ...(knowsHeld ? [] : ["how long locks are held is in traces that are recorded with --trace-locks"]),
      ...(sorted.length > MOST ? [`${sorted.length - MOST} more locks are left off`] : []),
    ];
    content += label(LEFT, bottom + 34, notes.join("; "), { class: "s" });
    return drawing(LEFT + names + panels.length * panel, bottom + 48, "Locks", content);
  }
}

function nothing(): Distribution {
  return { count: 0, total: 0, longest: 0, buckets: [] };
}

/** The heads of a panel, and the powers of two below and through it. */
function scale(x: number, title: string, buckets: number, bottom: number): string {
  let content = label(x, TOP - 22, title, { "font-weight": "600" });
  const numbersAt = x + buckets * BAR + 12;
  content += label(numbersAt, TOP - 22, "times, mean, longest", { class: "s" });
  for (let bucket = 0; bucket <= buckets; bucket += 2) {
    const at = x + bucket * BAR;
    content += line(at, TOP - 8, at, bottom, "#e9ecef");
    content += label(at, bottom + 12, power(bucket), { class: "s", "text-anchor": "middle" });
  }
  return content;
}

/** 2^n, short. */
function power(n: number): string {
  return n < 10 ? `${2 ** n}` : n < 20 ? `${2 ** (n - 10)}Ki` : `${2 ** (n - 20)}Mi`;
}

function bars(
  x: number,
  y: number,
  { count, total, longest, buckets }: Distribution,
  fill: string,
  all: number,
): string {
  let content = line(x, y + BARS, x + all * BAR, y + BARS, "#adb5bd");
  const most = Math.max(1, ...buckets);
  buckets.forEach((times, bucket) => {
    if (times === 0) return;
    const height = Math.max(1.5, (times / most) * BARS);
    const title = `${bucket === 0 ? 0 : 2 ** bucket} to ${2 ** (bucket + 1) - 1} instructions: ${times} times`;
    content += box(x + bucket * BAR + 1, y + BARS - height, BAR - 2, height, fill, title);
  });
  const numbers = count === 0 ? "never" : `${count}×, ${Math.round(total / count)}, ${longest}`;
  return content + label(x + all * BAR + 12, y + BARS - 4, numbers);
}
