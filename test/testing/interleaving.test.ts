import { describe, expect, it } from "vitest";
import { asm, bootKernel, forEachInterleaving, Interleaving } from "../../testing/index.ts";
import { BUSY, TWO_TASKS } from "./programs.ts";

/** Adds to a counter in memory that two threads share, by load and store: loses additions when it is preempted between. */
const LOST_UPDATES = asm`
	SYSCALL clone, $0x111, $stack
	movl $3000, %ecx
1:	movl counter, %eax
	incl %eax
	movl %eax, counter
	decl %ecx
	jnz 1b
	SYSCALL sched_yield
	SYSCALL getppid
	SYSCALL pause
.data
counter: .long 0
.bss
	.skip 4096
stack:
`;

describe("Interleaving", () => {
  it("moves the timer interrupts, the same for the same seed", () => {
    const places = (seed: number, interleave: Interleaving | number = new Interleaving(seed)) => {
      const kernel = bootKernel({ init: BUSY, interleave });
      kernel.runUntilExit();
      return kernel.events
        .filter(({ event, irq }) => event === "irq_entry" && irq === 0)
        .map(({ instruction }) => instruction);
    };
    expect(places(1).length).toBeGreaterThan(1);
    expect(places(1)).toEqual(places(1, 1));
    expect(places(1)).not.toEqual(places(2));
  });

  it("gives machines of several cores an interleaver of the seed", () => {
    const turns = (seed: number) => {
      const interleaver = new Interleaving(seed).interleaver();
      return Array.from({ length: 20 }, () => [interleaver.next(0b11, 0), interleaver.quantum]);
    };
    expect(turns(5)).toEqual(turns(5));
    expect(turns(5)).not.toEqual(turns(6));
    expect(() => new Interleaving(0.5)).toThrow("seed 0.5: expected a 32-bit integer");
  });
});

describe("forEachInterleaving", () => {
  it("runs the body for each seed", async () => {
    const seen: number[] = [];
    forEachInterleaving(3, ({ seed }) => void seen.push(seed));
    forEachInterleaving([7, 8], ({ seed }) => void seen.push(seed));
    await forEachInterleaving(2, async ({ seed }) => {
      await Promise.resolve();
      seen.push(seed);
    });
    expect(seen).toEqual([0, 1, 2, 7, 8, 0, 1]);
    expect(() => forEachInterleaving([], () => {})).toThrow("would test nothing");
  });

  it("finds what only some orders show, and names the seed and the way back to it", () => {
    const failing = () =>
      forEachInterleaving(50, (interleave) => {
        const kernel = bootKernel({ init: LOST_UPDATES, interleave });
        kernel.runUntil({ event: "syscall", nr: 64 });
        kernel.runUntil({ event: "syscall", nr: 64 });
        const [counter] = new Uint32Array(kernel.read(1, "counter", 4).slice().buffer);
        if (counter !== 6000) throw new Error(`${counter} of 6000 additions`);
      });
    expect(failing).toThrow(
      /^\d+ of 6000 additions\n\ninterleaving with seed \d+: a timer tick every \d+ instructions\n/,
    );
    expect(failing).toThrow(
      /reproduce with: npx esp0 debug --memory 8 --cpu-hz \d+ --debug-kernel \S+\/init\nand there: goto \d+$/,
    );
  });

  it("keeps the error, and takes what is none", async () => {
    const error = new TypeError("mine");
    expect(() =>
      forEachInterleaving([4], () => {
        throw error;
      }),
    ).toThrow(error);
    expect(error.message).toContain("mine\n\ninterleaving with seed 4");
    await expect(forEachInterleaving([4], () => Promise.reject("text"))).rejects.toThrow(
      "text\n\ninterleaving with seed 4",
    );
  });

  it("lets what holds in every order pass", () => {
    forEachInterleaving(5, (interleave) => {
      const kernel = bootKernel({ init: TWO_TASKS, interleave });
      expect(kernel.runUntilExit()).toBe(0);
    });
  });
});
