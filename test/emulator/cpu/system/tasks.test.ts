import { beforeEach, describe, expect, it } from "vitest";
import { CS, DS, ESP, GS, LDTR, SS, TR } from "../../../../emulator/cpu/state-layout.ts";
import {
  CODE,
  DATA_WRITABLE,
  DPL3,
  FREE,
  Guest,
  gate,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  LDT_SELECTOR,
  PAGE_DIRECTORY,
  STACK2,
  segment,
  TSS,
  TSS_SELECTOR,
  TSS2,
  TSS2_SELECTOR,
  USER_CODE,
  USER_CS,
  USER_DS,
  USER_STACK,
} from "./guest.ts";

const NT = 0x4000;
const CODE2 = 0x9000;
const TASK_GATE = FREE;
const BUSY = 2;

/** Offsets in a 386 TSS. */
const CR3 = 0x1c;
const EIP = 0x20;
const EFLAGS = 0x24;
const EAX = 0x28;
const ESP_FIELD = 0x38;
const SEGMENTS = 0x48;
const LDT_FIELD = 0x60;
const TRAP = 0x64;

describe("hardware task switching", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
    guest.setDescriptor(TASK_GATE, gate(TSS2_SELECTOR, 0, 0xe5));
    const { memory } = guest;
    memory.write32(TSS2 + EIP, CODE2);
    memory.write32(TSS2 + EFLAGS, 2);
    for (let i = 0; i < 8; i++) memory.write32(TSS2 + EAX + i * 4, 0x1000 + i);
    memory.write32(TSS2 + ESP_FIELD, STACK2);
    for (let i = 0; i < 6; i++) memory.write32(TSS2 + SEGMENTS + i * 4, i === CS ? KERNEL_CS : KERNEL_DS);
    guest.load("hlt", CODE2);
  });

  it("by JMP saves the old task, loads the new one and moves the busy bit", () => {
    guest.kernel("movl $0x77, %eax; stc; ljmp $TSS2_SELECTOR, $0");
    expect(guest.core.eip).toBe(CODE2 + 1);
    expect(guest.eax).toBe(0x1000);
    expect(guest.esp).toBe(STACK2);
    expect(guest.selector(TR)).toBe(TSS2_SELECTOR);
    expect(guest.core.segBase(TR)).toBe(TSS2);
    expect(guest.accessByte(TSS_SELECTOR) & BUSY).toBe(0);
    expect(guest.accessByte(TSS2_SELECTOR) & BUSY).toBe(BUSY);
    expect(guest.core.cr0 & 8).toBe(8);
    expect(guest.read32(TSS + EAX)).toBe(0x77);
    expect(guest.read32(TSS + EIP)).toBe(CODE + 13);
    expect(guest.read32(TSS + EFLAGS)).toBe(3);
    expect(guest.read32(TSS + ESP_FIELD)).toBe(KERNEL_STACK);
    expect(guest.read32(TSS + SEGMENTS + 4 * CS)).toBe(KERNEL_CS);
    expect(guest.read32(TSS + SEGMENTS + 4 * GS)).toBe(KERNEL_DS);
    expect(guest.core.getEflags() & NT).toBe(0);
    expect(guest.memory.read16(TSS2)).toBe(0);
  });

  it("by CALL nests, and IRET comes back", () => {
    guest.load("movl $0x99, DATA; iret; hlt", CODE2);
    guest.kernel("movl $0x77, %eax; lcall $TSS2_SELECTOR, $0; incl %eax; movl DATA, %ebx; hlt");
    expect(guest.eax).toBe(0x78);
    expect(guest.ebx).toBe(0x99);
    expect(guest.selector(TR)).toBe(TSS_SELECTOR);
    expect(guest.accessByte(TSS_SELECTOR) & BUSY).toBe(BUSY);
    expect(guest.accessByte(TSS2_SELECTOR) & BUSY).toBe(0);
    expect(guest.memory.read16(TSS2)).toBe(TSS_SELECTOR);
    expect(guest.read32(TSS2 + EFLAGS) & NT).toBe(0);
    expect(guest.read32(TSS2 + EIP)).toBe(CODE2 + 11);
    expect(guest.core.getEflags() & NT).toBe(0);
  });

  it("sets NT and keeps both tasks busy while nested", () => {
    guest.kernel("lcall $FREE, $0");
    expect(guest.core.eip).toBe(CODE2 + 1);
    expect(guest.core.getEflags() & NT).toBe(NT);
    expect(guest.accessByte(TSS_SELECTOR) & BUSY).toBe(BUSY);
    expect(guest.accessByte(TSS2_SELECTOR) & BUSY).toBe(BUSY);
  });

  it("through a task gate in the IDT, with the error code on the new stack", () => {
    guest.setGate(13, gate(TSS2_SELECTOR, 0, 0x85));
    guest.user("movw $0xff8, %ax; movw %ax, %es");
    expect(guest.core.eip).toBe(CODE2 + 1);
    expect(guest.esp).toBe(STACK2 - 4);
    expect(guest.stack(0)).toBe(0xff8);
    expect(guest.core.cpl).toBe(0);
    expect(guest.read32(TSS + EIP)).toBe(USER_CODE + 4);
    expect(guest.read32(TSS + SEGMENTS + 4 * SS)).toBe(USER_DS);
    expect(guest.core.getEflags() & NT).toBe(NT);
  });

  it("from ring 3 by INT n, and back by IRET", () => {
    guest.setGate(0x80, gate(TSS2_SELECTOR, 0, 0xe5));
    guest.load("iret", CODE2);
    guest.user("movl $3, %eax; int $0x80; incl %eax; hlt");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.eax).toBe(4);
    expect(guest.stack(2)).toBe(USER_CS);
    expect(guest.stack(4)).toBe(USER_STACK);
  });

  it("can enter a ring-3 task and a virtual-8086 task", () => {
    const { memory } = guest;
    for (let i = 0; i < 6; i++) memory.write32(TSS2 + SEGMENTS + i * 4, i === CS ? USER_CS : USER_DS);
    memory.write32(TSS2 + 4, KERNEL_STACK);
    memory.write32(TSS2 + 8, KERNEL_DS);
    guest.load("int $0x80", CODE2);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.frame(5)).toEqual([CODE2 + 2, USER_CS, 2, STACK2, USER_DS]);

    guest.setDescriptor(TSS2_SELECTOR, segment(TSS2, 0x67, 0x89, 0));
    guest.setDescriptor(TSS_SELECTOR, segment(TSS, 0x67, 0x8b, 0));
    guest.core.setSegment(TR, TSS_SELECTOR, TSS, 0x67, 0x8b);
    memory.write32(TSS2 + EFLAGS, 0x20002);
    memory.write32(TSS2 + EIP, 0x10);
    for (let i = 0; i < 6; i++) memory.write32(TSS2 + SEGMENTS + i * 4, 0x900 + i);
    guest.load(".code16\n ud2", 0x9010 + 0x10);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.vector).toBe(6);
    expect(guest.frame(9).map((v) => v & 0xffff)).toEqual([0x10, 0x901, 2, STACK2, 0x902, 0x900, 0x903, 0x904, 0x905]);
  });

  it("loads CR3 with paging on, and the LDT", () => {
    guest.enablePaging();
    const directory2 = 0x35000;
    guest.memory.write32(directory2, guest.read32(PAGE_DIRECTORY));
    guest.memory.write32(TSS2 + CR3, directory2);
    guest.memory.write32(TSS2 + LDT_FIELD, LDT_SELECTOR);
    guest.setDescriptor(0x0c, segment(0, 0xffff, DATA_WRITABLE));
    guest.memory.write32(TSS2 + SEGMENTS + 4 * DS, 0x0c);
    const loads: number[] = [];
    guest.core.onCr3Load = (_core, cr3) => loads.push(cr3);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.core.cr3).toBe(directory2);
    expect(loads).toEqual([directory2]);
    expect(guest.selector(LDTR)).toBe(LDT_SELECTOR);
    expect(guest.selector(DS)).toBe(0x0c);
  });

  it("with the T bit raises #DB in the new task", () => {
    guest.memory.write16(TSS2 + TRAP, 1);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.vector).toBe(1);
    expect(guest.stack(0)).toBe(CODE2);
    expect(guest.core.getDr(6) & 0x8000).toBe(0x8000);
    expect(guest.esp).toBe(STACK2 - 12);
  });

  it("clears the local breakpoint enables of DR7", () => {
    guest.core.setDr(7, 0x4ff);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.core.getDr(7)).toBe(0x4aa);
  });

  it("works with a 286 TSS: 16-bit fields, FS and GS null", () => {
    guest.setDescriptor(TSS2_SELECTOR, segment(TSS2, 0x2b, 0x81, 0));
    const { memory } = guest;
    for (let offset = 0; offset < 0x2c; offset += 2) memory.write16(TSS2 + offset, 0);
    memory.write16(TSS2 + 0x0e, CODE2);
    memory.write16(TSS2 + 0x10, 2);
    memory.write16(TSS2 + 0x12, 0xabcd);
    memory.write16(TSS2 + 0x1a, STACK2);
    for (let i = 0; i < 4; i++) memory.write16(TSS2 + 0x22 + i * 2, i === CS ? KERNEL_CS : KERNEL_DS);
    guest.load("iret", CODE2);
    guest.kernel("lcall $TSS2_SELECTOR, $0; movw %fs, %ax; hlt");
    expect(guest.memory.read16(TSS2 + 0x0e)).toBe(CODE2 + 1);
    expect(guest.eax & 0xffff).toBe(KERNEL_DS);
    guest.load("hlt", CODE2);
    memory.write16(TSS2 + 0x0e, CODE2);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.eax).toBe(0xffffabcd);
    expect(guest.core.segValid(GS)).toBe(false);
  });

  it("refuses busy, absent, short and unreachable tasks before anything changes", () => {
    const cases: [descriptor: [number, number], ring: 0 | 3, fault: [number, number]][] = [
      [segment(TSS2, 0x67, 0x8b, 0), 0, [13, TSS2_SELECTOR]],
      [segment(TSS2, 0x67, 0x09, 0), 0, [11, TSS2_SELECTOR]],
      [segment(TSS2, 0x66, 0x89, 0), 0, [10, TSS2_SELECTOR]],
      [segment(TSS2, 0x67, 0x89, 0), 3, [13, TSS2_SELECTOR]],
      [segment(TSS2, 0x67, 0x82, 0), 0, [13, TSS2_SELECTOR]],
    ];
    for (const [descriptor, ring, fault] of cases) {
      guest.setDescriptor(TSS2_SELECTOR, descriptor);
      const before = guest.accessByte(TSS2_SELECTOR);
      const source = "ljmp $TSS2_SELECTOR, $0";
      if (ring === 0) guest.kernel(source);
      else guest.user(source);
      expect(guest.fault).toEqual(fault);
      expect(guest.selector(TR)).toBe(TSS_SELECTOR);
      expect(guest.accessByte(TSS2_SELECTOR)).toBe(before);
      expect(guest.read32(TSS + EIP)).toBe(0);
    }
    guest.kernel("pushl $0x4002; popfl; iret");
    expect(guest.fault).toEqual([10, 0]);
  });

  it("delivers faults of the new task's segments in the new task", () => {
    const cases: [segmentNumber: number, selector: number, fault: [number, number]][] = [
      [DS, 0xff8, [10, 0xff8]],
      [DS, FREE + 8, [11, FREE + 8]],
      [SS, KERNEL_DS, [10, KERNEL_DS]],
      [LDTR, KERNEL_DS, [10, KERNEL_DS]],
    ];
    for (const [number, selector, fault] of cases) {
      const fresh = new Guest();
      fresh.setDescriptor(FREE + 8, segment(0, 0xffff, (DATA_WRITABLE | DPL3) & 0x7f));
      for (let i = 0; i < 0x68; i += 4) fresh.memory.write32(TSS2 + i, guest.read32(TSS2 + i));
      for (let i = 0; i < 6; i++) fresh.memory.write32(TSS2 + SEGMENTS + i * 4, i === CS ? USER_CS : USER_DS);
      fresh.memory.write32(TSS2 + 4, KERNEL_STACK);
      fresh.memory.write32(TSS2 + 8, KERNEL_DS);
      fresh.memory.write32(number === LDTR ? TSS2 + LDT_FIELD : TSS2 + SEGMENTS + number * 4, selector);
      fresh.kernel("ljmp $TSS2_SELECTOR, $0");
      expect(fresh.fault).toEqual(fault);
      expect(fresh.stack(1)).toBe(CODE2);
      expect(fresh.selector(TR)).toBe(TSS2_SELECTOR);
      expect(fresh.core.r[ESP]).toBe(KERNEL_STACK - 24);
    }
  });

  it("raises #PF before anything changes when the new TSS is not mapped", () => {
    guest.enablePaging();
    guest.setDescriptor(TSS2_SELECTOR, segment(0x100fe0, 0x67, 0x89, 0));
    guest.setPage(0x101000, 0);
    guest.kernel("ljmp $TSS2_SELECTOR, $0");
    expect(guest.fault).toEqual([14, 0]);
    expect(guest.core.cr2).toBe(0x101000);
    expect(guest.selector(TR)).toBe(TSS_SELECTOR);
    expect(guest.accessByte(TSS_SELECTOR) & BUSY).toBe(BUSY);
    expect(guest.stack(1)).toBe(CODE);
  });
});
