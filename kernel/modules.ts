/** The modules that a kernel is linked from by default. */

import * as apic from "./arch/i386/kernel/apic.ts";
import * as i387 from "./arch/i386/kernel/i387.ts";
import * as i8259 from "./arch/i386/kernel/i8259.ts";
import * as io_apic from "./arch/i386/kernel/io_apic.ts";
import * as irq from "./arch/i386/kernel/irq.ts";
import * as irq_stacks from "./arch/i386/kernel/irq_stacks.ts";
import * as irqinit from "./arch/i386/kernel/irqinit.ts";
import * as mpparse from "./arch/i386/kernel/mpparse.ts";
import * as process from "./arch/i386/kernel/process.ts";
import * as setup from "./arch/i386/kernel/setup.ts";
import * as show from "./arch/i386/kernel/show.ts";
import * as sigframe from "./arch/i386/kernel/sigframe.ts";
import * as signal from "./arch/i386/kernel/signal.ts";
import * as kernel_smp from "./arch/i386/kernel/smp.ts";
import * as smpboot from "./arch/i386/kernel/smpboot.ts";
import * as sys_i386 from "./arch/i386/kernel/sys_i386.ts";
import * as syscalls from "./arch/i386/kernel/syscalls.ts";
import * as time from "./arch/i386/kernel/time.ts";
import * as tls from "./arch/i386/kernel/tls.ts";
import * as traps from "./arch/i386/kernel/traps.ts";
import * as delay from "./arch/i386/lib/delay.ts";
import * as fault from "./arch/i386/mm/fault.ts";
import * as init from "./arch/i386/mm/init.ts";
import type { ConfigurationSymbol } from "./configuration.ts";
import * as mem from "./drivers/char/mem.ts";
import * as n_tty from "./drivers/char/n_tty.ts";
import * as random from "./drivers/char/random.ts";
import * as serial from "./drivers/char/serial.ts";
import * as tty_io from "./drivers/char/tty_io.ts";
import * as binfmt_elf from "./fs/binfmt_elf.ts";
import * as binprm from "./fs/binprm.ts";
import * as devices from "./fs/devices.ts";
import * as exec from "./fs/exec.ts";
import * as fcntl from "./fs/fcntl.ts";
import * as file_table from "./fs/file_table.ts";
import * as initramfs from "./fs/initramfs.ts";
import * as inode from "./fs/inode.ts";
import * as ioctl from "./fs/ioctl.ts";
import * as mknod from "./fs/mknod.ts";
import * as namei from "./fs/namei.ts";
import * as open from "./fs/open.ts";
import * as pipe from "./fs/pipe.ts";
import * as read_write from "./fs/read_write.ts";
import * as readdir from "./fs/readdir.ts";
import * as select from "./fs/select.ts";
import * as stat from "./fs/stat.ts";
import { type KernelModule, object_of } from "./host/kernel-module.ts";
import * as asm_apic from "./include/asm/apic.ts";
import * as atomic from "./include/asm/atomic.ts";
import * as bitops from "./include/asm/bitops.ts";
import * as ldt from "./include/asm/ldt.ts";
import * as local from "./include/asm/local.ts";
import * as mpspec from "./include/asm/mpspec.ts";
import * as processor from "./include/asm/processor.ts";
import * as ptrace from "./include/asm/ptrace.ts";
import * as semaphore from "./include/asm/semaphore.ts";
import * as sigcontext from "./include/asm/sigcontext.ts";
import * as smplock from "./include/asm/smplock.ts";
import * as asm_spinlock from "./include/asm/spinlock.ts";
import * as asm_string from "./include/asm/string.ts";
import * as system from "./include/asm/system.ts";
import * as thread_info_h from "./include/asm/thread_info.ts";
import * as tlb from "./include/asm/tlb.ts";
import * as tlbflush from "./include/asm/tlbflush.ts";
import * as uaccess from "./include/asm/uaccess.ts";
import * as binfmts from "./include/linux/binfmts.ts";
import * as completion from "./include/linux/completion.ts";
import * as elf from "./include/linux/elf.ts";
import * as fs from "./include/linux/fs.ts";
import * as interrupt from "./include/linux/interrupt.ts";
import * as include_kthread from "./include/linux/kthread.ts";
import * as list from "./include/linux/list.ts";
import * as linux_lockdep from "./include/linux/lockdep.ts";
import * as mm from "./include/linux/mm.ts";
import * as linux_pid from "./include/linux/pid.ts";
import * as poll from "./include/linux/poll.ts";
import * as rwsem from "./include/linux/rwsem.ts";
import * as sched from "./include/linux/sched.ts";
import * as sched_class from "./include/linux/sched_class.ts";
import * as smp from "./include/linux/smp.ts";
import * as timer from "./include/linux/timer.ts";
import * as tty from "./include/linux/tty.ts";
import * as vmalloc_h from "./include/linux/vmalloc.ts";
import * as wait from "./include/linux/wait.ts";
import * as main from "./init/main.ts";
import * as kernel_completion from "./kernel/completion.ts";
import * as daemonize from "./kernel/daemonize.ts";
import * as exit from "./kernel/exit.ts";
import * as fork from "./kernel/fork.ts";
import * as futex from "./kernel/futex.ts";
import * as itimer from "./kernel/itimer.ts";
import * as kernel_kthread from "./kernel/kthread.ts";
import * as lockdep from "./kernel/lockdep.ts";
import * as lockdep_classes from "./kernel/lockdep-classes.ts";
import * as lockdep_graph from "./kernel/lockdep-graph.ts";
import * as lockdep_report from "./kernel/lockdep-report.ts";
import * as lockdep_search from "./kernel/lockdep-search.ts";
import * as lockdep_trace from "./kernel/lockdep-trace.ts";
import * as lockdep_usage from "./kernel/lockdep-usage.ts";
import * as migration from "./kernel/migration.ts";
import * as kernel_mm from "./kernel/mm.ts";
import * as msleep from "./kernel/msleep.ts";
import * as panic from "./kernel/panic.ts";
import * as pid from "./kernel/pid.ts";
import * as pid_namespace from "./kernel/pid_namespace.ts";
import * as printk from "./kernel/printk.ts";
import * as prio_array from "./kernel/prio_array.ts";
import * as resource from "./kernel/resource.ts";
import * as kernel_sched from "./kernel/sched.ts";
import * as sched_balance from "./kernel/sched_balance.ts";
import * as sched_clock from "./kernel/sched_clock.ts";
import * as sched_fair from "./kernel/sched_fair.ts";
import * as sched_goodness from "./kernel/sched_goodness.ts";
import * as sched_o1 from "./kernel/sched_o1.ts";
import * as sched_o1_prio from "./kernel/sched_o1_prio.ts";
import * as sched_rt from "./kernel/sched_rt.ts";
import * as sched_sys from "./kernel/sched_sys.ts";
import * as kernel_semaphore from "./kernel/semaphore.ts";
import * as sigaction from "./kernel/sigaction.ts";
import * as sigaltstack from "./kernel/sigaltstack.ts";
import * as kernel_signal from "./kernel/signal.ts";
import * as sleep_on from "./kernel/sleep-on.ts";
import * as softirq from "./kernel/softirq.ts";
import * as kernel_spinlock from "./kernel/spinlock.ts";
import * as spinlock_debug from "./kernel/spinlock-debug.ts";
import * as sys from "./kernel/sys.ts";
import * as task_slab from "./kernel/task_slab.ts";
import * as task_union from "./kernel/task_union.ts";
import * as thread_info from "./kernel/thread_info.ts";
import * as kernel_time from "./kernel/time.ts";
import * as kernel_timer from "./kernel/timer.ts";
import * as vmap_stack from "./kernel/vmap_stack.ts";
import * as kernel_wait from "./kernel/wait.ts";
import * as wait_bit from "./kernel/wait-bit.ts";
import * as rbtree from "./lib/rbtree.ts";
import * as lib_rwsem from "./lib/rwsem.ts";
import * as bootmem from "./mm/bootmem.ts";
import * as extable from "./mm/extable.ts";
import * as filemap from "./mm/filemap.ts";
import * as init_mm from "./mm/init_mm.ts";
import * as madvise from "./mm/madvise.ts";
import * as memory from "./mm/memory.ts";
import * as mmap from "./mm/mmap.ts";
import * as mprotect from "./mm/mprotect.ts";
import * as mremap from "./mm/mremap.ts";
import * as page_alloc from "./mm/page_alloc.ts";
import * as shmem from "./mm/shmem.ts";
import * as slab from "./mm/slab.ts";
import * as vma from "./mm/vma.ts";
import * as vmalloc from "./mm/vmalloc.ts";
import * as vmscan from "./mm/vmscan.ts";

const always: readonly object[] = [
  i387,
  i8259,
  irq,
  irqinit,
  process,
  setup,
  show,
  sigframe,
  signal,
  sys_i386,
  syscalls,
  time,
  tls,
  traps,
  delay,
  fault,
  init,
  mem,
  n_tty,
  random,
  serial,
  tty_io,
  binfmt_elf,
  binprm,
  devices,
  exec,
  fcntl,
  file_table,
  initramfs,
  inode,
  ioctl,
  mknod,
  namei,
  open,
  pipe,
  read_write,
  readdir,
  select,
  stat,
  atomic,
  bitops,
  local,
  ldt,
  processor,
  ptrace,
  sigcontext,
  semaphore,
  smplock,
  asm_spinlock,
  asm_string,
  system,
  thread_info_h,
  tlb,
  tlbflush,
  uaccess,
  binfmts,
  completion,
  elf,
  fs,
  interrupt,
  include_kthread,
  list,
  mm,
  linux_pid,
  poll,
  rwsem,
  sched,
  sched_class,
  smp,
  timer,
  tty,
  wait,
  main,
  kernel_completion,
  daemonize,
  exit,
  fork,
  futex,
  itimer,
  kernel_kthread,
  kernel_mm,
  msleep,
  panic,
  pid,
  pid_namespace,
  printk,
  resource,
  kernel_sched,
  sched_sys,
  kernel_semaphore,
  sigaction,
  sigaltstack,
  kernel_signal,
  sleep_on,
  softirq,
  sys,
  kernel_time,
  kernel_timer,
  kernel_wait,
  lib_rwsem,
  wait_bit,
  bootmem,
  extable,
  filemap,
  init_mm,
  madvise,
  memory,
  mmap,
  mprotect,
  mremap,
  page_alloc,
  shmem,
  slab,
  vma,
  vmscan,
];

/** Those that only kernels have which are configured so. */
const optional: Readonly<Record<ConfigurationSymbol, readonly object[]>> = {
  CONFIG_SCHED_GOODNESS: [sched_goodness],
  CONFIG_SCHED_O1: [sched_o1, sched_o1_prio],
  CONFIG_SCHED_FAIR: [sched_fair],
  CONFIG_SCHED_RT: [sched_rt, rbtree],
  CONFIG_RUNQUEUE_PER_CPU: [prio_array, sched_clock],
  CONFIG_SCHED_BALANCE: [migration, sched_balance],
  CONFIG_LOCKS: [],
  CONFIG_PROVE_LOCKING: [
    linux_lockdep,
    lockdep,
    lockdep_classes,
    lockdep_graph,
    lockdep_report,
    lockdep_search,
    lockdep_trace,
    lockdep_usage,
    kernel_spinlock,
    spinlock_debug,
  ],
  CONFIG_SMP: [apic, io_apic, mpparse, kernel_smp, smpboot, asm_apic, mpspec],
  CONFIG_TASK_UNION: [task_union],
  CONFIG_TASK_SLAB: [task_slab],
  CONFIG_THREAD_INFO: [thread_info],
  CONFIG_VMAP_STACK: [vmap_stack, vmalloc, vmalloc_h],
  CONFIG_IRQ_STACKS: [irq_stacks],
  CONFIG_REWIND_STACK: [],
};

/** Objects of the modules of a kernel that is configured by these symbols. */
export function kernel_modules(configured: ReadonlySet<ConfigurationSymbol>): KernelModule[] {
  return [...always, ...[...configured].flatMap((symbol) => optional[symbol])].map(object_of);
}
