/**
 * Several CPUs (include/linux/smp.h): arch/i386/kernel/smpboot.ts starts them, smp.ts tells them something. A kernel for one
 * has neither; calls of these functions are nops there.
 */
import { kernel_variable, smp_function } from "../../host/declarations.ts";
import { i32, pointer, u32 } from "../../host/types.ts";

/** One bit a CPU: it runs, and takes interrupts from other CPUs. */
export const cpu_online_map = kernel_variable("cpu_online_map", u32, 1);

/** Looks for the MP configuration, and keeps memory that it and the start of CPUs need. Before bootmem hands anything out. */
export const find_smp_config = smp_function("find_smp_config", []);
/** Reads the MP configuration, and maps the APICs' registers. */
export const init_apic_mappings = smp_function("init_apic_mappings", []);
/** Gates of the vectors that local APICs deliver. */
export const smp_intr_init = smp_function("smp_intr_init", []);
/** Starts the other CPUs; they wait in their idle loops. Interrupts are on. */
export const smp_init = smp_function("smp_init", []);
/** Has a CPU look at need_resched; a negative number is nobody. */
export const smp_send_reschedule = smp_function("smp_send_reschedule", [i32]);
/** Stops all other CPUs, for good. */
export const smp_send_stop = smp_function("smp_send_stop", []);

/** All of an address space, for flush_tlb_others. */
export const FLUSH_ALL = 0xffffffff;
/** Drops the translation of an address, or all of them, on the other CPUs that may have some of this address space. */
export const flush_tlb_others = smp_function("flush_tlb_others", [pointer("mm_struct"), u32]);
/** This CPU is about to load the page tables of `next` in place of those of `prev`, unless they are the same. */
export const smp_switch_mm = smp_function("smp_switch_mm", [pointer("mm_struct"), pointer("mm_struct")]);
/** This CPU goes on with the page tables that are loaded, for a task that has no use for user memory. */
export const enter_lazy_tlb = smp_function("enter_lazy_tlb", []);
