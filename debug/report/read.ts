/** Reading trace files. */
import type { RecordedEvent } from "../../kernel/index.ts";
import { TRACE_EVENTS } from "../trace/events.ts";
import { TRACE_VERSION } from "../trace/file.ts";

const NEWLINE = 10;
const MOST_CPUS = 64;
const HIGHEST_HZ = 1e12;
/** Of a line that is quoted in a message. */
const QUOTED = 40;

/** Something wrong with a trace; the message names the line. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** A trace, to be read as often as one likes. */
export interface Trace {
  /** Cycles in a second of virtual time. */
  readonly hz: number;
  readonly cpus: number;
  /** Every event behind the header. @throws TraceError at the first line that is none */
  readonly events: () => Iterable<RecordedEvent>;
}

/** @throws TraceError when the first line is not a trace's */
export function openTrace(bytes: Uint8Array): Trace {
  const [first] = linesOf(bytes);
  if (first === undefined) throw new TraceError("line 1: the file is empty");
  if (first.text.startsWith('{"displayTimeUnit"')) {
    throw new TraceError(
      "line 1: this is a trace for Perfetto; `esp0 report` reads JSON Lines: record with a name that does not end in .json",
    );
  }
  const header = parsed(first.text, 1);
  if (header.event !== "trace") {
    throw new TraceError(
      `line 1: the first event of a trace is "trace", not "${header.event}": is its beginning missing?`,
    );
  }
  if (header.version !== TRACE_VERSION) {
    throw new TraceError(
      `line 1: version ${header.version} of the format; this esp0 reads version ${TRACE_VERSION}: record the run again`,
    );
  }
  const hz = Number(header.hz);
  const cpus = Number(header.cpus);
  if (!(hz >= 1 && hz <= HIGHEST_HZ)) throw new TraceError(`line 1: \`hz\` must be 1 to ${HIGHEST_HZ}`);
  if (!(cpus >= 1 && cpus <= MOST_CPUS)) throw new TraceError(`line 1: \`cpus\` must be 1 to ${MOST_CPUS}`);
  return { hz, cpus, events: () => eventsOf(bytes, cpus) };
}

function* eventsOf(bytes: Uint8Array, cpus: number): Iterable<RecordedEvent> {
  let cycle = 0;
  for (const { text, line } of linesOf(bytes)) {
    if (line === 1) continue;
    const event = parsed(text, line);
    if (!Number.isSafeInteger(event.cycle))
      throw new TraceError(`line ${line}: cycle ${event.cycle} is no whole number`);
    if (event.cycle < cycle)
      throw new TraceError(`line ${line}: cycle ${event.cycle} is before that of the line above`);
    if (!(event.cpu >= 0 && event.cpu < cpus)) {
      throw new TraceError(`line ${line}: cpu ${event.cpu}, but the trace is of ${cpus} (0 to ${cpus - 1})`);
    }
    cycle = event.cycle;
    yield event;
  }
}

function* linesOf(bytes: Uint8Array): Iterable<{ readonly text: string; readonly line: number }> {
  const decoder = new TextDecoder();
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    yield { text: decoder.decode(bytes.subarray(start, end)), line: ++line };
    start = end + 1;
  }
}

/** An event with all fields of its kind, of the right types. Events of no known kind pass: a newer kernel may have more. */
function parsed(text: string, line: number): RecordedEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const start = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
    throw new TraceError(`line ${line}: not JSON: ${start || "an empty line"}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TraceError(`line ${line}: an event is a JSON object`);
  }
  const fields = value as Record<string, unknown>;
  const name = fields["event"];
  if (typeof name !== "string") throw new TraceError(`line ${line}: \`event\` must be the event's name`);
  const known = Object.hasOwn(TRACE_EVENTS, name) ? TRACE_EVENTS[name] : undefined;
  for (const field of ["instruction", "cycle", "cpu", ...Object.keys(known?.fields ?? {})]) {
    const type = known?.text?.includes(field) ? "string" : "number";
    if (typeof fields[field] !== type) {
      throw new TraceError(
        `line ${line}: \`${field}\` of ${name} must be a ${type}, not ${JSON.stringify(fields[field])}`,
      );
    }
  }
  return fields as unknown as RecordedEvent;
}
