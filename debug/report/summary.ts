/** What a trace adds up to. Times are cycles of virtual time. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { type Activity, ActivityTracker, type Slice } from "../trace/activity.ts";
import { bottomHalfName, exceptionName, ipiName, signalName, syscallName, taskName } from "../trace/names.ts";
import { LockTimes } from "./lock-times.ts";
import type { Trace } from "./read.ts";

/** Where a task's time went: running in ring 3, in the kernel, or – the idle task's – halted. */
export interface TaskTimes {
  user: number;
  kernel: number;
  idle: number;
  /** Times it was switched to. */
  turns: number;
}

/** Things that happened, and the time from their beginnings to their ends. */
export interface Tally {
  count: number;
  cycles: number;
  longest: number;
  /** System calls that returned -errno. */
  errors?: number;
}

export interface Summary {
  readonly hz: number;
  readonly cpus: number;
  /** Of the last event. */
  cycles: number;
  instructions: number;
  events: number;
  readonly tasks: Record<string, TaskTimes>;
  readonly switches: Record<string, number>;
  /** Times from a wake-up to running: bucket n holds those of 2^n up to 2^(n+1) microseconds, 0 also shorter ones. */
  readonly wakeToRun: number[];
  /** Times include sleep. */
  readonly syscalls: Record<string, Tally>;
  readonly exceptions: Record<string, Tally>;
  readonly irqs: Record<string, Tally>;
  readonly bottomHalves: Record<string, Tally>;
  /** The deepest nesting of interrupts and exceptions on one kernel stack. */
  deepest: number;
  readonly pageFaults: Record<string, number>;
  readonly cow: { copied: number; reused: number };
  readonly signals: Record<string, number>;
  readonly timers: { added: number; deleted: number; fired: number };
  forks: number;
  execs: number;
  exits: number;
  cr3Loads: number;
  /** Times that a task ran on another CPU than before. */
  migrations: number;
  /** Interrupts that CPUs sent each other, one a target, by what for. */
  readonly ipis: Record<string, number>;
  /** By name: how long CPUs waited for locks, and – when the trace has every lock – how long they held them. */
  readonly lockWaits: Record<string, Tally>;
  readonly lockHolds: Record<string, Tally>;
}

const LEAST_ERROR = -4095;

/** @throws TraceError at a line that is no event */
export function summarize(trace: Trace): Summary {
  const { hz, cpus } = trace;
  const summary = emptySummary(hz, cpus);
  const turns = new Map<Activity, TaskTimes>();
  const timesOf = (activity: Activity): TaskTimes => {
    let times = turns.get(activity);
    if (times === undefined) turns.set(activity, (times = { user: 0, kernel: 0, idle: 0, turns: 0 }));
    return times;
  };
  const woken = new Map<number, number>();
  const ran_on = new Map<number, number>();
  const tracker = new ActivityTracker({
    spent: (_, activity, begin, end) => {
      const isIdle = activity.open.at(-1)?.kind === "idle";
      timesOf(activity)[isIdle ? "idle" : activity.user ? "user" : "kernel"] += end - begin;
    },
    ended: (_, slice, event) => {
      if (slice.inherited) return;
      const tally = tallyOf(summary, slice);
      if (tally === undefined) return;
      add(tally, event.cycle - slice.begin);
      const result = Number(event["result"]);
      if (tally.errors !== undefined && result < 0 && result >= LEAST_ERROR) tally.errors++;
    },
    switched: (cpu, prev, next, { cycle }) => {
      timesOf(next).turns++;
      if (prev.pid !== 0) ran_on.set(prev.pid, cpu);
      if (next.pid !== 0 && (ran_on.get(next.pid) ?? cpu) !== cpu) summary.migrations++;
      const since = woken.get(next.pid);
      if (since === undefined) return;
      woken.delete(next.pid);
      const bucket = Math.max(0, Math.floor(Math.log2(((cycle - since) * 1e6) / hz)));
      while (summary.wakeToRun.length <= bucket) summary.wakeToRun.push(0);
      summary.wakeToRun[bucket]++;
    },
    began: ({ open }) => {
      const nested = open.filter(({ kind }) => kind === "exception" || kind === "interrupt").length;
      summary.deepest = Math.max(summary.deepest, nested);
    },
  });
  const locks = new LockTimes({
    waited: (name, cycles) => add(tally(summary.lockWaits, name), cycles),
    held: (name, cycles) => add(tally(summary.lockHolds, name), cycles),
  });
  let last: RecordedEvent | undefined;
  for (const event of trace.events()) {
    locks.event(event);
    tracker.event(event);
    last = event;
    summary.events++;
    const { event: name } = event;
    if (name === "sched_switch") count(summary.switches, String(event["reason"]));
    else if (name === "sched_wakeup") woken.set(Number(event["pid"]), event.cycle);
    else if (name === "page_fault") count(summary.pageFaults, `${event["pid"]}`);
    else if (name === "cow") summary.cow[event["copied"] === 1 ? "copied" : "reused"]++;
    else if (name === "signal") count(summary.signals, signalName(Number(event["sig"])));
    else if (name === "timer_add") summary.timers.added++;
    else if (name === "timer_del") summary.timers.deleted++;
    else if (name === "timer_fire") summary.timers.fired++;
    else if (name === "fork") summary.forks++;
    else if (name === "ipi_raise")
      count(summary.ipis, ipiName(Number(event["vector"])), bitsOf(Number(event["target_cpus"])));
    else if (name === "exec") summary.execs++;
    else if (name === "exit") summary.exits++;
    else if (name === "cr3_load") summary.cr3Loads++;
  }
  if (last === undefined) return summary;
  tracker.finish({ cpu: last.cpu, cycle: last.cycle, instruction: last.instruction, event: "end" });
  summary.cycles = last.cycle;
  summary.instructions = last.instruction;
  for (const [activity, times] of turns) summary.tasks[taskName(activity)] = times;
  return summary;
}

function emptySummary(hz: number, cpus: number): Summary {
  return {
    hz,
    cpus,
    cycles: 0,
    instructions: 0,
    events: 0,
    tasks: {},
    switches: {},
    wakeToRun: [],
    syscalls: {},
    exceptions: {},
    irqs: {},
    bottomHalves: {},
    deepest: 0,
    pageFaults: {},
    cow: { copied: 0, reused: 0 },
    signals: {},
    timers: { added: 0, deleted: 0, fired: 0 },
    forks: 0,
    execs: 0,
    exits: 0,
    cr3Loads: 0,
    migrations: 0,
    ipis: {},
    lockWaits: {},
    lockHolds: {},
  };
}

function count(counts: Record<string, number>, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times;
}

function add(tally: Tally, cycles: number): void {
  tally.count++;
  tally.cycles += cycles;
  tally.longest = Math.max(tally.longest, cycles);
}

function bitsOf(mask: number): number {
  let bits = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}

function tallyOf(summary: Summary, { kind, number }: Slice): Tally | undefined {
  switch (kind) {
    case "syscall":
      return tally(summary.syscalls, syscallName(number), { errors: 0 });
    case "exception":
      return tally(summary.exceptions, exceptionName(number));
    case "irq":
      return tally(summary.irqs, `${number}`);
    case "bh":
      return tally(summary.bottomHalves, bottomHalfName(number));
    default:
      return undefined;
  }
}

function tally(tallies: Record<string, Tally>, name: string, more?: { errors: number }): Tally {
  tallies[name] ??= { count: 0, cycles: 0, longest: 0, ...more };
  return tallies[name];
}
