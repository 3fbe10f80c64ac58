import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import {
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  VECTOR_GP,
  VECTOR_UD,
} from "./state-layout.ts";
import { readRm16, requirePrivileged, writeSelectorToRm } from "./system-operands.ts";

/** CR4 bits that this CPU has (SDM vol. 3, 2.5). */
export const CR4_TSD = 1 << 2;
export const CR4_DE = 1 << 3;
export const CR4_PSE = 1 << 4;
export const CR4_PGE = 1 << 7;
const CR4_WRITABLE = CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE;

/** Bits of CR0 that software can change. ET is always 1, the rest always 0. */
const CR0_WRITABLE = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
/** Bits of CR0 that change what a translation means. */
const CR0_TRANSLATION = CR0_PE | CR0_WP | CR0_PG;
/** Page directory base, PCD and PWT. */
const CR3_WRITABLE = 0xfffff018;

/** MOV r32, CRn. */
export function mov_from_cr(cpu: Core, op: Op): void {
  requireControlRegister(cpu, op.reg);
  requirePrivileged(cpu);
  if (op.reg === 0) cpu.r[op.rm] = cpu.cr0;
  else if (op.reg === 2) cpu.r[op.rm] = cpu.cr2;
  else if (op.reg === 3) cpu.r[op.rm] = cpu.cr3;
  else cpu.r[op.rm] = cpu.cr4;
}

/** MOV CRn, r32. */
export function mov_to_cr(cpu: Core, op: Op): void {
  requireControlRegister(cpu, op.reg);
  requirePrivileged(cpu);
  const value = cpu.r[op.rm];
  if (op.reg === 0) writeCr0(cpu, value);
  else if (op.reg === 2) cpu.cr2 = value;
  else if (op.reg === 3) loadCr3(cpu, value);
  else writeCr4(cpu, value);
}

/** LMSW: the low four bits of CR0; PE can be set but not cleared. */
export function lmsw(cpu: Core, op: Op): void {
  requirePrivileged(cpu);
  const bits = CR0_MP | CR0_EM | CR0_TS;
  writeCr0(cpu, (cpu.cr0 & ~bits) | (readRm16(cpu, op) & (bits | CR0_PE)));
}

/** SMSW: 16 bits to memory, CR0 as wide as the operand size to a register; not privileged. */
export function smsw(cpu: Core, op: Op): void {
  if (!op.isMemory && op.operandSize === 32) cpu.r[op.rm] = cpu.cr0;
  else writeSelectorToRm(cpu, op, cpu.cr0);
}

export function clts(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
  cpu.cr0 &= ~CR0_TS;
}

/** Loads CR3 and drops all translations but, with CR4.PGE, global ones. */
export function loadCr3(cpu: Core, value: number): void {
  cpu.cr3 = value & CR3_WRITABLE;
  cpu.flushTlb((cpu.cr4 & CR4_PGE) !== 0);
  cpu.onCr3Load?.(cpu, cpu.cr3);
}

function writeCr0(cpu: Core, value: number): void {
  if ((value & CR0_PG) !== 0 && (value & CR0_PE) === 0) cpu.raise(VECTOR_GP, 0);
  if ((value & CR0_NW) !== 0 && (value & CR0_CD) === 0) cpu.raise(VECTOR_GP, 0);
  const updated = (value & CR0_WRITABLE) | CR0_ET;
  const changed = cpu.cr0 ^ updated;
  cpu.cr0 = updated;
  if ((changed & CR0_TRANSLATION) !== 0) cpu.flushTlb(false);
  cpu.endBlock();
}

function writeCr4(cpu: Core, value: number): void {
  if ((value & ~CR4_WRITABLE) !== 0) cpu.raise(VECTOR_GP, 0);
  const changed = cpu.cr4 ^ value;
  cpu.cr4 = value;
  if ((changed & (CR4_PSE | CR4_PGE)) !== 0) cpu.flushTlb(false);
}

function requireControlRegister(cpu: Core, number: number): void {
  if (number !== 0 && number !== 2 && number !== 3 && number !== 4) cpu.raise(VECTOR_UD);
}
