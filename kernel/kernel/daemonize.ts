/**
 * Kernel threads that came from somewhere: giving up what they have of the task that made them, and choosing which signals
 * they want (kernel/exit.c of Linux 2.6; kernel/sched.c's reparent_to_init of 2.4).
 */
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, type u32 } from "../host/types.ts";
import { atomic_inc } from "../include/asm/atomic.ts";
import { memcpy, memset, strlcpy } from "../include/asm/string.ts";
import { EINVAL } from "../include/linux/errno.ts";
import {
  current,
  files_struct,
  fs_struct,
  init_task,
  RLIM_NLIMITS,
  rlimit,
  SCHED_OTHER,
  signal_struct,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import { _NSIG, SIG_IGN, SIGCHLD } from "../include/linux/signal.ts";
import {
  spin_lock_irq,
  spin_lock_irqsave,
  spin_unlock_irq,
  spin_unlock_irqrestore,
  write_lock_irq,
  write_unlock_irq,
} from "../include/linux/spinlock.ts";
import { exit_mm } from "./exit.ts";
import { exit_files, exit_fs } from "./fork.ts";
import { find_task_by_pid, link_child, unlink_child } from "./pid.ts";
import { detach_pids, has_pids } from "./pid_namespace.ts";
import { set_scheduling } from "./sched_sys.ts";
import { recalc_sigpending, sigdelset } from "./signal.ts";

const FILES_COUNT = files_struct.offset("count");
const FS_COUNT = fs_struct.offset("count");
const ALL_SIGNALS = 0xffffffff;
/** Handler of a signal that a kernel thread allows: an address that is never called, but is neither SIG_DFL nor SIG_IGN. */
const SIG_KTHREAD = 2;

/**
 * Makes the current task a child of `parent`, in the initial pid namespace alone: another one, whose init waits for everybody
 * in it, would not end before a thread of the kernel's.
 * @context irqs_disabled holds tasklist_lock for writing
 */
function* reparent(parent: task_struct): Steps<void> {
  const self = current();
  if (has_pids(self)) yield* detach_pids(self);
  unlink_child(self);
  self.p_pptr = parent.address;
  self.p_opptr = parent.address;
  link_child(self);
}

/** Makes the current task a child of the idle task: nobody waits for it. @context might_sleep */
export function* reparent_to_idle(): Steps<void> {
  yield* write_lock_irq(tasklist_lock.address);
  yield* reparent(init_task());
  yield* write_unlock_irq(tasklist_lock.address);
}

/**
 * Makes the current task a child of init, with the idle task's limits and an ordinary priority: it ends as an orphan does,
 * and init has to wait for it.
 * @context might_sleep
 */
export const reparent_to_init = kernel_function("reparent_to_init", [], undefined, function* () {
  yield* write_lock_irq(tasklist_lock.address);
  const init = yield* find_task_by_pid(1);
  yield* reparent(init ?? init_task());
  const self = current();
  self.exit_signal = SIGCHLD;
  yield* write_unlock_irq(tasklist_lock.address);
  yield* reset_scheduling();
});

/** Limits, CPUs and priority as the idle task had them at boot, whatever the maker's were. */
export function* reset_scheduling(): Steps<void> {
  const self = current();
  yield* set_scheduling(self, SCHED_OTHER, 0, 0);
  self.cpus_allowed = init_task().cpus_allowed;
  yield* memcpy(self.rlim.address, init_task().rlim.address, RLIM_NLIMITS * rlimit.size);
}

/** Gives up address space, working directory and files for those of the idle task, which all kernel threads share. */
export function* drop_resources(): Steps<void> {
  const self = current();
  if (self.mm !== 0) yield* exit_mm(self);
  yield* exit_fs(self.address);
  self.fs = init_task().fs;
  yield* atomic_inc(self.fs + FS_COUNT);
  yield* exit_files(self.address);
  self.files = init_task().files;
  yield* atomic_inc(self.files + FILES_COUNT);
}

/**
 * Makes the current task, which came from `kernel_thread`, a thread of the kernel's own: without address space, files,
 * directory, session and signals of the task that made it, a child of init. All signals are blocked. `name` is a
 * NUL-terminated text, of which 15 bytes are taken.
 * @context might_sleep
 */
export const daemonize = kernel_function("daemonize", [pointer("char")], undefined, function* (name) {
  const self = current();
  yield* set_task_comm(self, name);
  yield* drop_resources();
  self.session = 1;
  self.pgrp = 1;
  yield* spin_lock_irq(self.sigmask_lock.address);
  self.blocked.sig.set(0, ALL_SIGNALS);
  self.blocked.sig.set(1, ALL_SIGNALS);
  yield* spin_unlock_irq(self.sigmask_lock.address);
  yield* flush_signals(self.address);
  yield* reparent_to_init();
});

const COMM = task_struct.offset("comm");
const COMM_LENGTH = 16;

/** Names a task. */
export function* set_task_comm(p: task_struct, name: u32): Steps<void> {
  yield* strlcpy(p.address + COMM, name, COMM_LENGTH);
}

/** Forgets all pending signals of a task. @context any */
export const flush_signals = kernel_function("flush_signals", [pointer("task_struct")], undefined, function* (task) {
  const p = task_struct.at(task);
  const flags = yield* spin_lock_irqsave(p.sigmask_lock.address);
  yield* memset(p.pending.address, 0, 8);
  p.sigpending = 0;
  yield* spin_unlock_irqrestore(p.sigmask_lock.address, flags);
});

/** Ignores every signal: what is sent is forgotten at once, and wakes nobody. @context might_sleep */
export function* ignore_signals(p: task_struct): Steps<void> {
  yield* spin_lock_irq(p.sigmask_lock.address);
  const actions = signal_struct.at(p.sig);
  for (let i: u32 = 0; i < _NSIG; i++) actions.action.get(i).sa_handler = SIG_IGN;
  yield* spin_unlock_irq(p.sigmask_lock.address);
  yield* flush_signals(p.address);
}

/**
 * Lets a signal through to the current kernel thread: it wakes an interruptible sleep and signal_pending() says so; what comes of
 * it is the thread's business, SIGKILL too. 0, or -EINVAL for a bad number.
 * @context might_sleep
 */
export const allow_signal = kernel_function("allow_signal", [i32], i32, function* (sig) {
  if (sig < 1 || sig > _NSIG) return -EINVAL;
  const self = current();
  yield* spin_lock_irq(self.sigmask_lock.address);
  sigdelset(self.blocked, sig);
  signal_struct.at(self.sig).action.get(sig - 1).sa_handler = SIG_KTHREAD;
  recalc_sigpending(self);
  yield* spin_unlock_irq(self.sigmask_lock.address);
  return 0;
});

/** Has the current kernel thread ignore a signal again. 0, or -EINVAL for a bad number. @context might_sleep */
export const disallow_signal = kernel_function("disallow_signal", [i32], i32, function* (sig) {
  if (sig < 1 || sig > _NSIG) return -EINVAL;
  const self = current();
  yield* spin_lock_irq(self.sigmask_lock.address);
  signal_struct.at(self.sig).action.get(sig - 1).sa_handler = SIG_IGN;
  sigdelset(self.pending, sig);
  recalc_sigpending(self);
  yield* spin_unlock_irq(self.sigmask_lock.address);
  return 0;
});
