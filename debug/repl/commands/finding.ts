/** `find`: bytes in memory. */
import { integer, plainType } from "../../../asm/dwarf/reader/index.ts";
import { MemoryError } from "../../frames/guest.ts";
import { hex } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { bytesOf, scalarOf } from "../expression/reading.ts";
import { encode } from "../expression/value.ts";

const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
/** Bytes that are looked through at most, and that are read at once. */
const MOST_BYTES = 2 ** 30;
const CHUNK = 1 << 16;
const PAGE = 4096;

/** Parts at commas that are not within parentheses or quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quote !== "") {
      if (character === "\\") i++;
      else if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if ("([".includes(character)) depth++;
    else if (")]".includes(character)) depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}

/** The bytes of a value: of a string those of its characters, of a number those of its type or of `size`. */
function patternOf(console: Console, text: string, size: number | undefined): Uint8Array {
  const string = /^"((?:[^"\\]|\\.)*)"$/.exec(text);
  if (string !== null) {
    const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0" };
    const plain = string[1].replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
    return new TextEncoder().encode(plain);
  }
  const environment = console.environment();
  const value = console.evaluate(text);
  const { kind } = plainType(value.type);
  if (kind === "struct" || kind === "array") return bytesOf(value, environment);
  const scalar = scalarOf(value, environment);
  if (scalar === undefined) throw new CommandError(`${text} is nothing that can be looked for`);
  return encode(scalar, size === undefined ? value.type : integer("", size, false));
}

function find(console: Console, argument: string): void {
  const [, options = "", text = ""] = /^((?:\/\S+\s+)?)(.*)$/.exec(argument) ?? [];
  const letters = options.replaceAll("/", "").trim();
  const [, size = "", most = ""] = /^([bhwg]?)(\d*)$/.exec(letters) ?? /^()()$/.exec("")!;
  if (letters !== `${size}${most}`)
    throw new CommandError(`find /${letters}: a size b h w g and the most to find are expected`);
  const [from = "", to = "", ...values] = split(text);
  if (from === "" || to === "" || values.length === 0) {
    throw new CommandError("find START, END|+LENGTH, VALUE… is expected, as in find $esp, +100, 0x23");
  }
  const start = console.address(from);
  const last = to.startsWith("+") ? start + console.number(to.slice(1)) - 1 : console.address(to);
  if (last < start) throw new CommandError("Empty search range.");
  if (last - start >= MOST_BYTES) throw new CommandError("the range is longer than 1 GiB");
  const parts = values.map((value) => patternOf(console, value, SIZES[size]));
  const pattern = Uint8Array.from(parts.flatMap((part) => [...part]));
  const found = search(console, start, last + 1, pattern, most === "" ? Number.POSITIVE_INFINITY : Number(most));
  for (const address of found.addresses) console.print(console.place(address));
  if (found.unread !== undefined) console.print(found.unread);
  const { length } = found.addresses;
  console.print(length === 0 ? "Pattern not found." : `${length} pattern${length === 1 ? "" : "s"} found.`);
  if (length === 0) return;
  console.environment().keep("_", { type: integer("unsigned int", 4, false), scalar: found.addresses.at(-1)! });
  console.environment().keep("numfound", { type: integer("int", 4, true), scalar: length });
}

interface Search {
  readonly addresses: readonly number[];
  /** What is said of memory at which the search ended early. */
  readonly unread: string | undefined;
}

function search({ guest }: Console, start: number, end: number, pattern: Uint8Array, most: number): Search {
  const addresses: number[] = [];
  let held = new Uint8Array(0);
  let heldAt = start;
  for (let at = start; at < end; ) {
    // A chunk ends with its page where the next one may not be mapped.
    const length = Math.min(CHUNK - (at % CHUNK), end - at);
    let bytes: Uint8Array;
    let unread: string | undefined;
    try {
      bytes = guest.read(at, length);
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      [bytes, unread] = readPages(guest, at, length, error);
    }
    const joined = new Uint8Array(held.length + bytes.length);
    joined.set(held);
    joined.set(bytes, held.length);
    for (let i = 0; i + pattern.length <= joined.length; i++) {
      if (joined[i] !== pattern[0] || !pattern.every((byte, j) => joined[i + j] === byte)) continue;
      addresses.push(heldAt + i);
      if (addresses.length >= most) return { addresses, unread: undefined };
    }
    if (unread !== undefined) return { addresses, unread };
    held = joined.slice(Math.max(0, joined.length - pattern.length + 1));
    at += length;
    heldAt = at - held.length;
  }
  return { addresses, unread: undefined };
}

/** The pages up to one that is not mapped. */
function readPages(guest: Console["guest"], start: number, length: number, why: MemoryError): [Uint8Array, string] {
  const pages: number[] = [];
  for (let at = start; at < start + length; ) {
    const count = Math.min(PAGE - (at % PAGE), start + length - at);
    try {
      pages.push(...guest.read(at, count));
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      return [Uint8Array.from(pages), `The search ends at ${hex(at)}: ${error.message}.`];
    }
    at += count;
  }
  return [Uint8Array.from(pages), why.message];
}

export const finding: readonly Command[] = [
  {
    names: ["find"],
    group: "Registers and memory",
    usage: "[/SIZE][MOST] START, END|+LENGTH, VALUE…",
    summary: "where in memory values lie one behind the other",
    help:
      "Values are numbers of their type's size, or of SIZE (b h w g), and strings in quotes. MOST ends the search early.\n" +
      "$_ is the last address found, $numfound how many.",
    completes: "expression",
    run: (argument, console) => find(console, argument),
  },
];
