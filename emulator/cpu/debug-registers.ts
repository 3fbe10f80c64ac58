import { DR6_BD, DR6_FIXED, DR7_GD, reportDebugException } from "./breakpoints.ts";
import { CR4_DE } from "./control-registers.ts";
import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { VECTOR_DB, VECTOR_UD } from "./state-layout.ts";
import { requirePrivileged } from "./system-operands.ts";

/** Bits that software can change; the others are fixed. */
const DR6_WRITABLE = 0xe00f;
/** Bit of DR7 that always reads as 1. */
const DR7_FIXED = 0x400;
const DR7_WRITABLE = 0xffff23ff | 0;

/** MOV r32, DRn. */
export function mov_from_dr(cpu: Core, op: Op): void {
  cpu.r[op.rm] = cpu.getDr(accessibleRegister(cpu, op));
}

/** MOV DRn, r32. */
export function mov_to_dr(cpu: Core, op: Op): void {
  const number = accessibleRegister(cpu, op);
  const value = cpu.r[op.rm];
  if (number === 6) cpu.setDr(6, (value & DR6_WRITABLE) | DR6_FIXED);
  else if (number === 7) cpu.setDr(7, (value & DR7_WRITABLE) | DR7_FIXED);
  else cpu.setDr(number, value);
}

/** The register that is meant: DR4 and DR5 are other names for DR6 and DR7, unless CR4.DE is set. */
function accessibleRegister(cpu: Core, op: Op): number {
  const alias = op.reg === 4 || op.reg === 5;
  if (alias && (cpu.cr4 & CR4_DE) !== 0) cpu.raise(VECTOR_UD);
  requirePrivileged(cpu);
  if ((cpu.getDr(7) & DR7_GD) !== 0) {
    reportDebugException(cpu, DR6_BD);
    cpu.raise(VECTOR_DB);
  }
  return alias ? op.reg + 2 : op.reg;
}
