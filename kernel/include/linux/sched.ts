/** The task and its constants (include/linux/sched.h, Linux 2.4). */

import { configured, current_task, init_task_address, this_cpu } from "../../host/context.ts";
import { kernel_table, kernel_variable, per_cpu, type Steps } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { array, chars, i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { THREAD_SIZE, thread_struct } from "../asm/processor.ts";
import { RW_LOCK_BIAS, rwlock_t, spinlock_t } from "../asm/spinlock.ts";
import { smp_mb } from "../asm/system.ts";
import { thread_info } from "../asm/thread_info.ts";
import { list_head } from "./list.ts";
import { SIGKILL } from "./signal.ts";
import { NR_CPUS } from "./threads.ts";
import { timer_list } from "./timer.ts";
import { wait_queue_head_t } from "./wait.ts";

export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_ZOMBIE = 4;
export const TASK_STOPPED = 8;
/** A zombie that some thread has waited for, and is about to free (Linux 2.6). */
export const TASK_DEAD = 16;
/** Bit of a state in which SIGKILL wakes (Linux 2.6.25). */
export const TASK_WAKEKILL = 128;
/** Asleep, deaf to all signals but SIGKILL. */
export const TASK_KILLABLE = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE;
/** Whom a wake-up of a queue wakes. */
export const TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE;

export const SCHED_OTHER = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
/** Bit in `policy` while a task has yielded. */
export const SCHED_YIELD = 0x10;

export const CLONE_VM = 0x00000100;
export const CLONE_FS = 0x00000200;
export const CLONE_FILES = 0x00000400;
export const CLONE_SIGHAND = 0x00000800;
export const CLONE_PID = 0x00001000;
export const CLONE_PTRACE = 0x00002000;
export const CLONE_VFORK = 0x00004000;
export const CLONE_PARENT = 0x00008000;
export const CLONE_THREAD = 0x00010000;
export const CLONE_SETTLS = 0x00080000;
export const CLONE_PARENT_SETTID = 0x00100000;
export const CLONE_CHILD_CLEARTID = 0x00200000;
export const CLONE_CHILD_SETTID = 0x01000000;
export const CLONE_NEWPID = 0x20000000;

/** What a `struct pid` is to a task (include/linux/pid.h): indices of `pids`. */
export const PIDTYPE_PID = 0;
export const PIDTYPE_TGID = 1;
export const PIDTYPE_PGID = 2;
export const PIDTYPE_SID = 3;
export const PIDTYPE_MAX = 4;

/** Being created: not yet on the run queue. */
export const PF_STARTING = 0x00000002;
/** An idle task, once it has nothing else to do. */
export const PF_IDLE = 0x00000008;
export const PF_EXITING = 0x00000004;
export const PF_FORKNOEXEC = 0x00000040;
/** The x87 holds this task's state: it used it since it was switched to. */
export const PF_USEDFPU = 0x00100000;
export const PF_SIGNALED = 0x00000400;
/** The init of a pid namespace: signals that it has no handler for do nothing, except SIGKILL and SIGSTOP from outside. */
export const PF_UNKILLABLE = 0x00400000;

/** exit_signal of a thread that is not its group's leader: it leaves no zombie. */
export const NO_EXIT_SIGNAL = -1;

/** `cpus_runnable` of a task that no CPU runs. */
const ALL_CPUS = 0xffffffff;

export const MAX_SCHEDULE_TIMEOUT = 0x7fffffff;
export const PID_MAX = 0x8000;
export const NR_OPEN_DEFAULT = 32;

/**
 * Open files of a process: a table of `struct file *` (include/linux/sched.h). `file_lock` is held for reading while a reference to
 * one of them is taken, for writing while descriptors change.
 */
export const files_struct = struct("files_struct", {
  /** Atomic. */
  count: i32,
  file_lock: rwlock_t,
  max_fds: i32,
  close_on_exec: u32,
  /** One bit for each descriptor that is given away: it has a file, or is about to get one. */
  open_fds: u32,
  fd: array(pointer("file"), NR_OPEN_DEFAULT),
});

export type files_struct = ViewOf<typeof files_struct>;

export const fs_struct = struct("fs_struct", {
  /** Atomic. */
  count: i32,
  umask: i32,
  /** The working directory. */
  pwd: pointer("inode"),
});

export const k_sigaction = struct("k_sigaction", {
  sa_handler: u32,
  sa_flags: u32,
  sa_restorer: u32,
  sa_mask: array(u32, 2),
});

export type k_sigaction = ViewOf<typeof k_sigaction>;

/** What threads with CLONE_SIGHAND do at a signal. `siglock` is held while an action changes, or is taken as a whole. */
export const signal_struct = struct("signal_struct", {
  /** Atomic. */
  count: i32,
  siglock: spinlock_t,
  action: array(k_sigaction, 64),
});

export const sigset = struct("sigset_t", { sig: array(u32, 2) });

/** What a signal brought along: si_code, and its two words (pid and uid, or address). */
export const pending_info = struct("pending_info", { si_code: i32, value0: u32, value1: u32 });

export const rlimit = struct("rlimit", { rlim_cur: u32, rlim_max: u32 });
export const RLIM_NLIMITS = 16;
export const RLIM_INFINITY = 0xffffffff;
export const RLIMIT_STACK = 3;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;

/** Words of a task_struct that belong to its scheduling class. */
export const SCHED_DATA_WORDS = 12;

/** The first fields stand where Linux 2.4's entry.S expects them (state 0, flags 4, sigpending 8, need_resched 20). */
export const task_struct = struct("task_struct", {
  state: i32,
  flags: u32,
  sigpending: i32,
  addr_limit: u32,
  exec_domain: u32,
  need_resched: i32,
  ptrace: u32,
  lock_depth: i32,
  /** Ticks left of its time slice. */
  counter: i32,
  nice: i32,
  policy: u32,
  mm: pointer("mm_struct"),
  processor: i32,
  cpus_runnable: u32,
  cpus_allowed: u32,
  run_list: list_head,
  sleep_time: u32,
  /** Whether it is on a run queue: the task that runs is. */
  on_rq: u32,
  sched_class: pointer("sched_class"),
  /** What its scheduling class keeps of it: a struct of the class's own lies here. */
  sched_data: array(u32, SCHED_DATA_WORDS),
  next_task: pointer("task_struct"),
  prev_task: pointer("task_struct"),
  active_mm: pointer("mm_struct"),
  exit_code: i32,
  exit_signal: i32,
  did_exec: i32,
  pid: i32,
  pgrp: i32,
  session: i32,
  tgid: i32,
  /** Original parent, parent, youngest child, younger and older sibling. */
  p_opptr: pointer("task_struct"),
  p_pptr: pointer("task_struct"),
  p_cptr: pointer("task_struct"),
  p_ysptr: pointer("task_struct"),
  p_osptr: pointer("task_struct"),
  thread_group: list_head,
  /** pid, tgid, pgrp and session as a `struct pid` each; 0 for those of the initial namespace. */
  pids: array(pointer("pid"), PIDTYPE_MAX),
  pidhash_next: pointer("task_struct"),
  pidhash_pprev: pointer("task_struct *"),
  wait_chldexit: wait_queue_head_t,
  vfork_done: pointer("completion"),
  rt_priority: u32,
  start_time: u32,
  /** Ticks in user and in kernel mode. */
  utime: u32,
  stime: u32,
  cutime: u32,
  cstime: u32,
  min_flt: u32,
  maj_flt: u32,
  comm: chars(16),
  thread: thread_struct,
  fs: pointer("fs_struct"),
  files: pointer("files_struct"),
  sig: pointer("signal_struct"),
  /** Held while signals, masks and actions change: interrupts send signals too. */
  sigmask_lock: spinlock_t,
  blocked: sigset,
  pending: sigset,
  /** What came with each pending signal. */
  siginfo: array(pending_info, 64),
  /** The alternate signal stack; size 0 means none. */
  sas_ss_sp: u32,
  sas_ss_size: u32,
  /** User addresses that get the thread's id when it starts, and 0 when it ends; 0 for none. */
  set_child_tid: u32,
  clear_child_tid: u32,
  /** Whether the thread group ends: whatever kills this thread, its status is `group_exit_code`. Other threads say so. */
  group_exit: i32,
  group_exit_code: i32,
  /** Whether the task has used the x87 since exec. */
  used_math: i32,
  /** ITIMER_REAL: the timer, and ticks between two alarms (0: only one). */
  real_timer: timer_list,
  it_real_incr: u32,
  /** Resource limits: soft and hard one of each resource. */
  rlim: array(rlimit, RLIM_NLIMITS),
  /** With stack=vmap only, where nothing of a task is on its stack. */
  thread_info,
});
export type task_struct = ViewOf<typeof task_struct>;

/**
 * Held for reading while somebody walks the list of tasks, families, threads or pids, for writing while these change.
 * Outermost of the spinlocks. Interrupts read too (the terminal's signals), so that writers mask them.
 */
export const tasklist_lock = kernel_table("tasklist_lock", [RW_LOCK_BIAS, 0], rwlock_t);

/**
 * union task_union of pid 0: 8 KiB aligned, PCB at the bottom, boot stack above (init_task_union + 8192 is its top). With other
 * stacks than stack=task_union the PCB is elsewhere (init_task), and this is the boot stack alone.
 */
export const init_task_union = kernel_variable("init_task_union", array(u32, THREAD_SIZE / 4), undefined, {
  alignment: THREAD_SIZE,
  section: ".data.init_task",
});

/** The PCB of the boot CPU's idle task. */
export function init_task(): task_struct {
  return task_struct.at(init_task_address());
}

/** The idle task of each CPU: what it runs when there is nothing else. */
export const init_tasks = kernel_variable("init_tasks", array(pointer("task_struct"), NR_CPUS));

export function idle_task(cpu: number): u32 {
  return init_tasks.value.get(cpu);
}

/** How many CPUs run: 0 to smp_num_cpus - 1. */
export const smp_num_cpus = kernel_variable("smp_num_cpus", i32, 1);

/** Whether a CPU runs `p`, or has yet to leave its stack. */
export function task_has_cpu(p: task_struct): boolean {
  return p.cpus_runnable !== ALL_CPUS;
}

/** The lower end of a task's kernel stack; its top is what TSS.esp0 is while the task is in user mode. */
export function task_stack_page(p: task_struct): u32 {
  return p.thread.esp0 - THREAD_SIZE;
}

/** What is known of a task beside its PCB; nothing with stack=task_union. */
export function task_thread_info(p: task_struct): thread_info | undefined {
  if (configured("CONFIG_VMAP_STACK")) return p.thread_info;
  return configured("CONFIG_THREAD_INFO") ? thread_info.at(task_stack_page(p)) : undefined;
}

/** `cpu` runs `p` from now on, and no other can. */
export function task_set_cpu(p: task_struct, cpu: number): void {
  const info = task_thread_info(p);
  if (info !== undefined) info.cpu = cpu;
  p.processor = cpu;
  p.cpus_runnable = 1 << cpu;
}

/** Any CPU can run `p` now. */
export function task_release_cpu(p: task_struct): void {
  p.cpus_runnable = ALL_CPUS;
}

/** Linear address of the PCB of the task that is running: by the stack that ESP is on, or by the CPU (host/stack-layout.ts). */
export function get_current(): u32 {
  return current_task();
}

export function current(): task_struct {
  return task_struct.at(get_current());
}

/**
 * Says that the current task is about to sleep, before it looks whether it has to: whoever makes that untrue looks at the state
 * afterwards. Without the barrier both may look before either has said it, and a wake-up is lost. @inline
 */
export function* set_current_state(state: i32): Steps<void> {
  current().state = state;
  yield* smp_mb();
}

const SIGKILL_MASK = 1 << (SIGKILL - 1);

/** Whether a signal is pending that nothing survives: SIGKILL. */
export function fatal_signal_pending(p: task_struct): boolean {
  return p.sigpending !== 0 && (p.pending.sig.get(0) & SIGKILL_MASK) !== 0;
}

/** Whether a signal is pending that ends a sleep in `state`. */
export function signal_pending_state(state: number, p: task_struct): boolean {
  if ((state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) === 0 || p.sigpending === 0) return false;
  return (state & TASK_INTERRUPTIBLE) !== 0 || fatal_signal_pending(p);
}

/** The CPU that executes this step, as the task that is running has it, or the CPU itself; 0 in a kernel for one. */
export function smp_processor_id(): i32 {
  return this_cpu();
}

/** Every task but the idle ones, in list order (`for_each_task`). Needs tasklist_lock, for reading at least. */
export function* for_each_task(): Generator<task_struct, void, undefined> {
  const first = init_task().address;
  const next_task = task_struct.offset("next_task");
  let at: u32 = memory().read32(first + next_task) >>> 0;
  while (at !== first) {
    const next = memory().read32(at + next_task) >>> 0;
    yield task_struct.at(at);
    at = next;
  }
}

/** Counters of each CPU that `--stats` prints the sums of; all in guest memory (include/linux/kernel_stat.h). */
export const kernel_stat = struct("kernel_stat", {
  context_swtch: u32,
  syscalls: u32,
  irqs: array(u32, 16),
  pgfault: u32,
  /** Write faults on shared copy-on-write pages that copied a page, and those that found themselves the last user. */
  cow_copies: u32,
  cow_reuses: u32,
  forks: u32,
  cr3_loads: u32,
});

export const kstat = per_cpu("kstat", kernel_stat);
