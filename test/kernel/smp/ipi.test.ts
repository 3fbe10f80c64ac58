import { describe, expect, it } from "vitest";
import { RoundRobin } from "../../../emulator/index.ts";
import { cpu_online_map } from "../../../kernel/include/linux/smp.ts";
import type { RecordedEvent } from "../../../kernel/index.ts";
import { called_with, calls, in_handler, mask_after } from "./calls.kernel.ts";
import { boot_smp, physical } from "./run.ts";

const STOP = 0xf8;
const CALL_FUNCTION = 0xfb;
const RESCHEDULE = 0xfc;
const INVALIDATE = 0xfd;

const call = (number: number, ...words: readonly number[]) => `
.globl _start
_start:
	movl $${number}, %eax
	movl $${words[0] ?? 0}, %ebx
	movl $${words[1] ?? 0}, %ecx
	int $0x80
	movl %eax, %ebx
	movl $1, %eax
	int $0x80
`;

/** Instructions, of 12,500 in a turn: a kernel that checks locks has some hundred of its own. */
const FAR_LESS_THAN_A_TURN = 1000;

/** What one CPU does shows in the others before it goes on. */
const in_short_turns = () => ({ interleaver: new RoundRobin(100) });

const behind = (events: readonly RecordedEvent[], name: string) =>
  events.slice(events.findIndex(({ event }) => event === "exec")).filter(({ event }) => event === name);

/** Instructions of CPU 0 from the program's call of a function to its exit. */
function spent_in(name: string, source: string): number {
  const { kernel, go } = boot_smp(4, source);
  let begun = 0;
  let spent = 0;
  kernel.machine.setProbes(
    new Map([
      [kernel.image.symbol(name), ({ instructions }) => (begun = instructions)],
      [kernel.image.symbol("sys_exit"), ({ instructions }) => (spent = instructions - begun)],
    ]),
  );
  expect(go().kind).toBe("exit");
  return spent;
}

describe("smp_call_function", () => {
  it("has every other CPU call a function in an interrupt handler, and waits until they have", () => {
    const { kernel, go, events } = boot_smp(4, call(250, 7, 1), { trace: true, ...in_short_turns() });
    expect(go()).toEqual({ kind: "exit", status: 3 });
    // Not only then: the handlers of a caller that does not wait count in what its stack has become.
    expect(behind(events, "syscall_exit").find(({ nr }) => nr === 250)).toMatchObject({ result: 3 });
    const seen = kernel.inspect(() =>
      [0, 1, 2, 3].map((cpu) => [called_with.of(cpu), calls.of(cpu), in_handler.value.get(cpu)]),
    );
    expect(seen).toEqual([
      [0, 0, 0],
      [7, 1, 1],
      [7, 1, 1],
      [7, 1, 1],
    ]);
    const raised = behind(events, "ipi_raise").filter(({ vector }) => vector === CALL_FUNCTION);
    expect(raised).toMatchObject([{ cpu: 0, target_cpus: 0b1110 }]);
    const taken = behind(events, "ipi_entry").filter(({ vector }) => vector === CALL_FUNCTION);
    expect(taken.map(({ cpu }) => cpu).sort()).toEqual([1, 2, 3]);
  });

  it("lets the others have their turns while it waits for them", () => {
    expect(spent_in("smp_call_function", call(250, 7, 1))).toBeLessThan(FAR_LESS_THAN_A_TURN);
  });

  it("goes on, without waiting, as soon as all have begun", () => {
    const { go } = boot_smp(4, call(250, 7, 0), in_short_turns());
    expect(go()).toEqual({ kind: "exit", status: 0 });
  });
});

describe("the reschedule interrupt", () => {
  it("wakes a CPU that is halted, which looks at need_resched and halts again", () => {
    const { go, events } = boot_smp(4, call(251, 2), { trace: true, ...in_short_turns() });
    expect(go()).toEqual({ kind: "exit", status: 0 });
    const [raised] = behind(events, "ipi_raise");
    expect(raised).toMatchObject({ cpu: 0, vector: RESCHEDULE, target_cpus: 0b0100 });
    const on_2 = events
      .slice(events.indexOf(raised))
      .filter(({ cpu }) => cpu === 2)
      .map(({ event, vector }) => (vector === undefined ? event : `${event} ${vector}`));
    expect(on_2.slice(0, 5)).toEqual([
      `interrupt ${RESCHEDULE}`,
      `ipi_entry ${RESCHEDULE}`,
      `interrupt_exit ${RESCHEDULE}`,
      "idle_exit",
      "idle_entry",
    ]);
    const taken = behind(events, "ipi_entry").filter(({ vector }) => vector === RESCHEDULE);
    expect(taken.map(({ cpu }) => cpu)).toEqual([2]);
  });
});

describe("flush_tlb_all", () => {
  it("drops translations on every CPU", () => {
    const { go, events } = boot_smp(3, call(252), { trace: true });
    expect(go()).toEqual({ kind: "exit", status: 0 });
    const [raised] = behind(events, "ipi_raise");
    const end = events.findIndex(({ event, nr }) => event === "syscall_exit" && nr === 252);
    const flushed = events
      .slice(events.indexOf(raised), end)
      .filter(({ event }) => event === "cr3_load")
      .map(({ cpu }) => cpu);
    // Balancing may have one of them switch meanwhile, too.
    expect(new Set(flushed)).toEqual(new Set([0, 1, 2]));
  });
});

describe("the end of a kernel", () => {
  it("stops the other CPUs: at an exit", () => {
    const { kernel, go, events } = boot_smp(4, call(251, 1), { trace: true });
    expect(go().kind).toBe("exit");
    expect(events.findLast(({ event }) => event === "ipi_raise")).toMatchObject({ vector: STOP, target_cpus: 0b1110 });
    expect(kernel.inspect(() => cpu_online_map.value)).toBe(1);
    for (const core of kernel.machine.cores.slice(1))
      expect(kernel.machine.localApics[core.id].softwareEnabled).toBe(false);
  });

  it("and at a panic", () => {
    const { kernel, go, log } = boot_smp(4, call(253));
    expect(go()).toEqual({ kind: "panic" });
    expect(log()).toContain("Kernel panic: as asked for");
    expect(kernel.inspect(() => cpu_online_map.value)).toBe(1);
  });
});

describe("the TLB shoot-down", () => {
  const OK = 1;
  const LAZY = 2;
  const ADDRESS = 0x0804_8000;
  const ALL = -1;

  /** What CPU 1 does when it is told to drop something of the program's address space, which it has loaded. */
  function shot_down(state: number, address: number) {
    const { kernel, go, events } = boot_smp(3, call(254, state, address), { trace: true });
    expect(go()).toEqual({ kind: "exit", status: 0 });
    const raised = behind(events, "ipi_raise").filter(({ vector }) => vector === INVALIDATE);
    expect(raised).toMatchObject([{ cpu: 0, target_cpus: 0b010 }]);
    const begin = events.findIndex(({ event, vector }) => event === "ipi_entry" && vector === INVALIDATE);
    const end = events.findIndex(({ event, vector }) => event === "interrupt_exit" && vector === INVALIDATE);
    expect(events[begin].cpu).toBe(1);
    const loads = events.slice(begin, end).filter(({ event, cpu }) => event === "cr3_load" && cpu === 1);
    return { loads: loads.map(({ cr3 }) => cr3), mask: kernel.inspect(() => mask_after.value) };
  }

  it("drops all translations of a CPU that uses the address space", () => {
    const { loads, mask } = shot_down(OK, ALL);
    expect(loads.length).toBe(1);
    expect(mask & 0b010).toBe(0b010);
  });

  it("drops one translation with invlpg", () => {
    const { loads, mask } = shot_down(OK, ADDRESS);
    expect(loads).toEqual([]);
    expect(mask & 0b010).toBe(0b010);
  });

  it("has a CPU that uses it lazily leave it, to hear no more", () => {
    const { loads, mask } = shot_down(LAZY, ADDRESS);
    expect(loads).toEqual([physical("swapper_pg_dir")]);
    expect(mask & 0b010).toBe(0);
  });

  it("has the others' turns come while the CPU that asks for it waits", () => {
    expect(spent_in("flush_tlb_others", call(254, OK, ALL))).toBeLessThan(FAR_LESS_THAN_A_TURN);
  });

  it("interrupts nobody while no other CPU has had the address space", () => {
    const { go, events } = boot_smp(
      4,
      `
.globl _start
_start:
	SYSCALL fork
	movl $1, word
	EXIT
.data
word:	.long 0
`,
      { trace: true },
    );
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(behind(events, "ipi_raise").filter(({ vector }) => vector === INVALIDATE)).toEqual([]);
  });
});
