import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { VECTOR_BR } from "./state-layout.ts";

/** BOUND: #BR unless the signed index lies within the two signed bounds in memory (Intel SDM 2, BOUND). */
export function bound16(cpu: Core, op: Op): void {
  const linear = cpu.linearOf(op, 4, false);
  const index = (cpu.r16[op.reg << 1]! << 16) >> 16;
  const lower = (cpu.read16(linear) << 16) >> 16;
  const upper = (cpu.read16((linear + 2) | 0) << 16) >> 16;
  if (index < lower || index > upper) cpu.raise(VECTOR_BR);
}

export function bound32(cpu: Core, op: Op): void {
  const linear = cpu.linearOf(op, 8, false);
  const index = cpu.r[op.reg]!;
  if (index < cpu.read32(linear) || index > cpu.read32((linear + 4) | 0)) cpu.raise(VECTOR_BR);
}
