/** What the commands that run a machine need of their process beside files: signals, input, output, time. */
import type { InputSource } from "./standard-input.ts";

export interface RunHost {
  readonly stdin: InputSource;
  /** Calls back at Ctrl-C until the returned function is called. */
  readonly onInterrupt: (callback: () => void) => () => void;
  /** Seconds on some clock. */
  readonly now: () => number;
  /** Lets the process look at its events. */
  readonly breathe: () => Promise<void>;
  /** Writes bytes to standard output as they are; false when nobody reads it any more. */
  readonly writeOutput: (bytes: Uint8Array) => boolean;
}

/** With a clock to hold a machine's time to. */
export interface TimedHost extends RunHost {
  /** Lets the process do nothing for a number of seconds. */
  readonly sleep: (seconds: number) => Promise<void>;
}

/** With somebody at a terminal, perhaps. */
export interface TerminalHost extends RunHost {
  /** Whether somebody types at a terminal, and sees what is written there. */
  readonly isTerminal: boolean;
  /** Calls back when nothing that is written to standard output reaches anybody any more, until the returned function is called. */
  readonly onOutputLost: (callback: () => void) => () => void;
  /** Whether the terminal shows colours, and nobody has asked for none. */
  readonly hasColors: boolean;
  /** Columns of the terminal; undefined when there is none. */
  readonly columns: number | undefined;
}

/** Whether what is written to a terminal may be coloured (https://no-color.org; a dumb terminal takes no sequences). */
export function allowsColors({ NO_COLOR = "", TERM }: Readonly<Record<string, string | undefined>>): boolean {
  return NO_COLOR === "" && TERM !== "dumb";
}
