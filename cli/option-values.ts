/** Parsers for option values. What they throw, commander shows with the option's name. */
import { InvalidArgumentError } from "commander";
import { parseNumber } from "./io.ts";

/** A whole number within bounds; `1_000` and `1,000` are fine. */
export function wholeNumber(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const digits = text.replaceAll("_", "").replaceAll(",", "");
    const value = parseNumber(digits) ?? Number(digits);
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Seconds from 1970 UTC: of a date, with or without a time of day, or of `now`. */
export function dateAndTime(text: string): number {
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(text);
  const milliseconds =
    text === "now" ? Date.now() : isDate ? Date.parse(text.includes("T") ? `${text}Z` : text) : Number.NaN;
  if (Number.isNaN(milliseconds)) throw new InvalidArgumentError("It is now, or a date as 2001-01-04T12:00:00 (UTC).");
  return Math.floor(milliseconds / 1000);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", e: "\x1b", b: "\b", "\\": "\\" };

/** Text to type, with backslash escapes. */
export function keyboardText(text: string): string {
  const typed = text.replace(/\\(.?)/g, (sequence, letter: string) => {
    const character = ESCAPES[letter];
    if (character === undefined) {
      throw new InvalidArgumentError(`${sequence} is not known: there are \\n, \\t, \\e, \\b and \\\\.`);
    }
    return character;
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are typed with the control key
  const wrong = /[^\x01-\x1b\x20-\x7e]/u.exec(typed);
  if (wrong !== null) throw new InvalidArgumentError(`No key of a US keyboard types ${JSON.stringify(wrong[0])}.`);
  return typed;
}

/** A file and a physical address. */
export interface FileAt {
  readonly file: string;
  readonly address: number;
}

/** FILE@ADDRESS, added to those that were given before. */
export function fileAt(text: string, previous: readonly FileAt[] = []): readonly FileAt[] {
  const at = text.lastIndexOf("@");
  const address = at < 0 ? undefined : parseNumber(text.slice(at + 1));
  if (at <= 0 || address === undefined || address < 0) {
    throw new InvalidArgumentError("It is FILE@ADDRESS, as in image.bin@0x7c00.");
  }
  return [...previous, { file: text.slice(0, at), address }];
}
