/**
 * The local APIC's registers (include/asm-i386/apicdef.h; Intel SDM vol. 3, chapter 10), and the I/O APIC's (io_apic.h). Their
 * functions are those of lib/apic.S, which a kernel for one CPU does not have.
 */
import { asm_function } from "../../host/declarations.ts";
import { u32 } from "../../host/types.ts";

/** Reads a register of this CPU's local APIC, by its offset. */
export const apic_read = asm_function("apic_read", [u32], u32);
export const apic_write = asm_function("apic_write", [u32, u32], undefined);

export const APIC_DEFAULT_PHYS_BASE = 0xfee00000;

export const APIC_ID = 0x20;
export const APIC_LVR = 0x30;
export const APIC_TASKPRI = 0x80;
export const APIC_EOI = 0xb0;
export const APIC_LDR = 0xd0;
export const APIC_DFR = 0xe0;
export const APIC_SPIV = 0xf0;
export const APIC_ESR = 0x280;
export const APIC_ICR = 0x300;
export const APIC_ICR2 = 0x310;
export const APIC_LVTT = 0x320;
export const APIC_LVT0 = 0x350;
export const APIC_LVT1 = 0x360;
export const APIC_LVTERR = 0x370;
export const APIC_TMICT = 0x380;
export const APIC_TMCCT = 0x390;
export const APIC_TDCR = 0x3e0;

/** An ID in APIC_ID, and a destination in APIC_ICR2 and APIC_LDR. */
export const APIC_DEST_SHIFT = 24;

export const APIC_SPIV_APIC_ENABLED = 0x100;
export const APIC_SPIV_FOCUS_DISABLED = 0x200;
/** Logical destinations are one bit a CPU. */
export const APIC_DFR_FLAT = 0xffffffff;

export const APIC_LVT_MASKED = 0x10000;
export const APIC_LVT_TIMER_PERIODIC = 0x20000;
export const APIC_TDR_DIV_16 = 3;

/** Delivery modes, in the ICR and elsewhere. */
export const APIC_DM_LOWEST = 0x100;
export const APIC_DM_NMI = 0x400;
export const APIC_DM_INIT = 0x500;
export const APIC_DM_STARTUP = 0x600;
export const APIC_DM_EXTINT = 0x700;

export const APIC_DEST_LOGICAL = 0x800;
export const APIC_ICR_BUSY = 0x1000;
export const APIC_INT_ASSERT = 0x4000;
export const APIC_INT_LEVELTRIG = 0x8000;
export const APIC_DEST_SELF = 0x40000;
export const APIC_DEST_ALLBUT = 0xc0000;

/** Reads a register of the I/O APIC by its number. */
export const io_apic_read = asm_function("io_apic_read", [u32], u32);
export const io_apic_write = asm_function("io_apic_write", [u32, u32], undefined);

export const IO_APIC_REG_VERSION = 1;

/** The low half of a pin's entry in the redirection table; the high half is behind it. */
export function IO_APIC_REDIRECTION(pin: number): u32 {
  return 0x10 + 2 * pin;
}
