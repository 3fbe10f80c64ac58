import { assembleBinary } from "../../../../asm/index.ts";
import { CodeCache } from "../../../../emulator/cpu/block-cache.ts";
import { Core } from "../../../../emulator/cpu/core.ts";
import * as layout from "../../../../emulator/cpu/state-layout.ts";
import { PortBus } from "../../../../emulator/devices/ports.ts";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.ts";

/** Physical addresses of what every guest has. */
export const GDT = 0x1000;
export const IDT = 0x2000;
export const TSS = 0x3000;
export const TSS2 = 0x3400;
export const LDT = 0x3800;
/** Handler n is a HLT at HANDLERS + n * 4. */
export const HANDLERS = 0x4000;
export const RING1_STACK = 0x5800;
export const KERNEL_STACK = 0x6000;
export const STACK2 = 0x7000;
export const CODE = 0x8000;
export const USER_CODE = 0x10000;
export const USER_STACK = 0x20000;
export const DATA = 0x24000;
export const PAGE_DIRECTORY = 0x30000;
export const PAGE_TABLE = 0x31000;

/** Selectors of the descriptors that every guest has; from FREE on, entries are the tests'. */
export const KERNEL_CS = 0x08;
export const KERNEL_DS = 0x10;
export const USER_CS = 0x1b;
export const USER_DS = 0x23;
export const TSS_SELECTOR = 0x28;
export const LDT_SELECTOR = 0x30;
export const TSS2_SELECTOR = 0x38;
export const FREE = 0x40;

/** Access bytes. */
export const CODE_READABLE = 0x9a;
export const CODE_CONFORMING = 0x9e;
export const DATA_WRITABLE = 0x92;
export const DATA_READ_ONLY = 0x90;
export const DATA_EXPAND_DOWN = 0x96;
export const DPL3 = 0x60;
export const BIG = 0x4;
export const PAGES = 0x8;

const DEFINES = {
  GDT,
  IDT,
  TSS,
  TSS2,
  LDT,
  HANDLERS,
  KERNEL_STACK,
  CODE,
  USER_CODE,
  USER_STACK,
  DATA,
  PAGE_DIRECTORY,
  PAGE_TABLE,
  KERNEL_CS,
  KERNEL_DS,
  USER_CS,
  USER_DS,
  TSS_SELECTOR,
  LDT_SELECTOR,
  TSS2_SELECTOR,
  FREE,
};

/** The two doublewords of a segment descriptor. */
export function segment(base: number, limit: number, access: number, flags = BIG): [number, number] {
  const low = (limit & 0xffff) | (base << 16);
  const high = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000);
  return [low, high];
}

/** The two doublewords of a gate descriptor; `access` as 0x8E (386 interrupt gate, DPL 0). */
export function gate(selector: number, offset: number, access: number, count = 0): [number, number] {
  return [(selector << 16) | (offset & 0xffff), (offset & 0xffff0000) | (access << 8) | count];
}

/**
 * A core with flat descriptors for both rings, an IDT whose every handler halts, a TSS and stacks; in protected mode,
 * paging off. Tests change what they like, then run fragments of assembly.
 */
export class Guest {
  readonly memory = new PhysicalMemory(8 << 20, 1);
  readonly ports = new PortBus();
  readonly core = new Core(0, this.memory, this.ports, new CodeCache(this.memory));

  constructor() {
    const cpu = this.core;
    const flat = BIG | PAGES;
    this.setDescriptor(KERNEL_CS, segment(0, 0xfffff, CODE_READABLE, flat));
    this.setDescriptor(KERNEL_DS, segment(0, 0xfffff, DATA_WRITABLE, flat));
    this.setDescriptor(USER_CS, segment(0, 0xfffff, CODE_READABLE | DPL3, flat));
    this.setDescriptor(USER_DS, segment(0, 0xfffff, DATA_WRITABLE | DPL3, flat));
    this.setDescriptor(TSS_SELECTOR, segment(TSS, 0x67, 0x8b, 0));
    this.setDescriptor(LDT_SELECTOR, segment(LDT, 0xff, 0x82, 0));
    this.setDescriptor(TSS2_SELECTOR, segment(TSS2, 0x67, 0x89, 0));
    for (let vector = 0; vector < 256; vector++) {
      this.setGate(vector, gate(KERNEL_CS, HANDLERS + vector * 4, vector === 0x80 ? 0xee : 0x8e));
      this.memory.write8(HANDLERS + vector * 4, 0xf4);
    }
    this.memory.write32(TSS + 4, KERNEL_STACK);
    this.memory.write32(TSS + 8, KERNEL_DS);
    cpu.gdtrBase = GDT;
    cpu.gdtrLimit = 0x3ff;
    cpu.idtrBase = IDT;
    cpu.idtrLimit = 0x7ff;
    cpu.cr0 = 0x11;
    cpu.setSegment(layout.TR, TSS_SELECTOR, TSS, 0x67, 0x8b);
    cpu.setSegment(layout.LDTR, 0, 0, 0, 0, false);
    this.enterRing(0);
  }

  /** Puts flat segments of a ring in place, its stack pointer, and clear flags. */
  enterRing(ring: 0 | 3): void {
    const cpu = this.core;
    const dpl = ring === 3 ? DPL3 : 0;
    for (const seg of [layout.ES, layout.SS, layout.DS, layout.FS, layout.GS]) {
      cpu.setSegment(seg, ring === 3 ? USER_DS : KERNEL_DS, 0, -1, 0xc093 | dpl);
    }
    cpu.setSegment(layout.CS, ring === 3 ? USER_CS : KERNEL_CS, 0, -1, 0xc09b | dpl);
    cpu.setCpl(ring);
    cpu.setEflags(0);
    cpu.r[layout.ESP] = ring === 3 ? USER_STACK : KERNEL_STACK;
  }

  /** Runs ring-0 code, assembled at CODE, until it halts. */
  kernel(source: string): this {
    this.enterRing(0);
    return this.execute(source, CODE);
  }

  /** Runs ring-3 code, assembled at USER_CODE, until something halts. */
  user(source: string): this {
    this.enterRing(3);
    return this.execute(source, USER_CODE);
  }

  /** Loads code and runs it with the state as it is. */
  execute(source: string, address: number, budget = 2000): this {
    this.load(source, address);
    this.core.eip = address - this.core.segBase(layout.CS);
    return this.run(budget);
  }

  /** Assembles and loads code; `origin` is its first offset in the segment it runs in. */
  load(source: string, physical: number, origin = physical): void {
    this.memory.load(assembleBinary(source, { file: "guest.S", origin, defines: DEFINES }), physical);
  }

  /** Goes on for at most `budget` instructions; a core that neither halts nor shuts down meanwhile is an error. */
  run(budget = 2000): this {
    this.core.halted = false;
    this.core.run(budget);
    if (!this.core.halted && !this.core.shutdown) {
      throw new Error(`guest still running at EIP ${this.core.eip.toString(16)} after ${budget} instructions`);
    }
    return this;
  }

  /** The vector whose handler halted, or -1 when something else did. */
  get vector(): number {
    const distance = this.core.eip - 1 - HANDLERS;
    return distance >= 0 && distance < 0x400 && distance % 4 === 0 ? distance / 4 : -1;
  }

  /** The handler that halted and the error code on its stack: `[13, 0x18]`. */
  get fault(): [vector: number, errorCode: number] {
    return [this.vector, this.stack(0)];
  }

  /** Doubleword `index` from the top of the current stack, unsigned. */
  stack(index: number): number {
    const cpu = this.core;
    const offset = cpu.stackSize32 ? cpu.r[layout.ESP] : cpu.r[layout.ESP] & 0xffff;
    return cpu.systemRead32(cpu.segBase(layout.SS) + offset + index * 4) >>> 0;
  }

  /** `count` doublewords from the top of the stack. */
  frame(count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.stack(i));
  }

  register(index: number): number {
    return this.core.r[index] >>> 0;
  }

  get eax(): number {
    return this.register(layout.EAX);
  }
  get ebx(): number {
    return this.register(layout.EBX);
  }
  get ecx(): number {
    return this.register(layout.ECX);
  }
  get edx(): number {
    return this.register(layout.EDX);
  }
  get esp(): number {
    return this.register(layout.ESP);
  }

  selector(seg: number): number {
    return this.core.segSelector(seg);
  }

  read32(physical: number): number {
    return this.memory.read32(physical) >>> 0;
  }

  setDescriptor(selector: number, [low, high]: [number, number]): void {
    const base = (selector & 4) !== 0 ? LDT : GDT;
    this.memory.write32(base + (selector & 0xfff8), low);
    this.memory.write32(base + (selector & 0xfff8) + 4, high);
  }

  /** The access byte of a descriptor in memory. */
  accessByte(selector: number): number {
    return this.memory.read8(((selector & 4) !== 0 ? LDT : GDT) + (selector & 0xfff8) + 5);
  }

  setGate(vector: number, [low, high]: [number, number]): void {
    this.memory.write32(IDT + vector * 8, low);
    this.memory.write32(IDT + vector * 8 + 4, high);
  }

  /** Makes the LDT at LDT_SELECTOR current. */
  loadLdt(): void {
    this.core.setSegment(layout.LDTR, LDT_SELECTOR, LDT, 0xff, 0x82);
  }

  /**
   * Turns paging on: the first 4 MiB are mapped one to one, writable and for users; `setPage` changes single pages.
   */
  enablePaging(cr0Bits = 0): void {
    this.memory.write32(PAGE_DIRECTORY, PAGE_TABLE | 7);
    for (let page = 0; page < 1024; page++) this.memory.write32(PAGE_TABLE + page * 4, (page << 12) | 7);
    this.core.cr3 = PAGE_DIRECTORY;
    this.core.cr0 = 0x80000011 | cr0Bits;
    this.core.flushTlb(false);
  }

  /** Page table entry of a linear address below 4 MiB. */
  setPage(linear: number, entry: number): void {
    this.memory.write32(PAGE_TABLE + (linear >>> 12) * 4, entry);
  }

  page(linear: number): number {
    return this.read32(PAGE_TABLE + (linear >>> 12) * 4);
  }
}
