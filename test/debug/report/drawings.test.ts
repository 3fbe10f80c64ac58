import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawTrace, formatSummary, openTrace, summarize } from "../../../debug/report/index.ts";
import { type Configuration, kernel_image } from "../../../kernel/index.ts";
import { task_struct } from "../../../kernel/inspect.ts";
import { shapes, texts, titles } from "./shapes.ts";
import { at, crossing, HEADER, schedSwitch, switchTo, traceFile, traceOf } from "./traces.ts";

/** Boxes of a row must not lie on one another. */
function expectNoOverlaps(svg: string): void {
  const rows = new Map<string, (readonly [from: number, to: number])[]>();
  for (const { name, attributes } of shapes(svg)) {
    if (name !== "rect" || attributes.x === undefined) continue;
    const row = rows.get(attributes.y) ?? [];
    rows.set(attributes.y, [...row, [Number(attributes.x), Number(attributes.x) + Number(attributes.width)]]);
  }
  for (const row of rows.values()) {
    row.sort(([a], [b]) => a - b);
    for (let i = 1; i < row.length; i++) expect(row[i][0]).toBeGreaterThanOrEqual(row[i - 1][1] - 1.1);
  }
}

// Up to where the program ends; the serial port is busy for longer.
const cow = drawTrace(traceOf(readFileSync("examples/cow.S", "utf8")), { to: 46_000 });

describe("drawings", () => {
  it("of a fork: a timeline, page tables, a stack, goodness", () => {
    // How many interrupts meet a system call before the end is a matter of instructions.
    expect([...cow.keys()].filter((name) => !/^interrupt-stacks-[2-4]/.test(name))).toEqual([
      ...["cpu-timeline.svg", "page-tables-1.svg", "kernel-stack-1.svg"],
      ...["context-switch-1.svg", "context-switch-2.svg", "context-switch-3.svg"],
      ...["interrupt-stacks-1.svg", "goodness.svg", "run-queues.svg"],
    ]);
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
      const { x, y, width } = all[found - 1].attributes;
      return { x: Number(x), y: Number(y), width: Number(width) };
    };
    expect(box("task (1), ring 3: 100.0 µs")).toMatchObject({ x: 70, width: 200 });
    expect(box("write: 500.0 µs")).toMatchObject({ x: 270, width: 1000 });
    expect(box("IRQ 0: 100.0 µs")).toMatchObject({ x: 470, width: 200 });
    expect(box("IRQ 0: 100.0 µs").y).toBeGreaterThan(box("write: 500.0 µs").y);
  });

  const spins = (cycles: number) =>
    openTrace(
      traceFile([
        switchTo(0, 0, 1),
        at(1, "exec", { pid: 1, comm: "sh" }),
        at(2, "exec", { pid: 1, comm: "a-long-name" }),
        ...Array.from({ length: 40 }, (_, i) => switchTo(((i + 1) * cycles) / 40, 1 + (i % 2), 2 - (i % 2))),
        at(cycles, "end"),
      ]),
    );

  it("has labels that fit: a pid where a name does not, and none cut short", () => {
    const shown = texts(drawTrace(spins(4_000_000)).get("cpu-timeline.svg")!);
    expect(shown.filter((text) => text.includes("…"))).toEqual([]);
    expect(shown.filter((text) => text === "1").length).toBeGreaterThan(10);
  });

  it("has one colour a task and one entry for it, also when it becomes another program", () => {
    const all = shapes(drawTrace(spins(4_000_000)).get("cpu-timeline.svg")!);
    const names = all.filter(({ text, name }) => name === "text" && text.endsWith("(1)")).map(({ text }) => text);
    expect(new Set(names)).toEqual(new Set(["a-long-name (1)"]));
  });

  it.each([
    [200, "µs", "100"],
    [50_000, "ms", "25"],
    [4_000_000, "s", "2"],
  ])("has %d µs on an axis of %s", (cycles, unit, tick) => {
    expect(texts(drawTrace(spins(cycles)).get("cpu-timeline.svg")!)).toEqual(expect.arrayContaining([unit, tick]));
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

  it("has arrows for tasks that move and for interrupts of CPUs, from where and when to where and when", () => {
    const trace = openTrace(
      traceFile(
        [
          switchTo(100, 0, 1, 0),
          at(300, "ipi_raise", { vector: 0xfc, target_cpus: 2 }),
          at(350, "ipi_entry", { vector: 0xfc, cpu: 1 }),
          switchTo(400, 1, 0, 0),
          switchTo(600, 0, 1, 1),
          // Back on the same CPU: no move.
          switchTo(700, 1, 0, 1),
          switchTo(800, 0, 1, 1),
          at(1000, "idle_entry"),
        ],
        { ...HEADER, cpus: 2 },
      ),
    );
    const arrows = (window: object) => {
      const svg = drawTrace(trace, window).get("cpu-timeline.svg")!;
      const all = shapes(svg);
      return all.flatMap(({ name, text }, i) =>
        name === "title" && all[i - 1].name === "path" ? [`${text} ${all[i - 1].attributes.d.split("m")[0]}`] : [],
      );
    };
    // A cycle is a microsecond, and 1200 pixels wide is the plot from 70 on.
    expect(arrows({ from: 0, to: 1200 })).toEqual([
      expect.stringMatching(/^pid 1 moves from CPU 0 to CPU 1 M470\.0 \d+L670\.0 \d+$/),
      expect.stringMatching(/^reschedule: CPU 0 interrupts CPU 1 M370\.0 \d+L420\.0 \d+$/),
    ]);
    expect(arrows({ from: 0, to: 300 })).toEqual([]);
    expect(summarize(trace)).toMatchObject({ migrations: 1, ipis: { reschedule: 1 } });
    expect(formatSummary(summarize(trace))).toMatch(/tasks that went on on another CPU +1\n/);
  });

  it("leaves arrows off when there are too many, and says so", () => {
    const moves = Array.from({ length: 500 }, (_, i) => [
      switchTo(10 * i + 1, 0, 1, i % 2),
      switchTo(10 * i + 9, 1, 0, i % 2),
    ]).flat();
    const trace = openTrace(traceFile(moves, { ...HEADER, cpus: 2 }));
    const svg = drawTrace(trace).get("cpu-timeline.svg")!;
    expect(texts(svg)).toContain("left off: 299 moves, 0 interrupts of CPUs; --from and --to show a part");
    expect(shapes(svg).filter(({ name }) => name === "path")).toHaveLength(200);
  });

  it("of two programs on two CPUs has the interrupt that wakes a CPU up", () => {
    const trace = traceOf(
      `
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $0, $0
	EXIT
1:	movl $100000, %ecx
2:	loop 2b
	EXIT`,
      { cpus: 2 },
    );
    const svg = drawTrace(trace).get("cpu-timeline.svg")!;
    expect(titles(svg)).toContainEqual(expect.stringMatching(/^reschedule: CPU \d interrupts CPU \d$/));
    expect(texts(svg)).toEqual(expect.arrayContaining(["CPU 0", "CPU 1", "reschedule"]));
  });

  it("keeps names from being markup", () => {
    const trace = openTrace(
      traceFile([switchTo(0, 0, 1), at(1, "exec", { pid: 1, comm: '<a&"' }), at(99, "idle_exit")]),
    );
    expect(texts(drawTrace(trace).get("cpu-timeline.svg")!)).toContain("&#60;a&#38;&#34; (1)");
  });
});

describe("the page tables", () => {
  /** Texts of each panel, by its title. */
  function panels(svg: string): Map<string, string[]> {
    return new Map(
      [...svg.matchAll(/<g [\s\S]*?<\/g>/g)].map(([panel]) => {
        const [title, ...rest] = texts(panel);
        return [title, rest];
      }),
    );
  }
  const fillOf = (svg: string, title: string, address: string, nth = 0) => {
    const panel = [...svg.matchAll(/<g [\s\S]*?<\/g>/g)].find(([markup]) => texts(markup)[0] === title)![0];
    const all = shapes(panel);
    const found = all.flatMap(({ text }, i) => (text.startsWith(address) ? [all[i - 1].attributes.fill] : []));
    return found[nth];
  };

  it("show every write to what had been shared: the copy, and the page that the last user keeps", () => {
    const svg = cow.get("page-tables-1.svg")!;
    expect([...panels(svg).keys()]).toEqual([
      "before fork",
      "after fork",
      "pid 2 writes 0x0804a000: a copy",
      "pid 1 writes 0x0804a000: no copy, it is the last user",
    ]);
    expect(panels(svg).get("pid 1 writes 0x0804a000: no copy, it is the last user")).toContain("pid 2 has ended");
    for (const [panel] of svg.matchAll(/<g [\s\S]*?<\/g>/g)) expectNoOverlaps(panel);
  });

  it("tell copy-on-write from code, which is never written", () => {
    const svg = cow.get("page-tables-1.svg")!;
    const [writable, copyOnWrite, readOnly] = ["#d8f3dc", "#ffd8a8", "#e9ecef"];
    expect(fillOf(svg, "before fork", "0x0804a000 data")).toBe(writable);
    expect(fillOf(svg, "after fork", "0x0804a000 data")).toBe(copyOnWrite);
    expect(fillOf(svg, "after fork", "0x0804a000 data", 1)).toBe(copyOnWrite);
    expect(fillOf(svg, "after fork", "0xbffff000 stack")).toBe(copyOnWrite);
    expect(fillOf(svg, "after fork", "0x08048000 code")).toBe(readOnly);
    expect(fillOf(svg, "pid 2 writes 0x0804a000: a copy", "0x0804a000 data")).toBe(copyOnWrite);
    expect(fillOf(svg, "pid 2 writes 0x0804a000: a copy", "0x0804a000 data", 1)).toBe(writable);
  });
});

describe("a context switch", () => {
  it("has both stacks, ESP before and after, and TSS.esp0 of one and of the other", () => {
    const shown = texts(cow.get("context-switch-2.svg")!);
    expect(shown).toEqual(
      expect.arrayContaining([
        "Context switch: from init (1) to init (2)",
        ...["init (1) leaves", "init (2) comes", "ESP before", "ESP after"],
        ...[
          "switch frame: ebx, esi, edi, ebp",
          expect.stringMatching(/^return to sys_wait4\+0x[0-9a-f]+$/),
          "struct pt_regs, 15 words",
        ],
        "init (2) has never run: its stack holds registers alone, and it begins in ret_from_fork.",
      ]),
    );
    const [before] = shown.flatMap((text) => /^TSS.esp0: (0x\w+)$/.exec(text)?.[1] ?? []);
    const [after] = shown.flatMap((text) => /^→ (0x\w+), by __switch_to$/.exec(text)?.[1] ?? []);
    expect(before).not.toBe(after);
    // Each is the top of its stack too.
    for (const address of [before, after]) expect(shown.filter((text) => text === address)).toHaveLength(1);
  });

  it("back shows that the task goes on where it had called switch_to", () => {
    expect(texts(cow.get("context-switch-3.svg")!)).toContain(
      "init (1) goes on where it called switch_to: switch_to pops the switch frame and returns on this stack.",
    );
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

describe("the stacks in an interrupt", () => {
  const stacks = (config: Partial<Configuration>) =>
    drawTrace(traceOf(readFileSync("examples/cow.S", "utf8"), { image: kernel_image(config) })).get(
      "interrupt-stacks-1.svg",
    )!;
  const CALL = ["struct pt_regs, 15 words", "return to system_call", "return to sys_write", "return to rs_write"];
  /** What is of interest, from the top down, of one stack and then of the other. */
  const order = (svg: string) =>
    texts(svg).filter((text) => /^(struct|stack of|hard IRQ)|bytes|not mapped|ESP/.test(text));

  it("are one with task_union: the call's registers and frames, the interrupt's below, the PCB at the end", () => {
    const svg = stacks({ stack: "task_union" });
    expect(texts(svg)).toEqual(expect.arrayContaining([...CALL, "return to common_interrupt"]));
    expect(order(svg)).toEqual([
      ...["stack of init (2)", "struct pt_regs, 15 words", "struct pt_regs, 13 words", "ESP"],
      ...[expect.stringMatching(/^\d+ bytes free$/), `task_struct, ${task_struct.size} bytes`],
    ]);
  });

  it("have a thread_info at the end, and the room that leaves", () => {
    const free = (svg: string) => Number(/(\d+) bytes free/.exec(svg)![1]);
    const svg = stacks({ stack: "thread_info" });
    expect(order(svg)).toContain("thread_info, 12 bytes");
    expect(free(svg) - free(stacks({ stack: "task_union" }))).toBe(task_struct.size - 12);
  });

  it("are two where handlers run on one of the CPU: that tells where the other was left", () => {
    const svg = stacks({ stack: "vmap", irq_stacks: true });
    expect(order(svg)).toEqual([
      ...["stack of init (2)", "struct pt_regs, 15 words", "struct pt_regs, 13 words", "left with this ESP"],
      ...[expect.stringMatching(/bytes free$/), "a page that is not mapped"],
      ...["hard IRQ stack of CPU 0", "ESP of the task's stack", "struct pt_regs, 13 words", "ESP"],
      expect.stringMatching(/bytes free$/),
    ]);
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

  it("has no line while a task sleeps: it does not compete then", () => {
    const weigh = (cycle: number) => at(cycle, "sched_goodness", { pid: 1, goodness: 20 });
    const sleep = schedSwitch(2000, 0, 0, 0);
    const lines = (events: ReturnType<typeof at>[]) =>
      shapes(drawTrace(openTrace(traceFile(events))).get("goodness.svg")!)
        .filter(({ name, attributes }) => name === "path" && attributes.fill === "none")
        .map(({ attributes }) => attributes.d.split("M").length - 1);
    expect(lines([weigh(1000), weigh(3000), weigh(4000)])).toEqual([1]);
    expect(lines([weigh(1000), sleep, weigh(3000), weigh(4000)])).toEqual([2]);
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
