/** What a signal handler finds on its stack (include/asm-i386/sigcontext.h, ucontext.h, siginfo.h; arch's signal.c). */
import { array, i32, struct, u8, u16, u32, type ViewOf } from "../../host/types.ts";

/** The FPU's state in a frame: the FNSAVE image, the status word again, and room for FXSAVE's. */
export const _fpstate = struct("_fpstate", {
  /** FNSAVE: 28 bytes of environment, 8 registers of 10 bytes. */
  i387: array(u32, 27),
  status: u16,
  /** 0xffff: FNSAVE's image only. */
  magic: u16,
  _fxsr: array(u32, 128),
});
export const X86_FXSR_NONE = 0xffff;

export const sigcontext = struct("sigcontext", {
  gs: u16,
  __gsh: u16,
  fs: u16,
  __fsh: u16,
  es: u16,
  __esh: u16,
  ds: u16,
  __dsh: u16,
  edi: u32,
  esi: u32,
  ebp: u32,
  esp: u32,
  ebx: u32,
  edx: u32,
  ecx: u32,
  eax: u32,
  trapno: u32,
  err: u32,
  eip: u32,
  cs: u16,
  __csh: u16,
  eflags: u32,
  esp_at_signal: u32,
  ss: u16,
  __ssh: u16,
  /** User address of the _fpstate, 0 when the FPU was not used. */
  fpstate: u32,
  oldmask: u32,
  cr2: u32,
});
export type sigcontext = ViewOf<typeof sigcontext>;

/** An alternate signal stack. */
export const stack_t = struct("stack_t", { ss_sp: u32, ss_flags: i32, ss_size: u32 });
export type stack_t = ViewOf<typeof stack_t>;

const SI_PAD_SIZE = 128 / 4 - 5;
export const siginfo = struct("siginfo", {
  si_signo: i32,
  si_errno: i32,
  si_code: i32,
  /** si_pid and si_uid of signals that were sent, si_addr of faults. */
  value0: u32,
  value1: u32,
  _pad: array(i32, SI_PAD_SIZE),
});
export type siginfo = ViewOf<typeof siginfo>;

export const ucontext = struct("ucontext", {
  uc_flags: u32,
  uc_link: u32,
  uc_stack: stack_t,
  uc_mcontext: sigcontext,
  uc_sigmask: array(u32, 2),
});

const RETCODE_SIZE = 8;

/** On the user's stack when a handler begins: return address, argument, and what sigreturn puts back. */
export const sigframe = struct("sigframe", {
  pretcode: u32,
  sig: i32,
  sc: sigcontext,
  fpstate: _fpstate,
  extramask: u32,
  retcode: array(u8, RETCODE_SIZE),
});
export type sigframe = ViewOf<typeof sigframe>;

/** The same for handlers with SA_SIGINFO. */
export const rt_sigframe = struct("rt_sigframe", {
  pretcode: u32,
  sig: i32,
  pinfo: u32,
  puc: u32,
  info: siginfo,
  uc: ucontext,
  fpstate: _fpstate,
  retcode: array(u8, RETCODE_SIZE),
});
export type rt_sigframe = ViewOf<typeof rt_sigframe>;
