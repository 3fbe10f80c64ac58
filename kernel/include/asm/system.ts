/**
 * Interrupt flag, control registers and ports (include/asm-i386/system.h, io.h). The one-instruction operations act on
 * the core that executes the current step; those that are several instructions long are in arch/i386/lib/system.S.
 */

import { cpu } from "../../host/context.ts";
import { asm_function, smp_function } from "../../host/declarations.ts";
import { type i32, u32 } from "../../host/types.ts";
import { EFLAGS_IF } from "./processor-flags.ts";

/** Numbers of segment registers, for `loadsegment`. */
export const FS = 4;
export const GS = 5;

/** Loads FS or GS; a selector that no longer names a segment becomes the null selector. */
export const loadsegment = asm_function("loadsegment", [u32, u32], undefined);

/** `cli` */
export function local_irq_disable(): void {
  cpu().setEflags(0, EFLAGS_IF);
}

/** `sti`: interrupts come in from the next instruction boundary on (a `yield` is one). */
export function local_irq_enable(): void {
  cpu().setEflags(EFLAGS_IF, EFLAGS_IF);
}

/** `pushfl; popl flags; cli`: disables interrupts and returns the flags for `local_irq_restore`. */
export function local_irq_save(): u32 {
  const flags = cpu().getEflags();
  local_irq_disable();
  return flags;
}

export function local_irq_restore(flags: number): void {
  cpu().setEflags(flags, EFLAGS_IF);
}

export function irqs_disabled(): boolean {
  return (cpu().getEflags() & EFLAGS_IF) === 0;
}

/** Linear address of the last page fault. */
export function read_cr2(): u32 {
  return cpu().cr2 >>> 0;
}

export function inb(port: number): i32 {
  return cpu().ports.read8(port);
}

export function outb(value: number, port: number): void {
  cpu().ports.write8(port, value & 0xff);
}

export function outl(value: number, port: number): void {
  cpu().ports.write32(port, value | 0);
}

/** `movl physical, %cr3`: switches page tables and flushes the TLB. */
export const load_cr3 = asm_function("load_cr3", [u32], undefined);
/** Global pages (Intel SDM vol. 3, 4.10.2.4). */
export const X86_CR4_PGE = 0x80;
/** Sets bits of CR4; a change of PGE drops all translations. */
export const set_in_cr4 = asm_function("set_in_cr4", [u32], undefined);
/** `invlpg (linear)` */
export const __flush_tlb_one = asm_function("__flush_tlb_one", [u32], undefined);
/** Reloads CR3: drops the translations of all pages but global ones. */
export const __flush_tlb = asm_function("__flush_tlb", [], undefined);
/**
 * Has other CPUs see what this one has stored before it loads anything else: x86 processors delay stores, not loads. With one CPU
 * there is nobody to see.
 */
export const smp_mb = smp_function("smp_mb", []);
/** `sti; hlt`: waits for an interrupt; none can slip in between the two. */
export const safe_halt = asm_function("safe_halt", [], undefined);
