/** The commands of a REPL, and what they share, for those who complete lines. */
import type { Command } from "./command.ts";
import type { Console } from "./console.ts";

export interface CommandSet {
  readonly console: Console;
  readonly commands: readonly Command[];
  /** The command that a name or a unique beginning of one means. @throws CommandError */
  find(name: string): Command;
}
