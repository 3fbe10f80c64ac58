/** Delivering signals on the way to user space (arch/i386/kernel/signal.c). */
import { trace, tracing } from "../../../host/context.ts";
import { kernel_function, local, type Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { i32, pointer } from "../../../host/types.ts";
import { pt_regs, type pt_regs as Registers, user_mode } from "../../../include/asm/ptrace.ts";
import { read_lock, read_unlock, spin_lock, spin_unlock } from "../../../include/asm/spinlock.ts";
import { memcpy } from "../../../include/asm/string.ts";
import { EINTR, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS } from "../../../include/linux/errno.ts";
import {
  current,
  k_sigaction,
  PF_SIGNALED,
  PF_UNKILLABLE,
  signal_struct,
  sigset,
  TASK_INTERRUPTIBLE,
  TASK_RUNNING,
  TASK_STOPPED,
  type task_struct,
  tasklist_lock,
} from "../../../include/linux/sched.ts";
import {
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIG_DFL,
  SIG_IGN,
  SIGCHLD,
} from "../../../include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq } from "../../../include/linux/spinlock.ts";
import { do_group_exit, sys_wait4, WNOHANG } from "../../../kernel/exit.ts";
import { schedule } from "../../../kernel/sched.ts";
import {
  default_action,
  dequeue_signal,
  do_notify_parent,
  recalc_sigpending,
  sig_kernel_only,
  sigaddset,
} from "../../../kernel/signal.ts";
import { setup_frame, setup_rt_frame } from "./sigframe.ts";

const INT_LENGTH = 2;

/** Has the system call that the registers come from begin again. */
function restart_system_call(regs: Registers): void {
  regs.eax = regs.orig_eax;
  regs.eip -= INT_LENGTH;
}

/** What the system call returned that the registers come from; 0 for those of an interrupt or exception. */
function system_call_result(regs: Registers): i32 {
  return regs.orig_eax >= 0 ? i32.from_register(regs.eax) : 0;
}

/** What the handler does not want to be interrupted by. @bounded by the two words of a mask */
function block_more(self: task_struct, action: k_sigaction): void {
  for (let word = 0; word < 2; word++) {
    self.blocked.sig.set(word, self.blocked.sig.get(word) | action.sa_mask.get(word));
  }
}

/** Copies a mask between two sigsets in kernel memory. */
function copy_mask(to: number, from: number): void {
  const m = memory();
  m.write32(to, m.read32(from));
  m.write32(to + 4, m.read32(from + 4));
}

/**
 * Has the return to user space go to the handler: decides what becomes of an interrupted system call, builds the frame,
 * and blocks what the handler does not want to be interrupted by. `oldset` is the mask that sigreturn puts back.
 * @context might_sleep
 */
const handle_signal = kernel_function(
  "handle_signal",
  [i32, pointer("k_sigaction"), pointer("sigset_t"), pointer("pt_regs")],
  undefined,
  function* (sig, action_address, oldset, regs_address) {
    const action = k_sigaction.at(action_address);
    const regs = pt_regs.at(regs_address);
    const result = system_call_result(regs);
    if (result === -ERESTARTNOINTR || (result === -ERESTARTSYS && action.sa_flags & SA_RESTART)) {
      restart_system_call(regs);
    } else if (result === -ERESTARTSYS || result === -ERESTARTNOHAND) {
      regs.eax = -EINTR;
    }
    if (action.sa_flags & SA_SIGINFO) yield* setup_rt_frame(sig, action_address, oldset, regs_address);
    else yield* setup_frame(sig, action_address, oldset, regs_address);
    const self = current();
    if ((action.sa_flags & SA_NODEFER) === 0) {
      yield* spin_lock_irq(self.sigmask_lock.address);
      block_more(self, action);
      sigaddset(self.blocked, sig);
      recalc_sigpending(self);
      yield* spin_unlock_irq(self.sigmask_lock.address);
    }
  },
);

/**
 * Takes pending signals, lowest first, until one has a handler: that will run next. The others do what they do by
 * default: nothing, stop, or die. Called by entry.S with interrupts on, right before the return to user space, with
 * `oldset` 0, and by sigsuspend with the mask to put back. An interrupted system call is restarted if nothing came of it.
 * Returns 1 when a handler will run.
 * @context might_sleep
 */
export const do_signal = kernel_function(
  "do_signal",
  [pointer("pt_regs"), pointer("sigset_t")],
  i32,
  function* (address, oldset) {
    const regs = pt_regs.at(address);
    if (!user_mode(regs)) return 1;
    const self = current();
    const action = local(k_sigaction);
    for (;;) {
      yield* spin_lock_irq(self.sigmask_lock.address);
      const sig = dequeue_signal(self);
      if (sig !== 0) stop_by_default(self, sig);
      yield* spin_unlock_irq(self.sigmask_lock.address);
      if (sig === 0) break;
      yield* take_action(sig, action);
      const handler = self.state === TASK_STOPPED ? SIG_DFL : action.sa_handler;
      if (handler === SIG_IGN) {
        if (sig === SIGCHLD) while ((yield* sys_wait4(-1, 0, WNOHANG, 0)) > 0);
        continue;
      }
      if (handler === SIG_DFL) {
        // It was blocked when it was sent.
        if (self.flags & PF_UNKILLABLE && !sig_kernel_only(sig)) continue;
        yield* act_by_default(self, sig);
        continue;
      }
      if (tracing()) trace({ event: "signal_deliver", pid: self.pid, sig, handler });
      yield* handle_signal(sig, action.address, oldset || self.blocked.address, address);
      return 1;
    }
    const result = system_call_result(regs);
    if (result === -ERESTARTSYS || result === -ERESTARTNOINTR || result === -ERESTARTNOHAND) restart_system_call(regs);
    return 0;
  },
);

/**
 * A signal that stops the task does so with the lock with which it was taken: SIGCONT finds it pending, or the task stopped.
 * Needs sigmask_lock.
 */
function stop_by_default(self: task_struct, sig: i32): void {
  if (signal_struct.at(self.sig).action.get(sig - 1).sa_handler !== SIG_DFL || default_action(sig) !== "stop") return;
  self.state = TASK_STOPPED;
  self.exit_code = sig;
}

/** Copies the action of a signal: other threads may change it. One that is for once becomes the default action. */
function* take_action(sig: i32, into: k_sigaction): Steps<void> {
  const signals = signal_struct.at(current().sig);
  const action = signals.action.get(sig - 1);
  yield* spin_lock(signals.siglock.address);
  yield* memcpy(into.address, action.address, k_sigaction.size);
  if (action.sa_flags & SA_RESETHAND && action.sa_handler !== SIG_IGN) action.sa_handler = SIG_DFL;
  yield* spin_unlock(signals.siglock.address);
}

/** @context might_sleep */
function* act_by_default(self: task_struct, sig: i32): Steps<void> {
  switch (default_action(sig)) {
    case "stop":
      return yield* stop(self);
    case "terminate":
      self.flags |= PF_SIGNALED;
      yield* do_group_exit(sig);
  }
}

/** Tells the parent, and stays stopped until somebody sends SIGCONT or SIGKILL. @context might_sleep */
function* stop(self: task_struct): Steps<void> {
  yield* read_lock(tasklist_lock.address);
  yield* do_notify_parent(self.address, SIGCHLD);
  yield* read_unlock(tasklist_lock.address);
  yield* schedule();
  self.state = TASK_RUNNING;
}

/**
 * Waits with another mask until a handler will run; what sigsuspend(2) does. The registers are those of the system call,
 * the mask is in kernel memory. Always -EINTR.
 * @context might_sleep
 */
export const do_sigsuspend = kernel_function(
  "do_sigsuspend",
  [pointer("pt_regs"), pointer("sigset_t")],
  i32,
  function* (regs, mask) {
    const self = current();
    const saved = local(sigset);
    copy_mask(saved.address, self.blocked.address);
    yield* spin_lock_irq(self.sigmask_lock.address);
    copy_mask(self.blocked.address, mask);
    recalc_sigpending(self);
    yield* spin_unlock_irq(self.sigmask_lock.address);
    pt_regs.at(regs).eax = -EINTR;
    for (;;) {
      current().state = TASK_INTERRUPTIBLE;
      yield* schedule();
      if ((yield* do_signal(regs, saved.address)) !== 0) return -EINTR;
    }
  },
);
