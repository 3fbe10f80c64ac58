import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble, link, writeExecutable } from "../../../asm/index.ts";
import { initramfs } from "../../../boot/index.ts";
import { TraceFile, type TraceFormat, traceFormatOf } from "../../../debug/index.ts";
import { Kernel } from "../../../kernel/index.ts";

function record(format: TraceFormat, source: string, maxInstructions = 30_000_000): string[] {
  const init = writeExecutable(link([assemble(source, { file: "test.S" })], {}));
  const kernel = new Kernel({ memoryBytes: 8 << 20, initramfs: initramfs({ "/init": init }) });
  const pieces: string[] = [];
  const file = new TraceFile(kernel, format, (piece) => pieces.push(piece));
  kernel.run({ maxInstructions });
  file.end();
  file.end();
  return pieces;
}

interface ChromeEvent {
  readonly ph: string;
  readonly name?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly id?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

const chrome = (text: string) => (JSON.parse(text) as { readonly traceEvents: readonly ChromeEvent[] }).traceEvents;

/** Slices of each track as "begin-name" nesting; throws nothing, but expects that they balance. */
function deepestOfTracks(events: readonly ChromeEvent[]): Map<string, number> {
  const open = new Map<string, ChromeEvent[]>();
  const deepest = new Map<string, number>();
  const last = new Map<string, number>();
  for (const event of events) {
    if (event.ph === "M") continue;
    const track = `${event.pid}/${event.tid}`;
    expect(event.ts).toBeGreaterThanOrEqual(last.get(track) ?? 0);
    last.set(track, event.ts);
    const stack = open.get(track) ?? [];
    open.set(track, stack);
    if (event.ph === "B") stack.push(event);
    if (event.ph === "E") {
      const begun = stack.pop();
      expect(begun, `${track} at ${event.ts}`).toBeDefined();
      if (event.name !== undefined) expect(event.name).toBe(begun!.name);
    }
    deepest.set(track, Math.max(deepest.get(track) ?? 0, stack.length));
  }
  for (const [track, stack] of open) expect(stack, track).toEqual([]);
  return deepest;
}

/** Many system calls. */
const CALLS = `
.globl _start
_start:	movl $3000, %ebp
1:	movl $20, %eax
	int $0x80
	decl %ebp
	jnz 1b
	movl $1, %eax
	int $0x80
`;
const SPIN = ".globl _start\n_start: jmp _start\n";

describe("a trace file", () => {
  it("is Chrome's when its name ends in .json", () => {
    expect(["a.json", "a.jsonl", "trace", "json"].map(traceFormatOf)).toEqual(["chrome", "lines", "lines", "lines"]);
  });

  it("is written in pieces while the kernel runs, not at the end", () => {
    for (const format of ["lines", "chrome"] as const) {
      const pieces = record(format, CALLS);
      expect(pieces.length).toBeGreaterThan(8);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(80_000);
    }
  });

  it("begins with a header and has one event a line", () => {
    const lines = record("lines", CALLS).join("").trimEnd().split("\n");
    expect(JSON.parse(lines[0])).toEqual({
      instruction: 0,
      cycle: 0,
      cpu: 0,
      event: "trace",
      version: 3,
      hz: 10_000_000,
      cpus: 1,
    });
    const calls = lines.map((line) => JSON.parse(line)).filter(({ event, nr }) => event === "syscall" && nr === 20);
    expect(calls).toHaveLength(3000);
  });

  it("ends with the moment at which the run ended, which may be long after the last event", () => {
    const lines = record("lines", SPIN, 100_000)
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ event: "end", cycle: 100_000 });
    expect(lines.at(-2).cycle).toBeLessThan(99_000);
  });
});

describe("Chrome's format", () => {
  const events = chrome(record("chrome", readFileSync("examples/cow.S", "utf8")).join(""));

  it("has balanced, nested slices on every track", () => {
    const deepest = deepestOfTracks(events);
    expect(deepest.get("1/0")).toBe(1);
    expect(deepest.get("2/2")).toBeGreaterThanOrEqual(2);
  });

  it("is whole when the run is cut off in the middle", () => {
    for (const limit of [1, 10_500, 12_300, 100_000]) deepestOfTracks(chrome(record("chrome", SPIN, limit).join("")));
  });

  it("counts on tracks of their own: runnable tasks, switches, faults, system calls", () => {
    const counters = new Map<string, number[]>();
    for (const event of events.filter(({ ph }) => ph === "C")) {
      counters.set(event.name!, [...(counters.get(event.name!) ?? []), Number(event.args!["value"])]);
    }
    expect([...counters.keys()].sort()).toEqual([
      ...["context switches", "page faults", "run queue 0", "runnable tasks", "system calls"],
    ]);
    expect(counters.get("context switches")).toEqual([1, 2, 3]);
    expect(counters.get("run queue 0")).toEqual([1, 2, 1, 2, 1]);
    // Parent, then the child too, and while the parent waits the child alone.
    expect(counters.get("runnable tasks")).toEqual([1, 2, 1, 2, 1]);
  });

  it("names the tracks of CPUs and tasks", () => {
    const names = events
      .filter(({ name }) => name === "thread_name")
      .map(({ pid, tid, args }) => `${pid}/${tid} ${args!.name}`);
    expect(names).toEqual(expect.arrayContaining(["1/0 CPU 0", "2/1 init (1)", "2/2 init (2)"]));
  });

  it("shows moments, and arrows from wake-ups to the turns they lead to", () => {
    const moments = events.filter(({ ph }) => ph === "i").map(({ name }) => name);
    expect(moments.filter((name) => name === "cow")).toHaveLength(2);
    const arrows = (ph: string) => events.filter((event) => event.ph === ph).map(({ id }) => id);
    expect(arrows("f").length).toBeGreaterThan(1);
    expect(arrows("s")).toEqual(expect.arrayContaining(arrows("f")));
  });

  it("tells time in microseconds of virtual time", () => {
    const lines = record("lines", readFileSync("examples/cow.S", "utf8")).join("").trimEnd().split("\n");
    const faults = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "page_fault");
    const shown = events.filter(({ ph, name }) => ph === "i" && name === "page_fault").map(({ ts }) => ts);
    expect(shown).toEqual(faults.map(({ cycle }) => cycle / 10));
  });
});
