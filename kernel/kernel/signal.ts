/**
 * Sending signals (kernel/signal.c, Linux 2.4). Delivery is in arch/i386/kernel/signal.ts.
 *
 * Interrupts send signals too (timers, the terminal), and other CPUs: a task's sigmask_lock is held, with interrupts off,
 * while its pending and blocked signals, sigpending and actions change. Whom to send one to is looked up with tasklist_lock,
 * which is taken before. What a plain function here does is one statement of its caller.
 */
import { trace, tracing } from "../host/context.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { read_lock, read_unlock } from "../include/asm/spinlock.ts";
import { EINVAL, ESRCH } from "../include/linux/errno.ts";
import {
  task_active_pid_ns,
  task_pid_nr_ns,
  task_pid_vnr,
  task_tgid_nr_ns,
  task_tgid_vnr,
} from "../include/linux/pid.ts";
import {
  current,
  for_each_task,
  PF_UNKILLABLE,
  signal_pending_state,
  signal_struct,
  TASK_STOPPED,
  task_struct,
  tasklist_lock,
} from "../include/linux/sched.ts";
import {
  _NSIG,
  SI_KERNEL,
  SI_TKILL,
  SI_USER,
  SIG_DFL,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "../include/linux/signal.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../include/linux/spinlock.ts";
import { for_each_thread_behind } from "./pid.ts";
import { find_task_by_vpid, global_nr } from "./pid_namespace.ts";
import { kick_process, wake_up_process } from "./sched.ts";
import { wake_up_interruptible } from "./wait.ts";

/** exit_code of a task that SIGCONT has set going, until its parent has waited for that: its wait status. */
export const CONTINUED = 0xffff;

/** si_code of SIGCHLD. */
const CLD_EXITED = 1;
const CLD_KILLED = 2;

type Sigset = task_struct["pending"];

/** A signal's bit in its word of a set. */
function sigmask(sig: i32): i32 {
  return 1 << ((sig - 1) & 31);
}

/** What SIGKILL and SIGCONT take back. All of them are in the first word. */
const STOP_SIGNALS = (1 << (SIGSTOP - 1)) | (1 << (SIGTSTP - 1)) | (1 << (SIGTTIN - 1)) | (1 << (SIGTTOU - 1));
const UNBLOCKABLE = (1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1));

export function sigismember(set: Sigset, sig: i32): boolean {
  return (set.sig.get((sig - 1) >> 5) & sigmask(sig)) !== 0;
}

export function sigaddset(set: Sigset, sig: i32): void {
  const word = (sig - 1) >> 5;
  set.sig.set(word, set.sig.get(word) | sigmask(sig));
}

export function sigdelset(set: Sigset, sig: i32): void {
  const word = (sig - 1) >> 5;
  set.sig.set(word, set.sig.get(word) & ~sigmask(sig));
}

/** Takes signals of the first word out of a set. */
export function sigdelsetmask(set: Sigset, mask: i32): void {
  set.sig.set(0, set.sig.get(0) & ~mask);
}

export function signal_pending(p: task_struct): boolean {
  return p.sigpending !== 0;
}

/** Pending signals of a word that are not blocked. */
function ready_signals(p: task_struct, word: i32): i32 {
  return p.pending.sig.get(word) & ~p.blocked.sig.get(word);
}

/** Recomputes sigpending: whether a pending signal is not blocked. @context holds task_struct.sigmask_lock of p */
export function recalc_sigpending(p: task_struct): void {
  p.sigpending = (ready_signals(p, 0) | ready_signals(p, 1)) !== 0 ? 1 : 0;
}

/** Replaces the mask of blocked signals of the current task; SIGKILL and SIGSTOP cannot be in it. Needs its sigmask_lock. */
export function set_blocked(low: u32, high: u32): void {
  const self = current();
  self.blocked.sig.set(0, low & ~UNBLOCKABLE);
  self.blocked.sig.set(1, high);
  recalc_sigpending(self);
}

/** What a handler is told of a pending signal: si_code and the two words behind it. @context holds task_struct.sigmask_lock of p */
function set_siginfo(p: task_struct, sig: i32, si_code: i32, value0: u32, value1: u32): void {
  const info = p.siginfo.get(sig - 1);
  info.si_code = si_code;
  info.value0 = value0;
  info.value1 = value1;
}

/** The lowest pending signal that is not blocked, taken from the set; 0 when there is none. */
export function dequeue_signal(p: task_struct): i32 {
  const word = ready_signals(p, 0) !== 0 ? 0 : 1;
  const ready = ready_signals(p, word);
  const sig = ready === 0 ? 0 : 32 * word + 32 - Math.clz32(ready & -ready);
  if (sig !== 0) sigdelset(p.pending, sig);
  recalc_sigpending(p);
  return sig;
}

/** What a signal does where no handler is installed. */
export function default_action(sig: i32): "ignore" | "stop" | "terminate" {
  switch (sig) {
    case SIGCONT:
    case SIGCHLD:
    case SIGWINCH:
    case SIGURG:
      return "ignore";
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return "stop";
    default:
      return "terminate";
  }
}

/** Whether the current task is outside of the pid namespace that another is in. */
function is_outside_of(p: task_struct): boolean {
  return task_pid_nr_ns(current(), task_active_pid_ns(p)) === 0;
}

/** Whether the init of a pid namespace need not care: it has no handler, and this is not SIGKILL or SIGSTOP from outside. */
function spares_init(sig: i32, p: task_struct, handler: number, from_kernel: boolean): boolean {
  if (handler !== SIG_DFL || (p.flags & PF_UNKILLABLE) === 0) return false;
  return !sig_kernel_only(sig) || !(from_kernel || is_outside_of(p));
}

/** SIGKILL and SIGSTOP. */
export function sig_kernel_only(sig: number): boolean {
  return sig === SIGKILL || sig === SIGSTOP;
}

function ignored_signal(sig: i32, p: task_struct, from_kernel: boolean): boolean {
  if (sigismember(p.blocked, sig)) return false;
  const handler = signal_struct.at(p.sig).action.get(sig - 1).sa_handler;
  // Who ignores SIGCHLD does not want to wait: the signal has do_signal() do that.
  if (sig === SIGCHLD && handler === SIG_IGN) return false;
  if (spares_init(sig, p, handler, from_kernel)) return true;
  return handler === SIG_IGN || (handler === SIG_DFL && default_action(sig) === "ignore");
}

/**
 * What send_sig_info does to a task that is not a zombie. Of a signal that is pending already the first siginfo stays.
 * @context irqs_disabled holds task_struct.sigmask_lock of p
 */
function* post_signal(sig: i32, p: task_struct, si_code: i32, value0: u32, value1: u32): Steps<void> {
  if (sig === SIGKILL || sig === SIGCONT) {
    const was_stopped = p.state === TASK_STOPPED;
    p.exit_code = was_stopped && sig === SIGCONT ? CONTINUED : 0;
    if (was_stopped) {
      yield* wake_up_process(p.address);
      yield* wake_up_parent(task_struct.at(p.p_pptr));
    }
    sigdelsetmask(p.pending, STOP_SIGNALS);
  } else if (default_action(sig) === "stop") {
    sigdelset(p.pending, SIGCONT);
  }
  if (!ignored_signal(sig, p, si_code === SI_KERNEL)) {
    if (!sigismember(p.pending, sig)) set_siginfo(p, sig, si_code, value0, value1);
    sigaddset(p.pending, sig);
    recalc_sigpending(p);
    if (tracing()) trace({ event: "signal", pid: p.pid, sig });
    yield* kick_process(p.address);
    if (signal_pending_state(p.state, p)) yield* wake_up_process(p.address);
  }
}

/**
 * Sends a signal with what its handler is told of it: 0, -EINVAL for a bad number. A signal of 0 only checks.
 * @context any
 */
export const send_sig_info = kernel_function(
  "send_sig_info",
  [i32, pointer("task_struct"), i32, u32, u32],
  i32,
  function* (sig, task, si_code, value0, value1) {
    if (sig < 0 || sig > _NSIG) return -EINVAL;
    const p = task_struct.at(task);
    if (sig === 0) return 0; // only asked
    const flags = yield* spin_lock_irqsave(p.sigmask_lock.address);
    if (p.sig !== 0) yield* post_signal(sig, p, si_code, value0, value1);
    yield* spin_unlock_irqrestore(p.sigmask_lock.address, flags);
    return 0;
  },
);

/** The process id of the current process, as another task's pid namespace has it: 0 outside of that. */
function sender_of(p: task_struct): i32 {
  return task_tgid_nr_ns(current(), task_active_pid_ns(p));
}

/** Sends a signal, from the current process or from the kernel: as send_sig_info. @context any */
export function* send_sig(sig: i32, task: u32, from_kernel: i32): Steps<i32> {
  if (from_kernel !== 0) return yield* send_sig_info(sig, task, SI_KERNEL, 0, 0);
  return yield* send_sig_info(sig, task, SI_USER, sender_of(task_struct.at(task)), 0);
}

function make_deliverable(sig: i32, p: task_struct): void {
  const action = signal_struct.at(p.sig).action.get(sig - 1);
  if (action.sa_handler === SIG_IGN) action.sa_handler = SIG_DFL;
  sigdelset(p.blocked, sig);
  p.flags &= ~PF_UNKILLABLE;
  recalc_sigpending(p);
}

/** Sends a signal that cannot be ignored or blocked, as send_sig_info does: the task's own fault. @context any */
export const force_sig_info = kernel_function(
  "force_sig_info",
  [i32, pointer("task_struct"), i32, u32],
  undefined,
  function* (sig, task, si_code, address) {
    const p = task_struct.at(task);
    const flags = yield* spin_lock_irqsave(p.sigmask_lock.address);
    if (p.sig !== 0) make_deliverable(sig, p);
    yield* spin_unlock_irqrestore(p.sigmask_lock.address, flags);
    yield* send_sig_info(sig, task, si_code, address, 0);
  },
);

/** The same, with nothing to tell. @context any */
export function* force_sig(sig: i32, task: u32): Steps<void> {
  yield* force_sig_info(sig, task, SI_KERNEL, 0);
}

/** Wakes those that wait for a child of `parent`: any thread of its group may. @context holds tasklist_lock for reading */
export function* wake_up_parent(parent: task_struct): Steps<void> {
  yield* wake_up_interruptible(parent.wait_chldexit.address);
  for (const thread of for_each_thread_behind(parent)) yield* wake_up_interruptible(thread.wait_chldexit.address);
}

/**
 * Tells a parent that its child stopped or died, and wakes it if it waits for that.
 * @context holds tasklist_lock for reading
 */
export const do_notify_parent = kernel_function(
  "do_notify_parent",
  [pointer("task_struct"), i32],
  undefined,
  function* (task, sig) {
    const parent = task_struct.at(task_struct.at(task).p_pptr);
    // clone() takes any number for the exit signal; one that is no signal is not sent.
    if (sig > 0) {
      const { exit_code } = task_struct.at(task);
      const pid = task_pid_nr_ns(task_struct.at(task), task_active_pid_ns(parent));
      yield* send_sig_info(sig, parent.address, exit_code & 0x7f ? CLD_KILLED : CLD_EXITED, pid, 0);
    }
    yield* wake_up_parent(parent);
  },
);

/**
 * Signals a process group, from the current process, or from the kernel as its terminal does in an interrupt. -ESRCH when
 * nobody is in it.
 * @context any
 */
export const kill_pg = kernel_function("kill_pg", [i32, i32, i32], i32, function* (pgrp, sig, from_kernel) {
  let result: i32 = -ESRCH;
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) {
    if (p.pgrp === pgrp) result = yield* send_sig(sig, p.address, from_kernel);
  }
  yield* read_unlock(tasklist_lock.address);
  return result;
});

/** Signals everybody in the caller's pid namespace but its init and the caller. */
function* kill_all(sig: i32): Steps<i32> {
  const self = current();
  let result: i32 = -ESRCH;
  yield* read_lock(tasklist_lock.address);
  for (const p of for_each_task()) {
    if (task_pid_vnr(p) > 1 && p.pid !== self.pid) result = yield* send_sig(sig, p.address, 0);
  }
  yield* read_unlock(tasklist_lock.address);
  return result;
}

/**
 * Signals one task, of the thread group `tgid` unless that is 0, from the current process.
 * @context holds tasklist_lock for reading
 */
function* kill_proc(tgid: i32, pid: i32, sig: i32, si_code: i32): Steps<i32> {
  const p = yield* find_task_by_vpid(pid);
  if (p === undefined || (tgid !== 0 && task_tgid_vnr(p) !== tgid)) return -ESRCH;
  return yield* send_sig_info(sig, p.address, si_code, sender_of(p), 0);
}

/** The same for a thread that knows the other by its own id. */
function* kill_thread(tgid: i32, pid: i32, sig: i32): Steps<i32> {
  if (pid <= 0 || sig < 0 || sig > _NSIG) return -EINVAL;
  yield* read_lock(tasklist_lock.address);
  const result = yield* kill_proc(tgid, pid, sig, SI_TKILL);
  yield* read_unlock(tasklist_lock.address);
  return result;
}

/** tkill(2). */
export const sys_tkill = kernel_function("sys_tkill", [i32, i32], i32, function* (pid, sig) {
  return yield* kill_thread(0, pid, sig);
});

/** tgkill(2). */
export const sys_tgkill = kernel_function("sys_tgkill", [i32, i32, i32], i32, function* (tgid, pid, sig) {
  return tgid <= 0 ? -EINVAL : yield* kill_thread(tgid, pid, sig);
});

/** Signals the process group with a number in the caller's pid namespace. */
function* kill_own_pg(vnr: i32, sig: i32): Steps<i32> {
  yield* read_lock(tasklist_lock.address);
  const pgrp = yield* global_nr(vnr);
  yield* read_unlock(tasklist_lock.address);
  return pgrp === 0 ? -ESRCH : yield* kill_pg(pgrp, sig, 0);
}

/** kill(pid, sig): one process, the caller's group (0), a group (-pgrp), or all but init and the caller (-1). */
export const sys_kill = kernel_function("sys_kill", [i32, i32], i32, function* (pid, sig) {
  if (sig < 0 || sig > _NSIG) return -EINVAL;
  if (pid === 0) return yield* kill_pg(current().pgrp, sig, 0);
  if (pid === -1) return yield* kill_all(sig);
  if (pid < 0) return yield* kill_own_pg(-pid, sig);
  yield* read_lock(tasklist_lock.address);
  const result = yield* kill_proc(0, pid, sig, SI_USER);
  yield* read_unlock(tasklist_lock.address);
  return result;
});
