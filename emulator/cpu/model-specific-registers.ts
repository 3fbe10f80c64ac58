import { APIC_BASE_ADDRESS, APIC_BASE_ENABLE, powerOnApicBase } from "./apic-base.ts";
import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { EAX, ECX, EDX, MSR, VECTOR_GP } from "./state-layout.ts";
import { requirePrivileged } from "./system-operands.ts";

/** Numbers of the model-specific registers that exist (Intel SDM vol. 4). */
const MSR_TSC = 0x10;
const MSR_APIC_BASE = 0x1b;
export const MSR_SYSENTER_CS = 0x174;
export const MSR_SYSENTER_ESP = 0x175;
export const MSR_SYSENTER_EIP = 0x176;

/**
 * Registers that hold what was written, in the order of their places (low, high) from `MSR` on in the core's state. A
 * place holds the difference (XOR) from the power-on value, so that cleared state is power-on state.
 */
const STORED: readonly number[] = [MSR_APIC_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP];

const TWO_TO_32 = 2 ** 32;

/** The low half of a stored register. */
export function readStoredMsr(cpu: Core, number: number): number {
  return cpu.r[MSR + STORED.indexOf(number) * 2] ^ powerOnValue(cpu, number);
}

function powerOnValue(cpu: Core, number: number): number {
  return number === MSR_APIC_BASE ? powerOnApicBase(cpu) : 0;
}

/** RDMSR: EDX:EAX = the register numbered ECX; #GP(0) when there is none. */
export function rdmsr(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
  const number = cpu.r[ECX];
  if (number === MSR_TSC) {
    readTimeStamp(cpu);
    return;
  }
  const slot = STORED.indexOf(number);
  if (slot < 0) cpu.raise(VECTOR_GP, 0);
  cpu.r[EAX] = readStoredMsr(cpu, number);
  cpu.r[EDX] = cpu.r[MSR + slot * 2 + 1];
}

/**
 * WRMSR: the register numbered ECX = EDX:EAX; #GP(0) for unknown registers, and for changes of the APIC base register
 * other than its address below 4 GiB and its enable bit.
 */
export function wrmsr(cpu: Core, _op: Op): void {
  requirePrivileged(cpu);
  const number = cpu.r[ECX];
  const low = cpu.r[EAX];
  const high = cpu.r[EDX];
  if (number === MSR_TSC) {
    // As on the P6 family, the upper half of the counter becomes 0.
    cpu.tscOffset = (low >>> 0) - cpu.now();
    return;
  }
  const slot = STORED.indexOf(number);
  if (slot < 0) cpu.raise(VECTOR_GP, 0);
  const change = low ^ powerOnValue(cpu, number);
  const isApicBase = number === MSR_APIC_BASE;
  if (isApicBase && ((change & ~(APIC_BASE_ADDRESS | APIC_BASE_ENABLE)) !== 0 || high !== 0)) cpu.raise(VECTOR_GP, 0);
  cpu.r[MSR + slot * 2] = change;
  cpu.r[MSR + slot * 2 + 1] = high;
  if (!isApicBase) return;
  cpu.refreshDerivedState();
  cpu.flushTlb(false);
  cpu.onApicBase?.((low & APIC_BASE_ENABLE) !== 0);
}

/** EDX:EAX = time-stamp counter: machine cycles plus this core's offset. */
export function readTimeStamp(cpu: Core): void {
  const cycles = cpu.now() + cpu.tscOffset;
  cpu.r[EAX] = cycles;
  cpu.r[EDX] = Math.floor(cycles / TWO_TO_32);
}
