import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RecordedEvent } from "../../../kernel/index.ts";
import { boot, ON_GOODNESS, ON_ONE_CPU, run } from "../run.ts";

const SPINNERS = `
.globl _start
_start:
	movl $3, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz spin
	decl %ebp
	jnz 1b
2:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 2b
	EXIT
spin:	movl $2000000, %ecx
3:	decl %ecx
	jnz 3b
	EXIT
`;

const switches = (events: readonly RecordedEvent[]) => events.filter(({ event }) => event === "sched_switch");

/** Events of a scheduler that chooses. */
const OF_THE_CHOICE: ReadonlySet<string> = new Set([
  ...["sched_goodness", "sched_epoch", "sched_array_switch", "sched_enqueue", "sched_dequeue"],
]);

describe("preemption (D2, D9, S1)", () => {
  it("takes the CPU from a task that computes, and lets another make progress", () => {
    const { stop, output, kernel } = run(readFileSync("examples/preempt.S", "utf8"));
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("both children made progress\n");
    expect(kernel.statistics.ticks).toBeGreaterThan(2);
  });

  it.runIf(ON_ONE_CPU)(
    "switches away from a running task only at the end of its slice, on the way out of the timer interrupt",
    () => {
      const { events } = run(SPINNERS, { trace: true });
      const preemptions = events
        .map((event, i) => ({ event, i }))
        .filter(({ event }) => event.event === "sched_switch" && event.prev_state === 0 && (event.prev as number) > 1);
      expect(preemptions.length).toBeGreaterThan(2);
      for (const { i } of preemptions) {
        const before = events
          .slice(0, i)
          .reverse()
          .find(({ event }) => !OF_THE_CHOICE.has(event));
        expect(["bh_exit", "irq_exit"]).toContain(before?.event);
      }
    },
  );
});

describe("goodness and epochs (S2)", () => {
  it.runIf(ON_ONE_CPU && ON_GOODNESS)(
    "starts a new epoch when every runnable task has used up its slice, and picks the best afterwards",
    () => {
      const { events } = run(SPINNERS, { trace: true });
      const epochs = events.map((event, i) => ({ event, i })).filter(({ event }) => event.event === "sched_epoch");
      expect(epochs.length).toBeGreaterThan(1);
      for (const { i } of epochs) {
        let first = i;
        while (events[first - 1].event === "sched_goodness") first--;
        const goodness = events.slice(first, i).map((event) => event.goodness as number);
        expect(Math.max(...goodness)).toBe(0);
      }
    },
  );

  it.runIf(ON_ONE_CPU && ON_GOODNESS)(
    "gives the CPU to the candidate with the highest goodness every time, of equals to the first on the queue",
    () => {
      const { events } = run(SPINNERS, { trace: true });
      let candidates = new Map<number, number>();
      let decisions = 0;
      let ties = 0;
      for (const event of events) {
        if (event.event === "sched_goodness") candidates.set(event.pid as number, event.goodness as number);
        else if (event.event === "sched_epoch") candidates = new Map();
        else if (event.event === "sched_switch") {
          if (candidates.size > 0) {
            const best = Math.max(...candidates.values());
            const equals = [...candidates].filter(([, goodness]) => goodness === best);
            expect(event.next).toBe(equals[0][0]);
            if (equals.length > 1) ties++;
            decisions++;
          } else expect(event.next).toBe(0);
          candidates = new Map();
        } else candidates = new Map();
      }
      expect(decisions).toBeGreaterThan(5);
      expect(ties).toBeGreaterThan(0);
    },
  );

  it.runIf(ON_GOODNESS)("lets a sleeper keep half of what it had, beside its new slice", () => {
    const { go, counters } = boot(`
.set SYS_pause, 29
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL pause
1:	jmp 1b
`);
    go({ maxInstructions: 4_000_000 });
    expect(Math.max(...counters())).toBeGreaterThan(6);
  });

  it("gives tasks of the same priority the same share", () => {
    const { events } = run(SPINNERS, { trace: true });
    const exits = events
      .filter(({ event, pid }) => event === "exit" && pid !== 1)
      .map(({ instruction }) => instruction);
    const start = switches(events)[0].instruction;
    const lengths = exits.map((at) => at - start);
    // Three tasks with the same work end within a slice or two of each other: nobody ran to its end first.
    expect(Math.min(...lengths)).toBeGreaterThan(Math.max(...lengths) * 0.6);
  });

  it.runIf(ON_ONE_CPU)("gives a nicer task a smaller share", () => {
    const { output } = run(`
.globl _start
_start:
	SYSCALL clone, $0x111, $stack_a
	testl %eax, %eax
	jz nice
	SYSCALL clone, $0x111, $stack_b
	testl %eax, %eax
	jz normal
	SYSCALL wait4, $-1, $0, $0, $0
	movl counter_a, %eax
	shll $1, %eax
	cmpl counter_b, %eax
	ja 1f
	PRINT "less than half"
1:	EXIT
nice:	movl $19, %ebx
	movl $34, %eax
	int $0x80
1:	incl counter_a
	jmp 1b
normal:	incl counter_b
	cmpl $3000000, counter_b
	jb normal
	EXIT
.bss
counter_a: .skip 4
counter_b: .skip 4
	.skip 256
stack_a:
	.skip 256
stack_b:
`);
    expect(output()).toBe("less than half");
  });
});

describe("the idle task (T9)", () => {
  it("runs when everybody sleeps, halts the CPU, and is never on the run queue", () => {
    const started = boot(
      `
.globl _start
_start:
	SYSCALL nanosleep, $time, $0
	EXIT
.section .rodata
.align 4
time:	.long 0, 300000000
`,
      { trace: true },
    );
    started.go();
    const { events, kernel } = started;
    expect(switches(events).some(({ next }) => next === 0)).toBe(true);
    expect(events.some(({ event, pid }) => event === "sched_goodness" && pid === 0)).toBe(false);
    expect(kernel.machine.counters.idleCycles).toBeGreaterThan(2_500_000);
  });
});

describe("sleeping (W1, W6)", () => {
  it("lasts at least as long as asked, and at most two ticks longer", () => {
    for (const milliseconds of [1, 10, 25, 100, 730]) {
      const started = boot(
        `
.globl _start
_start:
	SYSCALL nanosleep, $time, $0
	SYSCALL getppid
	EXIT
.section .rodata
.align 4
time:	.long 0, ${milliseconds}000000
`,
      );
      const at = (nr: number) => {
        const found = started.kernel.run_to_event((event) => event.event === "syscall" && event.nr === nr);
        if (found.kind !== "event") throw new Error(found.kind);
        return found.event.cycle;
      };
      const begun = at(162);
      const slept = (at(64) - begun) / 10_000; // milliseconds: 10 MHz
      expect(slept).toBeGreaterThanOrEqual(milliseconds);
      expect(slept).toBeLessThan(milliseconds + 20.5);
    }
  });
});
