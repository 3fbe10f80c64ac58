import { describe, expect, it } from "vitest";
import {
  CR0_AM,
  CR0_EM,
  CR0_MP,
  CR0_NE,
  CR0_TS,
  CS,
  DS,
  FLAG_AC,
  FPU_CONTROL,
  FPU_EXPONENT,
  FPU_HIGH,
  FPU_IP,
  FPU_OCCUPIED,
  FPU_STATUS,
  VECTOR_AC,
  VECTOR_GP,
  VECTOR_MF,
  VECTOR_NM,
  VECTOR_PF,
  VECTOR_UD,
} from "../../../../emulator/cpu/state-layout.ts";
import { tagWord } from "../../../../emulator/cpu/x87/environment.ts";
import { Machine } from "../../../../emulator/index.ts";
import { Guest, ORIGIN } from "../guest.ts";

const HLT = 0xf4;
const FNINIT = [0xdb, 0xe3];
const FNCLEX = [0xdb, 0xe2];
const FLD1 = [0xd9, 0xe8];
const FLDZ = [0xd9, 0xee];
const FDIVP = [0xde, 0xf9];
const FNOP = [0xd9, 0xd0];
const FWAIT = [0x9b];
const FNSTSW_AX = [0xdf, 0xe0];
/** Offset of data in flat programs; a control word that unmasks #Z lies there. */
const DATA = 0x3000;
const address = (linear: number) => [linear & 0xff, (linear >> 8) & 0xff, (linear >> 16) & 0xff, linear >>> 24];
const fldcw = (at: number) => [0xd9, 0x2d, ...address(at)];
const UNMASK_ZERO_DIVIDE = 0x37b;
const DIVIDE_BY_ZERO = [...FLD1, ...FLDZ, ...FDIVP];

function flat(code: readonly number[], cr0 = CR0_NE): Guest {
  const guest = Guest.flat(Uint8Array.from([...code, HLT]));
  guest.catchExceptions();
  guest.core.cr0 |= cr0;
  guest.memory.write16(DATA, UNMASK_ZERO_DIVIDE);
  return guest;
}

/** The vector that ends a program, or -1 when it gets to its end; and where the CPU was. */
function ending(guest: Guest): { vector: number; eip: number } {
  guest.run();
  const { core } = guest;
  if (core.eip >= ORIGIN) return { vector: -1, eip: core.eip };
  const errorCode = [VECTOR_PF, VECTOR_GP, VECTOR_AC].includes(guest.get("eax"));
  return { vector: guest.get("eax"), eip: guest.read32(guest.get("esp") + (errorCode ? 4 : 0)) };
}

describe("x87 state", () => {
  it("is what Intel says at power-on: unmasked, and all registers zero but not empty", () => {
    const { core } = flat([]);
    expect([core.r[FPU_CONTROL], core.r[FPU_STATUS], tagWord(core)]).toEqual([0x40, 0, 0x5555]);
  });

  it("is what FNINIT says, and INIT leaves it alone", () => {
    const { core } = flat(FNINIT).run();
    expect([core.r[FPU_CONTROL], core.r[FPU_STATUS], tagWord(core)]).toEqual([0x37f, 0, 0xffff]);
    core.init();
    expect(core.r[FPU_CONTROL]).toBe(0x37f);
  });
});

describe("device not available", () => {
  const esc = [...FNINIT];
  it.each([
    ["ESC", esc, 0, -1],
    ["ESC, EM", esc, CR0_EM, VECTOR_NM],
    ["ESC, TS", esc, CR0_TS, VECTOR_NM],
    ["ESC, MP", esc, CR0_MP, -1],
    ["FNSTSW AX, TS", FNSTSW_AX, CR0_TS, VECTOR_NM],
    ["WAIT, EM", FWAIT, CR0_EM, -1],
    ["WAIT, TS", FWAIT, CR0_TS, -1],
    ["WAIT, MP and TS", FWAIT, CR0_MP | CR0_TS, VECTOR_NM],
  ])("%s", (_, code, cr0, vector) => {
    expect(ending(flat(code, cr0 | CR0_NE)).vector).toBe(vector);
  });

  it("comes before a pending exception", () => {
    const guest = flat([
      ...FNINIT,
      ...fldcw(DATA),
      ...DIVIDE_BY_ZERO,
      0x0f,
      0x20,
      0xc0,
      0x83,
      0xc8,
      CR0_TS,
      0x0f,
      0x22,
      0xc0,
      ...FNOP,
    ]);
    expect(ending(guest).vector).toBe(VECTOR_NM);
  });
});

describe("undefined opcodes", () => {
  it.each([
    [[0xd9, 0xd1]],
    [[0xd9, 0xef]],
    [[0xdb, 0xe5]],
    [[0xd9, 0x0d]],
    // FISTTP, of SSE3.
    [[0xdb, 0x0d]],
    [[0xdd, 0x0d]],
    [[0xdf, 0x0d]],
    // LOCK FNINIT.
    [[0xf0, 0xdb, 0xe3]],
  ])("%j", (code) => {
    expect(ending(flat([...code, ...address(DATA)]))).toEqual({ vector: VECTOR_UD, eip: ORIGIN });
  });
});

describe("unmasked exceptions with CR0.NE", () => {
  const code = [...FNINIT, ...fldcw(DATA), ...DIVIDE_BY_ZERO];

  it("wait for the next instruction that waits, and leave their operands", () => {
    const guest = flat([...code, 0x90, 0x90, ...FNOP]);
    expect(ending(guest)).toEqual({ vector: VECTOR_MF, eip: ORIGIN + code.length + 2 });
    const { r } = guest.core;
    // ES, B, TOP = 6, #Z.
    expect(r[FPU_STATUS]).toBe(0xb084);
    expect(r[FPU_OCCUPIED]).toBe(0xc0);
    // The instruction that raised it.
    expect(r[FPU_IP]).toBe(ORIGIN + code.length - FDIVP.length);
  });

  it("stop WAIT, but no control instruction", () => {
    expect(ending(flat([...code, ...FWAIT])).eip).toBe(ORIGIN + code.length);
    expect(ending(flat([...code, ...FNSTSW_AX, ...FNCLEX, ...FWAIT])).vector).toBe(-1);
    expect(ending(flat([...code, ...FNINIT, ...FLD1])).vector).toBe(-1);
  });

  it("keep FCOMI from setting EFLAGS when it is #I", () => {
    // A quiet NaN from 0 / 0, masked; then fldcw; stc; fcomi.
    const nan = [...FNINIT, ...FLDZ, ...FLDZ, ...FDIVP, ...FLD1, ...FNCLEX];
    const compare = [0xf9, 0xdb, 0xf1, 0xf4];
    const guest = flat([...nan, ...fldcw(DATA), ...compare]);
    guest.memory.write16(DATA, 0x37e);
    guest.run();
    expect(guest.core.getEflags() & 0x8d5).toBe(0x001);
    expect(guest.core.r[FPU_STATUS] & 0x80ff).toBe(0x8081);
    const masked = flat([...nan, ...compare]).run();
    expect(masked.core.getEflags() & 0x8d5).toBe(0x045);
  });

  it("appear when the control word unmasks what has happened", () => {
    const masked = [...FNINIT, ...DIVIDE_BY_ZERO];
    expect(ending(flat([...masked, ...FNOP])).vector).toBe(-1);
    const unmasked = [...masked, ...fldcw(DATA)];
    expect(ending(flat([...unmasked, ...FNOP]))).toEqual({ vector: VECTOR_MF, eip: ORIGIN + unmasked.length });
  });
});

describe("memory faults", () => {
  /** FSTP m80 and others at the end of a segment, or of what is mapped. */
  const far = 0xffff_fff8;
  it.each([
    ["FSTP m80", [0xdb, 0x3d]],
    ["FLD m80", [0xdb, 0x2d]],
    ["FNSAVE", [0xdd, 0x35]],
    ["FRSTOR", [0xdd, 0x25]],
    ["FLDENV", [0xd9, 0x25]],
  ])("leave x87 and memory unchanged: %s beyond the limit", (_, opcode) => {
    const guest = flat([...FNINIT, ...FLD1, ...opcode, ...address(0x3ffc)]);
    guest.core.setSegment(DS, 0x10, 0, 0x3fff, 0x4093);
    guest.memory.write32(0x3ffc, 0x11223344);
    guest.core.run(2);
    const before = guest.core.r.slice(FPU_CONTROL, FPU_CONTROL + 64);
    expect(ending(guest)).toEqual({ vector: VECTOR_GP, eip: ORIGIN + 4 });
    expect(guest.core.r.slice(FPU_CONTROL, FPU_CONTROL + 64)).toEqual(before);
    expect(guest.read32(0x3ffc)).toBe(0x11223344);
  });

  it("leave both pages of a store unchanged when the second is missing", () => {
    const guest = flat([...FNINIT, ...FLD1, 0xdb, 0x3d, ...address(0x5ffc)]);
    const [directory, table] = [0x40000, 0x41000];
    guest.memory.write32(directory, table | 3);
    for (let page = 0; page < 256; page++) guest.memory.write32(table + 4 * page, page === 6 ? 0 : (page << 12) | 3);
    guest.core.cr3 = directory;
    guest.core.cr0 |= 0x80000000;
    guest.core.flushTlb(false);
    guest.memory.write32(0x5ffc, 0x11223344);
    expect(ending(guest)).toEqual({ vector: VECTOR_PF, eip: ORIGIN + 4 });
    expect(guest.core.cr2 >>> 0).toBe(0x6000);
    expect(guest.read32(0x5ffc)).toBe(0x11223344);
    expect(guest.core.r[FPU_STATUS]).toBe(0x3800);
  });

  it.each([
    ["FLD m64", [0xdd, 0x05], 4, VECTOR_AC],
    ["FSTP m64", [0xdd, 0x1d], 4, VECTOR_AC],
    ["FLD m80", [0xdb, 0x2d], 8, -1],
    ["FSTP m80", [0xdb, 0x3d], 2, VECTOR_AC],
    ["FLD m32", [0xd9, 0x05], 4, -1],
  ])("are found by alignment checks at 8 bytes for wide operands: %s at %j + %i", (_, opcode, offset, vector) => {
    const guest = flat([...FNINIT, ...FLD1, ...opcode, ...address(DATA + 8 + offset)]);
    const { core } = guest;
    core.cr0 |= CR0_AM;
    core.setEflags(FLAG_AC);
    core.setCpl(3);
    let first = -1;
    core.onInterrupt = (_core, number) => {
      if (first < 0) first = number;
    };
    core.run(3);
    expect(first).toBe(vector);
  });

  it("wrap nowhere", () => {
    const guest = flat([...FNINIT, 0xdd, 0x05, ...address(far)]);
    expect(() => guest.run()).not.toThrow();
  });
});

describe("real mode", () => {
  it("stores linear addresses, in 16 and 32 bits", () => {
    // fninit; fldl 0x234; fnstenv 0x300; fnstenvl 0x340; hlt
    const guest = Guest.real(
      Uint8Array.from([...FNINIT, 0xdd, 0x06, 0x34, 0x02, 0xd9, 0x36, 0x00, 0x03, 0x66, 0xd9, 0x36, 0x40, 0x03, HLT]),
    );
    guest.core.setSegment(CS, 0x1000, 0x10000, 0xffff, 0x93);
    guest.core.setSegment(DS, 0x2000, 0x20000, 0xffff, 0x93);
    guest.run();
    const words = (at: number, count: number) =>
      Array.from({ length: count }, (_, i) => guest.memory.read16(at + 2 * i).toString(16));
    // Opcode 506: DD 06. Instruction at 1000:0002, operand at 2000:0234.
    expect(words(0x20300, 7)).toEqual(["37f", "3800", "7fff", "2", "1506", "234", "2000"]);
    const wide = words(0x20340, 14);
    expect(wide.filter((_, i) => i % 2 === 0)).toEqual(["37f", "3800", "7fff", "2", "1506", "234", "2000"]);
    expect(wide.filter((_, i) => i % 2 === 1)).toEqual(["ffff", "ffff", "ffff", "ffff", "0", "ffff", "0"]);
  });
});

describe("unmasked exceptions without CR0.NE, on a PC", () => {
  const out = (port: number, value: number) => [0xb0, value, 0xe6, port];
  const setUpPic = [
    ...[...out(0x20, 0x11), ...out(0x21, 0x20), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, 0xfb)],
    ...[...out(0xa0, 0x11), ...out(0xa1, 0x28), ...out(0xa1, 0x02), ...out(0xa1, 0x01), ...out(0xa1, 0xdf)],
  ];
  const EOI = [...out(0xa0, 0x20), ...out(0x20, 0x20)];
  const IRET = 0xcf;
  const exit = out(0xf4, 0x55);
  // Real mode: fldcw 0x3000.
  const unmask = [0xd9, 0x2e, 0x00, 0x30];

  function machine(code: readonly number[], handler: readonly number[]): Machine {
    const result = new Machine({ memoryBytes: 1 << 20 });
    result.load(Uint8Array.from(code), 0x1000);
    result.load(Uint8Array.from(handler), 0x2000);
    result.load(Uint8Array.of(UNMASK_ZERO_DIVIDE & 0xff, UNMASK_ZERO_DIVIDE >> 8), 0x3000);
    result.load(Uint8Array.of(0x00, 0x20, 0, 0), 0x2d * 4);
    result.setRegister("cs", 0);
    result.setRegister("eip", 0x1000);
    result.setRegister("esp", 0x8000);
    return result;
  }

  it("come as IRQ 13, whose handler reads the status by leave of IGNNE#", () => {
    // The handler: out 0xF0; fld1 (waits, but IGNNE# is asserted); fnstsw; fnclex; EOI.
    const handler = [...out(0xf0, 0), ...FLD1, ...FNSTSW_AX, 0x89, 0xc3, ...FNCLEX, ...EOI, IRET];
    const pc = machine([...setUpPic, 0xfb, ...FNINIT, ...unmask, ...DIVIDE_BY_ZERO, ...FNOP, ...exit], handler);
    expect(pc.run({ maxInstructions: 1000 })).toEqual({ kind: "exit", value: 0x55 });
    expect(pc.counters.interrupts).toBe(1);
    // #Z, ES and B; TOP = 5 after one more push.
    expect(pc.getRegister("ebx") & 0xffff).toBe(0xa884);
    expect(pc.cores[0].r[FPU_EXPONENT + 5]).toBe(0x3fff);
    expect(pc.cores[0].r[FPU_HIGH + 5] >>> 0).toBe(0x80000000);
  });

  it("keep an instruction that waits from running until the interrupt comes", () => {
    // Interrupts are enabled only by the handler of a timer interrupt that never comes: frozen for good.
    const frozen = machine([...setUpPic, 0xfa, ...FNINIT, ...unmask, ...DIVIDE_BY_ZERO, ...FNOP, ...exit], [IRET]);
    expect(frozen.run({ maxInstructions: 1000 }).kind).toBe("halted-forever");
    expect(frozen.getRegister("eip")).toBe(0x1000 + setUpPic.length + 1 + 2 + 4 + DIVIDE_BY_ZERO.length);
  });

  it("are part of a snapshot", () => {
    const handler = [...out(0xf0, 0), ...FNCLEX, ...EOI, IRET];
    const pc = machine(
      [...setUpPic, ...FNINIT, ...unmask, ...DIVIDE_BY_ZERO, 0xfb, ...FNOP, ...FNOP, ...exit],
      handler,
    );
    // Up to where the interrupt is requested but not enabled yet.
    pc.step(setUpPic.length / 2 + 5);
    const copy = Machine.restore(pc.save());
    expect(copy.run({ maxInstructions: 1000 })).toEqual({ kind: "exit", value: 0x55 });
    expect(copy.counters.interrupts).toBe(1);
  });
});
