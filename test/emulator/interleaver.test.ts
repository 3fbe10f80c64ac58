import { describe, expect, it } from "vitest";
import { type Interleaver, Machine, RandomInterleaver, RoundRobin, ScriptedInterleaver } from "../../emulator/index.ts";

const INC_EAX_FOREVER = [0x66, 0x40, 0xeb, 0xfc];

/** Every core increments EAX in a loop of two instructions. */
function allBusy(cpus: number, interleaver?: Interleaver) {
  const machine = new Machine({ memoryBytes: 1 << 20, cpus, ...(interleaver === undefined ? {} : { interleaver }) });
  machine.load(Uint8Array.from(INC_EAX_FOREVER), 0x1000);
  for (const core of machine.cores) {
    machine.setRegister("cs", 0, core.id);
    machine.setRegister("eip", 0x1000, core.id);
    machine.setRegister("eax", 0, core.id);
    core.halted = false;
  }
  return machine;
}

describe("RoundRobin", () => {
  it("gives each runnable core its turn, by number, and starts again", () => {
    const robin = new RoundRobin();
    const turns = (runnable: number) => [1, 2, 3, 4, 5].map(() => robin.next(runnable));
    expect(turns(0b1011)).toEqual([0, 1, 3, 0, 1]);
    expect(turns(0b0100)).toEqual([2, 2, 2, 2, 2]);
    expect(turns(0b11111111)).toEqual([3, 4, 5, 6, 7]);
    expect(turns(0b10000001)).toEqual([0, 7, 0, 7, 0]);
  });

  it("refuses a turn of no length", () => {
    for (const quantum of [0, -1, 2.5, Number.NaN]) expect(() => new RoundRobin(quantum)).toThrow(/quantum/);
  });
});

describe("RandomInterleaver", () => {
  const turns = (interleaver: RandomInterleaver, runnable: number, count = 200) =>
    Array.from({ length: count }, () => [interleaver.next(runnable), interleaver.quantum] as const);

  it("chooses among the runnable cores, each about as often, for 1 to the maximum of instructions", () => {
    const chosen = turns(new RandomInterleaver(7, 5), 0b10110001, 2000);
    const counts = [0, 4, 5, 7].map((core) => chosen.filter(([name]) => name === core).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(2000);
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(100);
    for (let quantum = 1; quantum <= 5; quantum++) {
      expect(Math.abs(chosen.filter(([, length]) => length === quantum).length - 400)).toBeLessThan(100);
    }
    expect(chosen.every(([, quantum]) => quantum >= 1 && quantum <= 5)).toBe(true);
  });

  it("chooses the same for the same seed, and something else for another", () => {
    expect(turns(new RandomInterleaver(1), 0xff)).toEqual(turns(new RandomInterleaver(1), 0xff));
    expect(turns(new RandomInterleaver(1), 0xff)).not.toEqual(turns(new RandomInterleaver(2), 0xff));
  });

  it("refuses seeds and maxima that are none", () => {
    for (const seed of [0.5, 2 ** 32, Number.NaN]) expect(() => new RandomInterleaver(seed)).toThrow(/seed .* 32-bit/);
    for (const maximum of [0, 1.5]) expect(() => new RandomInterleaver(1, maximum)).toThrow(/maximum/);
  });
});

describe("ScriptedInterleaver", () => {
  it("follows its script, passes over cores that cannot run, and then asks another", () => {
    const script = [
      { core: 1, instructions: 3 },
      { core: 5, instructions: 9 },
      { core: 0, instructions: 1 },
    ];
    const interleaver = new ScriptedInterleaver(script, new RoundRobin(70));
    const turns = Array.from({ length: 4 }, () => [interleaver.next(0b111), interleaver.quantum]);
    expect(turns).toEqual([
      [1, 3],
      [0, 1],
      [0, 70],
      [1, 70],
    ]);
  });

  it("drives a machine", () => {
    const turns = [
      { core: 2, instructions: 8 },
      { core: 0, instructions: 2 },
      { core: 2, instructions: 4 },
      { core: 1, instructions: 6 },
    ];
    const machine = allBusy(3, new ScriptedInterleaver(turns));
    machine.run({ maxInstructions: 20 });
    expect(machine.counters.instructions).toEqual([2, 6, 12]);
  });

  it("refuses turns that are none", () => {
    expect(() => new ScriptedInterleaver([{ core: -1, instructions: 1 }])).toThrow(/no core has number -1/);
    expect(() => new ScriptedInterleaver([{ core: 0, instructions: 0 }])).toThrow(/turn 0/);
  });
});

describe("a machine with several busy cores", () => {
  it("runs them in equal turns, on one clock", () => {
    const machine = allBusy(4);
    machine.run({ maxInstructions: 4000 });
    expect(machine.counters.instructions).toEqual([1000, 1000, 1000, 1000]);
    expect(machine.cores.map((core) => machine.getRegister("eax", core.id))).toEqual([500, 500, 500, 500]);
    expect(machine.cycles).toBe(4000);
  });

  it("runs them as the interleaver says", () => {
    const order: number[] = [];
    const machine = allBusy(2, {
      get quantum() {
        return order.at(-1) === 0 ? 6 : 2;
      },
      next(runnable) {
        expect(runnable).toBe(0b11);
        order.push(order.length % 2);
        return order.at(-1)!;
      },
    });
    machine.run({ maxInstructions: 80 });
    expect(machine.counters.instructions).toEqual([60, 20]);
  });

  it("does not let events or the ends of runs change whose turn it is", () => {
    const machine = allBusy(2);
    const seen: number[][] = [];
    for (const at of [37, 150, 160]) {
      machine.clock.schedule(at, () => seen.push([machine.cycles, ...machine.counters.instructions]));
    }
    machine.run({ maxInstructions: 120 });
    while (machine.cycles < 250) machine.step();
    expect(seen).toEqual([
      [37, 37, 0],
      [150, 100, 50],
      [160, 100, 60],
    ]);
    expect(machine.counters.instructions).toEqual([150, 100]);
  });

  it("asks again as soon as a second core can run", () => {
    const machine = allBusy(2);
    machine.cores[1].halted = true;
    machine.clock.schedule(1234, () => {
      machine.cores[1].halted = false;
    });
    machine.run({ maxInstructions: 1400 });
    expect(machine.counters.instructions).toEqual([1234 + 100, 66]);
  });

  it("notices in that instruction that a core unmasks another one's interrupt", () => {
    const machine = allBusy(2);
    const [first, second] = machine.cores;
    machine.load(Uint8Array.of(0xf4, 0x90), 0x3000);
    machine.load(Uint8Array.of(0xb0, 0xfe, 0xe6, 0x21, 0xeb, 0xfe), 0x3100);
    machine.load(Uint8Array.of(0x00, 0x30, 0x00, 0x00), 0x20 * 4);
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 0x04],
      [0x21, 0x01],
      [0x21, 0xff],
    ] as const) {
      machine.ports.write8(port, value);
    }
    machine.setRegister("eip", 0x3000, 0);
    machine.setRegister("esp", 0x8000, 0);
    machine.setRegister("eflags", 0x202, 0);
    machine.setRegister("eip", 0x3100, 1);
    machine.pic.raise(0);
    let woken = -1;
    first.onInterrupt = () => {
      woken = machine.cycles;
    };
    second.halted = false;
    machine.run({ maxInstructions: 1000 });
    // HLT, MOV and OUT; then there are two to choose from, it is core 1's turn, and delivery takes a cycle.
    expect(woken).toBe(3 + 100 + 1);
  });

  it("refuses an interleaver that chooses a core that cannot run", () => {
    const machine = allBusy(2, { quantum: 5, next: () => 2 });
    expect(() => machine.run({ maxInstructions: 10 })).toThrow(/chose core 2 for 5 instructions.*0b11/);
  });
});
