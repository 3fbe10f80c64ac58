import type { Core } from "./core.ts";
import {
  accessDpl,
  descriptorAccess,
  descriptorAddress,
  descriptorBase,
  descriptorLimit,
  isConformingCode,
  isNullSelector,
  isReadable,
  isWritableData,
  systemType,
  TSS_BUSY,
  TYPE_CALL_GATE16,
  TYPE_CALL_GATE32,
  TYPE_LDT,
  TYPE_TASK_GATE,
  TYPE_TSS16,
  TYPE_TSS16_BUSY,
  TYPE_TSS32,
  TYPE_TSS32_BUSY,
} from "./descriptors.ts";
import { setZf } from "./flags.ts";
import type { Op } from "./op.ts";
import { loadLdt } from "./segmentation.ts";
import { LDTR, TR, VECTOR_GP } from "./state-layout.ts";
import { readRm16, requirePrivileged, requireProtectedMode, writeRm16, writeSelectorToRm } from "./system-operands.ts";
import { requireAvailableTask } from "./task-switch.ts";

/** System descriptor types whose access LAR reveals. */
const LAR_TYPES: readonly number[] = [
  TYPE_TSS16,
  TYPE_LDT,
  TYPE_TSS16_BUSY,
  TYPE_CALL_GATE16,
  TYPE_TASK_GATE,
  TYPE_TSS32,
  TYPE_TSS32_BUSY,
  TYPE_CALL_GATE32,
];
/** System descriptor types that have a limit for LSL to reveal. */
const LSL_TYPES: readonly number[] = [TYPE_TSS16, TYPE_LDT, TYPE_TSS16_BUSY, TYPE_TSS32, TYPE_TSS32_BUSY];

export function lldt(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  requirePrivileged(cpu);
  loadLdt(cpu, readRm16(cpu, op), VECTOR_GP);
}

export function sldt(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  writeSelectorToRm(cpu, op, cpu.segSelector(LDTR));
}

/** LTR: makes an available TSS the current one, and busy. */
export function ltr(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  requirePrivileged(cpu);
  const selector = readRm16(cpu, op);
  const descriptor = requireAvailableTask(cpu, selector, VECTOR_GP);
  const low = cpu.systemRead32(descriptor);
  const high = cpu.systemRead32(descriptor + 4);
  const access = descriptorAccess(high) | TSS_BUSY;
  cpu.systemWrite8(descriptor + 5, access & 0xff);
  cpu.setSegment(TR, selector, descriptorBase(low, high), descriptorLimit(low, high), access, true);
}

export function str(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  writeSelectorToRm(cpu, op, cpu.segSelector(TR));
}

/** LAR: the access rights of a descriptor that may be looked at from here; ZF says whether. */
export function lar(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  const selector = readRm16(cpu, op);
  const address = visibleDescriptor(cpu, selector, LAR_TYPES);
  if (address < 0) {
    setZf(cpu, false);
    return;
  }
  const high = cpu.systemRead32(address + 4);
  // The manual leaves limit bits 16 to 19 undefined; processors show them.
  if (op.operandSize === 32) cpu.r[op.reg] = high & 0x00ffff00;
  else cpu.r16[op.reg * 2] = high & 0xff00;
  setZf(cpu, true);
}

/** LSL: the limit, in bytes, of a segment that may be looked at from here; ZF says whether. */
export function lsl(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  const selector = readRm16(cpu, op);
  const address = visibleDescriptor(cpu, selector, LSL_TYPES);
  if (address < 0) {
    setZf(cpu, false);
    return;
  }
  const limit = descriptorLimit(cpu.systemRead32(address), cpu.systemRead32(address + 4));
  if (op.operandSize === 32) cpu.r[op.reg] = limit;
  else cpu.r16[op.reg * 2] = limit;
  setZf(cpu, true);
}

/** VERR: sets ZF if a segment can be read from the current privilege level. */
export function verr(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  verify(cpu, readRm16(cpu, op), isReadable);
}

/** VERW: sets ZF if a segment can be written from the current privilege level. */
export function verw(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  verify(cpu, readRm16(cpu, op), isWritableData);
}

/** ARPL: raises the RPL of the destination selector to that of the source; ZF says whether it changed. */
export function arpl(cpu: Core, op: Op): void {
  requireProtectedMode(cpu);
  const destination = readRm16(cpu, op);
  const rpl = cpu.r16[op.reg * 2] & 3;
  const raises = (destination & 3) < rpl;
  if (raises) writeRm16(cpu, op, (destination & 0xfffc) | rpl);
  setZf(cpu, raises);
}

/** Linear address of the descriptor if it is of a kind that LAR or LSL shows and privilege allows it, else -1. */
function visibleDescriptor(cpu: Core, selector: number, systemTypes: readonly number[]): number {
  const address = isNullSelector(selector) ? -1 : descriptorAddress(cpu, selector);
  if (address < 0) return -1;
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  const type = systemType(access);
  if (type >= 0 && !systemTypes.includes(type)) return -1;
  return isReachable(cpu, selector, access) ? address : -1;
}

function verify(cpu: Core, selector: number, suits: (access: number) => boolean): void {
  const address = isNullSelector(selector) ? -1 : descriptorAddress(cpu, selector);
  const access = address < 0 ? 0 : descriptorAccess(cpu.systemRead32(address + 4));
  setZf(cpu, suits(access) && isReachable(cpu, selector, access));
}

/** Conforming code is open to all levels; anything else needs CPL and RPL at or inside its DPL. */
function isReachable(cpu: Core, selector: number, access: number): boolean {
  const dpl = accessDpl(access);
  return isConformingCode(access) || (cpu.cpl <= dpl && (selector & 3) <= dpl);
}
