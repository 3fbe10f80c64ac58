import { beforeEach, describe, expect, it } from "vitest";
import { CS, DS, ES, FS, GS, SS } from "../../../../emulator/cpu/state-layout.ts";
import {
  BIG,
  CODE,
  CODE_READABLE,
  FREE,
  Guest,
  gate,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  PAGES,
  segment,
  TSS,
} from "./guest.ts";

const V86_SEGMENT = 0x1000;
const VM = 0x20000;
const IOPL3 = 0x3000;

/** Goes from ring 0 to virtual-8086 mode at 1000:0000 with the stack at 2000:F000. */
const enter = (eflags: number) => `
  pushl $0x4444
  pushl $0x3333
  pushl $0x2222
  pushl $0x1111
  pushl $0x2000
  pushl $0xf000
  pushl $${VM | 2 | eflags}
  pushl $${V86_SEGMENT}
  pushl $0
  iret`;

describe("virtual-8086 mode", () => {
  let guest: Guest;
  const runV86 = (source: string, eflags = 0) => {
    guest.load(`.code16\n${source}`, V86_SEGMENT << 4, 0);
    return guest.kernel(enter(eflags));
  };

  beforeEach(() => {
    guest = new Guest();
  });

  it("is entered by IRETD with all six segment registers", () => {
    guest.setGate(6, gate(KERNEL_CS, CODE + 0x800, 0x8e));
    guest.load("hlt", CODE + 0x800);
    runV86("movw %es, %ax; movw %ds, %bx; movw %fs, %cx; movw %gs, %dx; movl %esp, %esi; ud2");
    expect(guest.core.eip).toBe(CODE + 0x801);
    expect([guest.eax, guest.ebx, guest.ecx, guest.edx].map((r) => r & 0xffff)).toEqual([
      0x1111, 0x2222, 0x3333, 0x4444,
    ]);
    expect(guest.register(6)).toBe(0xf000);
  });

  it("is left by exceptions: nine slots on the stack, data segments null", () => {
    runV86("movl $5, %eax; ud2");
    expect(guest.vector).toBe(6);
    expect(guest.core.v86).toBe(false);
    expect(guest.core.cpl).toBe(0);
    expect(guest.frame(9)).toEqual([6, V86_SEGMENT, VM | 0x10002, 0xf000, 0x2000, 0x1111, 0x2222, 0x3333, 0x4444]);
    expect(guest.esp).toBe(KERNEL_STACK - 36);
    expect([ES, DS, FS, GS].map((seg) => guest.core.segValid(seg))).toEqual([false, false, false, false]);
    expect(guest.selector(SS)).toBe(KERNEL_DS);
    expect(guest.selector(CS)).toBe(KERNEL_CS);
  });

  it("is resumed by IRETD from the handler", () => {
    guest.setGate(0x80, gate(KERNEL_CS, CODE + 0x800, 0xee));
    guest.load("movl $9, %ebx; iret", CODE + 0x800);
    runV86("int $0x80; movw %bx, %cx; ud2", IOPL3);
    expect(guest.vector).toBe(6);
    expect(guest.ecx).toBe(9);
    expect(guest.stack(0)).toBe(4);
  });

  it("computes addresses as real mode does", () => {
    runV86("movw $0x2400, %ax; movw %ax, %ds; movw $0x1234, (0x10); movw %cs:1f, %cx; ud2; 1: .word 0x4321");
    expect(guest.memory.read16(0x24010)).toBe(0x1234);
    expect(guest.ecx & 0xffff).toBe(0x4321);
  });

  it("raises #GP(0) beyond 64 KiB", () => {
    runV86("movl $0x10000, %eax; addr32 movb (%eax), %al");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.stack(3) & VM).toBe(VM);
  });

  it.each(["cli", "sti", "pushfw", "popfw", "iretw", "int $0x80"])(
    "raises #GP(0) for %s with IOPL below 3",
    (source) => {
      runV86(source, 0x2000);
      expect(guest.fault).toEqual([13, 0]);
      expect(guest.stack(1)).toBe(0);
    },
  );

  it.each(["hlt", "movl %cr0, %eax", "lgdtl 0", "clts", "movl %eax, %dr7", "lmsw %ax", "invlpg (0)", "wbinvd"])(
    "raises #GP(0) for %s whatever IOPL is",
    (source) => {
      runV86(source, IOPL3);
      expect(guest.fault).toEqual([13, 0]);
    },
  );

  it.each([
    "sldt %ax",
    "str %ax",
    "lldt %ax",
    "ltr %ax",
    "verr %ax",
    "verw %ax",
    "larw %ax, %ax",
    "lslw %ax, %ax",
    "arpl %ax, %ax",
  ])("raises #UD for %s", (source) => {
    runV86(source, IOPL3);
    expect(guest.vector).toBe(6);
  });

  it("lets INT3 through without IOPL when the gate allows it", () => {
    guest.setGate(3, gate(KERNEL_CS, CODE + 0x800, 0xee));
    guest.load("hlt", CODE + 0x800);
    runV86("int3");
    expect(guest.core.eip).toBe(CODE + 0x801);
    expect(guest.stack(0)).toBe(1);
  });

  it("runs CLI, STI, PUSHF, POPF and IRET with IOPL 3; IOPL itself stays", () => {
    runV86(
      "sti; pushfw; popw %ax; pushw $0; popfw; pushfw; popw %bx; pushw $0x202; pushw %cs; pushw $1f; iretw; 1: pushfw; popw %cx; ud2",
      IOPL3,
    );
    expect(guest.eax & 0x3200).toBe(0x3200);
    expect(guest.ebx & 0x3200).toBe(0x3000);
    expect(guest.ecx & 0x3200).toBe(0x3200);
  });

  it("demands a ring-0, non-conforming handler", () => {
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_READABLE | 0x60, BIG | PAGES));
    guest.setGate(0x80, gate(FREE + 3, 0, 0xee));
    runV86("int $0x80", IOPL3);
    expect(guest.fault).toEqual([13, FREE]);
    guest.setDescriptor(FREE, segment(0, 0xfffff, 0x9e, BIG | PAGES));
    guest.setGate(0x80, gate(FREE, 0, 0xee));
    runV86("int $0x80", IOPL3);
    expect(guest.fault).toEqual([13, FREE]);
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_READABLE | 0x20, BIG | PAGES));
    runV86("int $0x80", IOPL3);
    expect(guest.fault).toEqual([13, FREE]);
  });

  it("checks ports in the I/O permission bitmap even with IOPL 3", () => {
    guest.memory.write32(TSS + 0x64, 0x60 << 16);
    runV86("inb $0x60, %al", IOPL3);
    expect(guest.fault).toEqual([13, 0]);
  });

  it("makes far jumps, calls and returns without descriptors", () => {
    guest.load(".code16\n movw %cs, %ax; lretw", 0x24010);
    runV86("lcallw $0x2400, $0x10; movw %ax, %bx; ud2");
    expect(guest.vector).toBe(6);
    expect(guest.ebx & 0xffff).toBe(0x2400);
  });
});
