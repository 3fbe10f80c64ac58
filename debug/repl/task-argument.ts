/** Arguments that name a task. */

import type { TaskName } from "../frames/guest.ts";
import { CommandError } from "./command-error.ts";
import type { Console } from "./console.ts";

/** Takes `WORD PID` from the end of an argument. @throws CommandError when there is no such task */
export function taskArgument(
  console: Console,
  argument: string,
  word: string,
): { readonly rest: string; readonly task: TaskName | undefined } {
  const match = new RegExp(`(?:^|\\s)${word}\\s+(\\S+)\\s*$`).exec(argument);
  if (match === null) return { rest: argument.trim(), task: undefined };
  return { rest: argument.slice(0, match.index).trim(), task: console.guest.task(console.number(match[1])) };
}

/** The task with the pid that is the whole argument; the current one without. @throws CommandError */
export function taskOrCurrent(console: Console, argument: string): TaskName {
  if (argument === "") return console.guest.requireCurrent();
  const pid = console.number(argument.replace(/^pid\s+/, ""));
  if (!Number.isInteger(pid)) throw new CommandError(`${argument} is no pid`);
  return console.guest.task(pid);
}
