import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawTrace, openTrace } from "../../../debug/report/index.ts";
import { at, crossing, HEADER, switchTo, traceFile, traceOf } from "./traces.ts";

interface Shape {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Elements of a drawing; expects that it is well-formed. */
function shapes(svg: string): Shape[] {
  const open: string[] = [];
  const found: Shape[] = [];
  for (const [, end, name, written, empty, text] of svg.matchAll(
    /<(\/?)([a-z]+)((?: [\w-]+="[^"<]*")*)(\/?)>([^<]*)/g,
  )) {
    if (end) expect(open.pop()).toBe(name);
    else {
      const attributes = Object.fromEntries(
        [...written!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
      );
      found.push({ name: name!, attributes, text: text!.trim() });
      if (!empty) open.push(name!);
    }
  }
  expect(open).toEqual([]);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  return found;
}

const texts = (svg: string) =>
  shapes(svg)
    .filter(({ name }) => name === "text")
    .map(({ text }) => text);
const titles = (svg: string) =>
  shapes(svg)
    .filter(({ name }) => name === "title")
    .map(({ text }) => text);

/** Boxes of a row must not lie on one another. */
function expectNoOverlaps(svg: string): void {
  const rows = new Map<string, (readonly [from: number, to: number])[]>();
  for (const { name, attributes } of shapes(svg)) {
    if (name !== "rect" || attributes.x === undefined) continue;
    const row = rows.get(attributes.y!) ?? [];
    rows.set(attributes.y!, [...row, [Number(attributes.x), Number(attributes.x) + Number(attributes.width)]]);
  }
  for (const row of rows.values()) {
    row.sort(([a], [b]) => a - b);
    for (let i = 1; i < row.length; i++) expect(row[i]![0]).toBeGreaterThanOrEqual(row[i - 1]![1] - 1.1);
  }
}

const cow = drawTrace(traceOf(readFileSync("examples/cow.S", "utf8")));

describe("drawings", () => {
  it("of a fork: a timeline, page tables, a stack, goodness", () => {
    expect([...cow.keys()]).toEqual(["cpu-timeline.svg", "page-tables-1.svg", "kernel-stack-1.svg", "goodness.svg"]);
    for (const svg of cow.values()) expect(shapes(svg)[0]).toMatchObject({ name: "svg" });
  });

  it("of a trace without events are empty, but whole", () => {
    const drawings = drawTrace(openTrace(traceFile([])));
    expect([...drawings.keys()]).toEqual(["cpu-timeline.svg"]);
    shapes(drawings.get("cpu-timeline.svg")!);
  });
});

describe("the CPU timeline", () => {
  it("shows who runs, and interrupts inside exceptions and system calls below", () => {
    const svg = cow.get("cpu-timeline.svg")!;
    expect(texts(svg)).toEqual(expect.arrayContaining(["CPU timeline", "CPU 0", "init (1)", "fork", "#PF", "do_IRQ"]));
    expect(titles(svg)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^init \(2\), ring 3: /), expect.stringMatching(/^IRQ 4: /)]),
    );
    expectNoOverlaps(svg);
  });

  it("draws lengths to scale, in the window asked for", () => {
    const trace = openTrace(
      traceFile([
        switchTo(0, 0, 1),
        crossing(1, "syscall_exit", { nr: 11, result: 0 }, 1),
        crossing(500, "syscall", { nr: 4 }, 1),
        at(600, "irq_entry", { irq: 0, depth: 0 }),
        at(700, "irq_exit", { irq: 0, depth: 0 }),
        crossing(1000, "syscall_exit", { nr: 4, result: 1 }, 1),
        crossing(2000, "syscall", { nr: 1 }, 1),
      ]),
    );
    const svg = drawTrace(trace, { from: 400, to: 1000 }).get("cpu-timeline.svg")!;
    const all = shapes(svg);
    const box = (title: string) => {
      const found = all.findIndex(({ name, text }) => name === "title" && text === title);
      expect(found, title).toBeGreaterThan(0);
      const { x, y, width } = all[found - 1]!.attributes;
      return { x: Number(x), y: Number(y), width: Number(width) };
    };
    expect(box("task (1), ring 3: 100.0 µs")).toMatchObject({ x: 70, width: 200 });
    expect(box("write: 500.0 µs")).toMatchObject({ x: 270, width: 1000 });
    expect(box("IRQ 0: 100.0 µs")).toMatchObject({ x: 470, width: 200 });
    expect(box("IRQ 0: 100.0 µs").y).toBeGreaterThan(box("write: 500.0 µs").y);
  });

  it("has a row of its own for each CPU, and does not grow with the trace", () => {
    const events = Array.from({ length: 20_000 }, (_, i) => ({
      ...switchTo(10 * i + 5, i % 2, 1 - (i % 2)),
      cpu: i % 2,
    }));
    const svg = drawTrace(openTrace(traceFile(events, { ...HEADER, cpus: 2 }))).get("cpu-timeline.svg")!;
    expect(texts(svg)).toEqual(expect.arrayContaining(["CPU 0", "CPU 1"]));
    expect(svg.length).toBeLessThan(2_000_000);
  });

  it("keeps names from being markup", () => {
    const trace = openTrace(
      traceFile([switchTo(0, 0, 1), at(1, "exec", { pid: 1, comm: '<a&"' }), at(99, "idle_exit")]),
    );
    expect(texts(drawTrace(trace).get("cpu-timeline.svg")!)).toContain("&#60;a&#38;&#34; (1)");
  });
});

describe("the page tables", () => {
  it("show three steps: writable before, read-only and shared after the fork, apart after the copy", () => {
    const svg = cow.get("page-tables-1.svg")!;
    const shown = texts(svg);
    const panels = ["before fork", "after fork", "after the first copy-on-write fault of pid 2"].map((title) =>
      shown.indexOf(title),
    );
    expect(Math.min(...panels)).toBeGreaterThan(0);
    const [before, after, copied] = panels.map((start, i) => shown.slice(start, panels[i + 1]));
    const data = (panel: readonly string[]) => panel.filter((text) => text.startsWith("0x0804a000"));
    expect(data(before!)).toEqual(["0x0804a000 rw"]);
    expect(data(after!)).toEqual(["0x0804a000 r-", "0x0804a000 r-"]);
    expect(data(copied!)).toEqual(["0x0804a000 r-", "0x0804a000 rw"]);
    const shared = shapes(svg).filter(({ attributes }) => attributes.fill === "#ffe8a3" && attributes.rx !== undefined);
    expect(shared).toHaveLength(3 + 2);
    for (const [panel] of svg.matchAll(/<g [\s\S]*?<\/g>/g)) expectNoOverlaps(panel);
  });
});

describe("the kernel stack", () => {
  it("goes down from pt_regs to the switch frame at ESP", () => {
    const shown = texts(cow.get("kernel-stack-1.svg")!);
    const order = [
      "pt_regs.xss",
      "pt_regs.ebx",
      "saved ebp",
      "switch frame: ebx",
      "switch frame: ebp of switch_to&#39;s caller",
    ];
    const places = order.map((note) => shown.findIndex((text) => text.replace("'", "&#39;") === note));
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    expect(shown.some((text) => /^return to sys_wait4\+/.test(text))).toBe(true);
    const rows = shapes(cow.get("kernel-stack-1.svg")!).filter(({ attributes }) => attributes.width === "92");
    expect(new Set(rows.map(({ attributes }) => attributes.y)).size).toBe(rows.length);
  });
});

describe("goodness", () => {
  it("and the timeline cope with times at the end of what numbers hold", () => {
    const last = Number.MAX_SAFE_INTEGER;
    const events = [last - 1, last].flatMap((cycle) => [
      at(cycle, "sched_goodness", { pid: 1, goodness: 5 }),
      switchTo(cycle, 0, 0),
    ]);
    const drawings = drawTrace(openTrace(traceFile(events)), { from: last - 1 });
    expect([...drawings.keys()]).toEqual(["cpu-timeline.svg", "goodness.svg"]);
    for (const svg of drawings.values()) shapes(svg);
  });

  it("has a line for each task and one for each epoch", () => {
    const events = [1, 2, 3].flatMap((round) => [
      at(1000 * round, "sched_goodness", { pid: 1, goodness: 20 + round }),
      at(1000 * round, "sched_goodness", { pid: 2, goodness: round === 2 ? 1005 : 0 }),
      at(1000 * round, "sched_epoch", { jiffies: round }),
    ]);
    const svg = drawTrace(openTrace(traceFile(events))).get("goodness.svg")!;
    expect(shapes(svg).filter(({ name }) => name === "path")).toHaveLength(4);
    expect(shapes(svg).filter(({ attributes }) => attributes["stroke-dasharray"] === "2 4")).toHaveLength(3);
    expect(texts(svg)).toEqual(expect.arrayContaining(["pid 1", "pid 2"]));
    expect(texts(svg).join()).toContain("upper edge: real-time");
  });
});
