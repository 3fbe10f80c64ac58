/**
 * The x87 belongs to the task that used it last (arch/i386/kernel/i387.c): a switch saves the state of a task that used
 * it in its turn and sets CR0.TS, so that the next one to use it traps and only then gets its own state loaded.
 */
import { asm_function, kernel_function, type Steps } from "../../../host/declarations.ts";
import { i32, pointer, u32 } from "../../../host/types.ts";
import { i387_fsave_struct } from "../../../include/asm/processor.ts";
import { _fpstate, X86_FXSR_NONE } from "../../../include/asm/sigcontext.ts";
import { memcpy } from "../../../include/asm/string.ts";
import { TS_USEDFPU } from "../../../include/asm/thread_info.ts";
import { copy_from_user } from "../../../include/asm/uaccess.ts";
import { EFAULT } from "../../../include/linux/errno.ts";
import { current, PF_USEDFPU, type task_struct, task_thread_info } from "../../../include/linux/sched.ts";

const clts = asm_function("clts", [], undefined);
export const stts = asm_function("stts", [], undefined);
const fnsave = asm_function("fnsave", [pointer("i387_fsave_struct")], undefined);
const frstor = asm_function("frstor", [pointer("i387_fsave_struct")], undefined);
const fninit = asm_function("fninit", [], undefined);

/** Bytes that FNSAVE writes. */
const FSAVE_SIZE = i387_fsave_struct.offset("status");

/** Whether the x87 holds a task's state: TS_USEDFPU of its thread_info, PF_USEDFPU where it has none. */
function used_fpu(tsk: task_struct): boolean {
  const info = task_thread_info(tsk);
  return info === undefined ? (tsk.flags & PF_USEDFPU) !== 0 : (info.status & TS_USEDFPU) !== 0;
}

function set_used_fpu(tsk: task_struct, used: boolean): void {
  const info = task_thread_info(tsk);
  if (info === undefined) tsk.flags = used ? tsk.flags | PF_USEDFPU : tsk.flags & ~PF_USEDFPU;
  else info.status = used ? info.status | TS_USEDFPU : info.status & ~TS_USEDFPU;
}

/** A task that is about to end has no use for what the x87 holds for it. */
export function forget_fpu(tsk: task_struct): void {
  if (used_fpu(tsk)) set_used_fpu(tsk, false);
}

/** Saves what the x87 holds for a task, which has used it since it was switched to, and takes it away. */
export function* save_init_fpu(tsk: task_struct): Steps<void> {
  yield* fnsave(tsk.thread.i387.address);
  set_used_fpu(tsk, false);
  yield* stts();
}

/** The task is switched from, or its state has to be in memory: saves it if it is in the x87. */
export function* unlazy_fpu(tsk: task_struct): Steps<void> {
  if (used_fpu(tsk)) yield* save_init_fpu(tsk);
}

/** Drops what the x87 holds for the current task. */
export function* clear_fpu(): Steps<void> {
  const self = current();
  if (!used_fpu(self)) return;
  yield* fninit();
  set_used_fpu(self, false);
  yield* stts();
}

/** The current task starts a program, which begins with a fresh x87. */
export function* flush_fpu(): Steps<void> {
  yield* clear_fpu();
  current().used_math = 0;
}

/** #NM: the current task uses the x87 for the first time since it was switched to. Loads its state, a fresh one at first. */
export const math_state_restore = kernel_function("math_state_restore", [], undefined, function* () {
  const self = current();
  yield* clts();
  if (self.used_math !== 0) yield* frstor(self.thread.i387.address);
  else yield* fninit();
  self.used_math = 1;
  set_used_fpu(self, true);
});

/**
 * Writes the state of the current task into a signal frame under construction; the handler begins with a fresh x87.
 * Returns 0, with nothing written, if the task has never used it.
 */
export const save_i387 = kernel_function("save_i387", [pointer("_fpstate")], i32, function* (to) {
  const self = current();
  if (self.used_math === 0) return 0;
  yield* unlazy_fpu(self);
  self.used_math = 0;
  const state = self.thread.i387;
  const frame = _fpstate.at(to);
  yield* memcpy(frame.i387.address, state.address, FSAVE_SIZE);
  frame.status = state.swd;
  frame.magic = X86_FXSR_NONE;
  return 1;
});

/**
 * Back from a handler: takes the state from a frame in user memory; 0 means that there was none. 0 or -EFAULT.
 * @context might_sleep
 */
export const restore_i387 = kernel_function("restore_i387", [u32], i32, function* (from) {
  const self = current();
  yield* flush_fpu();
  if (from === 0) return 0;
  if ((yield* copy_from_user(self.thread.i387.address, from, FSAVE_SIZE)) !== 0) return -EFAULT;
  self.used_math = 1;
  return 0;
});

/** si_code by the lowest exception of the status word that the control word does not mask: FPE_FLTINV and so on. */
const float_codes = [7, 5, 3, 4, 5, 6] as const;
const FPE_FLTINV = 7;

/** What #MF is about, with the state of the current task in memory: si_code of its SIGFPE. */
export function* math_error_code(): Steps<number> {
  const self = current();
  yield* save_init_fpu(self);
  const { cwd, swd } = self.thread.i387;
  const unmasked = ~cwd & swd & 0x3f;
  return unmasked === 0 ? FPE_FLTINV : float_codes[31 - Math.clz32(unmasked & -unmasked)];
}
