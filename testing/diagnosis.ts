/** What is known to be wrong with a kernel, for the first line of messages. */
import type { RecordedEvent } from "../kernel/index.ts";

/** How the kernel says that something is wrong with it, the last word first. */
const PANIC = /Kernel panic/;
/** The same, and what comes before the end. */
export const TROUBLE = /Kernel panic|Oops|kernel BUG|Unable to handle/;
const USER_CPL = 3;
const ENTRIES: ReadonlySet<string> = new Set(["syscall", "exception", "interrupt"]);

/** A panic, or else the first sign of trouble, as the log has it; a stack that a task had no right to enter on. */
export function diagnosis({
  log,
  events,
}: {
  readonly log: string;
  readonly events: readonly RecordedEvent[];
}): string[] {
  const lines = log.split(/\r?\n/);
  const line = lines.find((text) => PANIC.test(text)) ?? lines.find((text) => TROUBLE.test(text));
  const stale = staleEsp0(events);
  return [...(line === undefined ? [] : [line.replace(/^<\d>/, "").trim()]), ...(stale === undefined ? [] : [stale])];
}

/** A line of text with what is known to be wrong behind its first line. */
export function withDiagnosis(text: string, found: readonly string[]): string {
  const [first, ...rest] = text.split("\n");
  return [[first, ...found].join("; "), ...rest].join("\n");
}

/**
 * The first entry from ring 3 on a kernel stack that is not that of the task switched to last: who switched had not put
 * the new task's stack into TSS.esp0.
 */
function staleEsp0(events: readonly RecordedEvent[]): string | undefined {
  let running: RecordedEvent | undefined;
  for (const event of events) {
    if (event.event === "sched_switch") running = event;
    else if (
      running !== undefined &&
      event.cpl === USER_CPL &&
      ENTRIES.has(event.event) &&
      event.pid !== running.next
    ) {
      return (
        `TSS.esp0 was stale: at instruction ${event.instruction} pid ${running.next}, switched to at ${running.instruction}, ` +
        `entered the kernel on the stack of ${ownerName(event.pid)}`
      );
    }
  }
  return undefined;
}

function ownerName(pid: number | string | undefined): string {
  return pid === 0 ? "pid 0, the idle task" : `pid ${pid}`;
}
