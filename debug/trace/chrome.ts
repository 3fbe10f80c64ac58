/**
 * Events as Chrome's trace format (Trace Event Format, "JSON Object Format"), which Perfetto opens: a track for each CPU
 * that shows who runs, one for each task with its nested system calls, interrupts and bottom halves, and counters.
 */
import type { RecordedEvent } from "../../kernel/index.ts";
import { type Activity, ActivityTracker, type Slice } from "./activity.ts";
import { COMMON_FIELDS } from "./events.ts";
import { signalName, sliceName, taskName } from "./names.ts";

/** The groups of tracks ("processes"). */
const CPUS = 1;
const TASKS = 2;
const COUNTERS = 3;
/** Tracks of idle tasks, behind those of all pids. */
const FIRST_IDLE_TRACK = 100_000;

/** Events that are shown as a moment on the track of the task that runs. */
const INSTANTS: ReadonlySet<string> = new Set([
  ...["page_fault", "cow", "signal", "signal_deliver", "fork", "exec", "exit", "sched_wakeup", "sched_epoch"],
  ...["lock_report", "contention_begin", "contention_end", "sched_array_switch"],
  ...["timer_add", "timer_del", "timer_fire", "cr3_load"],
]);

/** Counter tracks: what has happened so often so far. */
const COUNTED: Readonly<Record<string, string>> = {
  sched_switch: "context switches",
  page_fault: "page faults",
  syscall: "system calls",
};
const RUNNABLE = "runnable tasks";
const IDLE_PID = 0;
/** task_struct.state */
const RUNNING = 0;

type Fields = Readonly<Record<string, unknown>>;

export class ChromeTrace {
  readonly #microseconds: number;
  readonly #write: (text: string) => void;
  readonly #tracker: ActivityTracker;
  /** Names that tracks have, by their keys. */
  readonly #named = new Map<string, string>();
  /** Wake-ups whose task has not run yet: pid → id of the arrow. */
  readonly #woken = new Map<number, number>();
  readonly #running = new Set<number>();
  readonly #counts = new Map<string, number>();
  /** Of run queues, by the names of their tracks. */
  readonly #lengths = new Map<string, number>();
  /** Tasks that run or could, but for the idle ones. */
  readonly #runnable = new Set<number>();
  #arrows = 0;
  #first = true;

  /** @param hz cycles in a second of virtual time */
  constructor(hz: number, write: (text: string) => void) {
    this.#microseconds = 1e6 / hz;
    this.#write = write;
    this.#write('{"displayTimeUnit":"ns","traceEvents":[\n');
    this.#name("process_name", CPUS, 0, "CPUs");
    this.#name("process_name", TASKS, 0, "Tasks");
    this.#name("process_name", COUNTERS, 0, "Counters");
    this.#tracker = new ActivityTracker({
      began: (activity, slice, event) => this.#slice("B", activity, slice, event),
      ended: (activity, slice, event) => this.#slice("E", activity, slice, event),
      switched: (cpu, _, next, event) => this.#switched(cpu, next, event),
    });
  }

  event(event: RecordedEvent): void {
    const { cpu, cycle } = event;
    if (event.event === "trace") return;
    if (!this.#running.has(cpu)) this.#begin_running(cpu, this.#tracker.current(cpu), cycle);
    this.#tracker.event(event);
    if (event.event === "exec") this.#name_task(this.#tracker.current(cpu));
    if (INSTANTS.has(event.event)) this.#instant(event);
    if (event.event === "sched_wakeup") this.#arrow_from(Number(event.pid), cpu, cycle);
    this.#count(event);
  }

  #count(event: RecordedEvent): void {
    const { event: name, cycle } = event;
    const counted = COUNTED[name];
    if (counted !== undefined) {
      const count = (this.#counts.get(counted) ?? 0) + 1;
      this.#counts.set(counted, count);
      this.#counter(counted, count, cycle);
    }
    if (name === "sched_wakeup" || name === "sched_switch") this.#queue_length(event);
    const before = this.#runnable.size;
    if (name === "sched_wakeup") this.#runnable.add(Number(event.pid));
    if (name === "sched_switch") {
      const next = Number(event.next);
      if (event.prev_state !== RUNNING) this.#runnable.delete(Number(event.prev));
      if (next !== IDLE_PID) this.#runnable.add(next);
    }
    if (this.#runnable.size !== before) this.#counter(RUNNABLE, this.#runnable.size, cycle);
  }

  #queue_length(event: RecordedEvent): void {
    const name = `run queue ${event["queue"]}`;
    const length = Number(event["nr_running"]);
    if (this.#lengths.get(name) === length) return;
    this.#lengths.set(name, length);
    this.#counter(name, length, event.cycle);
  }

  #counter(name: string, value: number, cycle: number): void {
    this.#put({ ph: "C", name, pid: COUNTERS, ts: this.#time(cycle), args: { value } });
  }

  /** @param cycle at which the trace ends */
  end(cycle: number): void {
    this.#tracker.finish({ instruction: 0, cycle, cpu: 0, event: "end" });
    for (const cpu of this.#running) this.#put({ ph: "E", pid: CPUS, tid: cpu, ts: this.#time(cycle) });
    this.#write("\n]}\n");
  }

  #switched(cpu: number, next: Activity, { cycle }: RecordedEvent): void {
    this.#put({ ph: "E", pid: CPUS, tid: cpu, ts: this.#time(cycle) });
    this.#begin_running(cpu, next, cycle);
    const id = this.#woken.get(next.pid);
    if (id === undefined) return;
    this.#woken.delete(next.pid);
    this.#put({ ph: "f", bp: "e", name: "wake-up", cat: "sched", id, pid: CPUS, tid: cpu, ts: this.#time(cycle) });
  }

  #begin_running(cpu: number, activity: Activity, cycle: number): void {
    this.#running.add(cpu);
    this.#name("thread_name", CPUS, cpu, `CPU ${cpu}`);
    this.#name_task(activity);
    this.#put({ ph: "B", name: taskName(activity), cat: "task", pid: CPUS, tid: cpu, ts: this.#time(cycle) });
  }

  #slice(ph: "B" | "E", activity: Activity, slice: Slice, event: RecordedEvent): void {
    this.#name_task(activity);
    this.#put({
      ph,
      name: sliceName(slice),
      cat: slice.kind,
      pid: TASKS,
      tid: trackOf(activity),
      ts: this.#time(event.cycle),
      args: argumentsOf(event),
    });
  }

  #instant(event: RecordedEvent): void {
    const activity = this.#tracker.current(event.cpu);
    const name = event.sig === undefined ? event.event : `${event.event} ${signalName(Number(event.sig))}`;
    const track = { pid: TASKS, tid: trackOf(activity), ts: this.#time(event.cycle) };
    this.#put({ ph: "i", s: "t", name, cat: "event", ...track, args: argumentsOf(event) });
  }

  #arrow_from(pid: number, cpu: number, cycle: number): void {
    const id = ++this.#arrows;
    this.#woken.set(pid, id);
    this.#put({ ph: "s", name: "wake-up", cat: "sched", id, pid: CPUS, tid: cpu, ts: this.#time(cycle) });
  }

  #name_task(activity: Activity): void {
    this.#name("thread_name", TASKS, trackOf(activity), taskName(activity));
  }

  #name(name: string, pid: number, tid: number, value: string): void {
    const key = `${name} ${pid} ${tid}`;
    if (this.#named.get(key) === value) return;
    this.#named.set(key, value);
    this.#put({ ph: "M", name, pid, tid, args: { name: value } });
  }

  #put(fields: Fields): void {
    this.#write(`${this.#first ? "" : ",\n"}${JSON.stringify(fields)}`);
    this.#first = false;
  }

  /** Microseconds of virtual time, to the nanosecond. */
  #time(cycle: number): number {
    return Math.round(cycle * this.#microseconds * 1000) / 1000;
  }
}

function trackOf({ pid, cpu }: Activity): number {
  return pid === 0 ? FIRST_IDLE_TRACK + cpu : pid;
}

/** The event's own fields; addresses in hexadecimal. */
function argumentsOf(event: RecordedEvent): Fields {
  return Object.fromEntries(
    Object.entries(event)
      .filter(([name]) => !(name in COMMON_FIELDS))
      .map(([name, value]) => [name, IN_HEX.has(name) ? `0x${(Number(value) >>> 0).toString(16)}` : value]),
  );
}

const IN_HEX: ReadonlySet<string> = new Set([
  ...["address", "eip", "esp", "old_frame", "new_frame", "handler", "timer", "task", "cr3", "clone_flags"],
  ...["lock", "start"],
]);
