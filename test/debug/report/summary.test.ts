import { describe, expect, it } from "vitest";
import { formatSummary, openTrace, summarize } from "../../../debug/report/index.ts";
import { at, crossing, HEADER, schedSwitch, switchTo, TWO_CPUS_AND_A_LOCK, traceFile, traceOf } from "./traces.ts";

const TWO_TASKS = [
  switchTo(100, 0, 1),
  at(100, "exec", { pid: 1, comm: "a" }),
  crossing(110, "syscall_exit", { nr: 11, result: 0 }, 1),
  crossing(200, "syscall", { nr: 3 }, 1),
  schedSwitch(220, 0, 0, 0),
  switchTo(230, 1, 0),
  at(240, "idle_entry"),
  crossing(1240, "interrupt", { vector: 36, eip: 0 }, 0),
  at(1245, "irq_entry", { irq: 4, depth: 0 }),
  at(1250, "sched_wakeup", { pid: 1, by: 0, interrupt: 1, queue: 0, nr_running: 1 }),
  at(1255, "irq_exit", { irq: 4, depth: 0 }),
  { ...crossing(1260, "interrupt_exit", { vector: 36 }, 0), cpl: 0 },
  at(1262, "idle_exit"),
  switchTo(1270, 0, 1),
  crossing(1300, "syscall_exit", { nr: 3, result: -4 }, 1),
  crossing(1350, "syscall", { nr: 1 }, 1),
];

describe("a summary", () => {
  const summary = summarize(openTrace(traceFile(TWO_TASKS)));

  it("charges every cycle to a task: ring 3, the kernel, or halted", () => {
    expect(summary.tasks).toEqual({
      "swapper/0": { user: 0, kernel: 100 + 10 + 20 + 8, idle: 1000 + 2, turns: 1 },
      "a (1)": { user: 90 + 50, kernel: 10 + 30 + 30, idle: 0, turns: 2 },
    });
    const charged = Object.values(summary.tasks).reduce((sum, { user, kernel, idle }) => sum + user + kernel + idle, 0);
    expect(charged).toBe(summary.cycles);
  });

  it("times system calls with their sleep, and counts errors", () => {
    expect(summary.syscalls).toEqual({
      read: { count: 1, cycles: 1100, longest: 1100, errors: 1 },
      exit: { count: 1, cycles: 0, longest: 0, errors: 0 },
    });
  });

  it("times interrupts and wake-ups, and counts switches by reason", () => {
    expect(summary.irqs).toEqual({ 4: { count: 1, cycles: 10, longest: 10 } });
    expect(summary.wakeToRun).toEqual([0, 0, 0, 0, 1]); // 20 µs: 16 to 32
    expect(summary.switches).toEqual({ slept: 1 });
  });

  it("is printed as tables, without those that would be empty", () => {
    const text = formatSummary(summary);
    expect(text).toMatch(/^ {2}a \(1\) +140\.0 +70\.0 +0\.0 +2$/m);
    expect(text).toMatch(/from wake-up to running\n +µs +count\n +16–32 +1 +█{40}\n/);
    expect(text).not.toContain("page faults");
    expect(text.split("\n").every((line) => line === line.trimEnd())).toBe(true);
  });

  it("keeps the CPUs apart", () => {
    const trace = openTrace(
      traceFile([{ ...switchTo(10, 0, 1), cpu: 0 }, { ...switchTo(40, 0, 2), cpu: 1 }, at(100, "idle_entry")], {
        ...HEADER,
        cpus: 2,
      }),
    );
    expect(summarize(trace).tasks).toEqual({
      "swapper/0": { user: 0, kernel: 10, idle: 0, turns: 0 },
      "swapper/1": { user: 0, kernel: 40, idle: 0, turns: 0 },
      "task (1)": { user: 0, kernel: 90, idle: 0, turns: 1 },
      "task (2)": { user: 0, kernel: 60, idle: 0, turns: 1 },
    });
  });

  it("of a trace without events is empty", () => {
    expect(summarize(openTrace(traceFile([]))).tasks).toEqual({});
    expect(formatSummary(summarize(openTrace(traceFile([]))))).toContain("events");
  });

  it("of a real run agrees with the kernel's own counts", () => {
    const real = summarize(
      traceOf(`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL close, $77
1:	movl $1, value
	EXIT
.data
value:	.long 0
`),
    );
    expect(real.forks).toBe(2);
    expect(real.cow).toEqual({ copied: 1, reused: 1 });
    expect(real.syscalls["fork"]).toMatchObject({ count: 1, errors: 0 });
    expect(real.syscalls["close"]).toMatchObject({ count: 1, errors: 1 });
    expect(real.exits).toBe(2);
    const charged = Object.values(real.tasks).reduce((sum, { user, kernel, idle }) => sum + user + kernel + idle, 0);
    expect(charged).toBe(real.cycles);
  });
});

describe("locks in a summary", () => {
  const summary = summarize(openTrace(traceFile(TWO_CPUS_AND_A_LOCK, { ...HEADER, cpus: 2 })));

  it("are timed on the CPU that waits or holds, by name", () => {
    expect(summary.lockHolds).toEqual({ files_lock: { count: 3, cycles: 30 + 40 + 60, longest: 60 } });
    expect(summary.lockWaits).toEqual({ files_lock: { count: 1, cycles: 20, longest: 20 } });
  });

  it("are printed in instructions, and not at all where there are none", () => {
    const text = formatSummary(summary);
    expect(text).toMatch(/^locks waited for \(instructions\)\n.*\n {2}files_lock +1 +20 +20 +20$/m);
    expect(text).toMatch(/^locks held \(instructions\)\n.*\n {2}files_lock +3 +130 +43 +60$/m);
    expect(formatSummary(summarize(openTrace(traceFile(TWO_TASKS))))).not.toContain("locks");
  });
});
