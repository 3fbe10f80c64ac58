/** The system calls that set signals up (kernel/signal.c, arch/i386/kernel/signal.c): actions, masks, waiting. */
import { do_sigsuspend } from "../arch/i386/kernel/signal.ts";
import { stack_local } from "../host/context.ts";
import { by_value, kernel_function, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { memcpy, memset } from "../include/asm/string.ts";
import { i32, pointer, struct, u32 } from "../host/types.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
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
import { default_action, recalc_sigpending, set_blocked, sigdelset } from "./signal.ts";

/** Installs an action (0: leaves it) and tells the old one; both in kernel memory. 0 or -EINVAL. */
export const do_sigaction = kernel_function(
  "do_sigaction",
  [i32, pointer("k_sigaction"), pointer("k_sigaction")],
  i32,
  (sig, act, oact) => {
    if (sig < 1 || sig >= _NSIG || (act !== 0 && (sig === SIGKILL || sig === SIGSTOP))) return -EINVAL;
    const self = current();
    const action = signal_struct.at(self.sig).action.get(sig - 1);
    yield* memcpy(oact, action.address, k_sigaction.size);
    if (act === 0) return 0;
    yield* memcpy(action.address, act, k_sigaction.size);
    for (const unblockable of [SIGKILL, SIGSTOP]) {
      action.sa_mask.set(0, action.sa_mask.get(0) & ~(1 << (unblockable - 1)));
    }
    // What is pending and ignored from now on never was.
    const { sa_handler } = action;
    if (sa_handler === SIG_IGN || (sa_handler === SIG_DFL && default_action(sig) === "ignore")) {
      sigdelset(self.pending, sig);
      recalc_sigpending(self);
    }
    return 0;
  },
);

const ACTIONS = 2 * k_sigaction.size;

/** rt_sigaction(2): the mask has 8 bytes. */
export const sys_rt_sigaction = kernel_function(
  "sys_rt_sigaction",
  [i32, u32, u32, u32],
  i32,
  function* (sig, act, oact, sigsetsize) {
    if (sigsetsize !== sigset.size) return -EINVAL;
    const local = stack_local(ACTIONS);
    const old = local + k_sigaction.size;
    if (act !== 0 && (yield* copy_from_user(local, act, k_sigaction.size)) !== 0) return -EFAULT;
    const error = yield* do_sigaction(sig, act === 0 ? 0 : local, old);
    if (error !== 0) return error;
    return oact !== 0 && (yield* copy_to_user(oact, old, k_sigaction.size)) !== 0 ? -EFAULT : 0;
  },
  { locals: ACTIONS },
);

/** The action of programs that know 32 signals. */
const old_sigaction = struct("old_sigaction", { sa_handler: u32, sa_mask: u32, sa_flags: u32, sa_restorer: u32 });
const OLD_ACTIONS = ACTIONS + old_sigaction.size;

/** sigaction(2) as it first was. */
export const sys_sigaction = kernel_function(
  "sys_sigaction",
  [i32, u32, u32],
  i32,
  function* (sig, act, oact) {
    const wanted = k_sigaction.at(stack_local(OLD_ACTIONS));
    const previous = k_sigaction.at(wanted.address + k_sigaction.size);
    const user = old_sigaction.at(wanted.address + ACTIONS);
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
  },
  { locals: OLD_ACTIONS },
);

/** signal(2): a handler for once, that may interrupt itself. Returns the old one, or -EINVAL. */
export const sys_signal = kernel_function(
  "sys_signal",
  [i32, u32],
  u32,
  function* (sig, handler) {
    const wanted = k_sigaction.at(stack_local(ACTIONS));
    const previous = k_sigaction.at(wanted.address + k_sigaction.size);
    yield* memset(wanted.address, 0, k_sigaction.size);
    wanted.sa_handler = handler;
    wanted.sa_flags = SA_RESETHAND | SA_NODEFER;
    const error = yield* do_sigaction(sig, wanted.address, previous.address);
    return error === 0 ? previous.sa_handler : error;
  },
  { locals: ACTIONS },
);

/** Changes the mask of blocked signals by two words. 0 or -EINVAL. */
function change_mask(how: number, low: number, high: number): number {
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

const MASKS = 2 * sigset.size;

/** What rt_sigprocmask and sigprocmask do with masks of `size` bytes; `local` has room for two. */
function* change_user_mask(how: number, set: number, oset: number, size: number, local: number): Steps<number> {
  const m = memory();
  yield* memset(local, 0, MASKS);
  yield* memcpy(local, current().blocked.address, sigset.size);
  if (set !== 0) {
    const wanted = local + sigset.size;
    if ((yield* copy_from_user(wanted, set, size)) !== 0) return -EFAULT;
    // The old call leaves the signals that it does not know alone.
    const high = size === sigset.size ? m.read32(wanted + 4) : how === SIG_SETMASK ? m.read32(local + 4) : 0;
    const error = change_mask(how, m.read32(wanted), high);
    if (error !== 0) return error;
  }
  return oset !== 0 && (yield* copy_to_user(oset, local, size)) !== 0 ? -EFAULT : 0;
}

/** rt_sigprocmask(2). */
export const sys_rt_sigprocmask = kernel_function(
  "sys_rt_sigprocmask",
  [i32, u32, u32, u32],
  i32,
  function* (how, set, oset, sigsetsize) {
    if (sigsetsize !== sigset.size) return -EINVAL;
    return yield* change_user_mask(how, set, oset, sigset.size, stack_local(MASKS));
  },
  { locals: MASKS },
);

/** sigprocmask(2) as it first was, with 32 signals. */
export const sys_sigprocmask = kernel_function(
  "sys_sigprocmask",
  [i32, u32, u32],
  i32,
  function* (how, set, oset) {
    return yield* change_user_mask(how, set, oset, 4, stack_local(MASKS));
  },
  { locals: MASKS },
);

/** Signals that are pending and blocked, `size` bytes of them. */
function* tell_pending(set: number, size: number, local: number): Steps<number> {
  const { pending, blocked } = current();
  for (let word = 0; word < 2; word++)
    memory().write32(local + 4 * word, pending.sig.get(word) & blocked.sig.get(word));
  return (yield* copy_to_user(set, local, size)) === 0 ? 0 : -EFAULT;
}

/** rt_sigpending(2). */
export const sys_rt_sigpending = kernel_function(
  "sys_rt_sigpending",
  [u32, u32],
  i32,
  function* (set, sigsetsize) {
    if (sigsetsize > sigset.size) return -EINVAL;
    return yield* tell_pending(set, sigsetsize, stack_local(sigset.size));
  },
  { locals: sigset.size },
);

export const sys_sigpending = kernel_function(
  "sys_sigpending",
  [u32],
  i32,
  function* (set) {
    return yield* tell_pending(set, 4, stack_local(sigset.size));
  },
  { locals: sigset.size },
);

/** Waits with the mask that lies at `local`; the two signals that cannot be blocked are taken out of it. */
function* suspend(regs: pt_regs, local: number): Steps<number> {
  const unblockable = (1 << (SIGKILL - 1)) | (1 << (SIGSTOP - 1));
  memory().write32(local, memory().read32(local) & ~unblockable);
  return yield* do_sigsuspend(regs.address, local);
}

/** rt_sigsuspend(2): mask in EBX, its size in ECX. Returns -EINTR when a handler has run. */
export const sys_rt_sigsuspend = kernel_function(
  "sys_rt_sigsuspend",
  [by_value(pt_regs)],
  i32,
  function* (regs) {
    if (regs.ecx !== sigset.size) return -EINVAL;
    const local = stack_local(sigset.size);
    if ((yield* copy_from_user(local, regs.ebx, sigset.size)) !== 0) return -EFAULT;
    return yield* suspend(regs, local);
  },
  { locals: sigset.size },
);

/** sigsuspend(2) as it first was: the mask itself in EDX. */
export const sys_sigsuspend = kernel_function(
  "sys_sigsuspend",
  [by_value(pt_regs)],
  i32,
  function* (regs) {
    const local = stack_local(sigset.size);
    memory().write32(local, regs.edx);
    memory().write32(local + 4, current().blocked.sig.get(1));
    return yield* suspend(regs, local);
  },
  { locals: sigset.size },
);
