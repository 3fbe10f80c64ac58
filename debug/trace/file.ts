/** Trace files: a kernel's events, written as they come. */
import type { EventOptions, Kernel, RecordedEvent, TraceEvent } from "../../kernel/index.ts";
import { ChromeTrace } from "./chrome.ts";
import { Snapshots } from "./snapshots.ts";

/** JSON Lines: an event a line. Chrome: the JSON that Perfetto and chrome://tracing open. */
export type TraceFormat = "lines" | "chrome";

export const TRACE_VERSION = 3;
/** Characters collected before they are written: what a trace of any length takes of the host's memory. */
const BUFFER = 1 << 16;

/** The format that a file's name asks for: Chrome's behind `.json`, else JSON Lines. */
export function traceFormatOf(path: string): TraceFormat {
  return path.endsWith(".json") ? "chrome" : "lines";
}

/** Records a kernel's events, with snapshots of stacks and page tables. Has no influence on the run. */
export class TraceFile {
  readonly #kernel: Kernel;
  readonly #write: (text: string) => void;
  readonly #chrome: ChromeTrace | undefined;
  #buffer = "";
  #ended = false;

  /**
   * Records from now on, as the only listener of the kernel's events.
   * @param write takes the file's text piece by piece
   */
  constructor(
    kernel: Kernel,
    format: TraceFormat,
    write: (text: string) => void,
    wanted: EventOptions = { locks: "waits" },
  ) {
    this.#kernel = kernel;
    this.#write = write;
    const { hz } = kernel.machine.clock;
    this.#chrome = format === "chrome" ? new ChromeTrace(hz, (text) => this.#put(text)) : undefined;
    const snapshots = new Snapshots(kernel);
    this.#record(this.#now({ event: "trace", version: TRACE_VERSION, hz, cpus: kernel.machine.cores.length }));
    kernel.on_event((event) => {
      this.#record(event);
      for (const snapshot of snapshots.after(event)) this.#record({ ...this.#now(snapshot), cpu: event.cpu });
    }, wanted);
  }

  /** Stops recording and writes the rest, with the moment at which the trace ends. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#kernel.on_event(undefined);
    if (this.#chrome === undefined) this.#record(this.#now({ event: "end" }));
    else this.#chrome.end(this.#kernel.machine.cycles);
    if (this.#buffer !== "") this.#write(this.#buffer);
    this.#buffer = "";
  }

  #now(event: TraceEvent): RecordedEvent {
    const { instructions, cycles } = this.#kernel.machine;
    return { instruction: instructions, cycle: cycles, cpu: 0, ...event };
  }

  #record(event: RecordedEvent): void {
    if (this.#chrome === undefined) this.#put(`${JSON.stringify(event)}\n`);
    else this.#chrome.event(event);
  }

  #put(text: string): void {
    this.#buffer += text;
    if (this.#buffer.length < BUFFER) return;
    this.#write(this.#buffer);
    this.#buffer = "";
  }
}
