/** What every scheduler has to do, and what each does in its own way (S1 to S7). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cpu_rq } from "../../../kernel/include/linux/sched_class.ts";
import { kernel_image, type RecordedEvent } from "../../../kernel/index.ts";
import { boot, type Options, run } from "../run.ts";

const SCHEDULERS = ["goodness", "o1", "fair"] as const;
type Scheduler = (typeof SCHEDULERS)[number];

const kernel = (scheduler: Scheduler, cpus = 1): Options => ({
  cpus,
  image: kernel_image({ scheduler, smp: cpus > 1 }),
});

const [OTHER, FIFO, RR] = [0, 1, 2];

/** Sets policy and priority of a task: 0 for the caller. */
const policy = (pid: string, which: number, priority: number) => `
	movl $${priority}, param
	SYSCALL sched_setscheduler, ${pid}, $${which}, $param
	testl %eax, %eax
	jnz failed
`;

/**
 * A child that sleeps for a moment, so that its parent can give it a policy, then spins for `loops` turns and says a letter, `times`
 * times. Its pid is in EAX, in the parent.
 */
const speaker = (letter: string, loops: number, times = 1) => `
	SYSCALL fork
	testl %eax, %eax
	jnz 9f
	SYSCALL nanosleep, $moment, $0
	movl $${times}, %ebp
7:	movl $${loops}, %ecx
8:	loop 8b
	PRINT "${letter}"
	decl %ebp
	jnz 7b
	EXIT
9:
`;

const program = (text: string) => `
.globl _start
_start:
${text}
wait:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg wait
	EXIT
failed:	negl %eax
	EXIT %eax
.data
.align 4
param:	.long 0
mask:	.long 0
interval: .long 0, 0
moment:	.long 0, 30000000
pids:	.skip 64
`;

describe.each(SCHEDULERS)("real-time tasks (S3), with %s", (scheduler) => {
  it("come before all others, the higher priority first", () => {
    const { output, stop } = run(
      program(`
	${policy("$0", FIFO, 99)}
	${speaker("a", 200_000)}
	${policy("%eax", OTHER, 0)}
	${speaker("b", 200_000)}
	${policy("%eax", FIFO, 10)}
	${speaker("c", 200_000)}
	${policy("%eax", RR, 20)}
`),
      kernel(scheduler),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("cba");
  });

  it("of SCHED_FIFO run to their end, of SCHED_RR take turns", () => {
    const text = (which: number) => {
      const { output } = run(
        program(`
	${policy("$0", which, 20)}
	${speaker("a", 1_500_000, 2)}
	${policy("%eax", which, 10)}
	${speaker("b", 1_500_000, 2)}
	${policy("%eax", which, 10)}
`),
        kernel(scheduler),
      );
      return output();
    };
    expect(text(FIFO)).toMatch(/^(aabb|bbaa)$/);
    expect(text(RR)).toMatch(/^(abab|baba)$/);
  });

  it("preempt whoever runs when they are woken", () => {
    const { events } = run(
      program(`
	${policy("$0", FIFO, 10)}
	${speaker("x", 600_000)}
	${policy("%eax", OTHER, 0)}
	SYSCALL nanosleep, $nap, $0
	jmp wait
.data
nap:	.long 0, 60000000
.text
`),
      { ...kernel(scheduler), trace: true },
    );
    const woken = events.findLastIndex(
      ({ event, pid, interrupt }) => event === "sched_wakeup" && pid === 1 && interrupt === 1,
    );
    const next = events.slice(woken).find(({ event }) => event === "sched_switch");
    expect(next).toMatchObject({ prev: 2, next: 1, reason: "preempted" });
    expect((next?.instruction ?? 0) - events[woken].instruction).toBeLessThan(300);
  });
});

describe.each(SCHEDULERS)("system calls (S3), with %s", (scheduler) => {
  it("answer as Linux i386 does", () => {
    const calls: [string, number][] = [
      ["sched_getscheduler, $0", OTHER],
      ["sched_getscheduler, $-1", -22],
      ["sched_getscheduler, $99", -3],
      ["sched_get_priority_max, $1", 99],
      ["sched_get_priority_min, $2", 1],
      ["sched_get_priority_max, $0", 0],
      ["sched_get_priority_min, $7", -22],
      ["sched_setscheduler, $0, $0, $0", -22],
      ["sched_setscheduler, $0, $0, $16", -14],
      ["sched_setscheduler, $0, $1, $zero", -22],
      ["sched_setscheduler, $0, $9, $zero", -22],
      ["sched_setscheduler, $0, $-1, $zero", -22],
      ["sched_setscheduler, $99, $0, $zero", -3],
      ["sched_setscheduler, $0, $2, $five", 0],
      ["sched_getscheduler, $0", RR],
      ["sched_getparam, $0, $got", 0],
      ["sched_getparam, $0, $16", -14],
      ["sched_getparam, $99, $got", -3],
      ["sched_setparam, $0, $zero", -22],
      ["sched_setparam, $0, $got", 0],
      ["sched_rr_get_interval, $0, $interval", 0],
      ["sched_rr_get_interval, $0, $16", -14],
      ["sched_rr_get_interval, $-2, $interval", -22],
      ["sched_setscheduler, $0, $0, $zero", 0],
      ["getpriority, $0, $0", 20],
      ["setpriority, $0, $0, $5", 0],
      ["getpriority, $0, $1", 15],
      ["getpriority, $1, $0", 15],
      ["nice, $-30", 0],
      ["getpriority, $2, $0", 40],
      ["setpriority, $0, $0, $100", 0],
      ["getpriority, $0, $0", 1],
      ["setpriority, $3, $0, $0", -22],
      ["setpriority, $0, $99, $0", -3],
      ["getpriority, $9, $0", -22],
      ["getpriority, $0, $99", -3],
      ["sched_getaffinity, $0, $4, $got", 4],
      ["sched_getaffinity, $0, $2, $got", -22],
      ["sched_getaffinity, $0, $4, $16", -14],
      ["sched_getaffinity, $99, $4, $got", -3],
      ["sched_setaffinity, $0, $4, $got", 0],
      ["sched_setaffinity, $0, $4, $zero", -22],
      ["sched_setaffinity, $0, $1, $got", -22],
      ["sched_setaffinity, $0, $4, $16", -14],
      ["sched_setaffinity, $99, $4, $got", -3],
      ["sched_yield", 0],
    ];
    const checks = calls.map(
      ([call, expected], number) => `
	movl $${number + 1}, %edi
	SYSCALL ${call}
	cmpl $${expected}, %eax
	jne wrong`,
    );
    const { stop } = run(
      `
.globl _start
_start:
${checks.join("")}
	EXIT
wrong:	EXIT %edi
.data
.align 4
zero:	.long 0
five:	.long 5
got:	.long 0
interval: .long 0, 0
`,
      kernel(scheduler),
    );
    expect(stop.kind).toBe("exit");
    const failed = stop.kind === "exit" ? stop.status : 0;
    expect(failed === 0 ? "all" : calls[failed - 1][0]).toBe("all");
  });
});

const YIELDS = readFileSync("examples/schedulers/yields.S", "utf8");

/** Instructions of a switch between two tasks, while so many are runnable. */
function cost_of_a_switch(scheduler: Scheduler, tasks: number): number {
  const options = { ...kernel(scheduler), memoryBytes: 128 << 20, debug: false, args: [String(tasks)] };
  const { output, stop } = run(YIELDS, options);
  expect(stop).toEqual({ kind: "exit", status: 0 });
  return Number(output());
}

describe("the cost of schedule() (S5)", () => {
  it("grows with the number of tasks with goodness, and with no other scheduler", { timeout: 300_000 }, () => {
    const [few, many] = [10, 500];
    expect(cost_of_a_switch("goodness", many) - cost_of_a_switch("goodness", few)).toBeGreaterThan(5 * (many - few));
    for (const scheduler of ["o1", "fair"] as const)
      expect(cost_of_a_switch(scheduler, many)).toBe(cost_of_a_switch(scheduler, few));
  });
});

const count = (events: readonly RecordedEvent[], name: string) => events.filter(({ event }) => event === name).length;

describe("O(1) (S5)", () => {
  const spinners = program([1, 2, 3].map(() => speaker("x", 2_500_000)).join(""));

  it("lets all use up their slices before anybody has another: the arrays change places", () => {
    const { events } = run(spinners, { ...kernel("o1"), trace: true });
    expect(count(events, "sched_epoch") + count(events, "sched_goodness")).toBe(0);
    const turns: number[][] = [[]];
    for (const { event, next, prev } of events) {
      if (event === "sched_array_switch") turns.push([]);
      if (event === "sched_switch" && Number(next) > 1 && prev !== next) turns.at(-1)?.push(Number(next));
    }
    const full = turns.filter((turn) => turn.length >= 2);
    expect(full.length).toBeGreaterThan(2);
    for (const turn of full.slice(1)) expect(new Set(turn).size).toBe(turn.length);
  });

  /** A task that has slept for a second computes, beside one that has always computed. */
  const SLEEPER = program(`
	${speaker("h", 60_000_000)}
	SYSCALL nanosleep, $nap, $0
	SYSCALL getppid
	movl $40000000, %ecx
1:	loop 1b
	EXIT
.data
nap:	.long 1, 200000000
.text
`);

  it("puts an interactive task back into the active array, until the others have waited for too long", {
    timeout: 120_000,
  }, () => {
    const { kernel: machine } = boot(SLEEPER, kernel("o1"));
    const awake = machine.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    const away = machine.run_to_event(({ event, prev, next }) => event === "sched_switch" && prev === 1 && next === 2);
    if (awake.kind !== "event" || away.kind !== "event") throw new Error(`${awake.kind}, ${away.kind}`);
    const milliseconds = (away.event.cycle - awake.event.cycle) / 10_000;
    expect(milliseconds).toBeGreaterThan(300); // three slices
    expect(milliseconds).toBeLessThan(2300); // STARVATION_LIMIT, a second, for each of two tasks
  });

  /** Two that sleep now and then, each while the other runs, and pid 1, which computes. */
  const TWO_IN_TURNS = program(`
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	jmp .
1:	SYSCALL nice, $-20
	SYSCALL nanosleep, $second, $0
2:	movl $1000000, %ecx
	loop .
	SYSCALL nanosleep, $turn, $0
	jmp 2b
.data
second:	.long 1, 0
turn:	.long 0, 15000000
.text
`);

  it("has tasks that stay interactive wait for the expired ones at last", { timeout: 120_000 }, () => {
    const { kernel: machine, events } = boot(TWO_IN_TURNS, { ...kernel("o1"), trace: true });
    const SECONDS = 10_000_000;
    for (let times = 0; times < 3; times++) {
      const since = events.length;
      machine.run({ maxInstructions: 5 * SECONDS });
      expect(events.slice(since)).toContainEqual(expect.objectContaining({ event: "sched_switch", next: 1 }));
    }
  });
});

describe("the fair class (S7)", () => {
  it("shares the CPU by weight: five nice levels are a third", { timeout: 120_000 }, () => {
    const { stop } = run(
      `
.globl _start
_start:
	SYSCALL clone, $0x111, $stack_a
	testl %eax, %eax
	jz nice
	SYSCALL clone, $0x111, $stack_b
	testl %eax, %eax
	jz normal
	SYSCALL wait4, $-1, $0, $0, $0
	movl $60000000, %eax
	xorl %edx, %edx
	divl counter_a
	EXIT %eax
nice:	SYSCALL nice, $5
1:	incl counter_a
	jmp 1b
normal:	incl counter_b
	cmpl $6000000, counter_b
	jb normal
	EXIT
.bss
counter_a: .skip 4
counter_b: .skip 4
	.skip 256
stack_a:
	.skip 256
stack_b:
`,
      kernel("fair"),
    );
    // A turn of one is two instructions, of the other three: 10 * 3.06 * 2 / 3.
    expect(stop.kind).toBe("exit");
    if (stop.kind === "exit") {
      expect(stop.status).toBeGreaterThan(17);
      expect(stop.status).toBeLessThan(24);
    }
  });
});

describe.each(SCHEDULERS)("affinity (S6), with %s on four CPUs", (scheduler) => {
  it("moves the caller before the call is over", () => {
    const steps = [3, 1, 2, 0].map(
      (cpu) => `
	movl $${1 << cpu}, mask
	SYSCALL sched_setaffinity, $0, $4, $mask
	SYSCALL getppid`,
    );
    const { events, stop } = run(program(steps.join("")), { ...kernel(scheduler, 4), trace: true });
    expect(stop).toEqual({ kind: "exit", status: 0 });
    const cpus = events.filter(({ event, nr }) => event === "syscall" && nr === 64).map(({ cpu }) => cpu);
    expect(cpus).toEqual([3, 1, 2, 0]);
  });

  it("moves another task that runs", () => {
    const { events, stop } = run(
      program(`
	movl $1, mask
	SYSCALL sched_setaffinity, $0, $4, $mask
	${speaker("x", 1_200_000)}
	movl %eax, pids
	SYSCALL nanosleep, $start, $0
	movl $8, mask
	SYSCALL sched_setaffinity, pids, $4, $mask
	SYSCALL nanosleep, $nap, $0
	SYSCALL sched_setaffinity, pids, $4, $others
	jmp wait
.data
nap:	.long 0, 20000000
start:	.long 0, 50000000
others:	.long 6
.text
`),
      { ...kernel(scheduler, 4), trace: true },
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    const moves = events.filter(({ event, pid }) => event === "sched_migrate" && pid === 2);
    expect(moves.map(({ from, to }) => [from, to])).toEqual([
      [0, 3],
      [3, expect.toSatisfy((cpu) => cpu === 1 || cpu === 2)],
    ]);
    expect(new Set(moves.map(({ why }) => why))).toEqual(new Set([scheduler === "goodness" ? "chosen" : "affinity"]));
  });
});

describe.each(["o1", "fair"] as const)("load balancing (S6), with %s on four CPUs", (scheduler) => {
  it("spreads tasks that all began on one CPU", { timeout: 120_000 }, () => {
    const SPINNERS = 8;
    const children = Array.from(
      { length: SPINNERS },
      (_, i) => `
	SYSCALL fork
	testl %eax, %eax
	jz spin
	movl %eax, pids+${4 * i}`,
    );
    const freed = Array.from({ length: SPINNERS }, (_, i) => `\n\tSYSCALL sched_setaffinity, pids+${4 * i}, $4, $mask`);
    const { go, kernel: machine } = boot(
      program(`
	movl $1, mask
	SYSCALL sched_setaffinity, $0, $4, $mask
	${policy("$0", FIFO, 1)}
	${children.join("")}
	movl $15, mask
	${freed.join("")}
	SYSCALL getppid
1:	SYSCALL pause
	jmp 1b
spin:	movl $0, param
	SYSCALL sched_setscheduler, $0, $0, $param
2:	jmp 2b
`),
      kernel(scheduler, 4),
    );
    const queues = () => machine.inspect(() => [0, 1, 2, 3].map((cpu) => cpu_rq(cpu).nr_running));
    machine.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    expect(Math.max(...queues())).toBeGreaterThan(6);
    go({ maxInstructions: 24_000_000 });
    const lengths = queues();
    expect(lengths.reduce((a, b) => a + b)).toBe(SPINNERS);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });
});

it("a run queue counts its switches (S7)", () => {
  const { kernel: machine, events } = run(program(speaker("x", 100)), { ...kernel("o1"), trace: true });
  const [counted, all] = [machine.inspect(() => cpu_rq(0).nr_switches), machine.statistics.contextSwitches];
  expect(counted).toBe(all);
  const lengths = events.filter(({ event }) => event === "sched_switch").map(({ nr_running }) => nr_running);
  expect(new Set(lengths)).toEqual(new Set([0, 1]));
});
