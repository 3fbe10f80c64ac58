import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../../../asm/index.ts";
import { bootMultiboot } from "../../../../boot/index.ts";
import { Machine, RoundRobin } from "../../../../emulator/index.ts";
import { buildGuest } from "../../guest-program.ts";
import { Random } from "../host-cpu/random.ts";
import { difference, lockStep, memoryDifference } from "./lock-step.ts";
import { CODE, prepare, program, RAM } from "./program.ts";
import { expectSameOnTwoCores } from "./two-cores.ts";

/** Times as many random programs as usual. */
const FUZZ = Number(process.env.ESP0_FUZZ ?? 1);

/** A machine in flat 32-bit code at CODE, with paging as in program.ts. */
function machineWith(source: string, tierThreshold = 10): Machine {
  const machine = new Machine({ memoryBytes: RAM, tier: "on", tierThreshold });
  prepare(machine, new Uint8Array(1), new Random(1));
  machine.load(assembleBinary(source, { file: "test.S", origin: CODE }), CODE);
  return machine;
}

function statistics(machine: Machine) {
  return machine.tierStatistics[0]!;
}

describe("the compiled tier", () => {
  it("compiles what has run as often as its threshold says, and nothing else", () => {
    const loop = "1: incl %eax; jmp 1b";
    const machine = machineWith(loop, 100);
    machine.step(2 * 99);
    expect(machine.tierStatistics).toEqual([null]);
    machine.step(2 + 100_000);
    expect(statistics(machine)).toMatchObject({ regions: 1, compiled: 1, dropped: 0, instructions: 100_000 });
    expect(machine.getRegister("eax")).toBe((2 * 100 + 100_000) / 2);
    const off = new Machine({ memoryBytes: RAM, tier: "off", tierThreshold: 0 });
    prepare(off, assembleBinary(loop, { file: "test.S", origin: CODE }), new Random(1));
    off.step(100_000);
    expect(off.tierStatistics).toEqual([null]);
  });

  it("refuses a threshold that is no number of times", () => {
    for (const tierThreshold of [-1, 0.5, 2 ** 30, Number.NaN]) {
      expect(() => new Machine({ tierThreshold })).toThrow(RangeError);
    }
  });

  it("stays in compiled code over calls, returns and jumps to other pages, direct and indirect", () => {
    const machine = machineWith(`
      movl $far, %ebx
      1: call near
      call far
      call *%ebx
      jmp 3f
      near: incl %eax; ret
      .fill 5000, 1, 0x90
      3: jmp 1b
      far: incl %ecx; ret`);
    machine.step(2000);
    const { instructions, entered } = statistics(machine);
    machine.step(100_000);
    expect(statistics(machine).instructions - instructions).toBeGreaterThan(99_000);
    expect(statistics(machine).entered - entered).toBeLessThan(10);
    expect(machine.getRegister("ecx")).toBeGreaterThanOrEqual(2 * machine.getRegister("eax") - 2);
  });

  it("takes a recursion without end as it comes", () => {
    const machine = machineWith("1: incl %eax; call 1b; decl %ecx; ret", 5);
    machine.step(300);
    expect(machine.getRegister("eax")).toBe(150);
    expect(statistics(machine).instructions).toBeGreaterThan(250);
  });

  it("runs repeated string instructions and x87 ones without leaving", () => {
    const machine = machineWith(`
      1: movl $0x20000, %edi; movl $64, %ecx; rep stosl
      fninit; fld1; fadd %st, %st
      incl %edx; jmp 1b`);
    machine.step(2000);
    const { entered } = statistics(machine);
    machine.step(100_000);
    expect(statistics(machine).entered - entered).toBeLessThan(3);
  });

  it.each([
    [1, 6],
    [5, 11],
  ])(
    "compiles a loop of %i parts once for all cores, and hardly interprets it, however turns cut it",
    (parts, most) => {
      const machine = new Machine({ memoryBytes: RAM, cpus: 2, interleaver: new RoundRobin(3001), tierThreshold: 20 });
      const part = "incl %eax; addl %eax, %ebx; jnc 2f; incl %ecx; 2: xorl %edx, %ebx; roll $3, %ebx;";
      const source = `1: ${part.repeat(parts)} call 3f; jmp 1b; 3: ${part} ret`;
      prepare(machine, new Uint8Array(1), new Random(1));
      machine.load(assembleBinary(source, { file: "test.S", origin: CODE }), CODE);
      machine.step(500_000);
      const before = machine.tierStatistics.map((tier) => tier!.instructions);
      machine.step(1_000_000);
      expect(machine.tierStatistics.reduce((sum, tier) => sum + tier!.compiled, 0)).toBeLessThanOrEqual(most);
      machine.tierStatistics.forEach((tier, core) => {
        expect(tier!.entered).toBeGreaterThan(100);
        expect(tier!.instructions - before[core]).toBeGreaterThan(0.98 * 500_000);
      });
    },
  );

  it("goes on behind system calls, and behind page faults that are repaired", () => {
    // The null call of program.ts loads DS and ES; the other takes away the page that is written to.
    for (const [source, perTurn] of [
      ["1: incl %ecx; int $0x42; jmp 1b", 0],
      ["1: incl %ecx; movl %ecx, 0x28000; int $0x41; jmp 1b", 2],
    ] as const) {
      const machine = machineWith(source);
      const [core] = machine.cores;
      core.cr0 |= 0x80000000;
      core.setEflags(2);
      machine.step(5000);
      const { instructions, entered } = statistics(machine);
      const turns = machine.getRegister("ecx");
      machine.step(50_000);
      const more = machine.getRegister("ecx") - turns;
      expect(more).toBeGreaterThan(1500);
      expect(statistics(machine).instructions - instructions).toBeGreaterThan(45_000);
      // A return to where there was a fault sets RF, which the interpreter attends to.
      expect((statistics(machine).entered - entered) / more).toBeLessThan(perTurn + 0.01);
    }
  });

  it("drops what is written to, and compiles it again after a while", () => {
    // The loop counts in the immediate operand of its own first instruction.
    const machine = machineWith(`
      1: addl $1, %eax
      cmpl $300, %ecx
      jae 2f
      incl %ecx
      xorb $2, 1b+2
      2: jmp 1b`);
    machine.step(10_000);
    expect(statistics(machine)).toMatchObject({ regions: 0, compiled: 1, dropped: 1 });
    machine.step(1_000_000);
    expect(statistics(machine).regions).toBeGreaterThan(0);
    expect(statistics(machine).compiled).toBeLessThan(10);
    expect(machine.getRegister("ecx")).toBe(300);
  });

  it("leaves code alone whose page it shares with data that changes", () => {
    const machine = machineWith("1: incl counter; incl %eax; jmp 1b; .align 16; counter: .long 0");
    machine.step(90_000);
    expect(statistics(machine)).toMatchObject({ compiled: 1, dropped: 0 });
    const address = CODE + 16;
    expect(machine.memory.read32(address)).toBe(machine.getRegister("eax"));
  });

  it("leaves alone what runs in device memory, of which nobody tells when it changes", () => {
    const machine = machineWith("nop", 0);
    const device = 0x200000;
    // INC EAX, later DEC EAX; JMP.
    const code = [0x40, 0xeb, 0xfd];
    const read = (address: number) => code[address - device] ?? 0xff;
    const write = () => {};
    const handler = { read8: read, read16: read, read32: read, write8: write, write16: write, write32: write };
    machine.memory.mapMmio(device, 0x1000, handler);
    const core = machine.cores[0];
    core.cr0 &= 0x7fffffff;
    core.eip = device;
    machine.step(1000);
    code[0] = 0x48;
    machine.step(400);
    expect(machine.getRegister("eax")).toBe(300);
    expect(machine.tierStatistics).toEqual([null]);
  });

  it("goes on equal from a snapshot taken in compiled code, without the tier and with it", () => {
    for (let seed = 0; seed < 4 * FUZZ; seed++) {
      const random = new Random(seed);
      const bytes = program(random);
      const machine = new Machine({ memoryBytes: RAM, tier: "on", tierThreshold: 2 });
      prepare(machine, bytes, random);
      for (let i = 0; i < 4; i++) {
        machine.step(random.between(500, 2000));
        const capture = machine.capture();
        const copies = (["off", "on"] as const).map((tier) => Machine.restore(capture, { tier, tierThreshold: 1 }));
        machine.step(1000);
        for (const copy of copies) {
          copy.step(1000);
          expect([difference(machine, copy), memoryDifference(machine, copy)]).toEqual([null, -1]);
        }
      }
    }
  });

  it("lets the host watch memory, and stop where it likes", () => {
    const events = (tier: "on" | "off") => {
      const machine = new Machine({ memoryBytes: RAM, tier, tierThreshold: 5 });
      prepare(machine, assembleBinary("1: incl 0x20010; jmp 1b", { file: "test.S", origin: CODE }), new Random(1));
      machine.step(1000);
      const seen: number[] = [];
      machine.setWatchpoints([{ space: "linear", address: 0x20010, length: 4 }], () => {
        seen.push(machine.cycles);
        return false;
      });
      machine.step(20);
      machine.setBreakpoints([CODE], () => {
        seen.push(machine.cycles);
        return seen.length > 50;
      });
      machine.run();
      return seen;
    };
    expect(events("on")).toEqual(events("off"));
    expect(events("on").length).toBeGreaterThan(50);
  });
});

describe("in lock-step with the interpreter", () => {
  it.each(["paging", "exceptions", "atomic", "privilege", "virtual-8086", "segmentation", "alignment", "debug"])(
    "the guest program %s is the same after every slice",
    (name) => {
      const elf = buildGuest(name);
      const { difference } = lockStep(
        () => ({ memoryBytes: 2 << 20, cpuHz: 1_000_000 }),
        (machine) => bootMultiboot(machine, { kernel: elf }),
        new Random(1),
        { instructions: 200_000 * FUZZ, slice: 20_000, threshold: 2 },
      );
      expect(difference).toBe(null);
    },
  );

  it("random programs on two cores, which get in each other's way", () => {
    expectSameOnTwoCores(6 * FUZZ, false);
  });

  it("code that one of two cores changes while both run it", () => {
    const source = "1: incl %eax; 2: addl $1, %ebx; testl $0xfff, %eax; jnz 1b; incb 2b+2; jmp 1b";
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM, cpus: 2, interleaver: new RoundRobin(700) }),
      (machine) => {
        prepare(machine, assembleBinary(source, { file: "test.S", origin: CODE }), new Random(1));
        for (const core of machine.cores) core.r.fill(0, 0, 4);
        machine.setRegister("eax", 0x800, 1);
      },
      new Random(1),
      { instructions: 1_000_000, slice: 20_000 },
    );
    expect(difference).toBe(null);
    expect(compiled.tierStatistics.reduce((sum, tier) => sum + tier!.dropped, 0)).toBeGreaterThan(2);
    for (const tier of compiled.tierStatistics) expect(tier!.instructions).toBeGreaterThan(10_000);
  });

  it("page faults of each access of an instruction, and of those that are several accesses", () => {
    const ring3 = [1, 2, 3, 4, 5, 6].find((seed) => {
      const machine = new Machine({ memoryBytes: RAM, tier: "off" });
      prepare(machine, new Uint8Array(1), new Random(seed));
      return machine.cores[0].cpl === 3;
    })!;
    // Of the two pages at 0x28000 that INT 0x41 takes away, the second is not missing but read-only.
    const bodies = [
      "movl $0x28020, %esp; pushal",
      "movl $0x29010, %esp; pushal; pushl 0x28ffe",
      "movl $0x29800, %esp; pushl 0x28800; popl 0x28804",
      "movl $0x28800, %esi; movl $0x29800, %edi; movsl; cmpsb",
      "movl $0x28ff0, %ebp; leave; movl $0x28800, %esp; addl %eax, 0x28ffe; call 2f; 2:",
    ];
    for (const body of bodies) {
      const bytes = assembleBinary(`1: ${body}\n int $0x41; incl %ecx; jmp 1b`, { file: "test.S", origin: CODE });
      const { difference, compiled } = lockStep(
        () => ({ memoryBytes: RAM }),
        (machine) => {
          prepare(machine, bytes, new Random(ring3));
          machine.cores[0].cr0 |= 0x80000000;
        },
        new Random(1),
        { instructions: 20_000, slice: 400 },
      );
      expect(`${body}: ${difference}`).toBe(`${body}: null`);
      expect([body, compiled.getRegister("ecx") > 200]).toEqual([body, true]);
    }
  });

  it("stores to a ROM, for which the TLB never has an entry that lets them through", () => {
    const source = "1: movl %ecx, 0xe0000; incl %ecx; jmp 1b";
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM }),
      (machine) => {
        prepare(machine, assembleBinary(source, { file: "test.S", origin: CODE }), new Random(1));
        machine.loadRom(new Uint8Array(0x1000), 0xe0000);
        machine.cores[0].cr0 |= 0x80000000;
      },
      new Random(1),
      { instructions: 10_000, slice: 1000 },
    );
    expect(difference).toBe(null);
    expect(compiled.getRegister("ecx")).toBeGreaterThan(2000);
    expect(compiled.memory.read32(0xe0000)).toBe(0);
  });

  it("what steps and faults leave behind: other segments, a shutdown", () => {
    const programs = [
      // DS of 64 KiB, for which the access behind the system call is too far; the handler goes on at the beginning.
      "1: incl %ecx; movl $0x33, %eax; movl %eax, %ds; int $0x42; incl %edx; movl %eax, 0x20000; jmp 1b",
      // A handler that is missing: a triple fault.
      "movl $0x20000, %ebx; 1: incl %ecx; movl (%ebx), %eax; cmpl $400, %ecx; jne 1b; movl $0x23000, %ebx; jmp 1b",
    ];
    for (const [n, source] of programs.entries()) {
      const { difference, compiled } = lockStep(
        () => ({ memoryBytes: RAM }),
        (machine) => {
          prepare(machine, assembleBinary(source, { file: "test.S", origin: CODE }), new Random(1));
          const [core] = machine.cores;
          core.cr0 |= 0x80000000;
          if (n === 1) core.idtrLimit = 0;
        },
        new Random(n),
        { instructions: 20_000, slice: 400 },
      );
      expect(`${source}: ${difference}`).toBe(`${source}: null`);
      expect([source, compiled.getRegister("ecx") > 200]).toEqual([source, true]);
    }
  });

  it("a page mapped at many addresses, each of which runs, compiles no more than there is room for", () => {
    const { difference, compiled } = lockStep(
      () => ({ memoryBytes: RAM }),
      (machine) => {
        prepare(machine, new Uint8Array(1), new Random(1));
        // Pages from 0x80000 on all show the page at 0xf0000, whose code jumps to the next of them.
        for (let page = 0x80; page < 0xe0; page++) machine.memory.write32(0x5000 + 4 * page, 0xf0007);
        const code = assembleBinary(
          "1: incl %eax; call 2f; 2: popl %ebx; addl $0x1000, %ebx; cmpl $0xe0000, %ebx; jb 3f; subl $0x60000, %ebx; 3: leal 1b-2b(%ebx), %ebx; jmp *%ebx",
          { file: "test.S", origin: 0x80000 },
        );
        machine.load(code, 0xf0000);
        machine.cores[0].cr0 |= 0x80000000;
        machine.cores[0].eip = 0x80000;
      },
      new Random(1),
      { instructions: 100_000, slice: 20_000 },
    );
    expect(difference).toBe(null);
    expect(statistics(compiled).regions).toBeGreaterThan(90);
  });
});
