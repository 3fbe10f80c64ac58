import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { VECTOR_BR } from "./state-layout.ts";

/** BOUND: #BR unless the signed index lies within the two signed bounds in memory (Intel SDM 2, BOUND). */
export function bound16(cpu: Core, op: Op): void {
  const offset = cpu.offsetOf(op);
  const index = (cpu.r16[op.reg << 1] << 16) >> 16;
  const lower = (cpu.readSegment16(op.seg, offset) << 16) >> 16;
  const upper = (cpu.readSegment16(op.seg, (offset + 2) & op.addressMask) << 16) >> 16;
  if (index < lower || index > upper) cpu.raise(VECTOR_BR);
}

export function bound32(cpu: Core, op: Op): void {
  const offset = cpu.offsetOf(op);
  const index = cpu.r[op.reg];
  const lower = cpu.readSegment32(op.seg, offset);
  const upper = cpu.readSegment32(op.seg, (offset + 4) & op.addressMask);
  if (index < lower || index > upper) cpu.raise(VECTOR_BR);
}
