/**
 * The wake-up that sleep_on loses, and that wait_event does not: every place at which the waker can come between two
 * instructions of the sleeper, and with two CPUs every pair of places of which one has the sleeper, the other the waker
 * interrupted.
 */
import { describe, expect, it } from "vitest";
import { link_kernel } from "../../../kernel/link.ts";
import type { Kernel } from "../../../kernel/running/kernel.ts";
import { boot, CONFIG } from "../run.ts";
import * as race from "./race.kernel.ts";

const NAMES = ["init", "sleep", "sleep_locked", "wake", "wake_locked", "sleep_till_tick"];
const system_calls = Object.fromEntries(NAMES.map((name, i) => [250 + i, `sys_r_${name}`]));
// It is about the order of instructions: locks that check how they are used would be most of them.
const image_for = (smp: boolean) =>
  link_kernel({ config: { ...CONFIG, smp, lockdep: false }, modules: [race], system_calls });
const images = { up: image_for(false), smp: image_for(true) };
const SYMBOLS = NAMES.map((name, i) => `.set SYS_r_${name}, ${250 + i}`).join("\n");

const [CARELESS, CAREFUL, BY_COMPLETION] = [0, 1, 2];
const FUNCTIONS = ["r_careless", "r_careful", "r_by_completion"];

/** pid 1 sleeps, on CPU 0; its child wakes, on CPU 1. */
const two = (how: number, locked = "") => `
${SYMBOLS}
.globl _start
_start:	SYSCALL r_init
	SYSCALL sched_setaffinity, $0, $4, $first
	SYSCALL clone, $0x111, $stack		# with the same memory
	testl %eax, %eax
	jz waker
1:	SYSCALL sched_yield
	cmpl $0, there				# the child gets to its CPU, and waits there
	je 1b
	movl $1, ready
	SYSCALL r_sleep${locked}, $${how}
	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
waker:	SYSCALL sched_setaffinity, $0, $4, $second
	movl $1, there
1:	cmpl $0, ready
	je 1b
	SYSCALL r_wake${locked}, $${how}
	EXIT
.data
first:	.long 1 << 0
second:	.long 1 << 1
.bss
there:	.skip 4
ready:	.skip 4
	.skip 256
stack:
`;

/** A kernel about to execute the first instruction of the sleeper. */
function at_sleeper(how: number, smp: boolean, source: string): Kernel {
  const { kernel } = boot(source, { image: smp ? images.smp : images.up, cpus: smp ? 2 : 1 });
  kernel.machine.setBreakpoints([kernel.image.symbol(FUNCTIONS[how])]);
  expect(kernel.run({ maxInstructions: 5_000_000 }).kind).toBe("breakpoint");
  kernel.machine.setBreakpoints([]);
  return kernel;
}

/** Instructions of a core alone. */
function alone(kernel: Kernel, core: number, instructions: number): void {
  if (instructions === 0) return;
  kernel.machine.onlyCore = core;
  kernel.run({ maxInstructions: instructions });
  kernel.machine.onlyCore = null;
}

/** Whether a core halts, its task asleep. */
const sleeps = (kernel: Kernel, core: number) => kernel.machine.cores[core].halted;

/** How many instructions a core executes before it halts, alone. */
function length_until_halt(kernel: Kernel, core: number): number {
  const before = kernel.capture();
  let length = 0;
  for (; !sleeps(kernel, core) && length < 2000; length++) alone(kernel, core, 1);
  kernel.restore(before);
  return length;
}

/** More than it takes both to come through. */
const ENOUGH = 100_000;

/** Whether everybody comes through; else somebody sleeps for ever. */
const ends = (kernel: Kernel) => kernel.run({ maxInstructions: ENOUGH }).kind === "exit";

/** Instructions in which the waker wakes, and after which it has not ended yet. */
const WAKER = 400;

describe("two CPUs: the waker comes in at each instruction of the sleeper (W1, W2)", () => {
  function lost(how: number, locked = ""): { readonly lost: number[]; readonly window: number } {
    const kernel = at_sleeper(how, true, two(how, locked));
    const window = length_until_halt(kernel, 0);
    const start = kernel.capture();
    const found: number[] = [];
    for (let i = 0; i < window; i++) {
      kernel.restore(start);
      alone(kernel, 0, i);
      alone(kernel, 1, WAKER);
      if (!ends(kernel)) found.push(i);
    }
    return { lost: found, window };
  }

  it("sleep_on loses it in all of them from the look on until the task is on the queue", () => {
    const { lost: places, window } = lost(CARELESS);
    expect(window).toBeGreaterThan(50);
    expect(places.length).toBeGreaterThan(5);
    // In one piece: from the look to the queue.
    expect(places.at(-1)).toBe(places[0] + places.length - 1);
    expect(places.at(-1)).toBeLessThan(window / 2);
  });

  it("and in none of them if both have the big kernel lock: sleep_on was made for that", () => {
    const { lost: places, window } = lost(CARELESS, "_locked");
    expect(window).toBeGreaterThan(50);
    expect(places).toEqual([]);
  });

  it.each([
    ["wait_event", CAREFUL],
    ["wait_for_completion", BY_COMPLETION],
  ])("%s in none", (_name, how) => {
    const { lost: places, window } = lost(how);
    expect(window).toBeGreaterThan(50);
    expect(places).toEqual([]);
  });

  it("wait_event in none either where the waker, too, is interrupted, by the rest of the sleeper", () => {
    const kernel = at_sleeper(CAREFUL, true, two(CAREFUL));
    const window = length_until_halt(kernel, 0);
    const start = kernel.capture();
    const found: string[] = [];
    let tried = 0;
    for (let i = 2; i < window; i += 3) {
      for (let j = 1; j < 120; j += 17) {
        kernel.restore(start);
        alone(kernel, 0, i);
        alone(kernel, 1, j + (i % 7));
        for (let rest = i; rest < window + 50 && !sleeps(kernel, 0); rest += 10) alone(kernel, 0, 10);
        tried++;
        if (!ends(kernel)) found.push(`${i} ${j}`);
      }
    }
    expect(found).toEqual([]);
    expect(tried).toBeGreaterThan(200);
  });
});

describe("one CPU: the timer's interrupt comes in at each instruction of the sleeper (W1, W2)", () => {
  const one = (how: number) => `
${SYMBOLS}
.globl _start
_start:	SYSCALL r_init
	SYSCALL r_sleep_till_tick, $${how}
	EXIT
`;

  function lost(how: number): number[] {
    const kernel = at_sleeper(how, false, one(how));
    const window = length_until_halt(kernel, 0);
    expect(window).toBeGreaterThan(50);
    const start = kernel.capture();
    const found: number[] = [];
    for (let i = 0; i < window; i++) {
      kernel.restore(start);
      alone(kernel, 0, i);
      kernel.machine.setIrq(0, false); // an edge: the timer's line is high between its ticks
      kernel.machine.setIrq(0, true);
      if (!ends(kernel)) found.push(i);
    }
    return found;
  }

  it("sleep_on loses the wake-up of its bottom half", () => {
    expect(lost(CARELESS).length).toBeGreaterThan(3);
  });

  it.each([
    ["wait_event", CAREFUL],
    ["wait_for_completion", BY_COMPLETION],
  ])("%s does not", (_name, how) => {
    expect(lost(how)).toEqual([]);
  });
});
