import { describe, expect, it } from "vitest";
import { assemble, flatBinary, type LinkedImage, link } from "../../../../asm/index.ts";
import { Machine } from "../../../../emulator/index.ts";
import { Random } from "../host-cpu/random.ts";
import { difference } from "./lock-step.ts";
import { CODE, prepare, RAM } from "./program.ts";
import { expectSameOnTwoCores } from "./two-cores.ts";

/** Times as many random programs as usual. */
const FUZZ = Number(process.env.ESP0_FUZZ ?? 1);

interface Guest {
  readonly machine: Machine;
  readonly image: LinkedImage;
}

/** A machine in flat 32-bit code at CODE. */
function guest(source: string, tier: "on" | "off" = "on"): Guest {
  const image = link([assemble(`.globl _start\n_start: ${source}`, { file: "test.S" })], {
    textAddress: CODE,
    pageSize: 1,
  });
  const machine = new Machine({ memoryBytes: RAM, tier, tierThreshold: 10 });
  prepare(machine, new Uint8Array(1), new Random(1));
  machine.cores[0].setEflags(2);
  machine.cores[0].cr0 |= 0x80000000;
  machine.load(flatBinary(image), CODE);
  return { machine, image };
}

function compiled(machine: Machine): number {
  return machine.tierStatistics[0]!.instructions;
}

/** Calls a function in another page now and then. */
const CALLS = `
1:	movl $100, %ecx
2:	addl %ecx, %ebx
	decl %ecx
	jnz 2b
	call far
	jmp 1b
.org 0x1800
far:	incl %edx
	ret
`;
/** Instructions of a turn of it. */
const TURN = 305;

describe("with breakpoints of the host, the compiled tier", () => {
  it("runs the pages that have none, and stops in those that have one, each time", () => {
    const { machine, image } = guest(CALLS);
    const far = image.symbol("far");
    machine.setBreakpoints([far]);
    machine.run();
    for (let turn = 1; turn < 200; turn++) {
      const before = machine.instructions;
      expect(machine.run()).toEqual({ kind: "breakpoint", core: 0, linear: far });
      expect(machine.instructions - before).toBe(TURN);
    }
    expect(compiled(machine)).toBeGreaterThan(0.9 * 200 * (TURN - 3));
  });

  it("leaves what it had compiled when a page gets one, and takes it up again when that is gone", () => {
    const { machine, image } = guest(CALLS);
    const far = image.symbol("far");
    machine.step(100 * TURN);
    const { regions } = machine.tierStatistics[0]!;
    const reached: number[] = [];
    machine.setBreakpoints([far + 1], () => reached.push(machine.getRegister("edx")) < 0);
    machine.step(3 * TURN);
    expect(reached).toHaveLength(3);
    machine.setBreakpoints([]);
    machine.step(100 * TURN);
    const before = compiled(machine);
    machine.step(100 * TURN);
    expect(compiled(machine) - before).toBeGreaterThan(99 * TURN);
    expect(machine.tierStatistics[0]).toMatchObject({ regions, dropped: 0 });
  });

  it("goes by linear addresses where a page is mapped at two", () => {
    // The page of the code is at 0x40000 too: every other turn runs there, by an indirect jump.
    const { machine, image } = guest(`
1:	movl $100, %ecx
2:	addl %ecx, %ebx
	decl %ecx
	jnz 2b
	movl $1b, %eax
	xorl $0x50000, %esi
	xorl %esi, %eax
	jmp *%eax`);
    const alias = 0x40000;
    machine.setRegister("esi", 0);
    machine.step(100 * TURN);
    for (const base of [CODE, alias]) {
      const address = base + image.symbol("_start") - CODE;
      const eips: number[] = [];
      machine.setBreakpoints([address], (core) => eips.push(core.eip) < 0);
      const before = compiled(machine);
      machine.step(200 * TURN);
      expect(new Set(eips)).toEqual(new Set([address]));
      expect(eips.length).toBeGreaterThan(98);
      expect(eips.length).toBeLessThan(102);
      expect(compiled(machine) - before).toBeGreaterThan(90 * TURN);
      expect(compiled(machine) - before).toBeLessThan(110 * TURN);
    }
  });

  it.each([
    ["a step", "1: incl %eax; outb %al, $0xe9; after: cli; incl %ecx; jmp 1b"],
    ["an interlude", "1: incl %eax; incl %fs:0x20000; after: incl %edx; incl %ecx; jmp 1b"],
  ])("heeds those that %s sets in its own page, and behind itself", (_, source) => {
    const stops = (tier: "on" | "off") => {
      const { machine, image } = guest(source, tier);
      const after = image.symbol("after");
      let times = 0;
      const seen: number[] = [];
      const happens = () => {
        if (++times % 100 !== 0) return false;
        machine.setBreakpoints([after], () => {
          seen.push(machine.instructions);
          machine.setBreakpoints([]);
          return false;
        });
        return false;
      };
      machine.onDebugOutput = happens;
      machine.setWatchpoints([{ space: "linear", address: 0x20000, length: 4 }], happens);
      machine.step(5000);
      return { seen, machine };
    };
    const [on, off] = [stops("on"), stops("off")];
    expect(on.seen).toEqual(off.seen);
    expect(on.seen.length).toBeGreaterThan(5);
    expect(difference(on.machine, off.machine)).toBe(null);
    expect(compiled(on.machine)).toBeGreaterThan(500);
  });

  it("runs random programs on two cores as the interpreter does", () => {
    expectSameOnTwoCores(6 * FUZZ, true);
  });
});
