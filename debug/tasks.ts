/** Looking at tasks: what `ps` shows, from guest memory alone. */
import {
  back_trace,
  type Kernel,
  memory,
  numbers_below,
  PF_EXITING,
  type StackFrame,
  task_list,
  task_struct,
} from "../kernel/inspect.ts";

export interface TaskSummary {
  readonly pid: number;
  readonly ppid: number;
  /** Its numbers in the pid namespaces below the initial one, the outermost first. */
  readonly nspids: readonly number[];
  /** Of a kernel thread in brackets. */
  readonly name: string;
  readonly comm: string;
  /** R, S (interruptible), D (uninterruptible), Z, T. */
  readonly state: string;
  /** Kernel functions on its stack, innermost first; empty for the task that runs. */
  readonly stack: readonly StackFrame[];
}

/** Of the task states; 130 is TASK_KILLABLE. */
const state_letters: Readonly<Record<number, string>> = { 0: "R", 1: "S", 2: "D", 4: "Z", 8: "T", 130: "D" };
const SAVED_EBP = 0;

/** A task's name, in brackets if it is a kernel thread, as ps has them: one without an address space, and not because it ends. */
export function taskName(task: number, comm = task_struct.at(task).comm): string {
  const { mm, flags } = task_struct.at(task);
  return mm === 0 && (flags & PF_EXITING) === 0 ? `[${comm}]` : comm;
}

/** Every task, the idle one of the boot CPU first. */
export function tasks(kernel: Kernel): TaskSummary[] {
  return kernel.inspect(() => task_list().map((address) => summaryOf(kernel, address)));
}

/** What there is to say of the task with its task_struct at an address. Inside `kernel.inspect()`. */
export function summaryOf(kernel: Kernel, address: number): TaskSummary {
  const task = task_struct.at(address);
  const { esp, eip } = task.thread;
  return {
    pid: task.pid,
    ppid: task.p_opptr === 0 ? 0 : task_struct.at(task.p_opptr).pid,
    nspids: numbers_below(task),
    name: taskName(address),
    comm: task.comm,
    state: state_letters[task.state] ?? "?",
    stack:
      task.state === 0 || esp === 0
        ? []
        : back_trace(memory(), kernel.image, eip, memory().read32(esp + SAVED_EBP) >>> 0),
  };
}

/** A line a task that sleeps: pid, name, state, and the system call and kernel function it sleeps in. */
export function describe_tasks(kernel: Kernel): string {
  return tasks(kernel)
    .filter(({ pid }) => pid !== 0)
    .map(({ pid, name: task_name, state, stack }) => {
      const names = stack.map(({ name }) => name.replace(/\+.*/, "")).filter((name) => /^[a-z_]/i.test(name));
      const call = names.find((name) => name.startsWith("sys_"));
      return `  pid ${pid} (${task_name}) ${state}${call ? ` in ${call}` : ""}\n`;
    })
    .join("");
}
