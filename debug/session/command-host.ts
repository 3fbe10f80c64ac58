/** What the commands of a session share. */
import type { Core, Machine } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { BreakpointRecord, Breakpoints } from "./breakpoints.ts";
import type { SymbolTable } from "./symbol-table.ts";
import type { Timeline } from "./timeline.ts";
import type { Stop } from "./types.ts";

/** A command under way: it yields between slices of the run. */
export type Running = Generator<void, Stop>;

export interface CommandHost {
  readonly timeline: Timeline;
  readonly breakpoints: Breakpoints;
  readonly symbols: SymbolTable;
  /** Number of the selected core. */
  core: number;
  /** The last stop. */
  stop: Stop;
  /** Hears the kernel's events, new ones only. */
  eventListener: ((event: RecordedEvent) => void) | undefined;
  /** Whether the condition of a request holds, for the core that met it. */
  readonly holds: (record: BreakpointRecord, core: Core) => boolean;
}

/** A core by number. @throws RangeError when there is none such */
export function coreOf({ cores }: Machine, number: number): Core {
  const core = cores[number];
  if (core === undefined) throw new RangeError(`core ${number}: this machine has cores 0 to ${cores.length - 1}`);
  return core;
}

/** @throws RangeError when a count is none */
export function checkCount(what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`${what} ${count}: expected an integer, 0 or more`);
}
