import { describe, expect, it } from "vitest";
import type { RecordedEvent } from "../../../kernel/index.ts";
import { back_trace, memory, pt_regs, task_struct } from "../../../kernel/inspect.ts";
import { boot, CPUS, ON_ONE_CPU, run } from "../run.ts";

const SPIN = `
.globl _start
_start:
	movl $1000000, %ecx
1:	loop 1b
	EXIT
`;

const names = (events: readonly RecordedEvent[]) => events.map(({ event }) => event);

/** Bytes of a hosted function before its first statement. */
const PROLOGUE = 9;
const TIMER_VECTOR = 0x20;
/** Instructions that other CPUs may execute before it is a CPU's turn again; none where there is one. */
const TURN = CPUS === 1 ? 1 : 3_000 * CPUS;

describe("the timer interrupt (D2)", () => {
  it("runs its top half in the interrupt and its bottom half on the way out", () => {
    const { events } = run(SPIN, { trace: true });
    const tick = events.findIndex(
      ({ event, irq }, i) => event === "irq_entry" && irq === 0 && events[i - 1].event !== "irq_entry",
    );
    expect(names(events.slice(tick, tick + 4))).toEqual(["irq_entry", "irq_exit", "bh_entry", "bh_exit"]);
    expect(events[tick + 2].nr).toBe(0);
  });

  it("has the course's call tree on the interrupted task's kernel stack (D1)", () => {
    const { kernel } = boot(SPIN);
    kernel.run_to_user();
    const { machine, image } = kernel;
    const do_timer = image.symbol("do_timer");
    kernel.run_to_event(({ event, vector, pid }) => event === "interrupt" && vector === TIMER_VECTOR && pid === 1);
    const cpu = machine.turnCore;
    const eip = () => machine.getRegister("eip", cpu);
    for (let steps = 0; steps < 200 * TURN && eip() !== do_timer + PROLOGUE; steps++) machine.step();
    const calls = kernel.inspect(() =>
      back_trace(memory(), image, eip(), machine.getRegister("ebp", cpu)).map(({ name }) => name.replace(/\+.*/, "")),
    );
    expect(calls.slice(0, 6)).toEqual([
      "do_timer",
      "do_timer_interrupt",
      "timer_interrupt",
      "handle_IRQ_event",
      "do_IRQ",
      "common_interrupt",
    ]);
    expect(calls[6]).toMatch(/^0x0804/); // and in front of it, user space
  });

  it.runIf(ON_ONE_CPU)("comes at the same distance every time, while nobody has interrupts off", () => {
    const { events } = run(SPIN, { trace: true });
    const ticks = events.filter(({ event, irq }) => event === "irq_entry" && irq === 0).map(({ cycle }) => cycle);
    const distances = ticks.slice(1).map((cycle, i) => cycle - ticks[i]);
    for (const distance of distances) expect(Math.abs(distance - 100_001.5)).toBeLessThan(60);
  });
});

describe("return paths (D9)", () => {
  it.runIf(ON_ONE_CPU)("run bottom halves before rescheduling, and reschedule before user space goes on", () => {
    const { events } = run(
      `
.globl _start
_start:
	SYSCALL fork
	movl $3000000, %ecx
1:	loop 1b
	SYSCALL waitpid, $-1, $0, $0
	EXIT
`,
      { trace: true },
    );
    const order = names(events);
    const preemption = events.findIndex(
      ({ event, prev, prev_state }) => event === "sched_switch" && prev !== 0 && prev_state === 0,
    );
    expect(preemption).toBeGreaterThan(0);
    const last = order
      .slice(0, preemption)
      .filter((name) => !name.startsWith("sched_"))
      .slice(-4);
    expect(last).toEqual(["irq_entry", "irq_exit", "bh_entry", "bh_exit"]);
  });

  it("do not preempt the kernel: a tick that ends a slice inside a system call waits for its end", () => {
    // getppid() with interrupts on is a few instructions of kernel; over many calls some tick falls into one.
    const { kernel } = boot(`
.globl _start
_start:
	SYSCALL fork
1:	SYSCALL getppid
	jmp 1b
`);
    const { machine } = kernel;
    const ENOUGH = 11;
    let inside = 0;
    // With several CPUs the line interrupts those that have nothing to do, too.
    for (let ticks = 0; ticks < 600 && inside < ENOUGH; ticks++) {
      kernel.run_to_event(({ event, irq }) => event === "irq_entry" && irq === 0);
      const on = machine.turnCore;
      const interrupted = kernel.inspect(() => interrupted_cs(machine.getRegister("ebp", on)));
      const before = kernel.inspect(() => task_struct.at(kernel.task_on(on) ?? 0).pid);
      if (interrupted !== KERNEL_CS || before === 0) continue;
      inside++;
      const end = kernel.run_to_event(
        ({ event, cpu }) => cpu === on && (event === "sched_switch" || event === "interrupt_exit"),
      );
      expect(end.kind === "event" && end.event.event).toBe("interrupt_exit");
      const next = kernel.run_to_event(
        ({ event, cpu }) => cpu === on && (event === "sched_switch" || event === "syscall"),
      );
      if (next.kind === "event" && next.event.event === "sched_switch") {
        // The switch happened on the way out of the system call, not out of the interrupt.
        const calls = kernel.inspect(() =>
          back_trace(memory(), kernel.image, machine.getRegister("eip", on), machine.getRegister("ebp", on)),
        );
        expect(calls.map(({ name }) => name.replace(/\+.*/, ""))).not.toContain("common_interrupt");
        expect(next.event.prev).toBe(before);
      }
    }
    expect(inside).toBe(ENOUGH);
  });
});

const KERNEL_CS = 0x10;

/** CS that the interrupt was taken in whose do_IRQ has its frame at this EBP. */
function interrupted_cs(ebp: number): number {
  return pt_regs.at(ebp + 8).xcs;
}
