import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { History, type Remembered } from "../../../debug/session/history.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { type Capture, Machine, RandomInterleaver } from "../../../emulator/index.ts";
import { smpGuest } from "../../emulator/smp/guest.ts";
import { bareSession, stateOf } from "./machines.ts";

const MIB = 1 << 20;
const PAGE = 4096;

/** A machine, of which `write` changes pages, and what it is like after so many instructions. */
function changing() {
  const machine = new Machine({ memoryBytes: 2 * MIB });
  let value = 0;
  return (instructions: number, ...pages: number[]): Remembered => {
    value = (value % 255) + 1;
    for (const page of pages) machine.writePhysical(page * PAGE, Uint8Array.of(value));
    const capture = { machine: machine.capture(), input_closed: false };
    return { cycle: instructions, instructions, cores: [instructions], capture, done: 0, onlyCore: null };
  };
}

/** Bytes of all captures together, each page that several share counted once. */
function taken(history: History): number {
  const pages = new Set<Uint8Array>();
  let bytes = 0;
  for (const { capture } of history.moments) {
    bytes += capture.machine.state.length;
    for (const page of contents(capture.machine)) pages.add(page);
  }
  return bytes + pages.size * PAGE;
}

function contents({ pages }: Capture): Uint8Array[] {
  return Array.from({ length: pages.length }, (_, index) => pages.page(index)).filter((page) => page !== null);
}

describe("a history", () => {
  it("takes what its captures take, whatever is added and forgotten", () => {
    const moment = fc.record({ at: fc.nat(1000), pages: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }) });
    fc.assert(
      fc.property(fc.array(moment, { minLength: 3, maxLength: 30 }), fc.nat(1000), (moments, later) => {
        const at = changing();
        const history = new History(64 * MIB);
        for (const { at: instructions, pages } of [...moments].sort((a, b) => a.at - b.at)) {
          history.add(at(instructions, ...pages));
        }
        expect(history.bytes).toBe(taken(history));
        history.forgetAfter(later);
        expect(history.bytes).toBe(taken(history));
        expect(history.moments.every(({ cycle }) => cycle <= later || cycle === history.moments[0].cycle)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("stays within its limit, dense near the present and sparse far from it", () => {
    const at = changing();
    const limit = 4 * MIB;
    const history = new History(limit);
    for (let i = 0; i < 400; i++) {
      history.add(at(i * 1000, 32 + (i % 100), 260 + (i % 7), 270, 280, 290));
      expect(history.bytes).toBeLessThanOrEqual(limit);
      if (i % 50 === 0) expect(history.bytes).toBe(taken(history));
    }
    expect(history.bytes).toBe(taken(history));
    expect(history.bytes).toBeGreaterThan(limit / 2);
    const places = history.moments.map(({ instructions }) => instructions / 1000);
    expect(places[0]).toBe(0);
    expect(places.slice(-6)).toEqual([394, 395, 396, 397, 398, 399]);
    for (const [index, place] of places.entries()) {
      const gap = (places[index + 1] ?? place) - place;
      expect(gap).toBeLessThanOrEqual(3 + (399 - place) * 0.4);
    }
  });

  it("finds the latest that is wanted, and keeps one a moment", () => {
    const at = changing();
    const history = new History(64 * MIB);
    for (const i of [0, 10, 30, 20, 30]) history.add(at(i));
    expect(history.moments.map(({ cycle }) => cycle)).toEqual([0, 10, 20, 30]);
    expect(history.findLast(({ instructions }) => instructions < 20)!.cycle).toBe(10);
    expect(history.findLast(() => false)).toBeUndefined();
  });

  it("keeps the first and the last, however little it may take", () => {
    const at = changing();
    const history = new History(1);
    for (let i = 0; i < 5; i++) history.add(at(i, 40 + i));
    expect(history.moments.map(({ cycle }) => cycle)).toEqual([0, 4]);
  });
});

/** Writes all over half a MiB, calls functions, and takes the timer's interrupts. */
const BUSY = `
	movl $0x80000, %edi
again:	imull $1103515245, %ebx, %ebx
	addl $12345, %ebx
	movl %ebx, %eax
	shrl $12, %eax
	andl $0x3fffc, %eax
	addl %ebx, 0x40000(%eax)
	call function
	jmp again
function:
	pushl %ebx
	incl %esi
	popl %ebx
	ret
`;

describe("a session", () => {
  it("is anywhere in a long run as a machine that has just run there, with much memory or little", async () => {
    const length = 1_200_000;
    const states = new Map<number, string>();
    const stateAt = async (position: number) => {
      if (!states.has(position)) {
        const fresh = bareSession(BUSY);
        await fresh.continue({ maxInstructions: position });
        states.set(position, stateOf(fresh));
      }
      return states.get(position)!;
    };
    for (const historyBytes of [64 * MIB, 2 * MIB, 1]) {
      const session = bareSession(BUSY, historyBytes);
      await session.continue({ maxInstructions: length });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom("goto", "back", "on"), fc.nat(length)), { minLength: 3, maxLength: 5 }),
          async (moves) => {
            for (const [move, n] of moves) {
              if (move === "goto") await session.goto(n);
              else if (move === "back") await session.reverseStep(1 + (n % 40));
              else await session.step(n % 9000);
            }
            expect(stateOf(session)).toBe(await stateAt(session.position));
          },
        ),
        { numRuns: 3 },
      );
      if (historyBytes > MIB) expect(session.historyBytes).toBeLessThanOrEqual(historyBytes);
    }
  });

  it("goes back without running again from the reset, and a little more in next to no time", async () => {
    const session = bareSession(BUSY);
    await session.continue({ maxInstructions: 4_000_000 });
    const executed = countExecuted(session);
    await session.reverseStep();
    expect(executed()).toBeLessThan(1_000_000);
    for (let i = 0; i < 50; i++) await session.reverseStep();
    expect(session.position).toBe(4_000_000 - 51);
    expect(executed()).toBeLessThan(50 * 10_000);
    await session.goto(1_234_567);
    expect(executed()).toBeLessThan(1_000_000);
    await session.reverseStep(500);
    expect(executed()).toBeLessThan(20_000);
  });

  it("leaves captures while it goes on from the past", async () => {
    const session = bareSession(BUSY, 6 * MIB);
    await session.continue({ maxInstructions: 8_000_000 });
    await session.goto(10_000);
    await session.continue({ maxInstructions: 2_000_000 });
    const executed = countExecuted(session);
    await session.goto(1_900_000);
    expect(executed()).toBeLessThan(1_200_000);
  });

  it("forgets the captures of a future that input has ended", async () => {
    const session = bareSession("again: incl %eax\n movl counter, %ebx\n jmp again\ncounter: .long 0\n");
    await session.continue({ maxInstructions: 2_000_000 });
    await session.goto(1000);
    session.writePhysical(0x10100, Uint8Array.of(1));
    session.setRegister("eax", 5_000_000);
    await session.continue({ maxInstructions: 2_000_000 });
    // Three instructions add one: none of this is what it was where the first run left a capture.
    for (let gone = 1_980_000; gone > 0; gone -= 60_000) {
      await session.goto(1000 + gone);
      expect(session.registers().eax).toBe(5_000_000 + gone / 3);
    }
    await session.goto(1001);
    expect(session.readPhysical(0x10100, 1)).toEqual(Uint8Array.of(1));
  });

  it("does again what was done at the reset, and at the moment of a capture", async () => {
    const session = bareSession("again: incl %eax\n jmp again\n");
    session.setRegister("eax", 100);
    await session.continue({ maxInstructions: 1_000_000 });
    await session.goto(500_001);
    session.setRegister("eax", 7);
    await session.goto(900_001);
    const { eax } = session.registers();
    await session.goto(500_001);
    expect(session.registers().eax).toBe(7);
    await session.goto(900_001);
    expect(session.registers().eax).toBe(eax);
    await session.goto(3);
    expect(session.registers().eax).toBe(101);
    await session.goto(0);
    expect(session.registers().eax).toBe(100);
  });

  it("goes back on several cores", async () => {
    const make = () =>
      smpGuest(
        `boot:	movl $2, %eax
	call start_others
work:	incl counter
	addl $3, counter
	incl %esi
	jmp work
.data
counter: .long 0
`,
        { cpus: 3, interleaver: new RandomInterleaver(11, 7) },
      ).machine;
    const session = DebugSession.forMachine(make);
    await session.continue({ maxInstructions: 1_500_000 });
    const end = stateOf(session);
    for (const core of [0, 1, 2]) {
      session.core = core;
      const own = session.machine.counters.instructions[core];
      for (let i = 1; i <= 6; i++) {
        await session.reverseStep();
        expect(session.machine.counters.instructions[core]).toBe(own - i);
      }
      const back = stateOf(session);
      await session.goto(700_000 + core);
      await session.goto(session.position + 100);
      await session.goto(1_500_000);
      await session.reverseStep(6);
      expect(stateOf(session)).toBe(back);
      await session.goto(1_500_000);
      expect(stateOf(session)).toBe(end);
    }
  });

  it("runs a machine whose clock its host uses again from its reset", async () => {
    const make = () => {
      const machine = new Machine({ memoryBytes: MIB });
      machine.loadRom(Uint8Array.of(0xeb, 0xfe, ...new Uint8Array(14).fill(0xff)), 0xfffffff0);
      const tick = () => {
        machine.writePhysical(0x1000, Uint8Array.of(machine.readPhysical(0x1000, 1)[0] + 1));
        machine.clock.schedule(machine.cycles + 1000, tick);
      };
      machine.clock.schedule(1000, tick);
      return machine;
    };
    const session = DebugSession.forMachine(make);
    await session.continue({ maxInstructions: 20_500 });
    await session.reverseStep(10_000);
    expect(session.readPhysical(0x1000, 1)).toEqual(Uint8Array.of(10));
  });
});

/** How many instructions the machine has executed since the last question, repeated ones too. */
function countExecuted(session: DebugSession): () => number {
  const { machine } = session;
  let sum = 0;
  const run = machine.run.bind(machine);
  machine.run = (limits) => {
    const before = machine.instructions;
    const stop = run(limits);
    sum += machine.instructions - before;
    return stop;
  };
  return () => {
    const executed = sum;
    sum = 0;
    return executed;
  };
}
