/** What tools that look into a kernel use: its types and its data, to be read inside `kernel.inspect()`. */

export { asm_offsets } from "./arch/i386/asm-offsets.ts";
export { back_trace, type StackFrame } from "./arch/i386/kernel/back-trace.ts";
export { irq_desc } from "./arch/i386/kernel/irq.ts";
export { init_tss } from "./arch/i386/kernel/process.ts";
export { sources } from "./arch/i386/sources.ts";
export { memory, read_cstring } from "./host/memory.ts";
export { container_of, i32, pointer, type Type, u32 } from "./host/types.ts";
export { PAGE_OFFSET } from "./include/asm/page.ts";
export { THREAD_SIZE, tss_struct } from "./include/asm/processor.ts";
export { kernel_entry, pt_regs } from "./include/asm/ptrace.ts";
export { syscall_numbers } from "./include/asm/unistd.ts";
export { FIRST_EXTERNAL_VECTOR, irqaction } from "./include/linux/interrupt.ts";
export { list_for_each } from "./include/linux/list.ts";
export { mm_struct, page, vm_area_struct } from "./include/linux/mm.ts";
export { for_each_task, init_task, kstat, PID_MAX, task_struct } from "./include/linux/sched.ts";
export * as signal_constants from "./include/linux/signal.ts";
export { timer_list } from "./include/linux/timer.ts";
export { wait_queue_t } from "./include/linux/wait.ts";
export { nr_threads } from "./kernel/fork.ts";
export { task_list } from "./kernel/pid.ts";
export { log_buf, log_end } from "./kernel/printk.ts";
export { goodness, runqueue_head } from "./kernel/sched.ts";
export { bh_active, bh_base, bh_mask, irq_stat } from "./kernel/softirq.ts";
export { jiffies, timer_jiffies, timer_vectors } from "./kernel/timer.ts";
export { mem_map, nr_free_pages } from "./mm/page_alloc.ts";
export { slab_caches } from "./mm/slab.ts";
export type { Kernel } from "./running/kernel.ts";
