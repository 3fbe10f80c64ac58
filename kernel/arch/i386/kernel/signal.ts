/** Delivering signals on the way to user space (arch/i386/kernel/signal.c). */
import { kernel_function } from "../../../host/declarations.ts";
import { i32, pointer, u32 } from "../../../host/types.ts";
import { pt_regs, user_mode } from "../../../include/asm/ptrace.ts";
import { ERESTARTSYS } from "../../../include/linux/errno.ts";
import {
  current,
  PF_SIGNALED,
  signal_struct,
  TASK_RUNNING,
  TASK_STOPPED,
  type task_struct,
} from "../../../include/linux/sched.ts";
import { SIGCHLD } from "../../../include/linux/signal.ts";
import { do_exit } from "../../../kernel/exit.ts";
import { schedule } from "../../../kernel/sched.ts";
import { default_action, dequeue_signal, do_notify_parent } from "../../../kernel/signal.ts";

const SIG_IGN = 1;
const INT_LENGTH = 2;

/**
 * Takes every pending signal and does what it does by default: nothing, stop, or die. Called by entry.S with interrupts
 * on, right before the return to user space; a system call that a signal interrupted is restarted if nothing came of it.
 */
export const do_signal = kernel_function("do_signal", [pointer("pt_regs"), u32], i32, function* (address, _oldset) {
  const regs = pt_regs.at(address);
  if (!user_mode(regs)) return 1;
  for (;;) {
    const self = current();
    const sig = dequeue_signal(self);
    if (sig === 0) break;
    if (signal_struct.at(self.sig).action.get(sig - 1).sa_handler === SIG_IGN) continue;
    switch (default_action(sig)) {
      case "ignore":
        continue;
      case "stop":
        yield* stop(self, sig);
        continue;
      case "terminate":
        self.flags |= PF_SIGNALED;
        yield* do_exit(sig);
    }
  }
  if (regs.orig_eax >= 0 && i32.from_register(regs.eax) === -ERESTARTSYS) {
    regs.eax = regs.orig_eax;
    regs.eip -= INT_LENGTH;
  }
  return 0;
});

function* stop(self: task_struct, sig: number) {
  self.state = TASK_STOPPED;
  self.exit_code = sig;
  yield* do_notify_parent(self.address, SIGCHLD);
  yield* schedule();
  self.state = TASK_RUNNING;
}
