/** What a command of the REPL is. */
import type { Console } from "./console.ts";

/** Under which heading `help` lists it. */
export type Group = "Going" | "Stopping" | "Frames" | "Registers and memory" | "CPU and devices" | "Kernel" | "Other";

/** What can be completed behind a command's name. */
export type Completes = "symbol" | "place" | "expression" | "command" | "register" | "info" | "catch" | "nothing";

export interface Command {
  /** The name, and other names; any unique beginning of a name will do too. */
  readonly names: readonly [string, ...string[]];
  readonly group: Group;
  /** Arguments, as in `[N]`. */
  readonly usage: string;
  /** Half a line for the list of commands. */
  readonly summary: string;
  /** What `help COMMAND` adds. */
  readonly help?: string;
  readonly completes?: Completes;
  /** What an empty line does afterwards: the same again, or the command with this argument. Nothing when absent. */
  readonly repeats?: "same" | "next";
  /** @throws CommandError, ExpressionError or MemoryError for what the user can do better */
  readonly run: (argument: string, console: Console) => void | Promise<void>;
}
