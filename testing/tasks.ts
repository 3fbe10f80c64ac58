/** Tasks as tests see them, read from the guest's memory. */
import type { Kernel } from "../kernel/index.ts";
import {
  back_trace,
  idle_task,
  memory,
  pt_regs,
  type StackFrame,
  smp_num_cpus,
  stack_of,
  task_list,
  task_struct,
} from "../kernel/inspect.ts";
import type { CalleeSaved } from "./registers.ts";

const STATES: Readonly<Record<number, TaskState>> = { 0: "R", 1: "S", 2: "D", 4: "Z", 8: "T" };
/** Words that switch_to leaves on the stack of the task that it switches from. */
const SWITCH_FRAME_WORDS = 5;
const USER_RPL = 3;

/** Runnable or running, interruptible and uninterruptible sleep, zombie, stopped. */
export type TaskState = "R" | "S" | "D" | "Z" | "T";

/** What switch_to left on the stack of a task that does not run. */
export interface SwitchFrame extends CalleeSaved {
  /** thread.esp: where the frame begins. */
  readonly esp: number;
  /** thread.eip: where the task goes on. */
  readonly eip: number;
  /** Where switch_to will return to. */
  readonly returnAddress: number;
}

/** The registers that a task had in user mode when it entered the kernel: the struct pt_regs at the top of its stack. */
export interface UserRegisters {
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  readonly esi: number;
  readonly edi: number;
  readonly ebp: number;
  readonly eax: number;
  readonly eip: number;
  readonly cs: number;
  readonly eflags: number;
  readonly esp: number;
  readonly ss: number;
  /** Number of the system call; -1 after an exception, the IRQ's number - 256 after an interrupt. */
  readonly orig_eax: number;
}

/** A task at the moment it was looked at. */
export interface TaskView {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  readonly state: TaskState;
  /** Linear address of its task_struct. */
  readonly address: number;
  /** Whether it is the one that its CPU executes. */
  readonly running: boolean;
  /** Ticks left of its time slice. */
  readonly counter: number;
  readonly needResched: boolean;
  /** Whether it has an address space; kernel threads and zombies have none. */
  readonly hasAddressSpace: boolean;
  /** Its kernel stack: the lowest byte, and the first byte behind its top. */
  readonly kernelStack: { readonly start: number; readonly end: number };
  /** thread.esp0, thread.esp and thread.eip; the last two are as old as its last switch while it runs. */
  readonly thread: { readonly esp0: number; readonly esp: number; readonly eip: number };
  /** Undefined while it runs, when it has not run yet, and for zombies. */
  readonly switchFrame: SwitchFrame | undefined;
  /** Undefined when it is in user mode now, and for tasks that never were. */
  readonly userRegisters: UserRegisters | undefined;
  /** Kernel functions on its stack, innermost first. */
  readonly backtrace: readonly StackFrame[];
}

/** The idle tasks of CPUs besides the boot CPU: they are on no list. */
function otherIdleTasks(): number[] {
  return Array.from({ length: smp_num_cpus.value - 1 }, (_, before) => idle_task(before + 1));
}

/**
 * Address of the task that a CPU executes: the one on whose kernel stack ESP is, or in user mode the one whose stack
 * TSS.esp0 names. Undefined before the first task has a stack.
 * @throws RangeError when there is no such CPU
 */
export function currentTask(kernel: Kernel, cpu: number): number | undefined {
  const task = kernel.task_on(cpu);
  return kernel.inspect(() =>
    task !== undefined && [...task_list(), ...otherIdleTasks()].includes(task) ? task : undefined,
  );
}

/** Every task on the kernel's list, the boot CPU's idle one first. */
export function viewTasks(kernel: Kernel): TaskView[] {
  const running = kernel.machine.cores.map(({ id }) => currentTask(kernel, id));
  return kernel
    .inspect(() => task_list())
    .map((address) => viewTask(kernel, address, running.includes(address) ? running.indexOf(address) : undefined));
}

/** @param cpu the CPU that executes it */
export function viewTask(kernel: Kernel, address: number, cpu: number | undefined): TaskView {
  const running = cpu !== undefined;
  return kernel.inspect(() => {
    const task = task_struct.at(address);
    const { esp0, esp, eip } = task.thread;
    const { start, end } = stack_of(address);
    const { image, machine } = kernel;
    const state = STATES[task.state] ?? "R";
    const switched = !running && state !== "Z" && eip === image.symbol("switch_to_resume");
    const frame = switched ? words(esp, SWITCH_FRAME_WORDS) : undefined;
    const innermost = running ? machine.getRegister("eip", cpu) : eip;
    const ebp = running ? machine.getRegister("ebp", cpu) : (frame?.[0] ?? 0);
    const inUser = running && (machine.getRegister("cs", cpu) & USER_RPL) === USER_RPL;
    return {
      pid: task.pid,
      ppid: task.p_opptr === 0 ? 0 : task_struct.at(task.p_opptr).pid,
      comm: task.comm,
      state,
      address,
      running,
      counter: task.counter,
      needResched: task.need_resched !== 0,
      hasAddressSpace: task.mm !== 0,
      kernelStack: { start, end },
      thread: { esp0, esp, eip },
      switchFrame: frame && {
        esp,
        eip,
        ebp: frame[0],
        edi: frame[1],
        esi: frame[2],
        ebx: frame[3],
        returnAddress: frame[4],
      },
      userRegisters: inUser || task.mm === 0 || state === "Z" ? undefined : userRegisters(end),
      backtrace: inUser || state === "Z" ? [] : back_trace(memory(), image, innermost, ebp),
    };
  });
}

function words(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => memory().read32(from + 4 * i) >>> 0);
}

function userRegisters(top: number): UserRegisters | undefined {
  const { xcs, xss, ebx, ecx, edx, esi, edi, ebp, eax, eip, eflags, esp, orig_eax } = pt_regs.at(top - pt_regs.size);
  if ((xcs & USER_RPL) !== USER_RPL) return undefined;
  return { ebx, ecx, edx, esi, edi, ebp, eax, eip, cs: xcs, eflags, esp, ss: xss, orig_eax };
}
