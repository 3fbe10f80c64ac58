/** The system calls that set signals up (kernel/signal.c, arch/i386/kernel/signal.c): actions, masks, waiting. */
import { do_sigsuspend } from "../arch/i386/kernel/signal.ts";
import { by_value, kernel_function, local, type Steps } from "../host/declarations.ts";
import { i32, pointer, struct, u32, type ViewOf } from "../host/types.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { spin_lock, spin_unlock } from "../include/asm/spinlock.ts";
import { memcpy, memset } from "../include/asm/string.ts";
import { copy_from_user, copy_to_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL } from "../include/linux/errno.ts";
import { current, k_sigaction, signal_struct, sigset } from "../include/linux/sched.ts";
import {
  _NSIG,
  SA_NODEFER,
  SA_RESETHAND,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGKILL,
  SIGSTOP,
} from "../include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq } from "../include/linux/spinlock.ts";
import { default_action, recalc_sigpending, set_blocked, sigdelset } from "./signal.ts";

const UNBLOCKABLE = (1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1));

/**
 * Installs an action (0: leaves it) and tells the old one; both in kernel memory. 0 or -EINVAL.
 * @context irqs_enabled
 */
export const do_sigaction = kernel_function(
  "do_sigaction",
  [i32, pointer("k_sigaction"), pointer("k_sigaction")],
  i32,
  function* (sig, act, oact) {
    if (sig < 1 || sig > _NSIG || (act !== 0 && (sig === SIGKILL || sig === SIGSTOP))) return -EINVAL;
    const self = current();
    const signals = signal_struct.at(self.sig);
    const action = signals.action.get(sig - 1);
    yield* spin_lock(signals.siglock.address);
    yield* memcpy(oact, action.address, k_sigaction.size);
    if (act === 0) {
      yield* spin_unlock(signals.siglock.address);
      return 0;
    }
    yield* spin_lock_irq(current().sigmask_lock.address);
    yield* memcpy(action.address, act, k_sigaction.size);
    action.sa_mask.set(0, action.sa_mask.get(0) & ~UNBLOCKABLE);
    // What is pending and ignored from now on never was.
    const { sa_handler } = action;
    if (sa_handler === SIG_IGN || (sa_handler === SIG_DFL && default_action(sig) === "ignore")) {
      sigdelset(self.pending, sig);
      recalc_sigpending(self);
    }
    yield* spin_unlock_irq(current().sigmask_lock.address);
    yield* spin_unlock(signals.siglock.address);
    return 0;
  },
);

/** rt_sigaction(2): the mask has 8 bytes. @context might_sleep */
export const sys_rt_sigaction = kernel_function(
  "sys_rt_sigaction",
  [i32, u32, u32, u32],
  i32,
  function* (sig, act, oact, sigsetsize) {
    if (sigsetsize !== sigset.size) return -EINVAL;
    const wanted = local(k_sigaction);
    const old = local(k_sigaction);
    if (act !== 0 && (yield* copy_from_user(wanted.address, act, k_sigaction.size)) !== 0) return -EFAULT;
    const error = yield* do_sigaction(sig, act === 0 ? 0 : wanted.address, old.address);
    if (error !== 0) return error;
    return oact !== 0 && (yield* copy_to_user(oact, old.address, k_sigaction.size)) !== 0 ? -EFAULT : 0;
  },
);

/** The action of programs that know 32 signals. */
const old_sigaction = struct("old_sigaction", { sa_handler: u32, sa_mask: u32, sa_flags: u32, sa_restorer: u32 });

/** sigaction(2) as it first was. @context might_sleep */
export const sys_sigaction = kernel_function("sys_sigaction", [i32, u32, u32], i32, function* (sig, act, oact) {
  const wanted = local(k_sigaction);
  const previous = local(k_sigaction);
  const user = local(old_sigaction);
  if (act !== 0) {
    if ((yield* copy_from_user(user.address, act, old_sigaction.size)) !== 0) return -EFAULT;
    wanted.sa_handler = user.sa_handler;
    wanted.sa_flags = user.sa_flags;
    wanted.sa_restorer = user.sa_restorer;
    wanted.sa_mask.set(0, user.sa_mask);
    wanted.sa_mask.set(1, 0);
  }
  const error = yield* do_sigaction(sig, act === 0 ? 0 : wanted.address, previous.address);
  if (error !== 0 || oact === 0) return error;
  user.sa_handler = previous.sa_handler;
  user.sa_flags = previous.sa_flags;
  user.sa_restorer = previous.sa_restorer;
  user.sa_mask = previous.sa_mask.get(0);
  return (yield* copy_to_user(oact, user.address, old_sigaction.size)) === 0 ? 0 : -EFAULT;
});

/** signal(2): a handler for once, that may interrupt itself. Returns the old one, or -EINVAL. */
export const sys_signal = kernel_function("sys_signal", [i32, u32], u32, function* (sig, handler) {
  const wanted = local(k_sigaction);
  const previous = local(k_sigaction);
  yield* memset(wanted.address, 0, k_sigaction.size);
  wanted.sa_handler = handler;
  wanted.sa_flags = SA_RESETHAND | SA_NODEFER;
  const error = yield* do_sigaction(sig, wanted.address, previous.address);
  return error === 0 ? previous.sa_handler : error;
});

/** Changes the mask of blocked signals by two words. 0 or -EINVAL. */
function change_mask(how: number, low: number, high: number): i32 {
  const { sig } = current().blocked;
  switch (how) {
    case SIG_BLOCK:
      set_blocked(sig.get(0) | low, sig.get(1) | high);
      return 0;
    case SIG_UNBLOCK:
      set_blocked(sig.get(0) & ~low, sig.get(1) & ~high);
      return 0;
    case SIG_SETMASK:
      set_blocked(low, high);
      return 0;
    default:
      return -EINVAL;
  }
}

/** What rt_sigprocmask and sigprocmask do with masks of `size` bytes. @context might_sleep */
function* change_user_mask(how: i32, set: u32, oset: u32, size: u32): Steps<i32> {
  const old = local(sigset);
  const wanted = local(sigset);
  yield* memset(wanted.address, 0, sigset.size);
  yield* memcpy(old.address, current().blocked.address, sigset.size);
  if (set !== 0) {
    if ((yield* copy_from_user(wanted.address, set, size)) !== 0) return -EFAULT;
    // The old call leaves the signals that it does not know alone.
    const high = size === sigset.size ? wanted.sig.get(1) : how === SIG_SETMASK ? old.sig.get(1) : 0;
    yield* spin_lock_irq(current().sigmask_lock.address);
    const error = change_mask(how, wanted.sig.get(0), high);
    yield* spin_unlock_irq(current().sigmask_lock.address);
    if (error !== 0) return error;
  }
  return oset !== 0 && (yield* copy_to_user(oset, old.address, size)) !== 0 ? -EFAULT : 0;
}

/** rt_sigprocmask(2). @context might_sleep */
export const sys_rt_sigprocmask = kernel_function(
  "sys_rt_sigprocmask",
  [i32, u32, u32, u32],
  i32,
  function* (how, set, oset, sigsetsize) {
    if (sigsetsize !== sigset.size) return -EINVAL;
    return yield* change_user_mask(how, set, oset, sigset.size);
  },
);

/** sigprocmask(2) as it first was, with 32 signals. @context might_sleep */
export const sys_sigprocmask = kernel_function("sys_sigprocmask", [i32, u32, u32], i32, function* (how, set, oset) {
  return yield* change_user_mask(how, set, oset, 4);
});

/** Signals that are pending and blocked, `size` bytes of them. @context might_sleep */
function* tell_pending(set: u32, size: u32): Steps<i32> {
  const told = local(sigset);
  const { pending, blocked } = current();
  for (let word: i32 = 0; word < 2; word++) told.sig.set(word, pending.sig.get(word) & blocked.sig.get(word));
  return (yield* copy_to_user(set, told.address, size)) === 0 ? 0 : -EFAULT;
}

/** rt_sigpending(2). @context might_sleep */
export const sys_rt_sigpending = kernel_function("sys_rt_sigpending", [u32, u32], i32, function* (set, sigsetsize) {
  if (sigsetsize > sigset.size) return -EINVAL;
  return yield* tell_pending(set, sigsetsize);
});

/** @context might_sleep */
export const sys_sigpending = kernel_function("sys_sigpending", [u32], i32, function* (set) {
  return yield* tell_pending(set, 4);
});

/** Waits with a mask; the two signals that cannot be blocked are taken out of it. @context might_sleep */
function* suspend(regs: pt_regs, mask: ViewOf<typeof sigset>): Steps<i32> {
  mask.sig.set(0, mask.sig.get(0) & ~UNBLOCKABLE);
  return yield* do_sigsuspend(regs.address, mask.address);
}

/** rt_sigsuspend(2): mask in EBX, its size in ECX. Returns -EINTR when a handler has run. @context might_sleep */
export const sys_rt_sigsuspend = kernel_function("sys_rt_sigsuspend", [by_value(pt_regs)], i32, function* (regs) {
  if (regs.ecx !== sigset.size) return -EINVAL;
  const mask = local(sigset);
  if ((yield* copy_from_user(mask.address, regs.ebx, sigset.size)) !== 0) return -EFAULT;
  return yield* suspend(regs, mask);
});

/** sigsuspend(2) as it first was: the mask itself in EDX. @context might_sleep */
export const sys_sigsuspend = kernel_function("sys_sigsuspend", [by_value(pt_regs)], i32, function* (regs) {
  const mask = local(sigset);
  mask.sig.set(0, regs.edx);
  mask.sig.set(1, current().blocked.sig.get(1));
  return yield* suspend(regs, mask);
});
