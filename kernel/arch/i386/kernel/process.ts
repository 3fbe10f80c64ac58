/** Tasks' registers: copy_thread, __switch_to, kernel threads, the idle loop (arch/i386/kernel/process.c). */
import { cpu, image, trace, tracing } from "../../../host/context.ts";
import { asm_function, kernel_function, per_cpu } from "../../../host/declarations.ts";
import { i32, pointer, u32 } from "../../../host/types.ts";
import {
  INVALID_IO_BITMAP_OFFSET,
  i387_fsave_struct,
  thread_struct,
  tss_struct,
} from "../../../include/asm/processor.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";
import { __KERNEL_DS, FIRST_TSS_ENTRY } from "../../../include/asm/segment.ts";
import { memcpy } from "../../../include/asm/string.ts";
import { FS, GS, loadsegment, local_irq_disable, local_irq_enable, safe_halt } from "../../../include/asm/system.ts";
import { CLONE_SETTLS, current, PF_IDLE, task_struct } from "../../../include/linux/sched.ts";
import { schedule } from "../../../kernel/sched.ts";
import { stts, unlazy_fpu } from "./i387.ts";
import { set_system_descriptor } from "./setup.ts";
import { load_TLS, set_child_tls } from "./tls.ts";

const TSS_AVAILABLE = 0x89;

/** The TSS of each CPU: where it finds the kernel stack when ring 3 is interrupted. */
export const init_tss = per_cpu("init_tss", tss_struct, { alignment: 32 });

/** Fills in this CPU's TSS, which it is on the idle task's stack for, and the descriptor. */
export function init_cpu_tss(): void {
  const tss = init_tss.value;
  tss.ss0 = __KERNEL_DS;
  tss.esp0 = current().thread.esp0;
  tss.bitmap = INVALID_IO_BITMAP_OFFSET;
  set_system_descriptor(FIRST_TSS_ENTRY, tss.address, tss_struct.size - 1, TSS_AVAILABLE);
}

const load_tr = asm_function("load_tr", [u32], undefined);

/** `ltr`: from here on a ring change finds the TSS. */
export const cpu_init = kernel_function("cpu_init", [], undefined, function* () {
  init_cpu_tss();
  yield* load_tr(FIRST_TSS_ENTRY * 8);
  yield* stts(); // the x87 is nobody's yet
});

function trace_switch_to(prev: task_struct, next: task_struct): void {
  if (!tracing()) return;
  trace({
    event: "switch_to",
    prev: prev.pid,
    prev_esp: prev.thread.esp,
    prev_eip: prev.thread.eip,
    next: next.pid,
    esp: next.thread.esp,
    eip: next.thread.eip,
  });
}

/**
 * The rest of a context switch, on the new task's stack already (FASTCALL, jumped to from switch_to): TSS.esp0 for its
 * next entry from ring 3, the x87, the thread's segments in the GDT, FS and GS. These are reloaded also when the selector is the
 * same: it may name another segment now.
 */
export const __switch_to = kernel_function(
  "__switch_to",
  [pointer("task_struct"), pointer("task_struct")],
  undefined,
  function* (prev_p, next_p) {
    const prev = thread_struct.at(prev_p + task_struct.offset("thread"));
    const next = thread_struct.at(next_p + task_struct.offset("thread"));
    trace_switch_to(task_struct.at(prev_p), task_struct.at(next_p));
    yield* unlazy_fpu(task_struct.at(prev_p));
    init_tss.value.esp0 = next.esp0;
    prev.fs = cpu().segSelector(FS);
    prev.gs = cpu().segSelector(GS);
    yield* load_TLS(next.address);
    if ((prev.fs | next.fs) !== 0) yield* loadsegment(FS, next.fs);
    if ((prev.gs | next.gs) !== 0) yield* loadsegment(GS, next.gs);
  },
  { fastcall: true },
);

/**
 * Gives a child its registers: a copy of the parent's with EAX 0, resumed at ret_from_fork on its own stack. With
 * CLONE_SETTLS its ESI describes a TLS segment. 0 or -errno.
 * @context might_sleep
 */
export const copy_thread = kernel_function(
  "copy_thread",
  [i32, u32, u32, u32, pointer("task_struct"), pointer("pt_regs")],
  i32,
  function* (_nr, clone_flags, esp, _unused, p, regs) {
    const thread = thread_struct.at(p + task_struct.offset("thread"));
    const childregs = pt_regs.at(thread.esp0 - pt_regs.size);
    yield* memcpy(childregs.address, regs, pt_regs.size);
    childregs.eax = 0;
    yield* unlazy_fpu(current());
    yield* memcpy(thread.i387.address, current().thread.i387.address, i387_fsave_struct.size);
    childregs.esp = esp;
    thread.esp = childregs.address;
    thread.eip = image().symbol("ret_from_fork");
    thread.fs = cpu().segSelector(FS);
    thread.gs = cpu().segSelector(GS);
    return clone_flags & CLONE_SETTLS ? yield* set_child_tls(thread.address, childregs.esi) : 0;
  },
);

const arch_kernel_thread = asm_function("arch_kernel_thread", [pointer("fn"), u32, u32], i32);

/** Starts a kernel thread running fn(arg), a guest function; returns its pid or -errno. */
export const kernel_thread = kernel_function(
  "kernel_thread",
  [pointer("fn"), u32, u32],
  i32,
  function* (fn, arg, flags) {
    return yield* arch_kernel_thread(fn, arg, flags);
  },
);

/** What the idle task does for ever: halts until something wants the CPU. @context might_sleep */
export const cpu_idle = kernel_function("cpu_idle", [], undefined, function* () {
  const idle = current();
  idle.flags |= PF_IDLE;
  for (;;) {
    while (idle.need_resched === 0) {
      local_irq_disable();
      if (idle.need_resched === 0) {
        if (tracing()) trace({ event: "idle_entry" });
        yield* safe_halt();
        if (tracing()) trace({ event: "idle_exit" });
      } else local_irq_enable();
    }
    yield* schedule();
  }
});
