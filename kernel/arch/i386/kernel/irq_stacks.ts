/**
 * Stacks that belong to a CPU (arch/i386/kernel/irq.c, Linux 2.6): for interrupts, for bottom halves, for NMIs, which come at any
 * instruction, and for debug exceptions. entry.S and irq.S change to them (include/asm/irq_stacks.h).
 */
import { configured } from "../../../host/context.ts";
import { kernel_function, kernel_variable } from "../../../host/declarations.ts";
import { pointer, u32 } from "../../../host/types.ts";
import { THREAD_SIZE } from "../../../include/asm/processor.ts";
import { thread_info } from "../../../include/asm/thread_info.ts";
import { __alloc_bootmem_pages } from "../../../mm/bootmem.ts";

/** Of each kind there is one for every CPU, behind each other; this is where CPU 0's begins. 0 before they are there. */
export const nmi_stack = kernel_variable("nmi_stack", pointer("stack"));
export const hardirq_stack = kernel_variable("hardirq_stack", pointer("stack"));
export const softirq_stack = kernel_variable("softirq_stack", pointer("stack"));
export const debug_stack = kernel_variable("debug_stack", pointer("stack"));

const KINDS = 4;

/** Puts the number of a CPU to the lower ends of its stacks; the task is put there whenever one is changed to. */
function set_cpu_of_stacks(cpu: number): void {
  const offset = cpu * THREAD_SIZE;
  thread_info.at(nmi_stack.value + offset).cpu = cpu;
  thread_info.at(hardirq_stack.value + offset).cpu = cpu;
  thread_info.at(softirq_stack.value + offset).cpu = cpu;
  thread_info.at(debug_stack.value + offset).cpu = cpu;
}

/**
 * Takes the memory of the stacks of `cpus` CPUs: from the bottom, what interrupts below what it interrupts, and all of them below the
 * stacks of tasks. GDB holds a frame for corrupt that lies below the one that it called.
 */
export const irq_stacks_init = kernel_function("irq_stacks_init", [u32], undefined, function* (cpus) {
  const size: u32 = cpus * THREAD_SIZE;
  const start = yield* __alloc_bootmem_pages(KINDS * size + THREAD_SIZE);
  nmi_stack.value = (start + THREAD_SIZE - 1) & -THREAD_SIZE;
  hardirq_stack.value = nmi_stack.value + size;
  softirq_stack.value = hardirq_stack.value + size;
  debug_stack.value = softirq_stack.value + size;
  if (configured("CONFIG_THREAD_INFO")) for (let cpu = 0; cpu < cpus; cpu++) set_cpu_of_stacks(cpu);
});
