import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import {
  type Interleaver,
  Machine,
  type MachineOptions,
  PctInterleaver,
  RandomInterleaver,
  RoundRobin,
  ScriptedInterleaver,
} from "../../../emulator/index.ts";
import { Random } from "../cpu/host-cpu/random.ts";
import { lockStep } from "../cpu/tier/lock-step.ts";
import { RAM } from "../cpu/tier/program.ts";

const CODE = 0x1000;

/** Each core executes flat 32-bit code of its own, in a page of its own. */
function load(machine: Machine, sources: readonly string[]): void {
  for (const core of machine.cores) {
    const at = CODE + (core.id << 12);
    machine.load(assembleBinary(sources[core.id], { file: "test.S", origin: at }), at);
    machine.setRegister("cr0", 0x11, core.id);
    core.setSegment(1, 8, 0, -1, 0xc09b);
    for (const segment of [0, 2, 3, 4, 5]) core.setSegment(segment, 16, 0, -1, 0xc093);
    machine.setRegister("eip", at, core.id);
    core.r.fill(0, 0, 4);
    core.halted = false;
  }
}

function machineWith(sources: readonly string[], options: MachineOptions = {}): Machine {
  const machine = new Machine({ memoryBytes: RAM, cpus: sources.length, ...options });
  load(machine, sources);
  return machine;
}

const BUSY = "1: incl %eax; jmp 1b";
const PAUSING = "1: incl %eax; pause; jmp 1b";
/** Hands a number to the other core, and waits for the next one, by turns. */
const handing = (mine: number) => `
1: pause; movl 0x8000, %ecx; andl $1, %ecx; cmpl $${mine}, %ecx; jne 1b
incl %eax; incl 0x8000; jmp 1b`;

/** Instructions of each core. */
const executed = (sources: readonly string[], interleaver: Interleaver, maxInstructions: number) => {
  const machine = machineWith(sources, { interleaver });
  machine.run({ maxInstructions });
  return machine.counters.instructions;
};

describe("PAUSE", () => {
  it("ends the turn of the core that executes it, under a round robin", () => {
    // Two instructions and a whole turn, then three and a whole turn each time.
    expect(executed([PAUSING, BUSY], new RoundRobin(50), 2 + 50 + 3 * (3 + 50))).toEqual([11, 200]);
  });

  it("ends nothing while no other core can run", () => {
    const machine = machineWith([PAUSING, BUSY]);
    machine.cores[1].halted = true;
    machine.clock.schedule(31, () => {
      machine.cores[1].halted = false;
    });
    machine.run({ maxInstructions: 31 + 100 + 2 });
    // The first turn of all is core 0's, up to the PAUSE that it has come to.
    expect(machine.counters.instructions).toEqual([31 + 1 + 1, 100]);
  });

  it("is F3 90 and nothing else", () => {
    const turns = (bytes: string) =>
      executed([`1: incl %eax; ${bytes}; jmp 1b`, BUSY], new RoundRobin(60), 120).join(" ");
    expect(turns(".byte 0xf3, 0x90")).toBe("5 115");
    expect(turns(".byte 0x66, 0xf3, 0x90")).toBe("5 115");
    for (const other of [".byte 0x90", ".byte 0xf2, 0x90", ".byte 0xf3, 0x0f, 0x1f, 0xc0", ".byte 0xf3, 0x91"])
      expect(turns(other)).toBe("60 60");
  });

  it("is like any other instruction to who decides otherwise", () => {
    const NOPS = PAUSING.replace("pause", "nop");
    const script = () => Array.from({ length: 40 }, (_, n) => ({ core: n % 2, instructions: 20 + n }));
    for (const make of [
      () => new RandomInterleaver(3),
      () => new PctInterleaver({ seed: 5, depth: 4, steps: 800 }),
      () => new ScriptedInterleaver(script()),
    ]) {
      expect(executed([PAUSING, PAUSING], make(), 1000)).toEqual(executed([NOPS, NOPS], make(), 1000));
    }
  });

  it("ends turns again behind the end of a script, when those are a round robin's", () => {
    const script = new ScriptedInterleaver([{ core: 0, instructions: 30 }], new RoundRobin(50));
    expect(executed([PAUSING, BUSY], script, 30 + 2 + 50 + 3 + 50)).toEqual([35, 100]);
  });

  it("makes the same run wherever it is stopped, saved and gone on with", () => {
    const make = () => machineWith([handing(0), handing(1)], { interleaver: new RoundRobin(23) });
    const after = (machine: Machine) => {
      machine.run({ untilCycle: 700 });
      return [machine.counters.instructions, machine.cores.map((core) => [...core.r.slice(0, 10)]), machine.cycles];
    };
    const expected = after(make());
    const stepped = make();
    while (stepped.cycles < 700) stepped.step();
    expect(after(stepped)).toEqual(expected);
    for (let cycle = 0; cycle < 60; cycle++) {
      const machine = make();
      machine.run({ untilCycle: cycle });
      const restored = make();
      restored.restore(machine.save());
      expect(after(restored)).toEqual(expected);
    }
  });

  it("is the same in compiled code, which goes on when there is nobody to wait for", () => {
    const sources = [handing(0), handing(1)];
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM, cpus: 2, interleaver: new RoundRobin(700) }),
      (machine) => load(machine, sources),
      new Random(1),
      { instructions: 60_000, slice: 997 },
    );
    expect(difference).toBe(null);
    expect(compiled.getRegister("eax")).toBeGreaterThan(3000);
    const alone = machineWith([PAUSING], { tierThreshold: 10 });
    alone.run({ maxInstructions: 3000 });
    const { instructions, entered } = alone.tierStatistics[0]!;
    alone.run({ maxInstructions: 30_000 });
    expect(alone.tierStatistics[0]!.instructions - instructions).toBe(30_000);
    expect(alone.tierStatistics[0]!.entered - entered).toBe(1);
  });
});
