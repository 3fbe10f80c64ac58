/** What tools that look into a kernel use: its types and its data, to be read inside `kernel.inspect()`. */

export { asm_offsets } from "./arch/i386/asm-offsets.ts";
export { back_trace, type StackFrame } from "./arch/i386/kernel/back-trace.ts";
export { irq_desc } from "./arch/i386/kernel/irq.ts";
export { init_tss } from "./arch/i386/kernel/process.ts";
export { sources } from "./arch/i386/sources.ts";
export { memory, read_cstring } from "./host/memory.ts";
export { container_of, i32, pointer, type Type, u32 } from "./host/types.ts";
export { CALL_FUNCTION_VECTOR, INVALIDATE_TLB_VECTOR, RESCHEDULE_VECTOR, STOP_VECTOR } from "./include/asm/hw_irq.ts";
export { PAGE_OFFSET } from "./include/asm/page.ts";
export { THREAD_SIZE, tss_struct } from "./include/asm/processor.ts";
export { kernel_entry, pt_regs } from "./include/asm/ptrace.ts";
export { sigcontext, ucontext } from "./include/asm/sigcontext.ts";
export { RW_LOCK_BIAS } from "./include/asm/spinlock.ts";
export { thread_info } from "./include/asm/thread_info.ts";
export { syscall_numbers } from "./include/asm/unistd.ts";
export { FIRST_EXTERNAL_VECTOR, irqaction } from "./include/linux/interrupt.ts";
export { list_for_each } from "./include/linux/list.ts";
export {
  debug_locks,
  held_lock,
  held_locks,
  LOCK_ACQUIRED,
  LOCK_READ,
  nr_lock_reports,
} from "./include/linux/lockdep.ts";
export { mm_struct, page, vm_area_struct } from "./include/linux/mm.ts";
export { numbers_below } from "./include/linux/pid.ts";
export {
  for_each_task,
  idle_task,
  init_task,
  kstat,
  NO_EXIT_SIGNAL,
  PF_EXITING,
  PID_MAX,
  smp_num_cpus,
  task_struct,
} from "./include/linux/sched.ts";
export { cpu_rq, nr_running } from "./include/linux/sched_class.ts";
export * as signal_constants from "./include/linux/signal.ts";
export { NR_CPUS } from "./include/linux/threads.ts";
export { timer_list } from "./include/linux/timer.ts";
export { wait_queue_head_t, wait_queue_t } from "./include/linux/wait.ts";
export { nr_threads } from "./kernel/fork.ts";
export { task_list } from "./kernel/pid.ts";
export { log_buf, log_end } from "./kernel/printk.ts";
export { cfs_rq_of, entity as fair_entity } from "./kernel/sched_fair.ts";
export { goodness, runqueue_head } from "./kernel/sched_goodness.ts";
export { o1_rq_of } from "./kernel/sched_o1.ts";
export { entity as o1_entity_of } from "./kernel/sched_o1_prio.ts";
export { bh_active, bh_base, bh_mask, irq_stat } from "./kernel/softirq.ts";
export { jiffies, timer_jiffies, timer_vectors } from "./kernel/timer.ts";
export { mem_map, nr_free_pages } from "./mm/page_alloc.ts";
export { slab_caches } from "./mm/slab.ts";
export type { Kernel } from "./running/kernel.ts";
export { type CpuStack, type KernelStack, type StackRange, stack_of } from "./running/task-stacks.ts";
