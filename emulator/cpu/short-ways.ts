/**
 * The short ways of what happens at every system call and interrupt: entering a handler through a 32-bit interrupt or trap
 * gate, IRET, and loads of segment registers. They serve the usual case: code and stack segments of 4 GiB at 0, descriptors
 * that are marked accessed, everything in the TLB and in plain memory.
 *
 * Each does what the long way (interrupts.ts, iret.ts, segmentation.ts) would, or returns false and has changed nothing,
 * not even the TLB: then the long way finds out what is to be done. So it need not know any fault.
 */
import { PAGE_SIZE } from "../memory/physical-memory.ts";
import type { Core } from "./core.ts";
import { accessDpl, descriptorAccess, descriptorBase, descriptorLimit, SELECTOR_LDT, TYPE_32 } from "./descriptors.ts";
import { SYSTEM_READ, SYSTEM_WRITE } from "./memory-access.ts";
import { dropInnerSegments } from "./segmentation.ts";
import {
  ACCESS_ACCESSED,
  ACCESS_CODE,
  ACCESS_CONFORMING,
  ACCESS_PRESENT,
  ACCESS_READ_WRITE,
  ACCESS_SEGMENT,
  CONTROL_FLAGS,
  CPL,
  CS,
  EIP,
  ESP,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  SEG_ACCESS,
  SEG_BASE,
  SEG_FLAT,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_VALID,
  SS,
  TLB_VALID,
  TR,
} from "./state-layout.ts";
import { TSS32_STACKS } from "./tss.ts";

/** Flags that a handler is entered without; those of an interrupt gate are entered without IF, too. */
export const FLAGS_CLEARED = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM;

/** The low doubleword of a segment of 4 GiB at 0. */
const FLAT_LOW = 0xffff;
/** What the high one must be but for DPL, AVL and, for code, R: 32-bit, present, accessed; code not conforming, data writable. */
const FLAT_CODE_MASK = 0xffef9dff | 0;
const FLAT_CODE_HIGH = 0x00cf9900;
const FLAT_DATA_MASK = 0xffef9fff | 0;
const FLAT_DATA_HIGH = 0x00cf9300;
/** The high doubleword of a present 32-bit gate, but for its DPL and whether it is a trap gate. */
const GATE_MASK = 0x9e00;
const GATE_HIGH = 0x8e00;
const GATE_TRAP = 0x0100;

/** Where `size` bytes lie that the CPU itself may read at once, or -1. */
function systemHost(cpu: Core, linear: number, size: number): number {
  const entry = cpu.tlb[linear >>> 12];
  if ((entry & SYSTEM_READ) !== TLB_VALID || (linear & (PAGE_SIZE - 1)) > PAGE_SIZE - size) return -1;
  return (entry & ~(PAGE_SIZE - 1)) ^ linear;
}

/** Where the descriptor that a selector names lies, or -1; not for the LDT. */
function descriptorHost(cpu: Core, selector: number): number {
  const { r } = cpu;
  const offset = selector & 0xfff8;
  if (offset === 0 || (selector & SELECTOR_LDT) !== 0 || offset + 7 > r[GDTR_LIMIT]) return -1;
  return systemHost(cpu, (r[GDTR_BASE] + offset) | 0, 8);
}

/** The high doubleword of the flat code segment that a selector names; 0 when it is none. */
function flatCode(cpu: Core, selector: number): number {
  const host = descriptorHost(cpu, selector);
  if (host < 0 || cpu.view.getInt32(host, true) !== FLAT_LOW) return 0;
  const high = cpu.view.getInt32(host + 4, true);
  return (high & FLAT_CODE_MASK) === FLAT_CODE_HIGH ? high : 0;
}

/** The same of the flat stack segment for a privilege level that a selector names. */
function flatStack(cpu: Core, selector: number, level: number): number {
  const host = descriptorHost(cpu, selector);
  if (host < 0 || (selector & 3) !== level || cpu.view.getInt32(host, true) !== FLAT_LOW) return 0;
  const high = cpu.view.getInt32(host + 4, true);
  return (high & FLAT_DATA_MASK) === FLAT_DATA_HIGH && accessDpl(high >>> 8) === level ? high : 0;
}

/**
 * Enters the handler of an interrupt or exception, in protected mode.
 * @param isSoftware the gate's DPL must be at least CPL
 * @param errorCode to push, or -1 for none
 */
export function enterHandlerDirectly(
  cpu: Core,
  vector: number,
  isSoftware: boolean,
  eflags: number,
  errorCode: number,
): boolean {
  const { r, view } = cpu;
  const gate = vector * 8 + 7 > r[IDTR_LIMIT] ? -1 : systemHost(cpu, (r[IDTR_BASE] + vector * 8) | 0, 8);
  if (gate < 0 || (eflags & FLAG_VM) !== 0) return false;
  const low = view.getInt32(gate, true);
  const high = view.getInt32(gate + 4, true);
  const cpl = r[CPL];
  if ((high & GATE_MASK) !== GATE_HIGH || (isSoftware && accessDpl(high >>> 8) < cpl)) return false;
  const selector = low >>> 16;
  const code = flatCode(cpu, selector);
  const level = accessDpl(code >>> 8);
  if (code === 0 || level > cpl) return false;
  const cleared = (high & GATE_TRAP) === 0 ? FLAGS_CLEARED | FLAG_IF : FLAGS_CLEARED;

  let stack = 0;
  let stackSelector = 0;
  let top = r[ESP];
  let bytes = errorCode >= 0 ? 16 : 12;
  let mask = cpu.writeMask;
  if (level < cpl) {
    const offset = TSS32_STACKS + level * 8;
    if (r[SEG_VALID + TR] === 0 || (r[SEG_ACCESS + TR] & TYPE_32) === 0 || offset + 5 > r[SEG_LIMIT + TR] >>> 0) {
      return false;
    }
    const pointer = systemHost(cpu, (r[SEG_BASE + TR] + offset) | 0, 8);
    if (pointer < 0) return false;
    top = view.getInt32(pointer, true);
    stackSelector = view.getUint16(pointer + 4, true);
    stack = flatStack(cpu, stackSelector, level);
    if (stack === 0) return false;
    bytes += 8;
    mask = SYSTEM_WRITE;
  } else if (r[SEG_FLAT + SS] === 0 || cpu.stackMask !== -1) return false;
  const bottom = (top - bytes) | 0;
  const entry = cpu.tlb[bottom >>> 12];
  if ((entry & mask) !== TLB_VALID || (bottom & (PAGE_SIZE - 1)) > PAGE_SIZE - bytes) return false;

  let host = (entry & ~(PAGE_SIZE - 1)) ^ bottom;
  if (errorCode >= 0) {
    view.setInt32(host, errorCode, true);
    host += 4;
  }
  view.setInt32(host, r[EIP], true);
  view.setInt32(host + 4, r[SEG_SELECTOR + CS], true);
  view.setInt32(host + 8, eflags, true);
  if (stack !== 0) {
    view.setInt32(host + 12, r[ESP], true);
    view.setInt32(host + 16, r[SEG_SELECTOR + SS], true);
  }
  cpu.setEflags(0, cleared);
  if (stack !== 0) cpu.setSegment(SS, stackSelector, 0, -1, descriptorAccess(stack));
  cpu.setCode((selector & 0xfffc) | level, 0, -1, descriptorAccess(code), level);
  r[ESP] = bottom;
  r[EIP] = (low & 0xffff) | (high & 0xffff0000);
  return true;
}

/**
 * IRET with a 32-bit operand in protected mode, NT clear.
 * @param flags what it restores at any level
 */
export function returnDirectly(cpu: Core, flags: number): boolean {
  const { r, view } = cpu;
  const esp = r[ESP];
  const entry = cpu.tlb[esp >>> 12];
  if (r[SEG_FLAT + SS] === 0 || cpu.stackMask !== -1) return false;
  if ((entry & cpu.readMask) !== TLB_VALID || (esp & (PAGE_SIZE - 1)) > PAGE_SIZE - 20) return false;
  const host = (entry & ~(PAGE_SIZE - 1)) ^ esp;
  const eip = view.getInt32(host, true);
  const selector = view.getUint16(host + 4, true);
  const eflags = view.getInt32(host + 8, true);
  const cpl = r[CPL];
  const level = selector & 3;
  const code = flatCode(cpu, selector);
  if (code === 0 || level < cpl || accessDpl(code >>> 8) !== level || (eflags & FLAG_VM) !== 0) return false;
  let mask = flags;
  if (cpl <= (r[CONTROL_FLAGS] & FLAG_IOPL) >>> 12) mask |= FLAG_IF;
  if (cpl === 0) mask |= FLAG_IOPL;
  if (level === cpl) {
    cpu.setCode(selector, 0, -1, descriptorAccess(code), level);
    r[ESP] = esp + 12;
  } else {
    const stackSelector = view.getUint16(host + 16, true);
    const stack = flatStack(cpu, stackSelector, level);
    if (stack === 0) return false;
    const outer = view.getInt32(host + 12, true);
    cpu.setSegment(SS, stackSelector, 0, -1, descriptorAccess(stack));
    cpu.setCode(selector, 0, -1, descriptorAccess(code), level);
    r[ESP] = outer;
    dropInnerSegments(cpu);
  }
  r[EIP] = eip;
  cpu.setEflags(eflags, mask);
  return true;
}

const USABLE = ACCESS_PRESENT | ACCESS_SEGMENT | ACCESS_ACCESSED;

/** Loads ES, SS, DS, FS or GS in protected mode. */
export function loadSegmentDirectly(cpu: Core, seg: number, selector: number): boolean {
  const host = descriptorHost(cpu, selector);
  if (host < 0) return false;
  const high = cpu.view.getInt32(host + 4, true);
  const access = descriptorAccess(high);
  const dpl = accessDpl(access);
  const cpl = cpu.r[CPL];
  const rpl = selector & 3;
  if ((access & USABLE) !== USABLE) return false;
  if (seg === SS) {
    if ((access & (ACCESS_CODE | ACCESS_READ_WRITE)) !== ACCESS_READ_WRITE || dpl !== cpl || rpl !== cpl) return false;
  } else {
    const kind = access & (ACCESS_CODE | ACCESS_READ_WRITE | ACCESS_CONFORMING);
    // Execute-only code cannot be loaded, and conforming code at any level.
    if ((kind & ACCESS_CODE) !== 0 && kind !== (ACCESS_CODE | ACCESS_READ_WRITE)) return false;
    if (dpl < cpl || dpl < rpl) return false;
  }
  const low = cpu.view.getInt32(host, true);
  cpu.setSegment(seg, selector, descriptorBase(low, high), descriptorLimit(low, high), access);
  return true;
}
