/**
 * Stacks that belong to a CPU (arch/i386/kernel/irq.c, Linux 2.6): for interrupts, for bottom halves, for NMIs, which come at any
 * instruction, and for debug exceptions. entry.S and irq.S change to them (include/asm/irq_stacks.h).
 */
import { configured } from "../../../host/context.ts";
import { kernel_function, per_cpu } from "../../../host/declarations.ts";
import { array, i32, u32 } from "../../../host/types.ts";
import { THREAD_SIZE } from "../../../include/asm/processor.ts";
import { thread_info } from "../../../include/asm/thread_info.ts";

const stack = array(u32, THREAD_SIZE / 4);

export const hardirq_stack = per_cpu("hardirq_stack", stack, { alignment: THREAD_SIZE });
export const softirq_stack = per_cpu("softirq_stack", stack, { alignment: THREAD_SIZE });
export const nmi_stack = per_cpu("nmi_stack", stack, { alignment: THREAD_SIZE });
export const debug_stack = per_cpu("debug_stack", stack, { alignment: THREAD_SIZE });

/** @bounded by four stacks */
function set_cpu_of_stacks(cpu: number): void {
  for (const own of [hardirq_stack, softirq_stack, nmi_stack, debug_stack])
    thread_info.at(own.address_of(cpu)).cpu = cpu;
}

/** Puts the number of a CPU to the lower ends of its stacks; the task is put there whenever one is changed to. */
export const irq_ctx_init = kernel_function("irq_ctx_init", [i32], undefined, function* (cpu) {
  if (configured("CONFIG_THREAD_INFO")) set_cpu_of_stacks(cpu);
});
