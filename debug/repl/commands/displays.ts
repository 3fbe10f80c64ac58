/** Expressions that are shown at each stop. */

import { MemoryError } from "../../frames/guest.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console, Display } from "../console.ts";
import { ExpressionError } from "../expression/errors.ts";
import { formatValue, NUMBER_FORMATS, type NumberFormat, typePrefix } from "../format/value.ts";
import { examine } from "./memory.ts";

/** Letters that are `x`'s alone, as `display/i $pc` and `display/8xw $esp` have them. */
const EXAMINES = /[0-9isbhwg]/;

/** Shows a display as `2: total = 5`; one that cannot be evaluated where the guest stands is passed over. */
async function show(console: Console, { number, text, format }: Display): Promise<void> {
  if (EXAMINES.test(format)) {
    console.print(`${number}: x/${format} ${text}`);
    await examine(console, `/${format} ${text}`);
    return;
  }
  const value = console.evaluate(text);
  const letter = (format === "" ? "natural" : format) as NumberFormat;
  const prefix = format === "" ? typePrefix(value) : "";
  const slash = format === "" ? "" : `/${format}`;
  console.print(
    `${number}: ${slash === "" ? "" : `${slash} `}${text} = ${prefix}${formatValue(value, console.formatting(letter))}`,
  );
}

/** Shows those that can be evaluated where the guest stands. */
export async function showDisplays(console: Console): Promise<void> {
  const frame = console.frame();
  const isInScope = ({ locals }: Display) => locals.every((name) => frame.variable(name) !== undefined);
  for (const display of console.displays.filter((each) => each.isEnabled && isInScope(each))) {
    try {
      await show(console, display);
    } catch (error) {
      if (!(error instanceof ExpressionError || error instanceof MemoryError || error instanceof RangeError))
        throw error;
    }
  }
}

async function add(console: Console, argument: string): Promise<void> {
  const [, format = "", text = ""] = /^(?:\/(\S*)\s*)?(.*)$/.exec(argument) ?? [];
  if (text === "") return showDisplays(console);
  if (format !== "" && !EXAMINES.test(format) && !NUMBER_FORMATS.includes(format)) {
    throw new CommandError(`display/${format}: formats are ${NUMBER_FORMATS.join(" ")}, and those of x`);
  }
  const number = 1 + console.displays.reduce((highest, display) => Math.max(highest, display.number), 0);
  const frame = console.frame();
  const locals = (text.match(/[A-Za-z_]\w*/g) ?? []).filter((name) => frame.variable(name) !== undefined);
  const display: Display = { number, text, format, locals, isEnabled: true };
  await show(console, display);
  console.displays.push(display);
}

function numbersOf(console: Console, argument: string): Display[] {
  if (argument === "") return [...console.displays];
  return argument.split(/[\s,]+/).map((word) => {
    const found = console.displays.find(({ number }) => String(number) === word);
    if (found === undefined) throw new CommandError(`there is no display ${word}`);
    return found;
  });
}

export function removeDisplays(console: Console, argument: string): void {
  for (const display of numbersOf(console, argument)) console.displays.splice(console.displays.indexOf(display), 1);
}

export function enableDisplays(console: Console, argument: string, isEnabled: boolean): void {
  for (const display of numbersOf(console, argument)) display.isEnabled = isEnabled;
}

/** `info display`. */
export function listDisplays(console: Console): void {
  if (console.displays.length === 0) console.print("There are no auto-display expressions now.");
  for (const { number, text, format, isEnabled } of console.displays) {
    console.print(`${number}:   ${isEnabled ? "y" : "n"}  ${format === "" ? "" : `/${format} `}${text}`);
  }
}

export const displays: readonly Command[] = [
  {
    names: ["display"],
    group: "Stopping",
    usage: "[/F] [EXPRESSION]",
    summary: "show an expression at each stop, where it can be evaluated; without one, show them all now",
    help: "Formats as p and x have them: display/x total, display/i $pc. info display lists them; undisplay N removes one.",
    completes: "expression",
    run: (argument, console) => add(console, argument),
  },
  {
    names: ["undisplay"],
    group: "Stopping",
    usage: "[NUMBER…]",
    summary: "show an expression no longer; all without a number",
    run: (argument, console) => removeDisplays(console, argument),
  },
];
