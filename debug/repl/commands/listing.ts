/** `list`: the text of sources around a place. */

import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { filesNamed, lineOf, placeAddresses } from "../places.ts";
import { GO_ON } from "../repeat.ts";
import type { SourceLocation } from "../source-location.ts";

const LINES = 10;
/** Lines before the one that is asked for. */
const BEFORE = 5;

/** Finds the line of a place. @throws CommandError where none is known */
function locate(console: Console, place: string): SourceLocation {
  const line = lineOf(console, place);
  if (line !== undefined) return line;
  const [address] = placeAddresses(console, place);
  const { symbols } = console.session;
  // A function is shown from its first line, not from where its frame is set up.
  const start = address - (symbols.symbolize(address)?.offset ?? 0);
  const isBody = place.trim().startsWith("*") ? false : symbols.bodyOf(start) === address;
  const source = symbols.lineEntry(isBody ? start : address);
  if (source === undefined) {
    throw new CommandError(`no source is known for ${console.place(address)}; disas shows its instructions`);
  }
  return source;
}

/** The file of which a line table has that name, or the end of its path. @throws CommandError for one that nobody knows */
function fullName(console: Console, file: string): string {
  const { session, sources } = console;
  const known = [...session.symbols.files(), ...sources.files()];
  const found = known.find((name) => name === file) ?? known.find((name) => name.endsWith(`/${file}`));
  if (found !== undefined || sources.length(file) > 0) return found ?? file;
  return filesNamed(console, file)[0];
}

/** @param asked the line that is wanted, of those that are to be shown */
function show(console: Console, file: string, first: number, last: number, asked = first): void {
  const name = fullName(console, file);
  const length = console.sources.length(name);
  if (length === 0) throw new CommandError(`${name}:${asked}, but the text of ${name} is not at hand`);
  if (first > length) throw new CommandError(`Line number ${first} out of range; "${name}" has ${length} lines.`);
  const { place } = console.frame();
  console.print(console.bold(name));
  const end = Math.min(last, length);
  for (let number = Math.max(1, first); number <= end; number++) {
    const mark = place?.file === name && place.line === number ? "=>" : "  ";
    const text = console.sources.line(name, number)!.replaceAll("\t", "        ");
    console.print(`${mark}${String(number).padStart(5)}  ${text}`.trimEnd());
  }
  console.listed = {
    file: name,
    line: Math.min(end, Math.max(1, first) + BEFORE),
    first: Math.max(1, first),
    last: end,
  };
}

function around(console: Console, found: SourceLocation): void {
  const first = Math.max(1, found.line - BEFORE);
  show(console, found.file, first, first + LINES - 1, found.line);
}

function list(console: Console, argument: string): void {
  if (argument === "-") listBack(console);
  else if (argument === "" || argument === GO_ON) listOn(console);
  else {
    const [from = "", to] = argument.split(",").map((part) => part.trim());
    if (to === undefined) around(console, locate(console, from));
    else listRange(console, from, to);
  }
}

function listOn(console: Console): void {
  const before = console.listed;
  if (before === undefined) around(console, here(console));
  else show(console, before.file, before.last + 1, before.last + LINES);
}

function listBack(console: Console): void {
  const before = console.listed;
  if (before === undefined) around(console, here(console));
  else if (before.first === 1) throw new CommandError(`Already at the start of ${before.file}.`);
  else show(console, before.file, Math.max(1, before.first - LINES), before.first - 1);
}

/** A range ends in the file where it begins; `+N` counts from there. */
function endOf(console: Console, start: SourceLocation | undefined, to: string): SourceLocation {
  const [, plus, line] = /^(\+?)(\d+)$/.exec(to) ?? [];
  if (start === undefined || line === undefined) return locate(console, to);
  return { file: start.file, line: plus === "" ? Number(line) : start.line + Number(line) };
}

function listRange(console: Console, from: string, to: string): void {
  const start = from === "" ? undefined : locate(console, from);
  const end = to === "" ? undefined : endOf(console, start, to);
  const file = start?.file ?? end?.file;
  if (file === undefined) throw new CommandError("list FROM,TO is expected, or one of them");
  const first = start?.line ?? Math.max(1, end!.line - LINES + 1);
  const last = end?.line ?? first + LINES - 1;
  if (last < first) throw new CommandError(`line ${last} comes before line ${first}`);
  show(console, file, first, last);
}

function here(console: Console): SourceLocation {
  const { place } = console.frame();
  if (place === undefined) {
    throw new CommandError(`no source is known for ${console.place(console.frame().pc)}; disas shows its instructions`);
  }
  return place;
}

export const listing: readonly Command[] = [
  {
    names: ["list", "l"],
    group: "Frames",
    usage: "[PLACE | FROM,TO | -]",
    summary: "lines of a source: around where it stands, then on; around a place; some lines",
    help: "PLACE: LINE, FUNCTION, FILE:LINE, FILE:FUNCTION, *ADDRESS. `list -` goes back.",
    completes: "place",
    repeats: "next",
    run: (argument, console) => list(console, argument),
  },
];
