/** What tools that look into a kernel use: its types and its data, to be read inside `kernel.inspect()`. */

export { init_tss } from "./arch/i386/kernel/process.ts";
export { back_trace, type StackFrame } from "./host/back-trace.ts";
export type { Kernel } from "./host/kernel.ts";
export { memory, read_cstring } from "./host/memory.ts";
export { THREAD_SIZE, thread_struct, tss_struct } from "./include/asm/processor.ts";
export { pt_regs } from "./include/asm/ptrace.ts";
export { mm_struct, page, vm_area_struct } from "./include/linux/mm.ts";
export { for_each_task, init_task, kstat, task_struct } from "./include/linux/sched.ts";
export { nr_threads } from "./kernel/fork.ts";
export { task_list } from "./kernel/pid.ts";
export { jiffies, nr_running } from "./kernel/timer.ts";
export { nr_free_pages } from "./mm/page_alloc.ts";
export { slab_caches } from "./mm/slab.ts";
