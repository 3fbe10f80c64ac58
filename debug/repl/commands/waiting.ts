/** Who waits for what: wait queues, and what sleeping tasks wait for. Read from the guest's memory: their stacks. */
import {
  for_each_task,
  NO_EXIT_SIGNAL,
  task_struct,
  wait_queue_head_t,
  wait_queue_t,
} from "../../../kernel/inspect.ts";
import { codeAddressOf } from "../../frames/entry.ts";
import { backtrace, type Frame, pointersOf } from "../../frames/frame-walk.ts";
import type { Guest, TaskName } from "../../frames/guest.ts";
import { hex, table } from "../../numbers.ts";
import { tasks as summaries, taskName } from "../../tasks.ts";
import type { Command } from "../command.ts";
import type { Console } from "../console.ts";

/** Wait-queue entries lie on the stacks of those who wait; from there the queues are found. */
function waitQueues(console: Console): void {
  const { guest } = console;
  const tasks = guest.tasks();
  const queues = new Map<number, string[]>();
  for (const { address, pid, comm } of tasks) {
    for (const entry of waitEntries(console, address)) {
      const head = headOf(console, entry);
      if (head === undefined) continue;
      const waiters = queues.get(head) ?? [];
      waiters.push(`pid ${pid} (${comm}), entry at ${hex(entry)}`);
      queues.set(head, waiters);
    }
  }
  if (queues.size === 0) console.print("Nobody waits on a queue.");
  for (const [head, waiters] of queues) {
    console.print(`queue ${console.place(head)}${ownerOf(console, head)}`);
    for (const waiter of waiters) console.print(`  ${waiter}`);
  }
}

/** Entries on a sleeping task's stack: a wait_queue_t names its task, and is linked from both sides. */
function waitEntries(console: Console, task: number): number[] {
  const { guest } = console;
  if (guest.coreOf(task) !== undefined) return [];
  const { esp } = pointersOf(guest, task);
  const found: number[] = [];
  const list = wait_queue_t.offset("task_list");
  const { end } = guest.stackOf(task);
  for (let at = esp; at + wait_queue_t.size <= end; at += 4) {
    if (guest.read32(at + wait_queue_t.offset("task")) !== task) continue;
    const link = at + list;
    try {
      const next = guest.read32(link);
      const previous = guest.read32(link + 4);
      if (guest.read32(next + 4) === link && guest.read32(previous) === link) found.push(at);
    } catch {
      // Not an entry, but something that looks like one.
    }
  }
  return found;
}

/** The head of the queue that an entry is on: the one link that lies on no stack at or below its task's name. */
function headOf({ guest }: Console, entry: number): number | undefined {
  const list = wait_queue_t.offset("task_list");
  const taskOffset = wait_queue_t.offset("task");
  const tasks = new Set(guest.tasks().map(({ address }) => address));
  const start = entry + list;
  for (let link = guest.read32(start), i = 0; i < 1000; link = guest.read32(link), i++) {
    const owner = guest.read32(link - list + taskOffset);
    if (link === start) return undefined;
    if (!tasks.has(owner)) return link - wait_queue_head_t.offset("task_list");
  }
  return undefined;
}

/** What a queue that has no symbol is part of, when that is a task. */
function ownerOf({ guest }: Console, head: number): string {
  const owner = guest.tasks().find(({ address }) => head >= address && head < address + task_struct.size);
  if (owner === undefined) return "";
  const field = Object.keys(task_struct.fields).findLast((name) => owner.address + task_struct.offset(name) <= head);
  return `, ${field} of pid ${owner.pid} (${owner.comm})`;
}

/** Functions that a task sleeps in whatever it waits for. */
const SCHEDULER = new Set(["switch_to", "__switch_to", "context_switch", "schedule", "schedule_timeout"]);
/** Where arguments begin, from a frame's EBP on. */
const FIRST_ARGUMENT = 8;

/** A frame of a function with its arguments. */
interface Call {
  readonly name: string;
  readonly argument: (index: number) => number;
}

/** What a task waits for that is in a function, as far as its arguments tell. */
type Reason = (console: Console, call: Call, task: TaskName) => string | undefined;

/** What a sleep in these functions is for; of several, the outermost one decides. */
const REASONS: Readonly<Record<string, Reason>> = {
  kthread_stop: (console, { argument }) => `the end of ${nameOf(console, argument(0))}`,
  kthreadd: () => "threads to make",
  migration_thread: () => "tasks to move",
  kthread_create_on: () => "a thread from kthreadd",
  wait_for_common: (console, { argument }) => `completion ${placeOf(console, argument(0))}`,
  out_of_line_wait_on_bit: (console, { argument }) => `bit ${argument(1)} of ${placeOf(console, argument(0))}`,
  wait_on_bit_lock: (console, { argument }) => `bit ${argument(1)} of ${placeOf(console, argument(0))}`,
  sys_wait4: (console, _call, { address }) => `the end of ${childrenOf(console, address)}`,
  msleep: () => "the clock",
  sys_nanosleep: () => "the clock",
  sys_pause: () => "a signal",
  do_sigsuspend: () => "a signal",
  futex_wait: (_console, { argument }) => `the futex at ${hex(argument(0))}`,
};

/** A task that is there as `pid N (name)`, a kernel thread as `pid N [name]`. */
function nameOf(console: Console, address: number): string {
  const found = console.guest.tasks().find((task) => task.address === address);
  if (found === undefined) return `the task at ${hex(address)}, which is over`;
  const name = console.guest.kernel("waiting").inspect(() => taskName(address));
  return `pid ${found.pid} ${name === found.comm ? `(${name})` : name}`;
}

/** A place in the kernel's data by its symbol, or by the task on whose stack it lies. */
function placeOf(console: Console, address: number): string {
  const owner = console.guest.tasks().find((task) => {
    const { start, end } = console.guest.stackOf(task.address);
    return address >= start && address < end;
  });
  return owner === undefined ? console.place(address) : `${hex(address)} on the stack of pid ${owner.pid}`;
}

function childrenOf(console: Console, parent: number): string {
  const pids = console.guest.kernel("waiting").inspect(() =>
    Array.from(for_each_task())
      .filter((p) => p.p_pptr === parent && p.exit_signal !== NO_EXIT_SIGNAL)
      .map(({ pid }) => pid),
  );
  return pids.length === 1 ? `pid ${pids[0]}` : `any of pids ${pids.join(", ")}`;
}

/** A sleeping task's calls, the innermost first, without the scheduler's. */
function callsOf(guest: Guest, task: number): Call[] {
  return backtrace(guest, pointersOf(guest, task), task)
    .filter(({ kind }) => kind === "kernel")
    .map((frame: Frame) => ({
      name: guest.session.symbols.symbolize(codeAddressOf(frame))?.symbol ?? "",
      argument: (index: number) => guest.read32(frame.ebp + FIRST_ARGUMENT + 4 * index),
    }))
    .filter(({ name }) => name !== "" && !SCHEDULER.has(name));
}

/** What a sleeping task waits for: what the functions that it is in say, else the queues that it is on. */
function waitsFor(console: Console, calls: readonly Call[], task: TaskName): string {
  if (calls[0]?.name === "kthread") return "being woken for the first time, or stopped";
  const call = calls.findLast(({ name }) => Object.hasOwn(REASONS, name));
  const reason = call === undefined ? undefined : REASONS[call.name](console, call, task);
  if (reason !== undefined) return reason;
  const heads = waitEntries(console, task.address).map((entry) => headOf(console, entry));
  const queues = heads
    .filter((head) => head !== undefined)
    .map((head) => `${console.place(head)}${ownerOf(console, head)}`);
  return queues.length > 0 ? `queue ${queues.join("; ")}` : "-";
}

function showWaiting(console: Console): void {
  const { guest } = console;
  const kernel = guest.kernel("waiting");
  guest.tasks();
  const asleep = summaries(kernel).filter(({ pid, state }) => pid !== 0 && (state === "S" || state === "D"));
  if (asleep.length === 0) {
    console.print("No task sleeps.");
    return;
  }
  const rows = asleep.map(({ pid, state, name }) => {
    const task = guest.task(pid);
    const calls = callsOf(guest, task.address);
    return [String(pid), state, name, calls[0]?.name ?? "-", waitsFor(console, calls, task)];
  });
  console.print(...table(rows, ["PID", "S", "COMM", "WCHAN", "WAITS FOR"]));
}

export const waiting: readonly Command[] = [
  {
    names: ["waitqueues", "wq"],
    group: "Kernel",
    usage: "",
    summary: "wait queues on which tasks sleep",
    run: (_argument, console) => waitQueues(console),
  },
  {
    names: ["waiting"],
    group: "Kernel",
    usage: "",
    summary: "what each sleeping task waits for: a task, a completion, a queue",
    help: "WCHAN is the function that it sleeps in. From the stacks of the tasks.",
    run: (_argument, console) => showWaiting(console),
  },
];
