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
