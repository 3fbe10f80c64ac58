/** Frames of signal handlers on the user's stack, and the way back from them (arch/i386/kernel/signal.c). */
import { cpu } from "../../../host/context.ts";
import { by_value, kernel_function, local, type Steps } from "../../../host/declarations.ts";
import { memory, write_bytes } from "../../../host/memory.ts";
import { i32, pointer, type u32 } from "../../../host/types.ts";
import { EFLAGS_TF } from "../../../include/asm/processor-flags.ts";
import { pt_regs, type pt_regs as Registers } from "../../../include/asm/ptrace.ts";
import { __USER_CS, __USER_DS } from "../../../include/asm/segment.ts";
import { rt_sigframe, type sigcontext, sigframe } from "../../../include/asm/sigcontext.ts";
import { memcpy, memset } from "../../../include/asm/string.ts";
import { FS, GS, loadsegment } from "../../../include/asm/system.ts";
import { copy_from_user, copy_to_user } from "../../../include/asm/uaccess.ts";
import { __NR_rt_sigreturn, __NR_sigreturn } from "../../../include/asm/unistd.ts";
import { current, type k_sigaction as KernelAction, k_sigaction } from "../../../include/linux/sched.ts";
import { SA_ONSTACK, SA_RESTORER, SIG_DFL, SIGSEGV } from "../../../include/linux/signal.ts";
import { spin_lock_irq, spin_unlock_irq } from "../../../include/linux/spinlock.ts";
import { do_sigaltstack, fill_stack_t, sas_ss_flags } from "../../../kernel/sigaltstack.ts";
import { force_sig, set_blocked } from "../../../kernel/signal.ts";
import { restore_i387, save_i387 } from "./i387.ts";

/** Flags that sigreturn may change: CF PF AF ZF SF TF DF OF AC. */
const FIX_EFLAGS = 0x40dd5;

/** Where the frame goes: the alternate stack if the action wants it and it is not in use yet, else below ESP. */
function get_sigframe(action: KernelAction, regs: Registers, size: number): number {
  let esp = regs.esp;
  if (action.sa_flags & SA_ONSTACK && sas_ss_flags(esp) === 0) {
    const { sas_ss_sp, sas_ss_size } = current();
    esp = sas_ss_sp + sas_ss_size;
  }
  return ((esp - size) & -8) >>> 0;
}

function setup_sigcontext(sc: sigcontext, regs: Registers, fpstate: number, mask: number): void {
  const { thread } = current();
  sc.gs = cpu().segSelector(GS);
  sc.fs = cpu().segSelector(FS);
  sc.es = regs.xes;
  sc.ds = regs.xds;
  sc.edi = regs.edi;
  sc.esi = regs.esi;
  sc.ebp = regs.ebp;
  sc.esp = regs.esp;
  sc.ebx = regs.ebx;
  sc.edx = regs.edx;
  sc.ecx = regs.ecx;
  sc.eax = regs.eax;
  sc.trapno = thread.trap_no;
  sc.err = thread.error_code;
  sc.eip = regs.eip;
  sc.cs = regs.xcs;
  sc.eflags = regs.eflags;
  sc.esp_at_signal = regs.esp;
  sc.ss = regs.xss;
  sc.fpstate = fpstate;
  sc.oldmask = mask;
  sc.cr2 = thread.cr2;
}

/** popl %eax; movl $__NR_sigreturn, %eax; int $0x80 */
const SIGRETURN_CODE = Uint8Array.of(0x58, 0xb8, __NR_sigreturn, 0, 0, 0, 0xcd, 0x80);
/** movl $__NR_rt_sigreturn, %eax; int $0x80 */
const RT_SIGRETURN_CODE = Uint8Array.of(0xb8, __NR_rt_sigreturn, 0, 0, 0, 0xcd, 0x80, 0);

/** @bounded by the eight bytes of a trampoline */
function write_trampoline(to: number, code: Uint8Array): void {
  write_bytes(to, code);
}

/**
 * Puts a finished frame on the user's stack and enters the handler with it. A stack that cannot take it is SIGSEGV.
 * @context might_sleep
 */
function* enter_handler(
  sig: i32,
  action: KernelAction,
  regs: Registers,
  at: u32,
  frame: u32,
  size: u32,
): Steps<boolean> {
  if ((yield* copy_to_user(at, frame, size)) !== 0) {
    if (sig === SIGSEGV) action.sa_handler = SIG_DFL;
    yield* force_sig(SIGSEGV, current().address);
    return false;
  }
  regs.esp = at;
  regs.eip = action.sa_handler;
  regs.xds = regs.xes = regs.xss = __USER_DS;
  regs.xcs = __USER_CS;
  regs.eflags &= ~EFLAGS_TF;
  regs.eax = sig;
  return true;
}

/** The frame of a handler that takes the signal's number. @context might_sleep */
export const setup_frame = kernel_function(
  "setup_frame",
  [i32, pointer("k_sigaction"), pointer("sigset_t"), pointer("pt_regs")],
  undefined,
  function* (sig, action_address, set, regs_address) {
    const action = k_sigaction.at(action_address);
    const regs = pt_regs.at(regs_address);
    const at = get_sigframe(action, regs, sigframe.size);
    const frame = local(sigframe);
    yield* memset(frame.address, 0, sigframe.size);
    frame.sig = sig;
    const used_math = yield* save_i387(frame.fpstate.address);
    const fpstate = used_math !== 0 ? at + sigframe.offset("fpstate") : 0;
    setup_sigcontext(frame.sc, regs, fpstate, memory().read32(set));
    frame.extramask = memory().read32(set + 4);
    frame.pretcode = action.sa_flags & SA_RESTORER ? action.sa_restorer : at + sigframe.offset("retcode");
    write_trampoline(frame.retcode.address, SIGRETURN_CODE);
    yield* enter_handler(sig, action, regs, at, frame.address, sigframe.size);
  },
);

/** The frame of a handler that takes the number, a siginfo and a ucontext (SA_SIGINFO). @context might_sleep */
export const setup_rt_frame = kernel_function(
  "setup_rt_frame",
  [i32, pointer("k_sigaction"), pointer("sigset_t"), pointer("pt_regs")],
  undefined,
  function* (sig, action_address, set, regs_address) {
    const action = k_sigaction.at(action_address);
    const regs = pt_regs.at(regs_address);
    const at = get_sigframe(action, regs, rt_sigframe.size);
    const frame = local(rt_sigframe);
    yield* memset(frame.address, 0, rt_sigframe.size);
    frame.sig = sig;
    frame.pinfo = at + rt_sigframe.offset("info");
    frame.puc = at + rt_sigframe.offset("uc");
    const { si_code, value0, value1 } = current().siginfo.get(sig - 1);
    frame.info.si_signo = sig;
    frame.info.si_code = si_code;
    frame.info.value0 = value0;
    frame.info.value1 = value1;
    fill_stack_t(frame.uc.uc_stack, regs.esp);
    const used_math = yield* save_i387(frame.fpstate.address);
    const fpstate = used_math !== 0 ? at + rt_sigframe.offset("fpstate") : 0;
    setup_sigcontext(frame.uc.uc_mcontext, regs, fpstate, memory().read32(set));
    yield* memcpy(frame.uc.uc_sigmask.address, set, 8);
    frame.pretcode = action.sa_flags & SA_RESTORER ? action.sa_restorer : at + rt_sigframe.offset("retcode");
    write_trampoline(frame.retcode.address, RT_SIGRETURN_CODE);
    if (yield* enter_handler(sig, action, regs, at, frame.address, rt_sigframe.size)) {
      regs.edx = frame.pinfo;
      regs.ecx = frame.puc;
    }
  },
);

/**
 * Loads the registers of a frame; false when the x87's cannot be read. Whatever a program wrote there, it stays in ring 3 with interrupts on.
 * @context might_sleep
 */
function* restore_sigcontext(regs: Registers, sc: sigcontext): Steps<boolean> {
  yield* loadsegment(GS, sc.gs);
  yield* loadsegment(FS, sc.fs);
  regs.xes = sc.es;
  regs.xds = sc.ds;
  regs.edi = sc.edi;
  regs.esi = sc.esi;
  regs.ebp = sc.ebp;
  regs.esp = sc.esp;
  regs.ebx = sc.ebx;
  regs.edx = sc.edx;
  regs.ecx = sc.ecx;
  regs.eax = sc.eax;
  regs.eip = sc.eip;
  regs.xcs = sc.cs | 3;
  regs.xss = sc.ss | 3;
  regs.eflags = ((regs.eflags & ~FIX_EFLAGS) | (sc.eflags & FIX_EFLAGS)) >>> 0;
  regs.orig_eax = ~regs.orig_eax; // what EAX is now is no result that could ask for a restart
  return (yield* restore_i387(sc.fpstate)) === 0;
}

/** A frame that cannot be read ends the program. */
function* bad_frame(): Steps<i32> {
  yield* force_sig(SIGSEGV, current().address);
  return 0;
}

/**
 * sigreturn(2): back from a handler. The trampoline has taken return address and signal number off the stack.
 * @context might_sleep
 */
export const sys_sigreturn = kernel_function("sys_sigreturn", [by_value(pt_regs)], i32, function* (regs) {
  const frame = local(sigframe);
  if ((yield* copy_from_user(frame.address, regs.esp - sigframe.offset("sc"), sigframe.size)) !== 0)
    return yield* bad_frame();
  yield* spin_lock_irq(current().sigmask_lock.address);
  set_blocked(frame.sc.oldmask, frame.extramask);
  yield* spin_unlock_irq(current().sigmask_lock.address);
  if (!(yield* restore_sigcontext(regs, frame.sc))) return yield* bad_frame();
  return i32.from_register(regs.eax);
});

/**
 * rt_sigreturn(2): the same for frames with a ucontext. Only the return address is off the stack.
 * @context might_sleep
 */
export const sys_rt_sigreturn = kernel_function("sys_rt_sigreturn", [by_value(pt_regs)], i32, function* (regs) {
  const frame = local(rt_sigframe);
  if ((yield* copy_from_user(frame.address, regs.esp - rt_sigframe.offset("sig"), rt_sigframe.size)) !== 0)
    return yield* bad_frame();
  const { uc } = frame;
  yield* spin_lock_irq(current().sigmask_lock.address);
  set_blocked(uc.uc_sigmask.get(0), uc.uc_sigmask.get(1));
  yield* spin_unlock_irq(current().sigmask_lock.address);
  if (!(yield* restore_sigcontext(regs, uc.uc_mcontext))) return yield* bad_frame();
  // The program may have changed the stack in the frame; what it wrote wrong is its own affair.
  do_sigaltstack(uc.uc_stack, regs.esp);
  return i32.from_register(regs.eax);
});
