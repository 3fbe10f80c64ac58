import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { VECTOR_GP, VECTOR_UD } from "./state-layout.ts";

/** An r/m16 source operand, unsigned. */
export function readRm16(cpu: Core, op: Op): number {
  return op.isMemory ? cpu.readSegment16(op.seg, cpu.offsetOf(op)) : cpu.r16[op.rm * 2];
}

/** Stores 16 bits in an r/m16 operand; the upper half of a register stays. */
export function writeRm16(cpu: Core, op: Op, value: number): void {
  if (op.isMemory) cpu.writeSegment16(op.seg, cpu.offsetOf(op), value);
  else cpu.r16[op.rm * 2] = value;
}

/** Stores a selector as MOV, STR and SLDT do: 16 bits in memory, zero-extended in a register of 32 bits. */
export function writeSelectorToRm(cpu: Core, op: Op, selector: number): void {
  if (!op.isMemory && op.operandSize === 32) cpu.r[op.rm] = selector & 0xffff;
  else writeRm16(cpu, op, selector & 0xffff);
}

/** Raises #GP(0) unless CPL is 0 (always so in real mode, never in virtual-8086 mode). */
export function requirePrivileged(cpu: Core): void {
  if (cpu.cpl !== 0) cpu.raise(VECTOR_GP, 0);
}

/** Raises #UD in real and virtual-8086 mode, where instructions about descriptors do not exist. */
export function requireProtectedMode(cpu: Core): void {
  if (!cpu.protectedMode) cpu.raise(VECTOR_UD);
}

/** The selector half of a far pointer operand: read after the offset half, so that a fault is the first one's. */
export function farPointerSelector(cpu: Core, op: Op): number {
  return cpu.readSegment16(op.seg, (cpu.offsetOf(op) + (op.operandSize >>> 3)) & op.addressMask);
}

/** The offset half of a far pointer operand. */
export function farPointerOffset(cpu: Core, op: Op): number {
  const offset = cpu.offsetOf(op);
  return op.operandSize === 32 ? cpu.readSegment32(op.seg, offset) : cpu.readSegment16(op.seg, offset);
}
