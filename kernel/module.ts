/**
 * What the author of a kernel module imports (`esp0/kernel/module`): declarations, types, the kernel's structs, and the
 * functions that modules call.
 */
export * from "./arch/i386/kernel/irq.ts";
export { kernel_thread } from "./arch/i386/kernel/process.ts";
export { mdelay, ndelay, udelay } from "./arch/i386/lib/delay.ts";
export * from "./fs/devices.ts";
export { cpu, image, trace, tracing } from "./host/context.ts";
export * from "./host/declarations.ts";
export { memory, read_cstring } from "./host/memory.ts";
export * from "./host/types.ts";
export * from "./include/asm/atomic.ts";
export * from "./include/asm/bitops.ts";
export * from "./include/asm/bug.ts";
export * from "./include/asm/local.ts";
export * from "./include/asm/page.ts";
export * from "./include/asm/ptrace.ts";
export * from "./include/asm/semaphore.ts";
export * from "./include/asm/smplock.ts";
export * from "./include/asm/spinlock.ts";
export * from "./include/asm/string.ts";
export * from "./include/asm/system.ts";
export * from "./include/asm/uaccess.ts";
export * from "./include/linux/completion.ts";
export * from "./include/linux/errno.ts";
export * from "./include/linux/fs.ts";
export * from "./include/linux/interrupt.ts";
export * from "./include/linux/kthread.ts";
export * from "./include/linux/list.ts";
export * from "./include/linux/mm.ts";
export * from "./include/linux/poll.ts";
export * from "./include/linux/rwsem.ts";
export * from "./include/linux/sched.ts";
export * from "./include/linux/sched_class.ts";
export * from "./include/linux/signal.ts";
export * from "./include/linux/smp.ts";
export * from "./include/linux/spinlock.ts";
export * from "./include/linux/threads.ts";
export * from "./include/linux/timer.ts";
export * from "./include/linux/wait.ts";
export * from "./include/linux/wait-event.ts";
export * from "./kernel/completion.ts";
export {
  allow_signal,
  daemonize,
  disallow_signal,
  flush_signals,
  reparent_to_init,
} from "./kernel/daemonize.ts";
export { do_exit } from "./kernel/exit.ts";
export * from "./kernel/kthread.ts";
export * from "./kernel/msleep.ts";
export { find_task_by_pid } from "./kernel/pid.ts";
export * from "./kernel/printk.ts";
export {
  append,
  best_level,
  first_of,
  init_prio_array,
  MAX_PRIO,
  MAX_RT_PRIO,
  move_tasks,
  prio_array,
  take_out,
} from "./kernel/prio_array.ts";
export * from "./kernel/sched.ts";
export { calibrate_clock, clock_per_ms, sched_clock } from "./kernel/sched_clock.ts";
export { init_rt, rt_sched_class } from "./kernel/sched_rt.ts";
export { force_sig, kill_pg, send_sig, signal_pending } from "./kernel/signal.ts";
export * from "./kernel/sleep-on.ts";
export * from "./kernel/softirq.ts";
export * from "./kernel/timer.ts";
export * from "./kernel/wait.ts";
export * from "./kernel/wait-bit.ts";
export * from "./mm/page_alloc.ts";
export * from "./mm/slab.ts";
