import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../../../emulator/cpu/interrupts.ts";
import { CR0_TS, CS, EAX, ESP, LDTR, SS, TR, VECTOR_DB } from "../../../../emulator/cpu/state-layout.ts";
import { CODE, DATA, FREE, GDT, Guest, gate, IDT, LDT, segment, TSS, TSS_SELECTOR, TSS2 } from "./guest.ts";

/** Instructions that look at descriptors, with a selector in EAX and a far pointer at DATA. */
const INSTRUCTIONS = [
  "movw %ax, %es",
  "movw %ax, %ss",
  "pushl %eax; popl %fs",
  "lgs DATA, %ebx",
  "lss DATA, %esp",
  "lar %eax, %ebx",
  "lsl %eax, %ebx",
  "verr %ax",
  "verw %ax",
  "lldt %ax",
  "ltr %ax",
  "ljmp *DATA",
  "lcall *DATA",
  "pushl %eax; pushl $0x24000; pushl %eax; pushl $0x10000; lret",
  "pushl $0x23; pushl $0x24000; pushl %eax; pushl $0x10000; lret",
  "pushl %eax; pushl $0x24000; pushl $0x3202; pushl %eax; pushl $0x10000; iret",
  "pushl %eax; pushl $0x24000; pushl $0x23202; pushl %eax; pushl $0x1000; iret",
  "pushl $0x4002; popfl; iret",
  "int $0x21",
  "int $0x22",
  "int $0x80",
] as const;

const ENTRIES = 12;
const byte = fc.nat(0xff);
const word16 = fc.nat(0xffff);
const selector = fc.oneof(
  { weight: 1, arbitrary: word16 },
  { weight: 6, arbitrary: fc.nat(ENTRIES * 8 - 1).map((low) => FREE + low) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x08, 0x10, 0x1b, 0x23, 0x28, 0x38) },
);
const access = fc.oneof(
  byte,
  byte.map((bits) => bits | 0x80),
);
const descriptor = fc.oneof(
  fc
    .tuple(fc.constantFrom(0, TSS2, DATA), fc.constantFrom(0, 0x2b, 0x67, 0xffff, 0xfffff), access, fc.nat(15))
    .map(([base, limit, bits, flags]) => segment(base, limit, bits, flags)),
  fc
    .tuple(selector, fc.constantFrom(0, CODE, 0x10000, -1), access, byte)
    .map(([target, offset, bits, count]) => gate(target, offset, bits, count)),
);
const descriptors = (count: number) => fc.array(descriptor, { minLength: count, maxLength: count });

const situation = fc.record({
  program: fc.nat(INSTRUCTIONS.length - 1),
  ring: fc.constantFrom<0 | 3>(0, 3),
  operand: selector,
  entries: descriptors(ENTRIES),
  gates: descriptors(4),
  task: fc.array(fc.oneof(selector, word16), { minLength: 52, maxLength: 52 }),
  link: selector,
});

describe("whatever the descriptor tables hold", () => {
  const guest = new Guest();
  const cpu = guest.core;
  const programs = INSTRUCTIONS.map((instruction) => {
    guest.load(`${instruction}; hlt`, CODE);
    return cpu.memory.bytes.slice(cpu.memory.ramOffset + CODE, cpu.memory.ramOffset + CODE + 64);
  });
  const pristine = cpu.memory.bytes.slice(cpu.memory.ramOffset, cpu.memory.ramOffset + CODE);

  const prepare = ({
    program,
    ring,
    operand,
    entries,
    gates,
    task,
    link,
  }: typeof situation extends fc.Arbitrary<infer T> ? T : never) => {
    cpu.memory.load(pristine, 0);
    cpu.memory.load(programs[program], CODE);
    entries.forEach((entry, i) => {
      guest.setDescriptor(FREE + i * 8, entry);
      guest.setDescriptor(4 + i * 8, entry);
    });
    gates.forEach((entry, i) => {
      guest.setGate(0x21 + i, entry);
    });
    task.forEach((field, i) => {
      guest.memory.write16(TSS2 + i * 2, field);
    });
    guest.memory.write16(TSS, link);
    guest.memory.write32(DATA, 0x10000);
    guest.memory.write16(DATA + 4, operand);
    cpu.reset();
    cpu.gdtrBase = GDT;
    cpu.gdtrLimit = FREE + ENTRIES * 8 - 1;
    cpu.idtrBase = IDT;
    cpu.idtrLimit = 0x7ff;
    cpu.cr0 = 0x11;
    cpu.setSegment(TR, TSS_SELECTOR, TSS, 0x67, 0x8b);
    cpu.setSegment(LDTR, 0x30, LDT, ENTRIES * 8 - 1, 0x82);
    guest.enterRing(ring);
    cpu.r[EAX] = operand;
    cpu.eip = CODE;
  };

  it("nothing but guest exceptions comes of it, and a faulting instruction leaves CS, SS, TR and ESP as they were", () => {
    const visible = () => [CS, SS, TR].map((seg) => cpu.segSelector(seg)).concat(cpu.r[ESP], cpu.cpl);
    fc.assert(
      fc.property(situation, (values) => {
        prepare(values);
        let before = visible();
        cpu.onInterrupt = (_core, vector, kind) => {
          // Once a task switch has set TS, faults belong to the new task; #DB is a trap.
          const switched = (cpu.cr0 & CR0_TS) !== 0;
          if (kind === EXCEPTION && vector !== VECTOR_DB && !switched) expect(visible()).toEqual(before);
        };
        for (let step = 0; step < 12 && !cpu.halted && !cpu.shutdown; step++) {
          before = visible();
          cpu.cr0 &= ~CR0_TS;
          cpu.run(1);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
