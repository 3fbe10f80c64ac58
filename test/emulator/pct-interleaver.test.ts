import { describe, expect, it } from "vitest";
import { Machine, PctInterleaver, RoundRobin } from "../../emulator/index.ts";

/** What a machine of endless cores would do: whose turn it was after each number of instructions. */
function turns(interleaver: PctInterleaver, runnable: number, instructions: number): [number, number][] {
  const taken: [number, number][] = [];
  for (let executed = 0; executed < instructions; executed += interleaver.quantum) {
    taken.push([executed, interleaver.next(runnable, executed)]);
  }
  return taken;
}

const cores = (taken: readonly [number, number][]) => taken.map(([, core]) => core);

describe("PctInterleaver", () => {
  it("with depth 1 lets one core run, the same for the same seed, until its patience is at an end", () => {
    const first = Array.from({ length: 200 }, (_, seed) =>
      cores(turns(new PctInterleaver({ seed, depth: 1, steps: 500 }), 0b111, 500)),
    );
    for (const taken of first) expect(new Set(taken).size).toBe(1);
    const counts = [0, 1, 2].map((core) => first.filter(([chosen]) => chosen === core).length);
    for (const count of counts) expect(Math.abs(count - 67)).toBeLessThan(30);
    const impatient = turns(new PctInterleaver({ seed: 1, depth: 1, steps: 500, patience: 100 }), 0b111, 700);
    expect(impatient.map(([executed]) => executed)).toEqual([0, 100, 200, 300, 400, 500, 600]);
    expect(cores(impatient).slice(0, 3).sort()).toEqual([0, 1, 2]);
    expect(cores(impatient).slice(3, 6)).toEqual(cores(impatient).slice(0, 3));
  });

  it("with depth d changes whose turn it is d - 1 times at most, at moments all over the run", () => {
    const moments = new Set<number>();
    for (let seed = 0; seed < 300; seed++) {
      const taken = turns(new PctInterleaver({ seed, depth: 3, steps: 10 }), 0b11, 30);
      const changes = taken.filter(([, core], i) => i > 0 && taken[i - 1][1] !== core);
      expect(changes.length).toBeLessThanOrEqual(2);
      for (const [executed] of changes) moments.add(executed);
    }
    expect([...moments].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("finds a bug of depth 2 as often as it is said to: 1 / (n k) of the seeds at least", () => {
    // Core 1 must run as a whole between the 4th and the 5th of 8 instructions of core 0.
    const found = (seed: number) => {
      const interleaver = new PctInterleaver({ seed, depth: 2, steps: 16 });
      const done = [0, 0];
      for (let executed = 0; executed < 16; ) {
        const runnable = (done[0] < 8 ? 1 : 0) | (done[1] < 8 ? 2 : 0);
        const core = interleaver.next(runnable, executed);
        const count = Math.min(interleaver.quantum, 8 - done[core]);
        if (core === 1 && done[1] === 0 && done[0] === 4 && count === 8) return true;
        done[core] += count;
        executed += count;
      }
      return false;
    };
    const seeds = 4000;
    const hits = Array.from({ length: seeds }, (_, seed) => found(seed)).filter(Boolean).length;
    expect(hits).toBeGreaterThan((0.8 * seeds) / (2 * 16));
  });

  it("gives store buffers priorities of their own, and counts what reaches memory as a step", () => {
    const first = (seed: number) => new PctInterleaver({ seed, depth: 1, steps: 100 }).drain(0b11, 0b11, 0);
    const choices = Array.from({ length: 200 }, (_, seed) => first(seed));
    for (const choice of [-1, 0, 1]) expect(choices.filter((each) => each === choice).length).toBeGreaterThan(30);
    const changing = new PctInterleaver({ seed: choices.indexOf(0), depth: 2, steps: 1 });
    changing.drain(0b01, 0b10, 0);
    // The one change is over: that buffer comes last now.
    const before = changing.drain(0b11, 0b10, 0);
    expect([before, changing.next(0b11, 0)].includes(0) && before === 0).toBe(false);
  });

  it("is asked as soon as another core can run", () => {
    // Core 0 sleeps at first; with a higher priority it runs as soon as it wakes.
    const woken = (interleaver: PctInterleaver | RoundRobin) => {
      const machine = new Machine({ memoryBytes: 1 << 20, cpus: 3, interleaver });
      machine.load(Uint8Array.from([0x66, 0x40, 0xeb, 0xfc]), 0x1000);
      for (const core of machine.cores) {
        machine.setRegister("cs", 0, core.id);
        machine.setRegister("eip", 0x1000, core.id);
        core.halted = core.id === 0;
      }
      machine.clock.schedule(1234, () => {
        machine.cores[0].halted = false;
      });
      machine.run({ maxInstructions: 2000 });
      return machine.counters.instructions[0];
    };
    const seeds = Array.from({ length: 30 }, (_, seed) => woken(new PctInterleaver({ seed, depth: 1, steps: 2000 })));
    expect(new Set(seeds)).toEqual(new Set([0, 2000 - 1234]));
    expect(woken(new RoundRobin(2000))).toBe(0);
  });

  it("goes on from a snapshot as it would have, and makes another like itself", () => {
    const options = { seed: 5, depth: 4, steps: 3000, patience: 300 };
    const machine = (interleaver: PctInterleaver) => {
      const made = new Machine({ memoryBytes: 1 << 20, cpus: 3, interleaver });
      made.load(Uint8Array.from([0x66, 0x40, 0xeb, 0xfc]), 0x1000);
      for (const core of made.cores) {
        made.setRegister("cs", 0, core.id);
        made.setRegister("eip", 0x1000, core.id);
        core.halted = false;
      }
      return made;
    };
    const original = machine(new PctInterleaver(options));
    original.run({ maxInstructions: 1111 });
    const restored = Machine.restore(original.capture(), { interleaver: new PctInterleaver(options) });
    const forked = original.fork();
    const counts = [original, restored, forked].map((each) => {
      each.run({ maxInstructions: 2222 });
      return each.counters.instructions;
    });
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[2]).toEqual(counts[0]);
    expect(counts[0].filter((count) => count > 0).length).toBeGreaterThan(1);
  });

  it("refuses what is out of range", () => {
    const make = (options: object) => () => new PctInterleaver({ seed: 1, depth: 2, steps: 100, ...options });
    expect(make({ seed: 0.5 })).toThrow(/seed 0.5: expected a 32-bit integer/);
    expect(make({ depth: 0 })).toThrow(/depth 0: expected an integer from 1 to 64/);
    expect(make({ steps: 0 })).toThrow(/steps 0/);
    expect(make({ patience: 0.5 })).toThrow(/patience 0.5/);
  });
});
