/** A linked program: what the linker makes, the ELF writer stores and loaders load. */

import { nearNames } from "./near-names.ts";
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from "./object-file.ts";

/** An output section at its final address, relocations applied. */
export interface LinkedSection {
  readonly name: string;
  /** Linear address. */
  readonly address: number;
  /** SHF_ bits. */
  readonly flags: number;
  /** SHT_ number. */
  readonly type: number;
  /** Empty for SHT_NOBITS. */
  readonly data: Uint8Array;
  /** Bytes in memory. */
  readonly size: number;
  readonly alignment: number;
}

/** A run of neighbouring sections with the same permissions, to be loaded as one. */
export interface LinkedSegment {
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly data: Uint8Array;
  /** Bytes in memory; those beyond `data` are zero. */
  readonly memorySize: number;
  /** PF_ bits. */
  readonly flags: number;
}

export interface LinkedSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly type: "notype" | "object" | "function";
  readonly binding: "local" | "global" | "weak";
  /** The name of the object that defines it; undefined for the linker's own symbols. */
  readonly unit: string | undefined;
  /** Undefined for absolute symbols. */
  readonly section: LinkedSection | undefined;
}

/** Where the instruction, or the data among instructions, at an address comes from. */
export interface LinkedLine {
  /** Linear address. */
  readonly address: number;
  readonly file: string;
  /** Counts from 1. Of what a macro made, the line that uses the macro. */
  readonly line: number;
  /** Counts from 1; left out where it is not known. */
  readonly column?: number;
}

/** Code that came from one object. */
export interface LinkedCode {
  /** The object's name. */
  readonly unit: string;
  /** Linear address. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

export class LinkedImage {
  private byName: Map<string, LinkedSymbol> | undefined;

  constructor(
    /** Linear address of the first instruction. */
    readonly entry: number,
    readonly sections: readonly LinkedSection[],
    readonly segments: readonly LinkedSegment[],
    /** Local symbols first; without section and file symbols. */
    readonly symbols: readonly LinkedSymbol[],
    /** Source lines of code, by address: an entry for each instruction and each statement of data. */
    readonly lines: readonly LinkedLine[] = [],
    /** Where the code of each object went. */
    readonly code: readonly LinkedCode[] = [],
    /** The `.debug_frame` sections of the objects, joined and relocated. */
    readonly frames: Uint8Array = new Uint8Array(0),
  ) {}

  /**
   * The address of a symbol. A global or weak symbol is found before local ones of the same name; of these the first.
   * @throws RangeError if there is none of that name
   */
  symbol(name: string): number {
    const found = this.findSymbol(name);
    if (found === undefined) {
      const near = nearNames(name, this.names().keys());
      throw new RangeError(
        `no symbol '${name}' in the image${near.length > 0 ? `; near names: ${near.join(", ")}` : ""}`,
      );
    }
    return found.address;
  }

  /** The symbol that `symbol()` would name, or undefined. */
  findSymbol(name: string): LinkedSymbol | undefined {
    return this.names().get(name);
  }

  private names(): Map<string, LinkedSymbol> {
    if (this.byName === undefined) {
      this.byName = new Map();
      for (const symbol of this.symbols) {
        if (symbol.binding !== "local" || !this.byName.has(symbol.name)) this.byName.set(symbol.name, symbol);
      }
    }
    return this.byName;
  }
}

/** The largest gap that a flat binary may hold; a program spread wider is no candidate for one. */
const LARGEST_FLAT_BINARY = 64 * 1024 * 1024;

/**
 * The image's bytes as they lie in memory, from the lowest address that has contents to the highest, gaps zero.
 * Zero-initialised data at the end is left out, as `objcopy -O binary` does.
 * @throws RangeError if that is more than 64 MiB
 */
export function flatBinary(image: LinkedImage): Uint8Array {
  const filled = image.sections.filter((section) => section.data.length > 0);
  if (filled.length === 0) return new Uint8Array(0);
  const lowest = Math.min(...filled.map((section) => section.address));
  const highest = Math.max(...filled.map((section) => section.address + section.data.length));
  if (highest - lowest > LARGEST_FLAT_BINARY) {
    throw new RangeError(
      `a flat binary from 0x${lowest.toString(16)} to 0x${highest.toString(16)} would be larger than 64 MiB; ` +
        "write an ELF file or bring the sections nearer to each other",
    );
  }
  const bytes = new Uint8Array(highest - lowest);
  for (const section of filled) bytes.set(section.data, section.address - lowest);
  return bytes;
}

/** The letter that nm prints for a symbol: lower case if it is local. */
function nmLetter({ section, binding, type }: LinkedSymbol): string {
  if (binding === "weak") return type === "object" ? "V" : "W";
  const letter =
    section === undefined || (section.flags & SHF_ALLOC) === 0
      ? "A"
      : section.flags & SHF_EXECINSTR
        ? "T"
        : section.type === SHT_NOBITS
          ? "B"
          : section.flags & SHF_WRITE
            ? "D"
            : "R";
  return binding === "local" ? letter.toLowerCase() : letter;
}

/** Every symbol as `c0100000 T name`, one a line, by address and then by name: the file Linux calls System.map. */
export function systemMap(image: LinkedImage): string {
  return [...image.symbols]
    .sort((a, b) => a.address - b.address || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map((symbol) => `${symbol.address.toString(16).padStart(8, "0")} ${nmLetter(symbol)} ${symbol.name}\n`)
    .join("");
}
