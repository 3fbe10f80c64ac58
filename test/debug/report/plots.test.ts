/** Drawings over time of run queues and priority arrays, and that of locks. */
import { describe, expect, it } from "vitest";
import { drawTrace, openTrace } from "../../../debug/report/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { shapes, texts, titles } from "./shapes.ts";
import { at, HEADER, lock, schedSwitch, TWO_CPUS_AND_A_LOCK, traceFile, traceOf, wakeUp } from "./traces.ts";

const draw = (events: Parameters<typeof traceFile>[0], name: string, window = { from: 0, to: 1200 }, cpus = 2) =>
  drawTrace(openTrace(traceFile(events, { ...HEADER, cpus })), window).get(name);

const ARRAYS = "priority-arrays.svg";

describe("run queues", () => {
  /** Outlines, without the fractions of pixels: x is the cycle and 90. */
  const outlines = (svg: string) =>
    shapes(svg)
      .filter(({ name }) => name === "path")
      .map(({ attributes }) => attributes.d.replaceAll(".0", ""));

  it("have a track for each CPU, with steps where tasks come and go", () => {
    const svg = draw([wakeUp(100, 0, 1), wakeUp(200, 1, 2), schedSwitch(500, 0, 0, 0)], "run-queues.svg")!;
    expect(texts(svg)).toEqual(expect.arrayContaining(["CPU 0", "CPU 1"]));
    // One task of at most two is half of 64 pixels, and the window ends at 1290.
    expect(outlines(svg)).toEqual(["M190 125H190V93H590V125H1290V125", "M290 215H290V151H1290V215"]);
  });

  it("are one where all CPUs share it", () => {
    const svg = draw([wakeUp(100, 0, 1), schedSwitch(500, 1, 0, 0)], "run-queues.svg")!;
    expect(texts(svg)).toContain("all CPUs");
    expect(outlines(svg)).toHaveLength(1);
  });

  it("change when a task is moved to another CPU, not when it was on none", () => {
    const migrate = (cycle: number, why: string) => at(cycle, "sched_migrate", { pid: 1, from: 0, to: 1, why });
    const events = [wakeUp(100, 0, 2), wakeUp(100, 1, 0), migrate(200, "wakeup"), migrate(300, "affinity")];
    const [from, to] = outlines(draw(events, "run-queues.svg")!);
    expect(from).toBe("M190 125H190V61H390V93H1290V125");
    expect(to).toBe("M190 215H190V215H390V183H1290V215");
  });

  it("begin with what they were before the window", () => {
    const events = [wakeUp(100, 0, 2), schedSwitch(600, 0, 0, 1), at(1000, "idle_entry")];
    const [outline] = outlines(draw(events, "run-queues.svg", { from: 500, to: 1000 })!);
    expect(outline).toMatch(/^M90 125H90V61H330V93/);
  });

  it("show the most and the least where changes lie too close, and do not grow with the trace", () => {
    const events = Array.from({ length: 50_000 }, (_, i) => wakeUp(i, 0, i % 4));
    const svg = draw(events, "run-queues.svg", { from: 0, to: 50_000 }, 1)!;
    expect(svg.length).toBeLessThan(200_000);
    const [outline] = outlines(svg);
    expect(outline).toMatch(/V125(\.0)?V61/);
  });

  it("are not drawn when nothing is known of them", () => {
    expect(draw([at(5, "idle_entry")], "run-queues.svg")).toBeUndefined();
  });
});

describe("priority arrays", () => {
  const enqueue = (cycle: number, pid: number, array: string, prio: number, queue = 0) =>
    at(cycle, "sched_enqueue", { pid, queue, array, prio });
  const dequeue = (cycle: number, pid: number, queue = 0) => at(cycle, "sched_dequeue", { pid, queue });
  const swap = (cycle: number, cpu = 0) => at(cycle, "sched_array_switch", { tasks: 1, cpu });
  /** Tasks in arrays: what the pointer on them shows, from and to, in cycles. */
  const stays = (svg: string) => {
    const all = shapes(svg);
    return all.flatMap(({ name, text }, i) => {
      if (name !== "title") return [];
      const { x, width } = all[i - 1].attributes;
      return [`${text}: ${Number(x) - 150} to ${Math.round(Number(x) + Number(width) - 150)}`];
    });
  };

  it("show each task on its level, from where it comes until it leaves", () => {
    const svg = draw([enqueue(100, 1, "active", 120), dequeue(400, 1), enqueue(400, 1, "expired", 121)], ARRAYS)!;
    expect(stays(svg)).toEqual(["pid 1, active, level 120: 100 to 400", "pid 1, expired, level 121: 400 to 1200"]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["CPU 0", "active", "expired", "120", "121"]));
  });

  it("change places, on the CPU that says so", () => {
    const events = [enqueue(100, 1, "expired", 120), enqueue(100, 2, "expired", 120, 1), swap(300)];
    const svg = draw(events, ARRAYS)!;
    expect(stays(svg)).toEqual([
      ...["pid 1, active, level 120: 300 to 1200", "pid 1, expired, level 120: 100 to 300"],
      "pid 2, expired, level 120: 100 to 1200",
    ]);
    const dashed = shapes(svg).filter(({ attributes }) => attributes["stroke-dasharray"] !== undefined);
    expect(dashed.map(({ attributes }) => attributes.x1)).toEqual(["450"]);
  });

  it("have tasks of one level below each other, and take who comes back at once for one that stays", () => {
    const events = [enqueue(100, 1, "active", 120), enqueue(200, 2, "active", 120), dequeue(500, 1)];
    const svg = draw([...events, enqueue(500, 1, "active", 120)], ARRAYS)!;
    expect(stays(svg)).toEqual(["pid 1, active, level 120: 100 to 1200", "pid 2, active, level 120: 200 to 1200"]);
    const rows = shapes(svg).filter(({ attributes }) => attributes.height === "8");
    expect(new Set(rows.map(({ attributes }) => attributes.y)).size).toBe(2);
  });

  it("do not grow with the trace, and say what is left off", () => {
    const events = Array.from({ length: 20_000 }, (_, i) => [
      enqueue(10 * i, 1 + (i % 3), "active", 100 + (i % 40)),
      dequeue(10 * i + 5, 1 + (i % 3)),
    ]).flat();
    const svg = draw(events, ARRAYS, { from: 0, to: 200_000 })!;
    expect(svg.length).toBeLessThan(1_500_000);
    expect(texts(svg).some((text) => text.includes("only the first 5000 stays"))).toBe(true);
  });

  it("of a real run have every task that uses up its slice expire, and come back when the arrays change places", () => {
    const trace = traceOf(
      `
	SYSCALL fork
	movl $3000000, %ecx
1:	loop 1b
	EXIT`,
      { image: kernel_image({ scheduler: "o1" }) },
    );
    const svg = drawTrace(trace).get(ARRAYS)!;
    for (const pid of [1, 2])
      for (const array of ["active", "expired"])
        expect(titles(svg)).toContainEqual(
          expect.stringMatching(new RegExp(`^init \\(${pid}\\), ${array}, level 12\\d$`)),
        );
    // Who was in the active array has left it, and those that come are the expired ones.
    const arrays = new Map<unknown, unknown>();
    for (const { event, pid, array } of trace.events()) {
      if (event === "sched_enqueue") arrays.set(pid, array);
      if (event === "sched_dequeue") arrays.delete(pid);
      if (event !== "sched_array_switch") continue;
      expect([...arrays.values()]).not.toContain("active");
      for (const one of arrays.keys()) arrays.set(one, "active");
    }
    const swaps = [...trace.events()].filter(({ event }) => event === "sched_array_switch").length;
    const dashed = shapes(svg).filter(({ attributes }) => attributes["stroke-dasharray"] !== undefined);
    expect(dashed).toHaveLength(swaps);
    expect(swaps).toBeGreaterThan(1);
  });

  it("are of the O(1) scheduler alone", () => {
    expect(draw([wakeUp(100, 0, 1), schedSwitch(500, 0, 0, 0)], ARRAYS)).toBeUndefined();
  });
});

describe("locks", () => {
  it("have the distributions of what they were held and waited for, in powers of two", () => {
    const svg = draw(TWO_CPUS_AND_A_LOCK, "locks.svg")!;
    expect(titles(svg)).toEqual([
      ...["16 to 31 instructions: 1 times", "32 to 63 instructions: 2 times"],
      "16 to 31 instructions: 1 times",
    ]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["files_lock", "3×, 43, 60", "1×, 20, 20"]));
  });

  it("are sorted by what CPUs lost with them, and only those of the window", () => {
    const waits = (name: string, from: number, to: number) => [
      lock(from, "contention_begin", 1, name),
      lock(to, "contention_end", 1, name),
    ];
    const events = [...waits("early", 10, 90), ...waits("short", 100, 110), ...waits("long", 200, 400)];
    const svg = draw(events, "locks.svg", { from: 95, to: 1000 })!;
    expect(texts(svg).filter((text) => ["early", "short", "long"].includes(text))).toEqual(["long", "short"]);
    expect(texts(svg)).toContain("how long locks are held is in traces that are recorded with --trace-locks");
  });

  it("are not drawn when nobody waited for any", () => {
    expect(draw([at(5, "idle_entry")], "locks.svg")).toBeUndefined();
  });
});
