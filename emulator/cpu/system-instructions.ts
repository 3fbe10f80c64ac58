import { CR4_TSD } from "./control-registers.ts";
import type { Core } from "./core.ts";
import {
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  readStoredMsr,
  readTimeStamp,
} from "./model-specific-registers.ts";
import type { Op } from "./op.ts";
import { CS, ECX, EDX, ESP, FLAG_IF, FLAG_RF, FLAG_VM, SEG_BASE, SS, VECTOR_GP, VECTOR_UD } from "./state-layout.ts";
import { requirePrivileged } from "./system-operands.ts";

/** LGDT: a 16-bit operand size loads 24 bits of the base. */
export function lgdt(cpu: Core, op: Op): void {
  requirePrivileged(cpu);
  const base = tableBase(cpu, op);
  cpu.gdtrLimit = cpu.readSegment16(op.seg, cpu.offsetOf(op));
  cpu.gdtrBase = base;
}

export function lidt(cpu: Core, op: Op): void {
  requirePrivileged(cpu);
  const base = tableBase(cpu, op);
  cpu.idtrLimit = cpu.readSegment16(op.seg, cpu.offsetOf(op));
  cpu.idtrBase = base;
}

export function sgdt(cpu: Core, op: Op): void {
  storeTable(cpu, op, cpu.gdtrLimit, cpu.gdtrBase);
}

export function sidt(cpu: Core, op: Op): void {
  storeTable(cpu, op, cpu.idtrLimit, cpu.idtrBase);
}

/** INVLPG: forgets the translation of one page, even a global one. The address is not checked against the segment. */
export function invlpg(cpu: Core, op: Op): void {
  if (!op.isMemory) cpu.raise(VECTOR_UD);
  requirePrivileged(cpu);
  cpu.flushTlbPage((cpu.r[SEG_BASE + op.seg] + cpu.offsetOf(op)) | 0);
}

/** INVD, WBINVD: there are no caches to write back; only the privilege check remains. */
export function invd(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
}

export function wbinvd(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
}

export function hlt(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
  cpu.halted = true;
}

export function pause(cpu: Core, _op: Op): void {
  cpu.pause();
}

/** RDTSC: privileged when CR4.TSD is set. */
export function rdtsc(cpu: Core, _op: Op): void {
  if ((cpu.cr4 & CR4_TSD) !== 0) requirePrivileged(cpu);
  readTimeStamp(cpu);
}

/** Access of the flat segments that SYSENTER and SYSEXIT load: 32-bit, accessed, DPL in bits 5 and 6. */
const FLAT_CODE = 0xc09b;
const FLAT_DATA = 0xc093;
const DPL3 = 0x60;

/** SYSENTER: to CPL 0 with flat segments that start at SYSENTER_CS; no descriptor is read. */
export function sysenter(cpu: Core, _op: Op): void {
  const selector = readStoredMsr(cpu, MSR_SYSENTER_CS) & 0xfffc;
  if (cpu.realMode || selector === 0) cpu.raise(VECTOR_GP, 0);
  cpu.setEflags(0, FLAG_VM | FLAG_IF | FLAG_RF);
  enterFlat(cpu, selector, selector + 8, 0);
  cpu.r[ESP] = readStoredMsr(cpu, MSR_SYSENTER_ESP);
  cpu.eip = readStoredMsr(cpu, MSR_SYSENTER_EIP);
}

/** SYSEXIT: back to CPL 3, EIP from EDX and ESP from ECX. */
export function sysexit(cpu: Core, _op: Op): void {
  const selector = readStoredMsr(cpu, MSR_SYSENTER_CS) & 0xfffc;
  if (cpu.realMode || selector === 0) cpu.raise(VECTOR_GP, 0);
  requirePrivileged(cpu);
  enterFlat(cpu, (selector + 16) | 3, (selector + 24) | 3, 3);
  cpu.r[ESP] = cpu.r[ECX];
  cpu.eip = cpu.r[EDX];
}

function enterFlat(cpu: Core, code: number, stack: number, cpl: number): void {
  const dpl = cpl === 0 ? 0 : DPL3;
  cpu.setSegment(CS, code & 0xffff, 0, -1, FLAT_CODE | dpl);
  cpu.setSegment(SS, stack & 0xffff, 0, -1, FLAT_DATA | dpl);
  cpu.setCpl(cpl);
}

/** The base in the six-byte operand of LGDT and LIDT. */
function tableBase(cpu: Core, op: Op): number {
  if (!op.isMemory) cpu.raise(VECTOR_UD);
  const base = cpu.readSegment32(op.seg, (cpu.offsetOf(op) + 2) & op.addressMask);
  return op.operandSize === 32 ? base : base & 0xffffff;
}

/** SGDT and SIDT store all 32 bits of the base whatever the operand size, as processors since the 386 do. */
function storeTable(cpu: Core, op: Op, limit: number, base: number): void {
  if (!op.isMemory) cpu.raise(VECTOR_UD);
  const offset = cpu.offsetOf(op);
  cpu.segmentAddress(op.seg, offset, 6, true);
  const linear = cpu.segmentAddress(op.seg, offset, 2, true);
  cpu.probeWrite(linear, 6);
  cpu.write16(linear, limit);
  cpu.write32((linear + 2) | 0, base);
}
