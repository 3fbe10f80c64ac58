/** Tasks: who there is, where they are, what is on their stacks. */
import { pt_regs, type StackRange, task_struct } from "../../../kernel/inspect.ts";
import { codeAddressOf, hasSavedRegisters } from "../../frames/entry.ts";
import { backtrace, currentPointers, type Frame, pointersOf, type StackPointers } from "../../frames/frame-walk.ts";
import type { TaskName } from "../../frames/guest.ts";
import { bareHex, hex, table } from "../../numbers.ts";
import { summaryOf, taskName } from "../../tasks.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { cpuStack, stackLines, taskStack } from "../format/stack.ts";
import { formatValue } from "../format/value.ts";
import { taskOrCurrent } from "../task-argument.ts";
import { policyName, priorityOf } from "./runqueue.ts";

function processes(console: Console): void {
  const kernel = console.guest.kernel("ps");
  const all = console.guest.tasks();
  const summaries = kernel.inspect(() => all.map(({ address }) => summaryOf(kernel, address)));
  const below = summaries.some(({ nspids }) => nspids.length > 0);
  const rows = all.map(({ address, pid, comm }, row) => {
    const { ppid, state, nspids } = summaries[row];
    const core = console.guest.coreOf(address);
    const { pc } = pointersOf(console.guest, address);
    return [
      core === undefined ? " " : "*",
      String(pid),
      String(ppid),
      ...(below ? [nspids.join("/") || "-"] : []),
      state,
      ...kernel.inspect(() => [policyName(task_struct.at(address).policy), priorityOf(task_struct.at(address))]),
      core === undefined ? "-" : String(core.id),
      hex(address),
      kernel.inspect(() => taskName(address, comm)),
      console.session.symbols.format(core === undefined ? callerOf(console, address, pc) : pc),
    ];
  });
  console.print(
    ...table(rows, [
      " ",
      "PID",
      "PPID",
      ...(below ? ["NSPID"] : []),
      "S",
      "CLS",
      "PRI",
      "CPU",
      "task_struct",
      "COMM",
      "AT",
    ]),
  );
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
  const { start, end } = guest.stackOf(task.address);
  console.print(
    `Kernel stack of pid ${task.pid} (${task.comm}): ${hex(start)} to ${hex(end)}, ${running === undefined ? "not running" : `running on CPU ${running.id}`}`,
  );
  if (running !== undefined && guest.isUser(running)) {
    console.print(`It runs in user space: the kernel stack is empty, and TSS.esp0 leads to its top, ${hex(end)}.`);
    console.print(`${bareHex(task.address)}  task_struct, ${task_struct.size} bytes`);
    return;
  }
  const pointers = pointersOf(guest, task.address);
  const used = running === undefined ? undefined : guest.stackAt(pointers.esp);
  if (used === undefined || used.kind === "task") {
    console.print(...stackLines(console, pointers, task.address, taskStack(console, task.address)));
    return;
  }
  console.print(`ESP is on the ${used.kind} of CPU ${used.cpu}, ${hex(used.start)} to ${hex(used.end)}:`);
  console.print(...stackLines(console, pointers, task.address, cpuStack(console, used)));
  const left = interruptedOn(console, task.address, { start, end });
  if (left === undefined) return;
  console.print("Its own stack, as it was left:");
  console.print(...stackLines(console, left, task.address, taskStack(console, task.address)));
}

/** Where a task's own stack was left for one of its CPU's. */
function interruptedOn({ guest }: Console, task: number, { start, end }: StackRange): StackPointers | undefined {
  for (const frame of backtrace(guest, pointersOf(guest, task), task)) {
    const { entryFrame, returnSlot, cfa } = frame;
    // Entry code changes stacks with all registers saved; others with nothing but a return address above what they saved.
    const left = entryFrame === undefined ? returnSlot : entryFrame - pt_regs.offset("eip");
    if (cfa !== undefined && left !== undefined && left > start && left < end) return { ...frame, esp: left };
  }
  return undefined;
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
  const address = console.guest.stackOf(task.address).end - pt_regs.size;
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
    help:
      "States: R runnable, S and D asleep, interruptible and not, Z zombie, T stopped. CLS: TS time-sharing\n" +
      "(SCHED_OTHER), FF SCHED_FIFO, RR SCHED_RR; PRI: the nice value, or the real-time priority. AT is where it will go on.",
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
