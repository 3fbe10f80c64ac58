/** Who runs on each CPU, and what it is at: followed event by event, for those who draw or add up. */
import type { RecordedEvent } from "../../kernel/index.ts";

const USER_CPL = 3;
const IDLE_PID = 0;

/** What a slice is: a system call's number, a vector, a line or a bottom half; nothing for idle. */
export type SliceKind = "syscall" | "exception" | "interrupt" | "irq" | "bh" | "idle";

/** Something with a beginning and an end on a task's kernel stack. */
export interface Slice {
  readonly kind: SliceKind;
  /** Number of the system call, vector, IRQ or bottom half; 0 for idle. */
  readonly number: number;
  /** Cycle. */
  readonly begin: number;
  /** A new task's part of the system call that made it: another task's call. */
  readonly inherited: boolean;
}

/** A task, or the idle task of a CPU. */
export interface Activity {
  readonly pid: number;
  /** CPU of an idle task; -1 for others, which go where they like. */
  readonly cpu: number;
  /** Name of its program. */
  comm: string;
  /** What it is at, outermost first. */
  readonly open: Slice[];
  /** Whether it is in ring 3. */
  user: boolean;
}

/** What is told while following. All are called before the state changes. */
export interface ActivityListener {
  /** Time passes on a CPU: `activity` has had it from `begin` (a cycle) to now. */
  readonly spent?: (cpu: number, activity: Activity, begin: number, end: number) => void;
  readonly began?: (activity: Activity, slice: Slice, event: RecordedEvent) => void;
  readonly ended?: (activity: Activity, slice: Slice, event: RecordedEvent) => void;
  readonly switched?: (cpu: number, prev: Activity, next: Activity, event: RecordedEvent) => void;
}

/** Events that begin or end a slice. */
const BEGINS: Readonly<Record<string, readonly [kind: SliceKind, number: string]>> = {
  syscall: ["syscall", "nr"],
  exception: ["exception", "vector"],
  interrupt: ["interrupt", "vector"],
  irq_entry: ["irq", "irq"],
  bh_entry: ["bh", "nr"],
  idle_entry: ["idle", ""],
};
const ENDS: Readonly<Record<string, SliceKind>> = {
  syscall_exit: "syscall",
  exception_exit: "exception",
  interrupt_exit: "interrupt",
  irq_exit: "irq",
  bh_exit: "bh",
  idle_exit: "idle",
};

export class ActivityTracker {
  readonly #listener: ActivityListener;
  readonly #tasks = new Map<number, Activity>();
  readonly #idle = new Map<number, Activity>();
  readonly #current = new Map<number, Activity>();
  readonly #since = new Map<number, number>();
  readonly #exiting = new Set<number>();

  constructor(listener: ActivityListener) {
    this.#listener = listener;
  }

  /** What runs on a CPU. */
  current(cpu: number): Activity {
    let activity = this.#current.get(cpu);
    if (activity === undefined) this.#current.set(cpu, (activity = this.task(IDLE_PID, cpu)));
    return activity;
  }

  /** A task by its pid; 0 is the idle task of `cpu`. */
  task(pid: number, cpu: number): Activity {
    const among = pid === IDLE_PID ? this.#idle : this.#tasks;
    const key = pid === IDLE_PID ? cpu : pid;
    let activity = among.get(key);
    if (activity === undefined) {
      const idle = pid === IDLE_PID;
      activity = { pid, cpu: idle ? cpu : -1, comm: idle ? "swapper" : "", open: [], user: false };
      among.set(key, activity);
    }
    return activity;
  }

  event(event: RecordedEvent): void {
    const { cpu, cycle } = event;
    const running = this.current(cpu);
    const since = this.#since.get(cpu) ?? 0;
    this.#since.set(cpu, cycle);
    if (cycle > since) this.#listener.spent?.(cpu, running, since, cycle);
    const begins = BEGINS[event.event];
    const ends = ENDS[event.event];
    if (begins !== undefined) this.#begin(running, begins[0], Number(event[begins[1]] ?? 0), event);
    else if (ends !== undefined) this.#end(running, ends, event);
    else this.#other(event, running);
  }

  /** The last event was the last: ends what is open. */
  finish(event: RecordedEvent): void {
    for (const [cpu, activity] of this.#current) {
      const since = this.#since.get(cpu) ?? 0;
      if (event.cycle > since) this.#listener.spent?.(cpu, activity, since, event.cycle);
      this.#since.set(cpu, event.cycle);
    }
    for (const activity of [...this.#tasks.values(), ...this.#idle.values()]) this.#end_down_to(activity, 0, event);
  }

  #begin(activity: Activity, kind: SliceKind, number: number, event: RecordedEvent, inherited = false): void {
    const slice = { kind, number, begin: event.cycle, inherited };
    this.#listener.began?.(activity, slice, event);
    activity.user = false;
    activity.open.push(slice);
  }

  /** What the kernel has given up on the way, by an exit or a fix-up, ends too. */
  #end(activity: Activity, kind: SliceKind, event: RecordedEvent): void {
    const to_user = event.cpl === USER_CPL;
    const at = to_user ? 0 : activity.open.findLastIndex((slice) => slice.kind === kind);
    if (at >= 0) this.#end_down_to(activity, at, event);
    if (to_user) activity.user = true;
  }

  #end_down_to(activity: Activity, length: number, event: RecordedEvent): void {
    while (activity.open.length > length) {
      this.#listener.ended?.(activity, activity.open.at(-1)!, event);
      activity.open.pop();
    }
  }

  #other(event: RecordedEvent, running: Activity): void {
    const { cpu } = event;
    switch (event.event) {
      case "fork":
        this.#forked(event, cpu);
        break;
      case "exec":
        running.comm = String(event.comm);
        break;
      case "sched_switch":
        if (event.reason === "exited") this.#exiting.add(Number(event.prev));
        break;
      case "switch_to": {
        const next = this.task(Number(event.next), cpu);
        if (this.#exiting.delete(running.pid)) {
          this.#end_down_to(running, 0, event);
          this.#tasks.delete(running.pid);
        }
        this.#listener.switched?.(cpu, running, next, event);
        this.#current.set(cpu, next);
      }
    }
  }

  /** The child begins in its parent's system call. */
  #forked(event: RecordedEvent, cpu: number): void {
    const parent = this.task(Number(event.parent), cpu);
    const child = this.task(Number(event.child), cpu);
    child.comm = parent.comm;
    const call = parent.open.find(({ kind }) => kind === "syscall");
    if (call !== undefined) this.#begin(child, "syscall", call.number, event, true);
  }
}
