import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UART_HZ } from "../../emulator/devices/uart16550.ts";
import { DEFAULT_HZ, Machine, type MachineOptions, PIT_HZ, type StopReason } from "../../emulator/index.ts";

/** Where the programs below lie, with all segment registers 0 and the stack below. */
const ORIGIN = 0x1000;

const out = (port: number, value: number) => [0xb0, value, 0xe6, port];
const CLI = 0xfa;
const STI = 0xfb;
const HLT = 0xf4;
const IRET = 0xcf;
const NOP = 0x90;
const JUMP_TO_SELF = [0xeb, 0xfe];
const EXIT_WITH_AL = [0xe6, 0xf4];
const exit = (value: number) => out(0xf4, value);
const print = (character: string) => out(0xe9, character.charCodeAt(0));
/** Both 8259As: vectors from 0x20 and 0x28, with these masks. */
const setUpPic = (masterMask: number, slaveMask = 0xff) => [
  ...[...out(0x20, 0x11), ...out(0x21, 0x20), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, masterMask)],
  ...[...out(0xa0, 0x11), ...out(0xa1, 0x28), ...out(0xa1, 0x02), ...out(0xa1, 0x01), ...out(0xa1, slaveMask)],
];
const setUpPit = (mode: number, count: number) => [
  ...out(0x43, 0x30 | (mode << 1)),
  ...out(0x40, count & 0xff),
  ...out(0x40, count >>> 8),
];
const EOI = out(0x20, 0x20);

interface Program {
  code: readonly number[];
  /** Interrupt handlers, by vector. */
  handlers?: Readonly<Record<number, readonly number[]>>;
  options?: MachineOptions;
}

/** A machine about to run a real-mode program, and what it prints on the debug console, with the cycle of each byte. */
function boot({ code, handlers = {}, options = {} }: Program) {
  const machine = new Machine({ memoryBytes: 1 << 20, ...options });
  const printed: [number, string][] = [];
  machine.onDebugOutput = (byte) => printed.push([machine.cycles, String.fromCharCode(byte)]);
  machine.load(Uint8Array.from(code), ORIGIN);
  Object.entries(handlers).forEach(([vector, handler], index) => {
    const address = 0x2000 + index * 0x100;
    machine.load(Uint8Array.from(handler), address);
    machine.load(Uint8Array.of(address & 0xff, address >>> 8, 0, 0), Number(vector) * 4);
  });
  machine.setRegister("cs", 0);
  machine.setRegister("eip", ORIGIN);
  machine.setRegister("esp", 0x8000);
  return { machine, printed, text: () => printed.map(([, character]) => character).join("") };
}

const BUDGET: StopReason = { kind: "budget" };

describe("boot", () => {
  it("begins at the reset vector in ROM, in real mode", () => {
    const machine = new Machine();
    const rom = new Uint8Array(0x10000).fill(HLT);
    rom.set([0xea, 0x00, 0x10, 0x00, 0xf0], 0xfff0);
    rom.set(exit(42), 0x1000);
    machine.loadRom(rom, 0xf0000);
    expect([machine.getRegister("cs"), machine.getRegister("eip")]).toEqual([0xf000, 0xfff0]);
    expect(machine.getRegister("cr0")).toBe(0x60000010);
    expect(machine.getRegister("eflags")).toBe(2);
    expect(machine.run()).toEqual({ kind: "exit", value: 42 });
    expect(machine.cycles).toBe(3);
    expect(machine.getRegister("eip")).toBe(0x1004);
  });

  it("without a ROM ends in a triple fault or halts, and the host goes on", () => {
    expect(["triple-fault", "budget", "halted-forever"]).toContain(new Machine().run({ maxInstructions: 10_000 }).kind);
  });
});

describe("exit port", () => {
  it.each([
    { name: "8 bits", code: [0xb0, 0x81, ...EXIT_WITH_AL], value: 0x81 },
    { name: "16 bits", code: [0xb8, 0x34, 0x12, 0xe7, 0xf4], value: 0x1234 },
    { name: "32 bits", code: [0x66, 0xb8, 0xef, 0xbe, 0xad, 0xde, 0x66, 0xe7, 0xf4], value: 0xdeadbeef },
  ])("takes the value from $name", ({ code, value }) => {
    expect(boot({ code }).machine.run()).toEqual({ kind: "exit", value });
  });

  it("ends the run after its instruction, and the next run goes on behind it", () => {
    const { machine } = boot({ code: [...exit(1), ...exit(2)] });
    expect(machine.run()).toEqual({ kind: "exit", value: 1 });
    expect(machine.run()).toEqual({ kind: "exit", value: 2 });
  });

  it.each([true, false])("does not lose what the serial ports still hold (strict: %s)", (strict) => {
    const { machine } = boot({
      code: [0xba, 0xf8, 0x03, 0xb0, 0x41, 0xee, ...exit(0)],
      options: { serial: { strict } },
    });
    const sent: [number, number][] = [];
    machine.onSerialOutput = (byte, port) => sent.push([byte, port]);
    machine.run();
    expect(sent).toEqual([[0x41, 1]]);
  });
});

describe("interrupts", () => {
  const HANDLER = [...print("t"), ...EOI, IRET];
  /** Cycle of the OUT that completes the PIT's count, when `code` begins with PIC and PIT set-up. */
  const lastPitWrite = (setUp: readonly number[]) => setUp.length / 2 - 1;

  it("from the PIT wake a halted CPU at exactly their cycle", () => {
    const setUp = [...setUpPic(0xfe), ...setUpPit(2, 1000)];
    const { machine, printed } = boot({
      code: [...setUp, STI, HLT, CLI, ...exit(0)],
      handlers: { 32: HANDLER },
      options: { cpuHz: PIT_HZ },
    });
    expect(machine.run()).toEqual({ kind: "exit", value: 0 });
    const edge = lastPitWrite(setUp) + 1 + 1000;
    // Delivery takes a cycle, then MOV AL, then the OUT.
    expect(printed).toEqual([[edge + 2, "t"]]);
    expect(machine.counters).toMatchObject({ interrupts: 1, halts: 1 });
    expect(machine.counters.idleCycles).toBe(edge - (setUp.length / 2 + 2));
    expect(machine.cycles - machine.counters.idleCycles).toBe(machine.instructions);
  });

  it("interrupt a running CPU at exactly their cycle, without drift at other frequencies", () => {
    const setUp = [...setUpPic(0xfe), ...setUpPit(2, 11932)];
    const { machine, printed } = boot({ code: [...setUp, STI, ...JUMP_TO_SELF], handlers: { 32: HANDLER } });
    expect(machine.run({ untilCycle: 1_000_000 })).toEqual(BUDGET);
    const written = Math.floor((lastPitWrite(setUp) * PIT_HZ) / DEFAULT_HZ);
    const edges = Array.from({ length: 9 }, (_, n) =>
      Math.ceil(((written + 1 + (n + 1) * 11932) * DEFAULT_HZ) / PIT_HZ),
    );
    expect(printed.map(([cycle]) => cycle)).toEqual(edges.map((edge) => edge + 2));
    expect(machine.cycles).toBe(1_000_000);
  });

  it("M4: a masked IRQ stays pending, and is delivered when unmasked", () => {
    const { machine, text } = boot({
      code: [
        ...setUpPic(0xff),
        ...setUpPit(0, 100),
        STI,
        ...[0xb9, 0xe8, 0x03, 0xe2, 0xfe],
        ...print("a"),
        ...out(0x21, 0xfe),
        ...print("b"),
        ...exit(0),
      ],
      handlers: { 32: HANDLER },
    });
    machine.run();
    expect(text()).toBe("atb");
  });

  it("wait for IF, and for the instruction after STI", () => {
    const { machine, text } = boot({
      code: [
        ...[...setUpPic(0xfe), ...setUpPit(0, 10), 0xb9, 0xc8, 0x00, 0xe2, 0xfe],
        ...[...print("a"), 0xb0, 0x62, STI, 0xe6, 0xe9, ...print("c"), ...exit(0)],
      ],
      handlers: { 32: HANDLER },
    });
    machine.run();
    expect(text()).toBe("abtc");
  });

  it("from the slave come through the cascade", () => {
    const setUpRtc = [...out(0x70, 0x0b), ...out(0x71, 0x42)];
    const { machine, text } = boot({
      code: [...setUpPic(0xfb, 0xfe), ...setUpRtc, STI, HLT, ...exit(0)],
      handlers: { 40: [...print("r"), ...out(0xa0, 0x20), ...EOI, IRET] },
    });
    machine.run();
    expect(text()).toBe("r");
  });

  it.each([
    { mode: 0, count: 1 },
    { mode: 2, count: 10 },
    { mode: 3, count: 10 },
    { mode: 4, count: 1 },
  ])("M5: PIT mode $mode interrupts $count times in ten periods", ({ mode, count }) => {
    const { machine, printed } = boot({
      code: [...setUpPic(0xfe), ...setUpPit(mode, 5000), STI, HLT, 0xeb, 0xfd],
      handlers: { 32: HANDLER },
      options: { cpuHz: PIT_HZ },
    });
    machine.run({ untilCycle: 50_100 });
    expect(printed.length).toBe(count);
  });
});

describe("serial ports", () => {
  const COM1 = 0x3f8;
  const outSerial = (register: number, value: number) => [0xba, (COM1 + register) & 0xff, 0x03, 0xb0, value, 0xee];

  it("send at once, unless they are strict", () => {
    const { machine } = boot({ code: [...outSerial(0, 0x68), ...outSerial(0, 0x69), HLT] });
    const sent: [number, string][] = [];
    machine.onSerialOutput = (byte) => sent.push([machine.cycles, String.fromCharCode(byte)]);
    machine.run();
    expect(sent).toEqual([
      [2, "h"],
      [5, "i"],
    ]);
  });

  it("send at the line's pace when they are strict", () => {
    const poll = [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb];
    const { machine } = boot({
      code: [
        ...[...outSerial(3, 0x83), ...outSerial(0, 1), ...outSerial(1, 0), ...outSerial(3, 0x03)],
        ...[...outSerial(0, 0x68), ...poll, ...outSerial(0, 0x69), ...poll, HLT],
      ],
      options: { serial: { strict: true } },
    });
    const sent: [number, string][] = [];
    machine.onSerialOutput = (byte) => sent.push([machine.cycles, String.fromCharCode(byte)]);
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    const begin = Math.floor((14 * UART_HZ) / DEFAULT_HZ);
    const end = Math.ceil(((begin + 160) * DEFAULT_HZ) / UART_HZ);
    expect(sent[0]).toEqual([end, "h"]);
    // The second was on the line when the CPU halted for good.
    expect(sent[1][1]).toBe("i");
  });

  it("receive by interrupt while the CPU is halted", () => {
    const { machine, text } = boot({
      code: [
        ...[...setUpPic(0xef), ...outSerial(3, 0x83), ...outSerial(0, 1), ...outSerial(1, 0), ...outSerial(3, 0x03)],
        ...[...outSerial(4, 0x0b), ...outSerial(1, 0x01), STI, HLT, 0xeb, 0xfd],
      ],
      handlers: { 36: [0xba, 0xf8, 0x03, 0xec, 0xe6, 0xe9, ...EOI, IRET] },
    });
    machine.com1.receive(new TextEncoder().encode("hello"));
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    expect(text()).toBe("hello");
    machine.com1.receive([0x21]);
    machine.run();
    expect(text()).toBe("hello!");
    expect(machine.counters.interrupts).toBe(6);
  });
});

describe("limits of a run", () => {
  const LOOP = [0x40, 0x41, 0x42, 0x43, 0xeb, 0xfa];

  it("a budget is exact, in the middle of a block too", () => {
    for (let budget = 0; budget < 12; budget++) {
      const { machine } = boot({ code: LOOP });
      expect(machine.run({ maxInstructions: budget })).toEqual(BUDGET);
      expect([machine.instructions, machine.cycles]).toEqual([budget, budget]);
      expect(machine.getRegister("eip")).toBe(ORIGIN + (budget % 5));
    }
  });

  it("step executes one instruction, or as many as asked for", () => {
    const { machine } = boot({ code: LOOP });
    machine.step();
    expect(machine.getRegister("eax")).toBe(1);
    machine.step(7);
    expect([machine.getRegister("eax"), machine.getRegister("ebx"), machine.instructions]).toEqual([2, 1, 8]);
  });

  it("untilCycle ends a run there, idle or not", () => {
    const busy = boot({ code: LOOP }).machine;
    busy.run({ untilCycle: 12345 });
    expect(busy.cycles).toBe(12345);
    const idle = boot({ code: [...setUpPic(0xfe), ...setUpPit(2, 0), STI, HLT] }).machine;
    expect(idle.run({ untilCycle: 5000 })).toEqual(BUDGET);
    expect(idle.cycles).toBe(5000);
    expect(idle.instructions).toBeLessThan(100);
  });

  it("until is asked first, and often enough", () => {
    const { machine } = boot({ code: LOOP });
    expect(machine.run({ until: () => true })).toEqual({ kind: "condition" });
    expect(machine.instructions).toBe(0);
    expect(machine.run({ until: (m) => m.instructions >= 100_000 })).toEqual({ kind: "condition" });
    expect(machine.instructions).toBeLessThan(100_000 + 1024);
  });

  it("requestStop from a callback ends the run after the instruction", () => {
    const { machine } = boot({ code: [...print("a"), ...print("b"), ...JUMP_TO_SELF] });
    machine.onDebugOutput = () => machine.requestStop();
    expect(machine.run()).toEqual({ kind: "stopped" });
    expect(machine.instructions).toBe(2);
    expect(machine.run()).toEqual({ kind: "stopped" });
    expect(machine.instructions).toBe(4);
    machine.requestStop();
    expect(machine.step(3)).toEqual(BUDGET);
  });

  it("onHalt can stop it or supply what wakes the CPU", () => {
    const { machine, text } = boot({
      code: [...setUpPic(0xfd), STI, HLT, ...print("k"), HLT],
      handlers: { 33: [...EOI, IRET] },
    });
    let halts = 0;
    machine.onHalt = () => {
      halts++;
      if (halts > 1) return "stop";
      machine.clock.schedule(machine.cycles + 50, () => machine.pic.raise(1));
      return undefined;
    };
    expect(machine.run()).toEqual({ kind: "stopped" });
    expect(text()).toBe("k");
    expect(machine.counters.idleCycles).toBe(50);
  });

  it("onHalt may drive an interrupt line itself", () => {
    const { machine, text } = boot({
      code: [...setUpPic(0xfd), STI, HLT, ...print("k"), CLI, HLT],
      handlers: { 33: [...EOI, IRET] },
    });
    machine.onHalt = () => {
      machine.pic.raise(1);
      return undefined;
    };
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    expect(text()).toBe("k");
    expect(machine.counters).toMatchObject({ idleCycles: 0, halts: 2, interrupts: 1 });
  });

  it("a non-maskable interrupt wakes the CPU, but not inside the handler of another", () => {
    const { machine, text } = boot({
      code: [CLI, HLT, ...print("x"), HLT],
      handlers: { 2: [...print("n"), HLT, IRET] },
    });
    machine.onHalt = () => {
      machine.cores[0].nmi = 1;
      return undefined;
    };
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    expect(text()).toBe("n");
  });

  it.each([
    { name: "interrupts are off", code: [...setUpPic(0xfe), ...setUpPit(2, 1000), CLI, HLT] },
    { name: "everything is masked", code: [...setUpPic(0xff), ...setUpPit(2, 1000), STI, HLT] },
    { name: "no event is to come", code: [...setUpPic(0x00), STI, HLT] },
  ])("halted forever when $name", ({ code }) => {
    const { machine } = boot({ code });
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    expect(machine.run()).toEqual({ kind: "halted-forever" });
  });

  it("always ends with a budget, even if nothing but time passes", () => {
    const { machine } = boot({ code: [...setUpPic(0xfd), ...setUpPit(2, 1000), STI, HLT] });
    expect(machine.run({ maxInstructions: 10_000 })).toEqual(BUDGET);
    expect(machine.instructions).toBeLessThan(100);
  });

  it("a triple fault ends it until reset", () => {
    // LIDT of a table with limit 0, then INT3.
    const { machine } = boot({ code: [0x0f, 0x01, 0x1e, 0x00, 0x30, 0xcc, NOP] });
    expect(machine.run()).toEqual({ kind: "triple-fault", core: 0 });
    expect(machine.run({ maxInstructions: 5 })).toEqual({ kind: "triple-fault", core: 0 });
    machine.reset();
    expect(machine.getRegister("eip")).toBe(0xfff0);
    expect(machine.run({ maxInstructions: 1 }).kind).not.toBe("triple-fault");
  });

  it("refuses limits that are no numbers of instructions", () => {
    const { machine } = boot({ code: LOOP });
    for (const limit of [-1, 0.5, Number.NaN]) {
      expect(() => machine.run({ maxInstructions: limit })).toThrow(/maxInstructions = .*expected an integer/);
      expect(() => machine.run({ untilCycle: limit })).toThrow(RangeError);
    }
  });

  it("refuses limits that are a number, and says how they are given", () => {
    const { machine } = boot({ code: [CLI, HLT] });
    const limits: unknown[] = [1000, null, "1000"];
    for (const given of limits) {
      expect(() => machine.run(given as object)).toThrow(
        new TypeError(`run(${given}): limits are an object: run({ maxInstructions: 1000 })`),
      );
    }
  });

  it("refuses to run from inside a run, and survives what callbacks throw", () => {
    const { machine } = boot({ code: [...print("a"), ...exit(7)] });
    machine.onDebugOutput = () => machine.run();
    expect(() => machine.run()).toThrow(/running already/);
    machine.onDebugOutput = null;
    expect(machine.run()).toEqual({ kind: "exit", value: 7 });
  });
});

describe("reset and A20", () => {
  it("port 0x92 resets the CPU after the instruction; memory stays", () => {
    const { machine } = boot({ code: [0xc6, 0x06, 0x00, 0x40, 0x99, ...out(0x92, 0x03), ...JUMP_TO_SELF] });
    machine.step(3);
    expect(machine.run({ maxInstructions: 0 })).toEqual(BUDGET);
    expect([machine.getRegister("cs"), machine.getRegister("eip")]).toEqual([0xf000, 0xfff0]);
    expect(machine.readPhysical(0x4000, 1)[0]).toBe(0x99);
    expect([machine.instructions, machine.cycles]).toEqual([3, 3]);
  });

  it("port 0x92 gates A20", () => {
    const { machine } = boot({
      // DS = FFFF: offset 10 is 1 MiB, or 0 without A20.
      code: [0xb8, 0xff, 0xff, 0x8e, 0xd8, ...out(0x92, 0x00), 0xc6, 0x06, 0x10, 0x00, 0x77, ...exit(0)],
      options: { memoryBytes: 2 << 20 },
    });
    machine.run();
    expect(machine.readPhysical(0, 1)[0]).toBe(0x77);
    expect(machine.readPhysical(1 << 20, 1)[0]).toBe(0);
  });
});

describe("inspection", () => {
  it("reads and sets registers by name", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    machine.setRegister("eax", 0xfedcba98);
    machine.setRegister("ds", 0x1234);
    machine.setRegister("eflags", 0x246);
    machine.setRegister("dr0", 0x80000000);
    machine.setRegister("gdtr_base", 0xc0000000);
    expect(machine.getRegister("eax")).toBe(0xfedcba98);
    expect(machine.getRegister("ds")).toBe(0x1234);
    expect(machine.cores[0].segBase(3)).toBe(0x12340);
    expect(machine.getRegister("eflags")).toBe(0x246);
    expect(machine.getRegister("dr0")).toBe(0x80000000);
    expect(machine.getRegister("gdtr_base")).toBe(0xc0000000);
  });

  it("loads segments from the GDT in protected mode, without privilege checks", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    // 0x08: flat code with DPL 3; 0x10: flat data.
    machine.writePhysical(0x500 + 8, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0xfa, 0xcf, 0));
    machine.writePhysical(0x500 + 16, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0));
    machine.setRegister("gdtr_base", 0x500);
    machine.setRegister("gdtr_limit", 23);
    machine.setRegister("cr0", machine.getRegister("cr0") | 1);
    machine.setRegister("cs", 0x0b);
    machine.setRegister("ds", 0x10);
    const core = machine.cores[0];
    expect([core.cpl, core.codeSize32, core.segLimit(3) >>> 0]).toEqual([3, true, 0xffffffff]);
    expect(() => machine.setRegister("es", 0x18)).toThrow("es = 0x18: reading its descriptor raises exception 13");
    machine.setRegister("es", 0);
    expect(core.segValid(0)).toBe(false);
  });

  it("names what it does not know", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    expect(() => machine.getRegister("rax" as "eax")).toThrow(/unknown register "rax"; known are eax, ecx/);
    expect(() => machine.setRegister("toString" as "eax", 0)).toThrow(/unknown register/);
    expect(() => machine.getRegister("eax", 1)).toThrow("core 1: this machine has cores 0 to 0");
  });

  it("reads linear memory through the page tables, without side effects", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    const word = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
    machine.writePhysical(0x10000, word(0x11003));
    machine.writePhysical(0x11000, word(0x21003));
    machine.writePhysical(0x11004, word(0x20003));
    machine.writePhysical(0x21ffe, Uint8Array.of(1, 2));
    machine.writePhysical(0x20000, Uint8Array.of(3, 4));
    machine.setRegister("cr3", 0x10000);
    machine.setRegister("cr0", (machine.getRegister("cr0") | 0x80000001) >>> 0);
    expect([...machine.readLinear(0xffe, 4)]).toEqual([1, 2, 3, 4]);
    expect(machine.readPhysical(0x11000, 1)[0]).toBe(0x03);
    expect(() => machine.readLinear(0x1fff, 2)).toThrow("linear address 0x2000 is not mapped on core 0");
  });

  it("logs instructions that exist but are not implemented, with address and bytes", () => {
    const lines: string[] = [];
    const { machine } = boot({
      code: [NOP, 0x0f, 0x77],
      handlers: { 6: exit(6) },
      options: { log: (line) => lines.push(line) },
    });
    expect(machine.run()).toEqual({ kind: "exit", value: 6 });
    expect(lines).toEqual(["core 0, cycle 1: unimplemented instruction 0f 77 at 0000:00001001"]);
  });

  it("logs each of them once, counts them, and stops after a hundred", () => {
    const lines: string[] = [];
    const { machine } = boot({
      code: [0x0f, 0x77, 0x0f, 0x77],
      // The handler returns behind the instruction: add word [esp], 2 in 16 bits.
      handlers: { 6: [0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x02, 0x81, 0x66, 0x02, 0x03, 0xf0, 0x5d, IRET] },
      options: { log: (line) => lines.push(line) },
    });
    machine.run({ maxInstructions: 8000 });
    expect(lines).toHaveLength(2);
    expect(machine.notices.map(({ what }) => what)).toEqual([
      "unimplemented instruction 0f 77 at 0000:00001000",
      "unimplemented instruction 0f 77 at 0000:00001002",
    ]);
    expect(machine.notices[0].count).toBeGreaterThan(100);

    const many = boot({
      code: Array.from({ length: 400 }, () => [0x0f, 0x77]).flat(),
      handlers: { 6: [0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x02, 0x5d, IRET] },
      options: { log: (line) => lines.push(line) },
    });
    lines.length = 0;
    many.machine.run({ maxInstructions: 2000 });
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain("more like this is not told any more");
    expect(many.machine.notices).toHaveLength(100);
  });
});

describe("bridge", () => {
  const HOSTCALL = [0x0f, 0x3f, 0x34, 0x12];

  it("gets the number of a hostcall, and may change registers and EIP", () => {
    const { machine } = boot({ code: [...HOSTCALL, ...exit(1), ...exit(2)] });
    const calls: [number, number, number][] = [];
    machine.attachBridge((core, id) => {
      calls.push([core.id, id, core.eip]);
      core.eip += 4;
    });
    expect(machine.run()).toEqual({ kind: "exit", value: 2 });
    expect(calls).toEqual([[0, 0x1234, ORIGIN + 4]]);
  });

  it("taken away, a hostcall is undefined", () => {
    const { machine } = boot({ code: HOSTCALL, handlers: { 6: exit(6) } });
    machine.attachBridge(() => {});
    machine.attachBridge(null);
    expect(machine.run()).toEqual({ kind: "exit", value: 6 });
  });
});

describe("options", () => {
  it.each([
    { memoryBytes: 1000 },
    { memoryBytes: 2 ** 31 },
    { cpus: 0 },
    { cpus: 9 },
    { cpuHz: 0 },
    { rtc: { time: -1 } },
  ] as MachineOptions[])("refuses %o", (options) => {
    expect(() => new Machine(options)).toThrow(RangeError);
  });

  it("the default machine has 32 MiB, one core and ten million cycles a second", () => {
    const machine = new Machine();
    expect([machine.memory.ramSize, machine.cores.length, machine.clock.hz]).toEqual([32 << 20, 1, 10_000_000]);
  });

  it("cores other than 0 wait for a start-up interrupt", () => {
    const { machine } = boot({ code: [...exit(3)], options: { cpus: 8 } });
    expect(machine.run()).toEqual({ kind: "exit", value: 3 });
    expect(machine.counters.instructions).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("determinism", () => {
  /** Timer ticks, serial echo and memory writes, all at once. */
  const busy = (): ReturnType<typeof boot> => {
    const result = boot({
      code: [
        ...[...setUpPic(0xee), ...setUpPit(2, 700)],
        ...[0xba, 0xfb, 0x03, 0xb0, 0x83, 0xee, 0xba, 0xf8, 0x03, 0xb0, 0x01, 0xee, 0xba, 0xf9, 0x03, 0xb0, 0x00, 0xee],
        ...[0xba, 0xfb, 0x03, 0xb0, 0x03, 0xee, 0xba, 0xfc, 0x03, 0xb0, 0x0b, 0xee, 0xba, 0xf9, 0x03, 0xb0, 0x01, 0xee],
        // bx: a checksum of the PIT's count; every eighth turn halts.
        ...[
          STI,
          0xe4,
          0x40,
          0x01,
          0xc3,
          0xd1,
          0xc3,
          0x89,
          0x1e,
          0x00,
          0x40,
          0xf6,
          0xc3,
          0x07,
          0x75,
          0xf1,
          HLT,
          0xeb,
          0xee,
        ],
      ],
      handlers: {
        32: [0x50, 0xff, 0x06, 0x02, 0x40, ...EOI, 0x58, IRET],
        36: [0x50, 0x52, 0xba, 0xf8, 0x03, 0xec, 0xee, ...EOI, 0x5a, 0x58, IRET],
      },
    });
    result.machine.onSerialOutput = (byte) => result.printed.push([result.machine.cycles, String.fromCharCode(byte)]);
    result.machine.com1.receive(new TextEncoder().encode("the same every time"));
    return result;
  };
  const state = ({ machine, printed }: ReturnType<typeof boot>) => ({
    counters: machine.counters,
    cycles: machine.cycles,
    registers: [...machine.cores[0].r.subarray(0, 16)],
    eflags: machine.getRegister("eflags"),
    memory: machine.readPhysical(0x4000, 4),
    stack: machine.readPhysical(0x7f00, 0x100),
    printed,
  });

  it("two machines with the same inputs do the same", () => {
    const [first, second] = [busy(), busy()];
    first.machine.run({ untilCycle: 300_000 });
    second.machine.run({ untilCycle: 300_000 });
    expect(first.printed.length).toBe(19);
    expect(state(first)).toEqual(state(second));
    expect(first.machine.counters.interrupts).toBeGreaterThan(60);
  });

  it("it makes no difference into how many runs a run is cut", () => {
    const whole = busy();
    whole.machine.run({ untilCycle: 60_000 });
    const expected = state(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 8 }), fc.boolean(), (cuts, watched) => {
        const cut = busy();
        for (const cycle of cuts.map((distance) => distance * 3).sort((a, b) => a - b)) {
          cut.machine.run(watched ? { untilCycle: cycle, until: () => false } : { untilCycle: cycle });
        }
        cut.machine.run({ untilCycle: 60_000 });
        expect(state(cut)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  it("single steps do the same as a run", () => {
    const whole = busy();
    const stepped = busy();
    whole.machine.run({ untilCycle: 20_000 });
    while (stepped.machine.cycles < 20_000) stepped.machine.run({ maxInstructions: 1, untilCycle: 20_000 });
    expect(state(stepped)).toEqual(state(whole));
  });
});
