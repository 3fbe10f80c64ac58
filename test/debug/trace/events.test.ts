import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TraceFile } from "../../../debug/index.ts";
import { COMMON_FIELDS, TRACE_EVENTS, traceEventTable } from "../../../debug/trace/events.ts";
import { type Configuration, type EventOptions, kernel_image } from "../../../kernel/index.ts";
import { boot } from "../../kernel/run.ts";

/** A bit of everything: a fork with COW, a timed sleep, an alarm's handler, a stop by preemption. */
const BUSY = `
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl $48, %eax			# signal(SIGALRM, handler)
	movl $14, %ebx
	movl $handler, %ecx
	int $0x80
	movl $27, %eax			# alarm(9), then alarm(1) in its place
	movl $9, %ebx
	int $0x80
	movl $27, %eax
	movl $1, %ebx
	int $0x80
	SYSCALL nanosleep, $short, $0
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL pause
	movl $1, value
	PRINT "done\\n"
	EXIT
child:	movl $2, value
	movl $300000, %ecx
1:	decl %ecx
	jnz 1b
	SYSCALL sched_yield
	EXIT
handler: ret
.data
value:	.long 0
short:	.long 0, 20000000
`;

function traced(cpus = 1, config: Partial<Configuration> = {}, wanted?: EventOptions) {
  const started = boot(BUSY, { cpus, image: kernel_image({ smp: cpus > 1, ...config }) });
  let text = "";
  const file = new TraceFile(started.kernel, "lines", (piece) => (text += piece), wanted);
  const stop = started.go();
  file.end();
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number | string>);
  return { ...started, stop, events };
}

const run = traced();
/** Its CPUs interrupt each other, and take locks. */
const on_several = traced(2, {}, { locks: "all" });
/** Its run queue is two arrays. */
const with_o1 = traced(1, { scheduler: "o1" });
const runs = [run, on_several, with_o1];
const of = (name: string) => run.events.filter(({ event }) => event === name);

describe("the table of events", () => {
  it("lists exactly the fields that are recorded, in their order", () => {
    for (const { stop } of runs) expect(stop).toEqual({ kind: "exit", status: 0 });
    for (const event of runs.flatMap(({ events }) => events)) {
      const described = TRACE_EVENTS[event.event as string];
      expect(described, `${event.event}`).toBeDefined();
      expect(Object.keys(event)).toEqual([...Object.keys(COMMON_FIELDS), ...Object.keys(described.fields)]);
      for (const [name, value] of Object.entries(event)) {
        const isText = name === "event" || described.text?.includes(name);
        expect(typeof value, `${event.event}.${name}`).toBe(isText ? "string" : "number");
      }
    }
  });

  it("lists nothing that does not happen", () => {
    const seen = new Set(runs.flatMap(({ events }) => events).map(({ event }) => event));
    // Nobody waits for a lock here, and nothing is wrong with them: test/kernel/smp/lock-events.test.ts, test/kernel/lockdep.
    const unseen = Object.keys(TRACE_EVENTS).filter((name) => !seen.has(name));
    expect(unseen).toEqual(["contention_begin", "contention_end", "lock_report"]);
  });

  it("is the one in docs/running.md", () => {
    expect(readFileSync("docs/running.md", "utf8")).toContain(traceEventTable());
  });
});

describe("events", () => {
  it("of entries and exits nest on every task's stack, and say the depth", () => {
    const open = new Map<number, string[]>();
    let nested = 0;
    for (const { event, pid, eip, instruction, depth, nr, vector, clone_flags, parent, child } of run.events) {
      const name = `${event}`.replace(/_exit$/, "");
      if (event === "fork") open.set(Number(child), [open.get(Number(parent))!.at(-1)!]);
      if (clone_flags !== undefined || !["syscall", "exception", "interrupt"].includes(name)) continue;
      const stack = open.get(Number(pid)) ?? [];
      open.set(Number(pid), stack);
      const entry = `${name} ${nr ?? vector}`;
      if (event === name) {
        expect(depth, JSON.stringify([event, pid, nr, vector, eip, instruction, stack])).toBe(stack.length);
        nested += stack.length > 0 ? 1 : 0;
        stack.push(entry);
      } else {
        expect(stack.pop()).toBe(entry);
        expect(depth).toBe(stack.length);
      }
    }
    expect(nested).toBeGreaterThan(0);
  });

  it("of system calls tell the result, to the parent and to the child", () => {
    const forks = of("syscall_exit").filter(({ nr }) => nr === 2);
    expect(forks.map(({ pid, result }) => `${pid}: ${result}`).sort()).toEqual(["1: 2", "2: 0"]);
    expect(of("syscall").filter(({ nr }) => nr === 2)).toHaveLength(1);
  });

  it("of context switches tell the reason, and the ESP and EIP that the task later goes on with", () => {
    const saved = new Map<unknown, string>();
    let resumed = 0;
    for (const { prev, prev_esp, prev_eip, next, esp, eip } of of("switch_to")) {
      const expected = saved.get(next);
      if (expected !== undefined) {
        expect(`${esp} ${eip}`).toBe(expected);
        resumed++;
      }
      saved.set(prev, `${prev_esp} ${prev_eip}`);
    }
    expect(resumed).toBeGreaterThan(2);
    const reasons = of("sched_switch").map(({ prev, reason }) => `${prev} ${reason}`);
    expect(reasons).toEqual(expect.arrayContaining(["0 idle", "1 slept", "2 exited"]));
  });

  it("of wake-ups tell who: the child's end in the child, a timer in an interrupt", () => {
    expect(of("sched_wakeup")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ pid: 1, by: 2, interrupt: 0 }),
        expect.objectContaining({ pid: 1, interrupt: 1 }),
      ]),
    );
  });

  it("of timers name the function, and what fires was added for that tick", () => {
    const added = new Map(of("timer_add").map(({ timer, expires }) => [timer, expires]));
    expect(of("timer_fire").length).toBeGreaterThan(1);
    for (const { timer, expires, jiffies } of of("timer_fire")) {
      expect(added.get(timer)).toBe(expires);
      expect(jiffies).toBeGreaterThanOrEqual(Number(expires));
    }
    expect(of("timer_add").map((event) => event.function)).toContain("process_timeout");
  });

  it("of signals tell the sending and the handler", () => {
    expect(of("signal").map(({ sig }) => sig)).toContain(14);
    expect(of("signal_deliver")).toEqual([expect.objectContaining({ pid: 1, sig: 14 })]);
  });

  it("of idling enclose the interrupt that ends it, and time passes in between", () => {
    const [first] = of("idle_entry");
    const woken = run.events.find(({ event, cycle }) => event === "interrupt" && Number(cycle) > Number(first.cycle));
    const instructions = Number(woken!.instruction) - Number(first.instruction);
    expect(Number(woken!.cycle) - Number(first.cycle)).toBeGreaterThan(100 * instructions);
    expect(of("idle_exit")[0].cycle).toBeGreaterThan(Number(woken!.cycle));
  });
});

describe("snapshots", () => {
  const pages = (event: Record<string, number | string>) =>
    new Map(
      `${event.ptes}`
        .split(" ")
        .map((entry) => entry.split(":").map((digits) => Number.parseInt(digits, 16)) as [number, number]),
    );

  it("of page tables show the fork making every page read-only and shared, and the fault giving it a frame of its own", () => {
    const [before, parent, child] = of("page_tables").map(pages);
    const value = [...before].find(([, pte]) => (pte & 2) !== 0)![0];
    expect(parent.get(value)! & 2).toBe(0);
    expect([...parent].map(([address, pte]) => [address, pte >>> 12])).toEqual(
      [...child].map(([address, pte]) => [address, pte >>> 12]),
    );
    const copied = of("page_tables").find(({ when, pid }) => when === "cow" && pid === 2);
    const address = Number(of("cow").find(({ pid }) => pid === 2)!.address) & ~0xfff;
    expect(pages(copied!).get(address)! & 2).toBe(2);
    expect(pages(copied!).get(address)! >>> 12).not.toBe(parent.get(address)! >>> 12);
  });

  it("of kernel stacks annotate the switch frame, return addresses and pt_regs", () => {
    const stack = of("kernel_stack").find(({ pid, words }) => pid === 1 && `${words}`.includes("switch frame"))!;
    const notes = `${stack.words}`.split(";").map((word) => word.slice(9));
    expect(notes.slice(0, 4).every((note) => note.startsWith("switch frame"))).toBe(true);
    expect(notes[4]).toMatch(/^return to context_switch\+/);
    expect(notes).toEqual(expect.arrayContaining([expect.stringMatching(/^return to sys_/), "pt_regs.orig_eax"]));
    expect(notes.at(-1)).toBe("pt_regs.xss");
  });
});

describe("tracing", () => {
  it("does not change the run: registers, memory and counters are the same to the bit", () => {
    const plain = boot(BUSY);
    plain.go();
    const state = (kernel: typeof plain.kernel) => ({
      registers: [...kernel.machine.cores[0].r],
      counters: kernel.machine.counters,
      cycles: kernel.machine.cycles,
    });
    expect(state(run.kernel)).toEqual(state(plain.kernel));
    const memory = (kernel: typeof plain.kernel) =>
      Buffer.from(kernel.machine.readPhysical(0, kernel.machine.memory.ramSize));
    expect(memory(run.kernel).equals(memory(plain.kernel))).toBe(true);
  });

  it("ends when nobody listens any more", () => {
    const core = run.kernel.machine.cores[0];
    expect([core.onInterrupt, core.onInterruptReturn, core.onCr3Load]).toEqual([null, null, null]);
  });

  it("may begin in the middle of a run", () => {
    const started = boot(BUSY);
    started.kernel.run_to_user();
    let text = "";
    const file = new TraceFile(started.kernel, "lines", (piece) => (text += piece));
    expect(started.go()).toEqual({ kind: "exit", status: 0 });
    file.end();
    expect(text.split("\n").length).toBeGreaterThan(50);
  });
});
