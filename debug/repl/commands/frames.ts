/** Frames: back-traces, selecting one, and what is in it. */
import { DWARF_NAMES } from "../../frames/frame-registers.ts";
import type { StackFrame } from "../../frames/stack-frame.ts";
import { hex } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { frameLine, frameLines, functionName, localLines, variableLines } from "../format/frames.ts";
import { sourceLine } from "../stop-report.ts";
import { taskArgument, taskOrCurrent } from "../task-argument.ts";

/** `[full] [N|-N] [of PID]`. */
function showBacktrace(console: Console, argument: string): void {
  const { rest, task } = taskArgument(console, argument, "of");
  const isFull = /^-?full\b/.test(rest);
  const text = rest.replace(/^-?full\b\s*/, "");
  const count = text === "" ? undefined : console.number(text);
  if (count !== undefined && (!Number.isInteger(count) || count === 0)) {
    throw new CommandError(`${text}: how many frames? N for the innermost, -N for the outermost`);
  }
  if (task !== undefined) console.selectTask(task);
  const selected = console.selectedTask;
  if (selected !== undefined) console.print(`pid ${selected.pid} (${selected.comm}), not running`);
  const frames = console.frames();
  const shown = count === undefined ? frames : count > 0 ? frames.slice(0, count) : frames.slice(count);
  console.print(...frameLines(console, shown, isFull));
  if (count !== undefined && count > 0 && count < frames.length) console.print("(More stack frames follow...)");
}

/** The frame with its line. */
export function showFrame(console: Console, frame: StackFrame): void {
  console.print(frameLine(console, frame));
  const source = frame.place === undefined ? undefined : sourceLine(console, frame.place.file, frame.place.line);
  if (source !== undefined) console.print(source);
}

function select(console: Console, level: number): void {
  const frames = console.frames();
  const frame = frames[level];
  if (frame === undefined) throw new CommandError(`no frame ${level}; there are 0 to ${frames.length - 1}`);
  console.select(level);
  showFrame(console, console.frame());
}

function move(console: Console, argument: string, direction: 1 | -1): void {
  const count = argument === "" ? 1 : console.number(argument);
  const { level } = console.frame();
  const last = console.frames().length - 1;
  const wanted = level + direction * count;
  if (level === last && wanted > last) throw new CommandError("Initial frame selected; you can't go up.");
  if (level === 0 && wanted < 0) throw new CommandError("Bottom (innermost) frame selected; you can't go down.");
  select(console, Math.max(0, Math.min(last, wanted)));
}

export function showArguments(console: Console): void {
  const frame = console.frame();
  const lines = frame.parameters.flatMap((parameter) => variableLines(console, frame, parameter));
  console.print(...(lines.length === 0 ? ["No arguments."] : lines));
}

export function showLocals(console: Console): void {
  console.print(...localLines(console, console.frame()));
}

/** `info frame`. */
export function describeFrame(console: Console): void {
  const frame = console.frames()[console.frame().level] ?? console.frame();
  const { walked, level } = frame;
  const cfa = frame.cfa ?? (walked.returnSlot === undefined ? undefined : walked.returnSlot + 4);
  const caller = console.frames()[level + 1];
  const source = frame.place === undefined ? "" : ` (${frame.place.file}:${frame.place.line})`;
  console.print(`Stack level ${level}, frame at ${cfa === undefined ? "an unknown address" : hex(cfa)}:`);
  console.print(` eip = ${hex(frame.pc)} in ${functionName(console, frame)}${source}`);
  if (frame.isInlined) console.print(` inlined into frame ${level + 1}`);
  else if (caller !== undefined) console.print(` called by frame ${caller.level}, saved eip = ${hex(caller.pc)}`);
  if (walked.entryFrame !== undefined)
    console.print(` entered from outside: the CPU's frame is at ${hex(walked.entryFrame)}`);
  const saved = caller === undefined ? [] : [...caller.walked.saved].filter(([n, at]) => walked.saved.get(n) !== at);
  if (saved.length === 0) return;
  console.print(" Saved registers:");
  console.print(`  ${saved.map(([number, at]) => `${DWARF_NAMES[number] ?? `r${number}`} at ${hex(at)}`).join(", ")}`);
}

export const frames: readonly Command[] = [
  {
    names: ["backtrace", "bt", "where"],
    group: "Frames",
    usage: "[full] [N|-N] [of PID]",
    summary: "function calls with their arguments, across interrupts and system calls",
    help:
      "N shows the innermost N frames, -N the outermost; full shows the variables of each. `of PID` selects another task,\n" +
      "as `thread PID` does.",
    run: (argument, console) => showBacktrace(console, argument),
  },
  {
    names: ["frame", "f"],
    group: "Frames",
    usage: "[N]",
    summary: "select a frame, whose variables expressions mean; without N, show it",
    completes: "expression",
    run: (argument, console) => {
      if (argument === "") showFrame(console, console.frame());
      else select(console, console.number(argument));
    },
  },
  {
    names: ["up"],
    group: "Frames",
    usage: "[N]",
    summary: "select the frame that called this one",
    repeats: "same",
    run: (argument, console) => move(console, argument, 1),
  },
  {
    names: ["down"],
    group: "Frames",
    usage: "[N]",
    summary: "select the frame that this one called",
    repeats: "same",
    run: (argument, console) => move(console, argument, -1),
  },
  {
    names: ["thread"],
    group: "Frames",
    usage: "[PID]",
    summary: "select a task, whose frames bt, frame, up and down are about; without PID, say which",
    help: "Until the guest goes on. ps lists the tasks.",
    completes: "expression",
    run: (argument, console) => {
      if (argument !== "") console.selectTask(taskOrCurrent(console, argument));
      const task = console.selectedTask ?? console.guest.requireCurrent();
      console.print(`[Current task is pid ${task.pid} (${task.comm})]`);
      showFrame(console, console.frame());
    },
  },
];
