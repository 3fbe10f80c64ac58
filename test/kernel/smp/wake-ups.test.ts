/** `set_current_state` without its barrier loses a wake-up where stores wait in a buffer, and nowhere else. */
import { expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot } from "../run.ts";
import { Exchangeable } from "./run.ts";
import * as wake_ups from "./wake-ups.kernel.ts";

const ROUNDS = 12;
const SEEDS = 40;
const image = link_kernel({
  config: { smp: true },
  modules: [wake_ups],
  system_calls: { 250: "sys_wake_ups_init", 251: "sys_sleeps", 252: "sys_wakes" },
});

/** One process sleeps, the other wakes it. */
const program = (barrier: boolean) => `
.globl _start
_start:	movl $250, %eax
	int $0x80
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	movl $252, %eax
	movl $${ROUNDS}, %ebx
	int $0x80
	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
1:	movl $251, %eax
	movl $${ROUNDS}, %ebx
	movl $${barrier ? 1 : 0}, %ecx
	int $0x80
	EXIT
`;

/** Seeds with which the sleeper is never woken: it sleeps though what it waits for has come. */
function lost(memoryModel: "sc" | "tso", barrier: boolean): number {
  const interleaver = new Exchangeable();
  const { kernel } = boot(program(barrier), { image, cpus: 2, fromReset: true, memoryModel, interleaver });
  kernel.run_to_user();
  const start = kernel.capture();
  let count = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    kernel.restore(start);
    interleaver.now = new RandomInterleaver(seed, 10 + (seed % 40));
    const stop = kernel.run({ maxInstructions: 400_000 });
    if (stop.kind === "exit") continue;
    // It sleeps though what it waits for has come.
    expect(["asleep", "budget"], `seed ${seed}`).toContain(stop.kind);
    expect(
      kernel.inspect(() => wake_ups.ready.value - wake_ups.waiting.value),
      `seed ${seed}`,
    ).toBe(0);
    count++;
  }
  return count;
}

it("no wake-up is lost in order of the source, with or without the barrier", () => {
  expect(lost("sc", false)).toBe(0);
  expect(lost("sc", true)).toBe(0);
});

it("without the barrier one is lost with store buffers: the state waits there while the condition is looked at", () => {
  expect(lost("tso", false)).toBeGreaterThan(0);
});

it("with the barrier none is lost with store buffers either", () => {
  expect(lost("tso", true)).toBe(0);
});
