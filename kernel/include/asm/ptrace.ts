/** The registers on the kernel stack after SAVE_ALL (include/asm-i386/ptrace.h). */
import { i32, struct, u32, type ViewOf } from "../../host/types.ts";
import { FIRST_EXTERNAL_VECTOR, NR_IRQS } from "../linux/interrupt.ts";
import { LOCAL_TIMER_VECTOR, SPURIOUS_APIC_VECTOR } from "./hw_irq.ts";

export const pt_regs = struct("pt_regs", {
  ebx: u32,
  ecx: u32,
  edx: u32,
  esi: u32,
  edi: u32,
  ebp: u32,
  eax: u32,
  xds: u32,
  xes: u32,
  /** What for, see `kernel_entry`; left in place up to the iret, whatever becomes of the other registers. */
  orig_eax: i32,
  eip: u32,
  xcs: u32,
  eflags: u32,
  /** Only there when the CPU came from ring 3. */
  esp: u32,
  xss: u32,
});
export type pt_regs = ViewOf<typeof pt_regs>;

export const VM_MASK = 0x00020000;

/** Whether the registers were saved on entry from ring 3 (or virtual-8086 mode). */
export function user_mode(regs: pt_regs): boolean {
  return (regs.eflags & VM_MASK) !== 0 || (regs.xcs & 3) !== 0;
}

/** orig_eax of a vector that nobody set up. */
export const NO_ENTRY = -0x80000000;
const IRQ_BIAS = 256;
/** What is taken off the vectors of the local APICs' interrupts. */
export const APIC_BIAS = 512;

/** What the CPU came into the kernel for. */
export type KernelEntry =
  | { readonly kind: "syscall"; readonly nr: number }
  | { readonly kind: "exception" | "interrupt"; readonly vector: number };

/**
 * What registers were saved for, by their orig_eax: a system call's number, or the complement of it once the call is not
 * to be restarted (sigreturn); an exception's vector - 32; an IRQ - 256; a local APIC's vector - 512. undefined for NO_ENTRY.
 */
export function kernel_entry(orig_eax: number): KernelEntry | undefined {
  if (orig_eax >= 0) return { kind: "syscall", nr: orig_eax };
  if (orig_eax >= -FIRST_EXTERNAL_VECTOR) return { kind: "exception", vector: orig_eax + FIRST_EXTERNAL_VECTOR };
  const irq = orig_eax + IRQ_BIAS;
  if (irq >= 0 && irq < NR_IRQS) return { kind: "interrupt", vector: FIRST_EXTERNAL_VECTOR + irq };
  const vector = orig_eax + APIC_BIAS;
  if (vector >= LOCAL_TIMER_VECTOR && vector <= SPURIOUS_APIC_VECTOR) return { kind: "interrupt", vector };
  return orig_eax === NO_ENTRY ? undefined : { kind: "syscall", nr: ~orig_eax };
}
