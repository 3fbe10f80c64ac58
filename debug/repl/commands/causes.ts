/** What has led to here: who wrote a value last, and why a task runs or does not. */

import type { TaskName } from "../../frames/guest.ts";
import type { StackFrame } from "../../frames/stack-frame.ts";
import { grouped, hex, plural } from "../../numbers.ts";
import type { CatchKind, SessionEvent, Stop, WatchRequest } from "../../session/index.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { frameLines } from "../format/frames.ts";
import { reportPlace } from "../stop-report.ts";

/** Bytes of which the last write can be looked for: what one page has is together in physical memory. */
const MOST_BYTES = 4096;
const PAGE = 4096;

/** Goes to the statement that wrote what an expression names. */
async function lastWrite(console: Console, text: string): Promise<void> {
  if (text === "") throw new CommandError("last-write of what? As in last-write jiffies, last-write current->state");
  const value = console.evaluate(text);
  if (value.address === undefined) {
    throw new CommandError(`${text} does not lie in memory: only what does has been written there`);
  }
  const { session } = console;
  const { task } = console.frame();
  const { address } = value;
  const length = Math.max(1, value.type.size);
  if (length > MOST_BYTES) throw new CommandError(`${text} has ${plural(length, "byte")}; name one of its members`);
  const physical = session.physicalAddress(address, task === undefined ? {} : { task });
  if (physical === undefined) throw new CommandError(`${hex(address)} is not mapped`);
  // What lies in two pages is looked for in the first.
  const inPage = Math.min(length, PAGE - (physical % PAGE));
  const request: WatchRequest = { kind: "watch", space: "physical", address: physical, length: inPage, on: "write" };
  const start = session.machine.cycles;
  const stop = await session.last(request);
  if (stop.reason !== "watchpoint") {
    if (stop.reason === "interrupted") return console.print("Interrupted.");
    await session.gotoCycle(start);
    throw new CommandError(`nothing has written ${text} since the reset: it is as it was loaded`);
  }
  console.forgetFrames();
  console.noteRegisters();
  const { access } = stop;
  if (access !== undefined) {
    const digits = 2 * access.size;
    console.print(
      console.bold(
        `${text} (${hex(address)}) was written here: ${hex(access.before, digits)} -> ${hex(access.after, digits)}.`,
      ),
    );
  }
  await reportPlace(console, session);
}

/** What is seen of a moment in the past. */
interface Moment {
  readonly event: SessionEvent;
  readonly position: number;
  readonly lines: readonly string[];
}

/** The last event of a kind before now, with the frames that led to it; the session is there afterwards. */
async function lastEvent(
  console: Console,
  event: CatchKind,
  filter: (event: SessionEvent) => boolean,
): Promise<Moment | undefined> {
  const { session } = console;
  const stop: Stop = await session.last({ kind: "catch", event, filter });
  if (stop.reason !== "catch" || stop.event === undefined) return undefined;
  console.forgetFrames();
  return { event: stop.event, position: session.position, lines: frameLines(console, upToUser(console.frames())) };
}

/** The kernel's frames, and the first of the program's. */
function upToUser(frames: readonly StackFrame[]): readonly StackFrame[] {
  const user = frames.findIndex(({ walked }) => walked.kind === "user");
  return user < 0 ? frames : frames.slice(0, user + 1);
}

function taskName(console: Console, pid: number): string {
  try {
    const { comm } = console.guest.task(pid);
    return `pid ${pid} (${comm})`;
  } catch {
    return `pid ${pid}`;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  preempted: "was preempted",
  yielded: "gave up the CPU",
  slept: "went to sleep",
  exited: "ended",
  stopped: "was stopped",
  idle: "was idle",
};

/** Why the current task runs, or the selected one does not. */
async function why(console: Console): Promise<void> {
  const { session } = console;
  const task = console.selectedTask ?? console.guest.requireCurrent();
  const isRunning = console.guest.coreOf(task.address) !== undefined;
  const start = session.machine.cycles;
  const core = session.core;
  const lines = await (isRunning ? whyRunning(console, task) : whyNot(console, task));
  await session.gotoCycle(start);
  session.core = core;
  console.forgetFrames();
  console.print(...lines);
}

async function whyRunning(console: Console, { pid, comm }: TaskName): Promise<string[]> {
  const chosen = await lastEvent(console, "switch", (event) => event["next"] === pid);
  if (chosen === undefined) return [`pid ${pid} (${comm}) has run since it exists: nothing has switched to it.`];
  const { prev, reason } = chosen.event;
  const lines = [
    `pid ${pid} (${comm}) runs since ${taskName(console, Number(prev))} ${REASONS[String(reason)] ?? reason}, at #${grouped(chosen.position)}:`,
    ...chosen.lines,
  ];
  const before = await lastEvent(console, "switch", (event) => event["prev"] === pid);
  const slept = before?.event["reason"] === "slept" || before === undefined;
  if (before !== undefined && !slept) {
    return [
      ...lines,
      `It could have gone on since #${grouped(before.position)}, when it ${REASONS[String(before.event["reason"])]}.`,
    ];
  }
  await console.session.goto(chosen.position);
  const woken = await lastEvent(console, "wakeup", (event) => event["pid"] === pid);
  if (woken === undefined || (before !== undefined && woken.position < before.position)) return lines;
  const by = taskName(console, Number(woken.event["by"]));
  const how = woken.event["interrupt"] === 1 ? `an interrupt, while ${by} ran` : by;
  return [...lines, `It was woken by ${how}, at #${grouped(woken.position)}:`, ...woken.lines];
}

async function whyNot(console: Console, { pid, comm }: TaskName): Promise<string[]> {
  const left = await lastEvent(console, "switch", (event) => event["prev"] === pid);
  if (left === undefined) return [`pid ${pid} (${comm}) has not run yet.`];
  const { reason, next } = left.event;
  return [
    `pid ${pid} (${comm}) ${REASONS[String(reason)] ?? reason}, and ${taskName(console, Number(next))} came instead, at #${grouped(left.position)}:`,
    ...left.lines,
  ];
}

export const causes: readonly Command[] = [
  {
    names: ["last-write"],
    group: "Going",
    usage: "EXPRESSION",
    summary: "go back to the statement that wrote last what an expression names",
    help: "It stands before the write then; last-write again goes on to the write before it.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => lastWrite(console, argument),
  },
  {
    names: ["why"],
    group: "Kernel",
    usage: "",
    summary:
      "which statement woke the current task, and which switched to it; of a sleeping one, which put it to sleep",
    help: "`thread PID` selects another task.",
    run: async (argument, console) => {
      if (argument !== "") throw new CommandError("why takes no argument; thread PID selects another task");
      console.guest.kernel("why");
      await why(console);
    },
  },
];
