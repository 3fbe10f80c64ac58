/** Names and addresses of what is debugged. */
import { type CodeLine, codeLines } from "../../asm/dwarf/reader/index.ts";
import { type ElfFile, nearNames } from "../../asm/index.ts";

/** Where an address lies. */
export interface SymbolPlace {
  readonly symbol: string;
  /** Bytes from the symbol to the address. */
  readonly offset: number;
  /** Bytes that belong to the symbol, 0 when nobody has said. */
  readonly size: number;
}

/** What any image with symbols has: a LinkedImage, a KernelImage. */
export interface SymbolImage {
  readonly symbols: readonly ImageSymbol[];
  /** Addresses of instructions, by line of their source, if there is a line table. */
  readonly lines?: readonly ImageLine[];
}

interface ImageSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly type: string;
  /** Undefined for absolute symbols, which are numbers and no places. */
  readonly section?: unknown;
}

interface ImageLine {
  readonly address: number;
  readonly file: string;
  readonly line: number;
  readonly column?: number | undefined;
}

/** A stretch of code that comes from one place in a source. */
export type LineEntry = CodeLine;

/** ELF's number for the section of symbols that are defined elsewhere. */
const SHN_UNDEF = 0;
/** No instruction is longer: a line entry says nothing of what lies further behind it. */
const LONGEST_INSTRUCTION = 15;
/** Labels that one function has at most, for `startsBefore`. */
const MOST_STARTS = 16;
/** Symbols without a size are believed this far, in bytes. */
const FURTHEST_OFFSET = 1 << 16;

/** A function that the compiler has put into another, seen from there. */
export interface InlinedCall {
  /** The same for the same one. */
  readonly id: object;
  /** Where it is called from. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** What debugging information knows of code beside its lines. */
export interface CodeBlocks {
  /** Whether the code at an address is optimized: its variables have places in prologues too. */
  readonly isOptimized: (address: number) => boolean;
  /** The inlined functions that an address is in, from the outside in. */
  readonly inlinedCalls: (address: number) => readonly InlinedCall[];
  /** The innermost block that an address is in; undefined when none is known. */
  readonly blockOf: (address: number) => object | undefined;
}

const NO_BLOCKS: CodeBlocks = { isOptimized: () => false, inlinedCalls: () => [], blockOf: () => undefined };

/** Symbols and lines of one or several images; where two define a name, the first has it. */
export class SymbolTable {
  readonly #addresses = new Map<string, number>();
  #symbols: ImageSymbol[] = [];
  #lines: LineEntry[] = [];
  /** What is known of blocks and inlined functions. */
  blocks: CodeBlocks = NO_BLOCKS;

  /** @param image a linked image, or a kernel's */
  static forImage(image: SymbolImage): SymbolTable {
    return new SymbolTable().add(image);
  }

  static forElf(elf: ElfFile): SymbolTable {
    return new SymbolTable().addElf(elf);
  }

  /** Adds the symbols and lines of another image. */
  add({ symbols, lines }: SymbolImage): this {
    for (const { name, address } of symbols) {
      if (name !== "" && !this.#addresses.has(name)) this.#addresses.set(name, address >>> 0);
    }
    this.#symbols = [...this.#symbols, ...symbols.filter(isPlace)].sort(
      (a, b) => a.address - b.address || rank(a) - rank(b),
    );
    if (lines !== undefined) this.#addLines(withEnds(lines));
    return this;
  }

  /** Of several entries at one address the last has code; the others' is none. */
  #addLines(lines: readonly LineEntry[]): void {
    if (lines.length === 0) return;
    this.#lines = [...this.#lines, ...lines].sort((a, b) => a.address - b.address || a.end - b.end);
  }

  addElf(elf: ElfFile): this {
    this.#addLines(codeLines(elf).filter(({ line }) => line > 0));
    return this.add({
      symbols: elf.symbols
        .filter(({ sectionIndex }) => sectionIndex !== SHN_UNDEF)
        .map(({ name, value, size, type, section }) => ({ name, address: value, size, type, section })),
    });
  }

  /** Linear address of a symbol, unsigned; undefined when there is none of that name. */
  lookup(name: string): number | undefined {
    return this.#addresses.get(name);
  }

  /** The symbol that an address belongs to; undefined when it is far from all of them. */
  symbolize(address: number): SymbolPlace | undefined {
    const at = address >>> 0;
    let last = lastNotAfter(this.#symbols, at);
    // Labels within a function belong to it.
    for (let i = last; i >= 0 && i > last - 8; i--) {
      const { address: start, size, type } = this.#symbols[i];
      if (type === "function" && at < start + size) return place(this.#symbols[i], at);
    }
    // Of several at one address the first ranks highest.
    while (last > 0 && this.#symbols[last - 1].address === this.#symbols[last].address) last--;
    const nearest = this.#symbols[last];
    if (nearest === undefined) return undefined;
    const reach = nearest.size > 0 ? nearest.size : FURTHEST_OFFSET;
    return at - nearest.address < reach ? place(nearest, at) : undefined;
  }

  /**
   * Where the function at an address may begin: the symbols before it, nearest first, up to one that says that it is a
   * function. In hand-written code, labels look like functions.
   */
  startsBefore(address: number): number[] {
    const at = address >>> 0;
    const starts: number[] = [];
    for (let i = lastNotAfter(this.#symbols, at); i >= 0 && starts.length < MOST_STARTS; i--) {
      const { address: start, size, type } = this.#symbols[i];
      if (at - start >= FURTHEST_OFFSET) break;
      if (start !== starts.at(-1)) starts.push(start);
      if (type === "function" && at < start + size) break;
    }
    return starts;
  }

  /** `schedule+0x10`, `schedule`, or the address as `0xc0101234`. */
  format(address: number): string {
    const found = this.symbolize(address);
    if (found === undefined) return `0x${(address >>> 0).toString(16).padStart(8, "0")}`;
    return found.offset === 0 ? found.symbol : `${found.symbol}+0x${found.offset.toString(16)}`;
  }

  /** The line that the instruction at an address comes from. */
  lineEntry(address: number): LineEntry | undefined {
    const at = address >>> 0;
    const last = lastNotAfter(this.#lines, at);
    const entry = this.#lines[last];
    if (entry === undefined || at >= entry.end) return undefined;
    // A statement of which no code is left begins there too.
    for (let i = last; !entry.isStatement && this.#lines[i]?.address === entry.address; i--) {
      if (this.#lines[i].isStatement) return { ...this.#lines[i], end: entry.end };
    }
    return entry;
  }

  /** The lines of code from an address up to another, by address. */
  linesBetween(start: number, end: number): LineEntry[] {
    const found: LineEntry[] = [];
    for (let i = lastNotAfter(this.#lines, start - 1) + 1; i < this.#lines.length; i++) {
      const entry = this.#lines[i];
      if (entry.address >= end) break;
      found.push(entry);
    }
    return found;
  }

  /** The inlined functions that an address is in and another one, in the same function, is not, from the outside in. */
  inlinedBetween(address: number, from: number): readonly InlinedCall[] {
    const around = this.blocks.inlinedCalls(from);
    return this.blocks.inlinedCalls(address).filter(({ id }, index) => around[index]?.id !== id);
  }

  /**
   * Where a function's own work begins: behind what sets up its frame, which is where its second line does. In
   * assembly, in optimized code, and where no lines are known, its first instruction.
   */
  bodyOf(start: number): number {
    const place = this.symbolize(start);
    const first = this.lineEntry(start);
    if (place === undefined || place.offset !== 0 || first === undefined || /\.[sS]$/.test(first.file)) return start;
    if (this.blocks.isOptimized(start)) return start;
    const second = this.linesBetween(start + 1, start + place.size).find(({ isStatement }) => isStatement);
    return second?.address ?? start;
  }

  /**
   * The files that a name means.
   * @param file the end of a path will do
   * @throws RangeError that suggests near names when there is none
   */
  filesNamed(file: string): string[] {
    const known = this.files();
    const named = known.filter((name) => name === file || name.endsWith(`/${file}`));
    if (named.length > 0) return named;
    const last = (path: string) => path.slice(path.lastIndexOf("/") + 1);
    const near = nearNames(last(file), new Set(known.map(last)));
    // A file of the right name in another folder is near too.
    const same = known.filter((name) => last(name) === last(file));
    throw new RangeError(`no line of a file ${file} is known${suggestions([...same, ...near])}`);
  }

  /**
   * Where the instructions of a line begin: in each block the first address, of the line or, when it has no code, of
   * the next one that has.
   * @param file the end of a path will do
   * @throws RangeError when no file has that name
   */
  addressesOf(file: string, line: number): number[] {
    const files = this.filesNamed(file);
    const entries = this.#lines.filter(
      (entry) => entry.isStatement && entry.line >= line && files.includes(entry.file),
    );
    const nearest = entries.reduce((least, entry) => Math.min(least, entry.line), Number.POSITIVE_INFINITY);
    const starts = new Map<unknown, number>();
    for (const { address } of entries.filter((entry) => entry.line === nearest)) {
      const place = this.symbolize(address);
      const block = this.blocks.blockOf(address) ?? (place === undefined ? address : address - place.offset);
      if (!starts.has(block)) starts.set(block, address);
    }
    return [...starts.values()];
  }

  /** Whether a symbol lies at an address: of code or data, and no mere number. */
  isPlace(address: number): boolean {
    return this.#symbols[lastNotAfter(this.#symbols, address >>> 0)]?.address === address >>> 0;
  }

  /** Whether code with a name begins at an address: a function, or a label of assembly whose lines are known. */
  isEntry(address: number): boolean {
    const at = address >>> 0;
    const last = lastNotAfter(this.#symbols, at);
    const here = this.#symbols.slice(Math.max(0, last - 8), last + 1).filter((symbol) => symbol.address === at);
    return here.some(({ type }) => type === "function") || (here.length > 0 && this.lineEntry(at)?.address === at);
  }

  /** Whether an address is that of an instruction, as far as functions and lines tell. */
  isCode(address: number): boolean {
    const at = address >>> 0;
    if (this.lineEntry(at) !== undefined) return true;
    const last = lastNotAfter(this.#symbols, at);
    return this.#symbols
      .slice(Math.max(0, last - 8), last + 1)
      .some(({ address: start, size, type }) => type === "function" && at >= start && at < start + Math.max(size, 1));
  }

  /** Every name, in alphabetical order. */
  names(): string[] {
    return [...this.#addresses.keys()].sort();
  }

  /** Files that lines are known of, in alphabetical order. */
  files(): string[] {
    return [...new Set(this.#lines.map(({ file }) => file))].sort();
  }

  /** Names that somebody who wrote `name` may have meant. */
  near(name: string): string[] {
    return nearNames(name, this.#addresses.keys());
  }
}

/** An entry ends where the next one begins, or with its one instruction. */
function withEnds(lines: readonly ImageLine[]): LineEntry[] {
  const sorted = [...lines].sort((a, b) => a.address - b.address);
  return sorted.map((line, index) => {
    const furthest = line.address + LONGEST_INSTRUCTION;
    const next = sorted[index + 1]?.address ?? furthest;
    return { ...line, end: Math.min(next, furthest), isStatement: true };
  });
}

function suggestions(names: readonly string[]): string {
  return names.length === 0 ? "" : `; near names: ${names.join(", ")}`;
}

function isPlace(symbol: ImageSymbol): boolean {
  const { name, type } = symbol;
  if ("section" in symbol && symbol.section === undefined) return false;
  return name !== "" && (type === "function" || type === "object" || type === "notype");
}

/** Functions before objects before labels. */
function rank({ type }: ImageSymbol): number {
  return type === "function" ? 0 : type === "object" ? 1 : 2;
}

function place({ name, address, size }: ImageSymbol, at: number): SymbolPlace {
  return { symbol: name, offset: at - address, size };
}

/** Index of the last entry at or before an address, -1 when there is none. */
function lastNotAfter(entries: readonly { readonly address: number }[], address: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
