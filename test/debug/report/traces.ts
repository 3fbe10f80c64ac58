/** Traces for the tests of reports. */
import { TraceFile } from "../../../debug/index.ts";
import { openTrace, type Trace } from "../../../debug/report/index.ts";
import { boot, type Options } from "../../kernel/run.ts";

type Event = Readonly<Record<string, number | string>>;

const bytes = (text: string) => new TextEncoder().encode(text);

/** The trace of a program. */
export function traceOf(source: string, options: Options = {}): Trace {
  const started = boot(source, { fromReset: true, ...options });
  let text = "";
  const file = new TraceFile(started.kernel, "lines", (piece) => (text += piece));
  started.go();
  file.end();
  return openTrace(bytes(text));
}

export const HEADER = { instruction: 0, cycle: 0, cpu: 0, event: "trace", version: 3, hz: 1_000_000, cpus: 1 };

/** A trace of events that are made up: a cycle is a microsecond. */
export function traceFile(events: readonly Event[], header: Event = HEADER): Uint8Array {
  return bytes([header, ...events].map((event) => `${JSON.stringify(event)}\n`).join(""));
}

/** An event at a cycle. */
export function at(cycle: number, event: string, fields: Event = {}): Event {
  return { instruction: cycle, cycle, cpu: 0, event, ...fields };
}

export const switchTo = (cycle: number, prev: number, next: number, cpu = 0): Event =>
  at(cycle, "switch_to", { prev, prev_esp: 0, prev_eip: 0, next, esp: 0, eip: 0, cpu });

/** Entry to or exit from the kernel by a task, from or to ring 3. */
export const crossing = (cycle: number, event: string, fields: Event, pid: number, cpu = 0): Event =>
  at(cycle, event, { ...fields, pid, depth: 0, cpl: 3, cpu });

/** Something that a CPU does with a lock. */
export const lock = (cycle: number, event: string, cpu: number, name: string, address = 0x1000): Event =>
  at(cycle, event, { pid: 1, lock: address, name, mode: "spin", cpu });

/** CPU 1 waits for 20 cycles, in which CPU 0 still has the lock; another lock of the name is somebody else's. */
export const TWO_CPUS_AND_A_LOCK: readonly Event[] = [
  lock(90, "lock_release", 0, "files_lock"), // taken before the trace began
  lock(100, "lock_acquired", 0, "files_lock"),
  lock(105, "lock_acquired", 1, "files_lock", 0x2000),
  lock(110, "contention_begin", 1, "files_lock"),
  lock(130, "lock_release", 0, "files_lock"),
  lock(130, "contention_end", 1, "files_lock"),
  lock(130, "lock_acquired", 1, "files_lock"),
  lock(165, "lock_release", 1, "files_lock", 0x2000),
  lock(170, "lock_release", 1, "files_lock"),
];

/** A run queue's length, as a wake-up tells it. */
export const wakeUp = (cycle: number, queue: number, nr_running: number): Event =>
  at(cycle, "sched_wakeup", { pid: 1, by: 0, interrupt: 0, queue, nr_running });

/** The same as a switch tells it, from task 1, which sleeps, to the idle task. */
export const schedSwitch = (cycle: number, cpu: number, queue: number, nr_running: number): Event =>
  at(cycle, "sched_switch", {
    ...{ prev: 1, prev_state: 1, reason: "slept", next: 0, esp: 0, eip: 0 },
    ...{ queue, nr_running, cpu },
  });
