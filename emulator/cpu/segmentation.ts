import type { Core } from "./core.ts";
import {
  accessDpl,
  descriptorAccess,
  descriptorAddress,
  descriptorBase,
  descriptorLimit,
  isCode,
  isConformingCode,
  isNullSelector,
  isReadable,
  isWritableData,
  markAccessed,
  requireDescriptor,
  SELECTOR_LDT,
  systemType,
  TYPE_LDT,
} from "./descriptors.ts";
import {
  ACCESS_BIG,
  ACCESS_GRANULARITY,
  ACCESS_PRESENT,
  CS,
  ES,
  GS,
  LDTR,
  SS,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_TS,
} from "./state-layout.ts";

/** Access of a segment loaded in real mode: present, writable, accessed data. */
const REAL_MODE_ACCESS = 0x93;
/** The same with DPL 3: a segment in virtual-8086 mode. */
const V86_ACCESS = 0xf3;

/** Loads any segment register in real or virtual-8086 mode: base = selector * 16. */
export function loadRealSegment(cpu: Core, seg: number, selector: number): void {
  if (cpu.v86) {
    loadV86Segment(cpu, seg, selector);
    return;
  }
  // Real mode keeps the limit and the D/B bit of the cache, which is what "unreal mode" relies on.
  const usable = cpu.segValid(seg);
  const limit = usable ? cpu.segLimit(seg) : 0xffff;
  const flags = usable ? cpu.segAccess(seg) & (ACCESS_BIG | ACCESS_GRANULARITY) : 0;
  cpu.setSegment(seg, selector, (selector & 0xffff) << 4, limit, REAL_MODE_ACCESS | flags, true);
}

/** Loads a segment register with the fixed attributes of virtual-8086 mode: limit 64 KiB, DPL 3, 16-bit. */
export function loadV86Segment(cpu: Core, seg: number, selector: number): void {
  cpu.setSegment(seg, selector, (selector & 0xffff) << 4, 0xffff, V86_ACCESS, true);
}

/** Makes a data segment register hold a null selector: every access through it raises #GP(0). */
export function loadNullSegment(cpu: Core, seg: number, selector: number): void {
  cpu.setSegment(seg, selector, 0, 0, 0, false);
}

/** Fills a segment register from the (checked) descriptor at a linear address, and sets the descriptor's accessed bit. */
export function commitSegment(cpu: Core, seg: number, selector: number, address: number): void {
  markAccessed(cpu, address);
  const low = cpu.systemRead32(address);
  const high = cpu.systemRead32(address + 4);
  cpu.setSegment(seg, selector, descriptorBase(low, high), descriptorLimit(low, high), descriptorAccess(high), true);
}

/** Loads ES, DS, FS or GS in protected mode; `vector` (#GP, or #TS in a task switch) reports an unsuitable descriptor. */
export function loadDataSegment(cpu: Core, seg: number, selector: number, vector: number): void {
  if (isNullSelector(selector)) {
    loadNullSegment(cpu, seg, selector);
    return;
  }
  const address = requireDescriptor(cpu, selector, vector);
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  if (!isReadable(access)) cpu.raise(vector, selector & 0xfffc);
  const dpl = accessDpl(access);
  if (!isConformingCode(access) && ((selector & 3) > dpl || cpu.cpl > dpl)) cpu.raise(vector, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  commitSegment(cpu, seg, selector, address);
}

/**
 * Finds the descriptor of a stack segment for privilege level `cpl` and checks it: writable data, RPL = DPL = `cpl`.
 * @param vector #GP for MOV and RET, #TS for stacks that come from a TSS
 * @returns its linear address
 */
export function requireStackDescriptor(cpu: Core, selector: number, cpl: number, vector: number): number {
  const address = requireDescriptor(cpu, selector, vector);
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  if ((selector & 3) !== cpl || accessDpl(access) !== cpl || !isWritableData(access)) {
    cpu.raise(vector, selector & 0xfffc);
  }
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_SS, selector & 0xfffc);
  return address;
}

/** Loads SS in protected mode for privilege level `cpl`. */
export function loadStackSegment(cpu: Core, selector: number, cpl: number, vector: number): void {
  const address = requireStackDescriptor(cpu, selector, cpl, vector);
  commitSegment(cpu, SS, selector, address);
}

/**
 * Finds the code segment that a RET or IRET goes back to and checks it: code whose DPL suits the selector's RPL, which
 * is not more privileged than the current level.
 * @returns its linear address
 */
export function requireReturnCode(cpu: Core, selector: number): number {
  const address = requireDescriptor(cpu, selector, VECTOR_GP);
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  const rpl = selector & 3;
  if (!isCode(access) || rpl < cpu.cpl || !suitsRpl(access, rpl)) cpu.raise(VECTOR_GP, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  return address;
}

/** Raises #GP(0) unless `eip` lies within the code segment whose descriptor is at linear address `descriptor`. */
export function requireWithinCode(cpu: Core, descriptor: number, eip: number): void {
  const limit = descriptorLimit(cpu.systemRead32(descriptor), cpu.systemRead32(descriptor + 4));
  if (eip >>> 0 > limit) cpu.raise(VECTOR_GP, 0);
}

/** Loads CS from the incoming TSS of a task switch and takes its RPL as the new CPL. */
export function loadTaskCode(cpu: Core, selector: number): void {
  const address = requireDescriptor(cpu, selector, VECTOR_TS);
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  if (!isCode(access) || !suitsRpl(access, selector & 3)) cpu.raise(VECTOR_TS, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  commitCode(cpu, selector, selector & 3, address);
}

function suitsRpl(access: number, rpl: number): boolean {
  return isConformingCode(access) ? accessDpl(access) <= rpl : accessDpl(access) === rpl;
}

/** Loads CS from a checked descriptor and enters privilege level `cpl`, which becomes the selector's RPL. */
export function commitCode(cpu: Core, selector: number, cpl: number, address: number): void {
  commitSegment(cpu, CS, (selector & 0xfffc) | cpl, address);
  cpu.setCpl(cpl);
}

/**
 * After a return to an outer level: nulls each of ES, DS, FS and GS that holds data or non-conforming code more
 * privileged than the new level.
 */
export function dropInnerSegments(cpu: Core): void {
  for (let seg = ES; seg <= GS; seg++) {
    if (seg === CS || seg === SS) continue;
    const access = cpu.segAccess(seg);
    if (cpu.segValid(seg) && !isConformingCode(access) && accessDpl(access) < cpu.cpl) loadNullSegment(cpu, seg, 0);
  }
}

/**
 * Loads LDTR in protected mode, from LLDT (`vector` #GP) or a task switch (`vector` #TS). A null selector leaves no LDT.
 */
export function loadLdt(cpu: Core, selector: number, vector: number): void {
  if (isNullSelector(selector)) {
    cpu.setSegment(LDTR, selector, 0, 0, 0, false);
    return;
  }
  const address = (selector & SELECTOR_LDT) !== 0 ? -1 : descriptorAddress(cpu, selector);
  if (address < 0) cpu.raise(vector, selector & 0xfffc);
  const low = cpu.systemRead32(address);
  const high = cpu.systemRead32(address + 4);
  const access = descriptorAccess(high);
  if (systemType(access) !== TYPE_LDT) cpu.raise(vector, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(vector === VECTOR_TS ? VECTOR_TS : VECTOR_NP, selector & 0xfffc);
  cpu.setSegment(LDTR, selector, descriptorBase(low, high), descriptorLimit(low, high), access, true);
}
