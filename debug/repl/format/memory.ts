/** Memory in units, line by line: what `x` prints. */

import { integer } from "../../../asm/dwarf/reader/index.ts";
import { bareHex } from "../../numbers.ts";
import type { Console } from "../console.ts";
import { decode } from "../expression/value.ts";
import { formatNumber, type NumberFormat } from "./value.ts";

export interface MemoryFormat {
  readonly count: number;
  /** One of FORMATS. */
  readonly letter: string;
  /** Bytes of a unit. */
  readonly size: 1 | 2 | 4 | 8;
}

/** `i` is for instructions. */
export const FORMATS: readonly string[] = ["x", "d", "u", "t", "o", "c", "a", "f", "s", "i"];

const BYTES_PER_LINE = 16;
const UNITS_PER_LINE: Readonly<Record<string, number>> = { a: 2, c: 8, t: 2 };

export interface MemoryLine {
  readonly text: string;
  /** Where the next line begins. */
  readonly next: number;
}

/** @throws MemoryError at the first line that cannot be read */
export function* memoryLines(console: Console, start: number, format: MemoryFormat): Generator<MemoryLine> {
  if (format.letter === "s") return yield* stringLines(console, start, format.count);
  const { size, letter } = format;
  const perLine = UNITS_PER_LINE[letter] ?? BYTES_PER_LINE / size;
  for (let done = 0; done < format.count; ) {
    const units = Math.min(perLine, format.count - done);
    const address = (start + done * size) >>> 0;
    const bytes = console.guest.read(address, units * size);
    const cells: string[] = [];
    for (let i = 0; i < units; i++) cells.push(cell(console, bytes.subarray(i * size, (i + 1) * size), format));
    done += units;
    yield { text: `${label(console, address)}  ${cells.join("  ")}`, next: address + units * size };
  }
}

function* stringLines(console: Console, start: number, count: number): Generator<MemoryLine> {
  let address = start >>> 0;
  for (let i = 0; i < count; i++) {
    const text = console.guest.readString(address, 4096);
    const next = address + text.length + 1;
    yield { text: `${label(console, address)}  ${JSON.stringify(text)}`, next };
    address = next >>> 0;
  }
}

function label({ session }: Console, address: number): string {
  const symbol = session.symbols.symbolize(address);
  return symbol === undefined ? `${bareHex(address)}:` : `${bareHex(address)} <${session.symbols.format(address)}>:`;
}

function cell(console: Console, bytes: Uint8Array, { letter, size }: MemoryFormat): string {
  const type = integer("", size, letter === "d" || letter === "c");
  const scalar = decode(bytes, type);
  // Words in memory are shown with all their digits.
  if (letter === "x") return formatNumber(scalar, type, console.formatting("z"));
  if (letter === "t") return formatNumber(scalar, type, console.formatting("t")).padStart(8 * size, "0");
  if (letter === "f" && size >= 4) {
    const float = { kind: "float", name: "", size } as const;
    return formatNumber(decode(bytes, float), float, console.formatting("f"));
  }
  return formatNumber(scalar, type, console.formatting(letter as NumberFormat));
}
