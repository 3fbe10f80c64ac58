/** Sending signals (kernel/signal.c, Linux 2.4). Delivery is in arch/i386/kernel/signal.ts. */
import { trace, tracing } from "../host/context.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32, pointer } from "../host/types.ts";
import { local_irq_restore, local_irq_save } from "../include/asm/system.ts";
import { EINVAL, EPERM, ESRCH } from "../include/linux/errno.ts";
import {
  current,
  for_each_task,
  signal_struct,
  TASK_INTERRUPTIBLE,
  TASK_STOPPED,
  TASK_ZOMBIE,
  task_struct,
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
import { find_task_by_pid } from "./pid.ts";
import { wake_up_process } from "./sched.ts";
import { wake_up_interruptible } from "./wait.ts";

/** si_code of SIGCHLD. */
const CLD_EXITED = 1;
const CLD_KILLED = 2;

type Sigset = task_struct["pending"];

export function sigismember(set: Sigset, sig: number): boolean {
  return (set.sig.get((sig - 1) >> 5) & (1 << ((sig - 1) & 31))) !== 0;
}

export function sigaddset(set: Sigset, sig: number): void {
  const word = (sig - 1) >> 5;
  set.sig.set(word, set.sig.get(word) | (1 << ((sig - 1) & 31)));
}

export function sigdelset(set: Sigset, sig: number): void {
  const word = (sig - 1) >> 5;
  set.sig.set(word, set.sig.get(word) & ~(1 << ((sig - 1) & 31)));
}

export function signal_pending(p: task_struct): boolean {
  return p.sigpending !== 0;
}

/** Recomputes sigpending: whether a pending signal is not blocked. */
export function recalc_sigpending(p: task_struct): void {
  let ready = 0;
  for (let word = 0; word < 2; word++) ready |= p.pending.sig.get(word) & ~p.blocked.sig.get(word);
  p.sigpending = ready !== 0 ? 1 : 0;
}

/** Replaces the mask of blocked signals of the current task; SIGKILL and SIGSTOP cannot be in it. */
export function set_blocked(low: number, high: number): void {
  const self = current();
  self.blocked.sig.set(0, low & ~((1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1))));
  self.blocked.sig.set(1, high);
  recalc_sigpending(self);
}

/** What a handler is told of a pending signal: si_code and the two words behind it. */
export function set_siginfo(p: task_struct, sig: number, si_code: number, value0: number, value1: number): void {
  const info = p.siginfo.get(sig - 1);
  info.si_code = si_code;
  info.value0 = value0;
  info.value1 = value1;
}

/** The lowest pending signal that is not blocked, taken from the set; 0 when there is none. */
export function dequeue_signal(p: task_struct): number {
  for (let sig = 1; sig < _NSIG; sig++) {
    if (!sigismember(p.pending, sig) || sigismember(p.blocked, sig)) continue;
    sigdelset(p.pending, sig);
    recalc_sigpending(p);
    return sig;
  }
  recalc_sigpending(p);
  return 0;
}

/** What a signal does where no handler is installed. */
export function default_action(sig: number): "ignore" | "stop" | "terminate" {
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

function ignored_signal(sig: number, p: task_struct): boolean {
  if (sigismember(p.blocked, sig)) return false;
  const handler = signal_struct.at(p.sig).action.get(sig - 1).sa_handler;
  // Who ignores SIGCHLD does not want to wait: the signal has do_signal() do that.
  if (sig === SIGCHLD && handler === SIG_IGN) return false;
  return handler === SIG_IGN || (handler === SIG_DFL && default_action(sig) === "ignore");
}

/** Sends a signal, from the current process or from the kernel: 0, -EINVAL for a bad number. A signal of 0 only checks. */
export const send_sig = kernel_function(
  "send_sig",
  [i32, pointer("task_struct"), i32],
  i32,
  function* (sig, task, from_kernel) {
    if (sig < 0 || sig >= _NSIG) return -EINVAL;
    const p = task_struct.at(task);
    if (sig === 0 || p.sig === 0) return 0; // only asked, or a zombie
    const flags = local_irq_save();
    if (sig === SIGKILL || sig === SIGCONT) {
      if (p.state === TASK_STOPPED) yield* wake_up_process(task);
      p.exit_code = 0;
      for (const stop of [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]) sigdelset(p.pending, stop);
    } else if (default_action(sig) === "stop") {
      sigdelset(p.pending, SIGCONT);
    }
    if (!ignored_signal(sig, p)) {
      if (!sigismember(p.pending, sig)) {
        if (from_kernel !== 0) set_siginfo(p, sig, SI_KERNEL, 0, 0);
        else set_siginfo(p, sig, SI_USER, current().tgid, 0);
      }
      sigaddset(p.pending, sig);
      recalc_sigpending(p);
      if (tracing()) trace({ event: "signal", pid: p.pid, sig });
      if (p.state === TASK_INTERRUPTIBLE && signal_pending(p)) yield* wake_up_process(task);
    }
    local_irq_restore(flags);
    return 0;
  },
);

/** Sends a signal that cannot be ignored or blocked: the task's own fault. */
export const force_sig = kernel_function("force_sig", [i32, pointer("task_struct")], undefined, function* (sig, task) {
  const p = task_struct.at(task);
  if (p.sig === 0) return;
  const action = signal_struct.at(p.sig).action.get(sig - 1);
  if (action.sa_handler === SIG_IGN) action.sa_handler = SIG_DFL;
  sigdelset(p.blocked, sig);
  recalc_sigpending(p);
  yield* send_sig(sig, task, 1);
});

/** Tells a parent that its child stopped or died, and wakes it if it waits for that. */
export const do_notify_parent = kernel_function(
  "do_notify_parent",
  [pointer("task_struct"), i32],
  undefined,
  function* (task, sig) {
    const parent = task_struct.at(task_struct.at(task).p_pptr);
    // clone() takes any number for the exit signal; one that is no signal is not sent.
    if (sig > 0 && (yield* send_sig(sig, parent.address, 0)) === 0) {
      const { pid, exit_code } = task_struct.at(task);
      const code = exit_code & 0x7f ? CLD_KILLED : CLD_EXITED;
      if (parent.sig !== 0) set_siginfo(parent, sig, code, pid, 0);
    }
    yield* wake_up_interruptible(parent.wait_chldexit.address);
  },
);

/** Signals a process group, as its terminal does. */
export function kill_pg(pgrp: number, sig: number) {
  return send_to_each(sig, (p) => p.pgrp === pgrp);
}

function* send_to_each(sig: number, chosen: (p: task_struct) => boolean) {
  let sent = 0;
  let result = 0;
  for (const p of for_each_task()) {
    if (!chosen(p)) continue;
    sent++;
    result = yield* send_sig(sig, p.address, 0);
  }
  return sent === 0 ? -ESRCH : result;
}

/** Signals one thread, of the group `tgid` unless that is 0. */
function* kill_thread(tgid: number, pid: number, sig: number): Steps<number> {
  if (pid <= 0 || sig < 0 || sig >= _NSIG) return -EINVAL;
  const p = find_task_by_pid(pid);
  if (p === undefined || (tgid !== 0 && p.tgid !== tgid)) return -ESRCH;
  if (p.mm === 0 && p.state !== TASK_ZOMBIE) return -EPERM;
  const result = yield* send_sig(sig, p.address, 0);
  if (sig !== 0) set_siginfo(p, sig, SI_TKILL, current().tgid, 0);
  return result;
}

/** tkill(2). */
export const sys_tkill = kernel_function("sys_tkill", [i32, i32], i32, (pid, sig) => kill_thread(0, pid, sig));

/** tgkill(2). */
export const sys_tgkill = kernel_function("sys_tgkill", [i32, i32, i32], i32, function* (tgid, pid, sig) {
  return tgid <= 0 ? -EINVAL : yield* kill_thread(tgid, pid, sig);
});

/** kill(pid, sig): one process, the caller's group (0), a group (-pgrp), or all but init and the caller (-1). */
export const sys_kill = kernel_function("sys_kill", [i32, i32], i32, function* (pid, sig) {
  const self = current();
  if (sig < 0 || sig >= _NSIG) return -EINVAL;
  if (pid === 0) return yield* send_to_each(sig, (p) => p.pgrp === self.pgrp);
  if (pid === -1) return yield* send_to_each(sig, (p) => p.pid > 1 && p.pid !== self.pid);
  if (pid < 0) return yield* send_to_each(sig, (p) => p.pgrp === -pid);
  const p = find_task_by_pid(pid);
  if (p === undefined) return -ESRCH;
  if (p.mm === 0 && p.state !== TASK_ZOMBIE) return -EPERM; // kernel threads take no signals they did not ask for
  return yield* send_sig(sig, p.address, 0);
});
