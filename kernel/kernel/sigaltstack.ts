/** The alternate signal stack (kernel/signal.c's do_sigaltstack). */
import { by_value, kernel_function, local } from "../host/declarations.ts";
import { i32 } from "../host/types.ts";
import { pt_regs } from "../include/asm/ptrace.ts";
import { stack_t } from "../include/asm/sigcontext.ts";
import { copy_from_user, copy_to_user } from "../include/asm/uaccess.ts";
import { EFAULT, EINVAL, ENOMEM, EPERM } from "../include/linux/errno.ts";
import { current } from "../include/linux/sched.ts";
import { MINSIGSTKSZ, SS_DISABLE, SS_ONSTACK } from "../include/linux/signal.ts";

/** Whether a stack pointer lies in the alternate stack. */
export function on_sig_stack(esp: number): boolean {
  const { sas_ss_sp, sas_ss_size } = current();
  return esp - sas_ss_sp >= 0 && esp - sas_ss_sp < sas_ss_size;
}

/** SS_DISABLE when there is none, SS_ONSTACK when `esp` is on it, else 0. */
export function sas_ss_flags(esp: number): i32 {
  if (current().sas_ss_size === 0) return SS_DISABLE;
  return on_sig_stack(esp) ? SS_ONSTACK : 0;
}

/** Describes the alternate stack as a program that runs at `esp` sees it. */
export function fill_stack_t(into: stack_t, esp: number): void {
  const { sas_ss_sp, sas_ss_size } = current();
  into.ss_sp = sas_ss_sp;
  into.ss_flags = sas_ss_flags(esp);
  into.ss_size = sas_ss_size;
}

/** Takes a new alternate stack: 0, -EPERM while the old one is in use, -EINVAL for bad flags, -ENOMEM if too small. */
export function do_sigaltstack(wanted: stack_t, esp: number): i32 {
  if (on_sig_stack(esp)) return -EPERM;
  const { ss_sp, ss_flags, ss_size } = wanted;
  if (ss_flags !== SS_DISABLE && ss_flags !== SS_ONSTACK && ss_flags !== 0) return -EINVAL;
  const self = current();
  if (ss_flags === SS_DISABLE) {
    self.sas_ss_sp = 0;
    self.sas_ss_size = 0;
    return 0;
  }
  if (ss_size < MINSIGSTKSZ) return -ENOMEM;
  self.sas_ss_sp = ss_sp;
  self.sas_ss_size = ss_size;
  return 0;
}

/** sigaltstack(2): the new stack in EBX, where to tell the old one in ECX; either may be 0. @context might_sleep */
export const sys_sigaltstack = kernel_function("sys_sigaltstack", [by_value(pt_regs)], i32, function* (regs) {
  const { ebx: uss, ecx: uoss, esp } = regs;
  const old = local(stack_t);
  const wanted = local(stack_t);
  fill_stack_t(old, esp);
  if (uss !== 0) {
    if ((yield* copy_from_user(wanted.address, uss, stack_t.size)) !== 0) return -EFAULT;
    const error = do_sigaltstack(wanted, esp);
    if (error !== 0) return error;
  }
  return uoss !== 0 && (yield* copy_to_user(uoss, old.address, stack_t.size)) !== 0 ? -EFAULT : 0;
});
