import type { CoreState } from "./core-state.ts";
import { MSR } from "./state-layout.ts";

/** Bits of IA32_APIC_BASE (Intel SDM 3A 10.4.4): bootstrap processor (read-only), local APIC enabled. */
const APIC_BASE_BSP = 1 << 8;
export const APIC_BASE_ENABLE = 1 << 11;
/** Physical address of the registers, a page. */
export const APIC_BASE_ADDRESS = 0xfffff000 | 0;

/** What the register holds after power-on. */
export function powerOnApicBase(cpu: CoreState): number {
  return 0xfee00000 | 0 | APIC_BASE_ENABLE | (cpu.id === 0 ? APIC_BASE_BSP : 0);
}

/** Low half of the register; its place in the core's state is the first one of the model-specific registers. */
export function apicBase(cpu: CoreState): number {
  return cpu.r[MSR] ^ powerOnApicBase(cpu);
}

/** Number of the physical page that a core's local APIC covers, -1 when it is switched off. */
export function localApicPage(cpu: CoreState): number {
  const value = apicBase(cpu);
  return (value & APIC_BASE_ENABLE) !== 0 ? value >>> 12 : -1;
}
