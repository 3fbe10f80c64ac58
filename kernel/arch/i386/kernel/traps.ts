/** Exceptions (arch/i386/kernel/traps.c). */
import { configured, cpu, image } from "../../../host/context.ts";
import {
  config_function,
  cstring,
  kernel_function,
  kernel_variable,
  per_cpu,
  type Steps,
} from "../../../host/declarations.ts";
import { memory, read_cstring } from "../../../host/memory.ts";
import { array, chars, i32, pointer, struct, u32 } from "../../../host/types.ts";
import { __pa, PAGE_SIZE } from "../../../include/asm/page.ts";
import { THREAD_SIZE, tss_struct } from "../../../include/asm/processor.ts";
import { EFLAGS_FIXED, EFLAGS_IF, EFLAGS_TF } from "../../../include/asm/processor-flags.ts";
import { pt_regs, user_mode } from "../../../include/asm/ptrace.ts";
import { __KERNEL_CS, __KERNEL_DS } from "../../../include/asm/segment.ts";
import { local_irq_enable, read_cr2 } from "../../../include/asm/system.ts";
import { thread_info } from "../../../include/asm/thread_info.ts";
import { mm_struct } from "../../../include/linux/mm.ts";
import {
  current,
  PF_EXITING,
  PF_SIGNALED,
  smp_processor_id,
  task_stack_page,
  task_struct,
} from "../../../include/linux/sched.ts";
import { cpu_curr } from "../../../include/linux/sched_class.ts";
import { SI_KERNEL, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP } from "../../../include/linux/signal.ts";
import { do_exit } from "../../../kernel/exit.ts";
import { EXIT_PANIC, panic, stop_machine } from "../../../kernel/panic.ts";
import { hex8, KERN_EMERG, KERN_WARNING, printk } from "../../../kernel/printk.ts";
import { force_sig_info } from "../../../kernel/signal.ts";
import { in_interrupt } from "../../../kernel/softirq.ts";
import { search_exception_table } from "../../../mm/extable.ts";
import { set_intr_gate, set_system_gate, set_task_gate, set_trap_gate } from "./gates.ts";
import { forget_fpu, math_error_code, math_state_restore } from "./i387.ts";
import { cpu_init } from "./process.ts";
import { set_system_descriptor, system_descriptor_base } from "./setup.ts";
import { hex4, is_interrupted, show_registers, show_stopped } from "./show.ts";

/** Why a hosted function could not go on: its last step, and the exception. Written by the bridge, read by the oops. */
export const hosted_exception = kernel_variable(
  "hosted_exception",
  struct("hosted_exception", { eip: u32, text: chars(236) }),
);

/** Ends the task on its own stack if it is not there (rewind.S). */
const leave_cpu_stack = config_function("leave_cpu_stack", [i32], "CONFIG_REWIND_STACK");

/** Oopses so far. */
const die_counter = kernel_variable("die_counter", i32);

/**
 * An oops: says what went wrong in the kernel, shows registers, stack, calls and code, and ends the task. In an
 * interrupt, in the idle task or in init there is no task to end, and one that ends already would fault again: panic.
 * @context any
 */
export const die = kernel_function(
  "die",
  [pointer("char"), pointer("pt_regs"), i32],
  undefined,
  function* (message, regs, error_code) {
    die_counter.value++;
    printk(`${KERN_EMERG}${text_of(message)}: ${hex4(error_code)} [#${die_counter.value}]\n`);
    yield* show_registers(regs);
    yield* check_dispensable();
    local_irq_enable(); // whatever it was in the middle of, it has given that up
    yield* leave_cpu_stack(SIGSEGV);
    yield* do_exit(SIGSEGV);
  },
);

/** The current task is to end for what it has done: panics if there is no task to end, or none that may. @context any */
function* check_dispensable(): Steps<void> {
  if (in_interrupt()) yield* panic("Fatal exception in interrupt");
  const { pid } = current();
  if (pid === 0) yield* panic("Attempted to kill the idle task!");
  if (pid === 1) yield* panic("Attempted to kill init!");
  if (current().flags & PF_EXITING) yield* panic("Fault while exiting");
  current().flags |= PF_SIGNALED;
}

/** @bounded by the longest name of an exception, 40 characters */
function text_of(message: number): string {
  return read_cstring(message, 40);
}

/** si_code of exceptions that tell an address: FPE_INTDIV, TRAP_BRKPT, ILL_ILLOPN, BUS_ADRALN. */
const fault_codes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 6: 2, 17: 1 };

/** A program's own fault: it learns of it by a signal. */
function* signal_trap(trapnr: i32, signr: i32, error_code: i32, si_code: i32, address: u32): Steps<void> {
  const tsk = current();
  tsk.thread.error_code = error_code;
  tsk.thread.trap_no = trapnr;
  yield* force_sig_info(signr, tsk.address, si_code, address);
}

/**
 * A fault of a user program is its signal; one of the kernel is fixed up if the exception table knows it, else fatal.
 * @context any
 */
function* do_trap(trapnr: i32, signr: i32, name: u32, address: u32, error_code: i32): Steps<void> {
  const regs = pt_regs.at(address);
  if (user_mode(regs)) {
    const si_code = fault_codes[trapnr] ?? SI_KERNEL;
    yield* signal_trap(trapnr, signr, error_code, si_code, si_code === SI_KERNEL ? 0 : regs.eip);
    return;
  }
  const fixup = yield* search_exception_table(regs.eip);
  if (fixup !== 0) {
    regs.eip = fixup;
    return;
  }
  yield* die(name, address, error_code);
}

/** Vector, handler's name, signal and message of the exceptions that are nothing but a signal. */
const simple_traps = [
  [0, "divide_error", SIGFPE, "divide error"],
  [4, "overflow", SIGSEGV, "overflow"],
  [5, "bounds", SIGSEGV, "bounds"],
  [9, "coprocessor_segment_overrun", SIGFPE, "coprocessor segment overrun"],
  [10, "invalid_TSS", SIGSEGV, "invalid TSS"],
  [11, "segment_not_present", SIGBUS, "segment not present"],
  [12, "stack_segment", SIGBUS, "stack segment"],
  [13, "general_protection", SIGSEGV, "general protection fault"],
  [17, "alignment_check", SIGBUS, "alignment check"],
  [18, "machine_check", SIGBUS, "machine check"],
] as const;

for (const [trapnr, name, signr, message] of simple_traps) {
  const text = cstring(message);
  /** @context any */
  kernel_function(`do_${name}`, [pointer("pt_regs"), i32], undefined, function* (regs, error_code) {
    yield* do_trap(trapnr, signr, text.address, regs, error_code);
  });
}

const names = {
  device_not_available: cstring("device not available"),
  fpu_exception: cstring("fpu exception"),
  debug: cstring("debug"),
  int3: cstring("int3"),
  invalid_operand: cstring("invalid operand"),
};

/** #NM: whoever uses the x87 gets its state loaded. The kernel does not use it. @context any */
kernel_function("do_device_not_available", [pointer("pt_regs"), i32], undefined, function* (address, error_code) {
  if (user_mode(pt_regs.at(address))) yield* math_state_restore();
  else yield* do_trap(7, SIGFPE, names.device_not_available.address, address, error_code);
});

/** #MF: an x87 instruction before this one failed, and the program had asked to be told. @context any */
kernel_function("do_coprocessor_error", [pointer("pt_regs"), i32], undefined, function* (address, error_code) {
  const regs = pt_regs.at(address);
  if (!user_mode(regs)) {
    yield* do_trap(16, SIGFPE, names.fpu_exception.address, address, error_code);
    return;
  }
  yield* signal_trap(16, SIGFPE, error_code, yield* math_error_code(), regs.eip);
});

/** Single step and INT3: SIGTRAP to programs; in the kernel a stray trap flag is cleared. @context any */
kernel_function("do_debug", [pointer("pt_regs"), i32], undefined, function* (address, error_code) {
  const regs = pt_regs.at(address);
  if (!user_mode(regs)) {
    regs.eflags &= ~EFLAGS_TF;
    return;
  }
  yield* do_trap(1, SIGTRAP, names.debug.address, address, error_code);
});

/** @context any */
kernel_function("do_int3", [pointer("pt_regs"), i32], undefined, function* (address, error_code) {
  yield* do_trap(3, SIGTRAP, names.int3.address, address, error_code);
});

/**
 * Undefined opcodes, and kernel functions whose TypeScript threw: the bridge raises #UD at their hostcall.
 * @context any
 */
kernel_function("do_invalid_op", [pointer("pt_regs"), i32], undefined, function* (address, error_code) {
  const regs = pt_regs.at(address);
  if (!user_mode(regs)) {
    if (hosted_exception.value.eip === regs.eip)
      printk(`${KERN_EMERG}kernel BUG in ${image().function_at(regs.eip) ?? "?"}: ${hosted_exception.value.text}\n`);
  }
  if (regs.eflags & EFLAGS_IF) local_irq_enable();
  yield* do_trap(6, SIGILL, names.invalid_operand.address, address, error_code);
});

kernel_function("do_nmi", [pointer("pt_regs"), i32], undefined, function* () {
  printk(`${KERN_WARNING}Uhhuh. NMI received. Dazed and confused, but trying to continue\n`);
});

kernel_function("do_spurious_interrupt_bug", [pointer("pt_regs"), i32], undefined, function* () {});

/** A vector that nobody set up. */
kernel_function("unknown_interrupt", [], undefined, function* () {
  printk(`${KERN_WARNING}Unknown interrupt\n`);
});

/**
 * Double faults run as a task of their own, on their own stack: the one at fault may be unusable. What the CPU was doing
 * is in the TSS it switched from. Each CPU has its own of both, under the one selector that the gate has; at the stack's
 * lower end, where a task has its PCB, there is the number of the CPU.
 */
const DOUBLEFAULT_TSS_ENTRY = 31;
const TSS_AVAILABLE = 0x89;
const doublefault_stack = per_cpu("doublefault_stack", array(u32, THREAD_SIZE / 4), { alignment: THREAD_SIZE });
const doublefault_tss = per_cpu("doublefault_tss", tss_struct, { alignment: 32 });
const TR = 7;

/** @context irqs_disabled */
kernel_function("doublefault_fn", [], undefined, function* () {
  const stopped = tss_struct.at(interrupted_tss());
  if (hit_guard_page()) {
    yield* stack_overflow(stopped);
    return;
  }
  printk(`${KERN_EMERG}double fault, tss at ${hex8(stopped.address)}\n`);
  printk(`${KERN_EMERG}eip = ${hex8(stopped.eip)} <${image().symbolize(stopped.eip)}>, esp = ${hex8(stopped.esp)}\n`);
  printk(
    `${KERN_EMERG}eax = ${hex8(stopped.eax)}, ebx = ${hex8(stopped.ebx)}, ecx = ${hex8(stopped.ecx)}, edx = ${hex8(stopped.edx)}\n`,
  );
  printk(`${KERN_EMERG}esi = ${hex8(stopped.esi)}, edi = ${hex8(stopped.edi)}, ebp = ${hex8(stopped.ebp)}\n`);
  // This stack has no task, only the number of its CPU: which one it was, the scheduler can tell.
  const p = cpu_curr(smp_processor_id());
  printk(`${KERN_EMERG}Process ${p.comm} (pid: ${p.pid})\n`);
  printk(`${KERN_EMERG}Kernel panic: double fault\n`);
  yield* stop_machine(EXIT_PANIC);
});

/** Whether the page that is not mapped below the current task's stack was to be written. */
function hit_guard_page(): boolean {
  if (!configured("CONFIG_VMAP_STACK")) return false;
  const below = task_stack_page(current()) - read_cr2();
  return below > 0 && below <= PAGE_SIZE;
}

/**
 * The current task has no room for another frame, not even for that of the page fault. Says so, and has the CPU go on, when the double
 * fault's task returns to it, with the end of the task, at the top of its stack.
 * @context irqs_disabled
 */
function* stack_overflow(stopped: tss_struct): Steps<void> {
  const tsk = current();
  const start = task_stack_page(tsk);
  die_counter.value++;
  printk(
    `${KERN_EMERG}BUG: stack guard page was hit at ${hex8(read_cr2())} (stack is ${hex8(start)}..${hex8(start + THREAD_SIZE - 1)})\n`,
  );
  printk(`${KERN_EMERG}kernel stack overflow (double-fault): 0000 [#${die_counter.value}]\n`);
  yield* show_stopped(stopped);
  if (is_interrupted(stopped.eip, stopped.ebp)) yield* panic("Fatal exception in interrupt");
  yield* check_dispensable();
  forget_fpu(tsk);
  stopped.__cr3 = __pa(mm_struct.at(tsk.active_mm).pgd); // a switch of tasks does not save it
  stopped.eip = image().symbol("rewind_stack_do_exit");
  stopped.esp = start + THREAD_SIZE - pt_regs.size - 8;
  memory().write32(stopped.esp + 4, SIGSEGV);
  stopped.eflags = EFLAGS_IF | EFLAGS_FIXED;
  stopped.cs = __KERNEL_CS;
  stopped.ss = stopped.ds = stopped.es = __KERNEL_DS;
}

function interrupted_tss(): number {
  const link = tss_struct.at(cpu().segBase(TR)).back_link;
  return system_descriptor_base(link >> 3);
}

/** What is at the lower end of a stack tells `current` and the CPU's number. */
function init_doublefault_stack(): void {
  const at = doublefault_stack.address;
  if (configured("CONFIG_TASK_UNION")) task_struct.at(at).processor = smp_processor_id();
  if (configured("CONFIG_THREAD_INFO")) thread_info.at(at).cpu = smp_processor_id();
}

/** This CPU's. */
export function init_doublefault_task(): void {
  const tss = doublefault_tss.value;
  tss.esp0 = doublefault_stack.address + THREAD_SIZE;
  tss.ss0 = __KERNEL_DS;
  tss.eip = image().symbol(configured("CONFIG_VMAP_STACK") ? "doublefault_entry" : "doublefault_fn");
  tss.eflags = EFLAGS_FIXED;
  tss.esp = doublefault_stack.address + THREAD_SIZE;
  tss.es = tss.ss = tss.ds = __KERNEL_DS;
  tss.cs = __KERNEL_CS;
  tss.bitmap = 0x8000;
  tss.__cr3 = __pa(image().symbol("swapper_pg_dir"));
  init_doublefault_stack();
  set_system_descriptor(DOUBLEFAULT_TSS_ENTRY, tss.address, tss_struct.size - 1, TSS_AVAILABLE);
}

function entry(name: string): u32 {
  return image().symbol(name);
}

/** Gates for the CPU's exceptions and for the system call, and the TSS. */
export const trap_init = kernel_function("trap_init", [], undefined, function* () {
  set_trap_gate(0, entry("divide_error"));
  set_trap_gate(1, entry("debug"));
  set_intr_gate(2, entry("nmi"));
  set_system_gate(3, entry("int3"));
  set_system_gate(4, entry("overflow"));
  set_system_gate(5, entry("bounds"));
  set_trap_gate(6, entry("invalid_op"));
  set_trap_gate(7, entry("device_not_available"));
  init_doublefault_task();
  set_task_gate(8, DOUBLEFAULT_TSS_ENTRY * 8);
  set_trap_gate(9, entry("coprocessor_segment_overrun"));
  set_trap_gate(10, entry("invalid_TSS"));
  set_trap_gate(11, entry("segment_not_present"));
  set_trap_gate(12, entry("stack_segment"));
  set_trap_gate(13, entry("general_protection"));
  set_intr_gate(14, entry("page_fault"));
  set_trap_gate(15, entry("spurious_interrupt_bug"));
  set_trap_gate(16, entry("coprocessor_error"));
  set_trap_gate(17, entry("alignment_check"));
  set_trap_gate(18, entry("machine_check"));
  set_system_gate(SYSCALL_VECTOR, entry("system_call"));
  yield* cpu_init();
});

const SYSCALL_VECTOR = 0x80;
