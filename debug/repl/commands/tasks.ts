/** Tasks: who there is, where they are, what is on their stacks. */
import { pt_regs, THREAD_SIZE, task_struct } from "../../../kernel/inspect.ts";
import { codeAddressOf, hasSavedRegisters } from "../../frames/entry.ts";
import { backtrace, currentPointers, type Frame, pointersOf } from "../../frames/frame-walk.ts";
import type { TaskName } from "../../frames/guest.ts";
import { bareHex, hex, table } from "../../numbers.ts";
import { tasks as summaries } from "../../tasks.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { stackLines } from "../format/stack.ts";
import { formatValue } from "../format/value.ts";
import { taskOrCurrent } from "../task-argument.ts";

function processes(console: Console): void {
  const kernel = console.guest.kernel("ps");
  console.guest.tasks();
  const rows = summaries(kernel).map(({ pid, ppid, state, comm }) => {
    const { address } = console.guest.task(pid);
    const core = console.guest.coreOf(address);
    const { pc } = pointersOf(console.guest, address);
    return [
      core === undefined ? " " : "*",
      String(pid),
      String(ppid),
      state,
      core === undefined ? "-" : String(core.id),
      hex(address),
      comm,
      console.session.symbols.format(core === undefined ? callerOf(console, address, pc) : pc),
    ];
  });
  console.print(...table(rows, [" ", "PID", "PPID", "S", "CPU", "task_struct", "COMM", "AT"]));
}

/** The function that a sleeping task called schedule() for: the first frame that is not the scheduler's own. */
function callerOf({ guest, session }: Console, task: number, pc: number): number {
  const ownFunctions = new Set(["switch_to", "schedule", "__switch_to", "context_switch", "schedule_timeout"]);
  const frames = backtrace(guest, pointersOf(guest, task), task);
  const found = frames.find(
    (frame) => !ownFunctions.has(session.symbols.symbolize(codeAddressOf(frame))?.symbol ?? ""),
  );
  return found?.pc ?? pc;
}

function showStack(console: Console, argument: string): void {
  const { guest } = console;
  if (console.session.kernel === undefined) {
    console.print(...stackLines(console, currentPointers(guest), undefined));
    return;
  }
  const task = taskOrCurrent(console, argument);
  const running = guest.coreOf(task.address);
  const top = task.address + THREAD_SIZE;
  console.print(
    `Kernel stack of pid ${task.pid} (${task.comm}): ${hex(task.address)} to ${hex(top)}, ${running === undefined ? "not running" : `running on CPU ${running.id}`}`,
  );
  if (running !== undefined && guest.isUser(running)) {
    console.print(`It runs in user space: the kernel stack is empty, and TSS.esp0 leads to its top, ${hex(top)}.`);
    console.print(`${bareHex(task.address)}  task_struct, ${task_struct.size} bytes`);
    return;
  }
  console.print(...stackLines(console, pointersOf(guest, task.address), task.address));
}

function showTask(console: Console, argument: string): void {
  const task = taskOrCurrent(console, argument);
  const value = console.evaluate(`*(task_struct *)${task.address}`);
  console.print(`pid ${task.pid} (${task.comm}), task_struct at ${hex(task.address)}`);
  console.print(formatValue(value, console.formatting()));
}

/** Registers that a task had in user space, saved at the top of its kernel stack. */
function showSaved(console: Console, argument: string): void {
  const task = taskOrCurrent(console, argument);
  const address = task.address + THREAD_SIZE - pt_regs.size;
  const mm = console.number(`((task_struct *)${task.address})->mm`);
  if (mm === 0) throw new CommandError(`pid ${task.pid} is a kernel thread: it has no registers of user space`);
  const running = console.guest.coreOf(task.address);
  if (running !== undefined && console.guest.isUser(running)) {
    throw new CommandError(`pid ${task.pid} runs in user space: its registers are in CPU ${running.id} (regs)`);
  }
  const entry = outermostEntry(console, task);
  if (running !== undefined && entry !== undefined && !hasSavedRegisters(entry)) {
    const at = console.session.symbols.format(entry.pc);
    throw new CommandError(
      `pid ${task.pid} is at ${at}, on its way into the kernel or out of it: its registers are not all on its stack;\n` +
        "$eax and the others have them in the frame of user space (bt, up)",
    );
  }
  console.print(`struct pt_regs of pid ${task.pid} at ${hex(address)}`);
  console.print(formatValue(console.evaluate(`*(pt_regs *)${address}`), console.formatting("x")));
}

/** The frame of the entry code that a task came into the kernel by. */
function outermostEntry({ guest }: Console, task: TaskName): Frame | undefined {
  const frames = backtrace(guest, pointersOf(guest, task.address), task.address);
  return frames.findLast(({ kind, entryFrame }) => kind === "kernel" && entryFrame !== undefined);
}

export const tasks: readonly Command[] = [
  {
    names: ["ps"],
    group: "Kernel",
    usage: "",
    summary: "all tasks, read from the guest's memory",
    help: "States: R runnable, S and D asleep, interruptible and not, Z zombie, T stopped. AT is where it will go on.",
    run: (_argument, console) => processes(console),
  },
  {
    names: ["task"],
    group: "Kernel",
    usage: "[PID]",
    summary: "a whole task_struct",
    run: (argument, console) => showTask(console, argument),
  },
  {
    names: ["stack"],
    group: "Kernel",
    usage: "[PID]",
    summary: "a kernel stack, word by word, with what each word is",
    help: "Return addresses, saved frame pointers, struct pt_regs, what switch_to has left, and the task_struct at its bottom.",
    run: (argument, console) => showStack(console, argument),
  },
  {
    names: ["ptregs"],
    group: "Kernel",
    usage: "[PID]",
    summary: "registers of user space, as the kernel has saved them",
    run: (argument, console) => showSaved(console, argument),
  },
];
