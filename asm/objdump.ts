/** Disassembly listings of ELF files in the form that `objdump -dr` made familiar. */
import {
  type DisassembledInstruction,
  type Disassembler,
  loadDisassembler,
  type SymbolReference,
} from "./disassembler.ts";
import { ET_REL, relocationName } from "./elf-format.ts";
import { type ElfFile, type ElfRelocation, type ElfSection, type ElfSymbol, readElf } from "./elf-reader.ts";
import { SHF_ALLOC, SHF_EXECINSTR } from "./object-file.ts";

export interface ObjdumpOptions {
  /** The file's name for the heading. */
  readonly name?: string;
  /** 16 for real-mode code; 32 if not given. */
  readonly bits?: 16 | 32;
  /** Only the section of this name, whether it holds code or not. Without it every section with code. */
  readonly section?: string;
  /** Only the code from this symbol up to the next. */
  readonly symbol?: string;
}

const BYTES_PER_LINE = 7;

/** Bytes, by Intel's manual, volume 2, section 2.3.11. */
const LONGEST_INSTRUCTION = 15;

/** Zero bytes in a row, from which on they are shown as `...`. */
const ZERO_RUN = 8;

/** Nearness to what a reader would call the place: functions before data before bare labels, global before local. */
function preference({ type, binding }: ElfSymbol): number {
  return (type === "function" ? 4 : type === "object" ? 2 : 0) + (binding === "local" ? 0 : 1);
}

/** Symbols by address, one for each address, to find the one an address belongs to. */
class AddressIndex {
  readonly symbols: readonly ElfSymbol[];

  constructor(symbols: readonly ElfSymbol[]) {
    const sorted = [...symbols].sort((a, b) => a.value - b.value || preference(b) - preference(a));
    this.symbols = sorted.filter((symbol, index) => index === 0 || symbol.value !== sorted[index - 1].value);
  }

  /** The last symbol at or below an address. */
  at(address: number): ElfSymbol | undefined {
    let low = 0;
    let high = this.symbols.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.symbols[middle].value <= address) low = middle + 1;
      else high = middle;
    }
    return this.symbols[low - 1];
  }
}

function isLabel({ name, type, section }: ElfSymbol): boolean {
  return name !== "" && type !== "section" && type !== "file" && section !== undefined;
}

function reference(symbol: ElfSymbol | undefined, address: number): SymbolReference | undefined {
  return symbol === undefined ? undefined : { name: symbol.name, offset: address - symbol.value };
}

/** A stretch of a section that belongs to one symbol. */
interface Stretch {
  readonly name: string;
  /** From the section's start. */
  readonly start: number;
  readonly end: number;
}

class Listing {
  private readonly lines: string[] = [];
  private readonly isRelocatable: boolean;
  private readonly allSymbols: AddressIndex;

  constructor(
    private readonly elf: ElfFile,
    private readonly options: ObjdumpOptions,
    private readonly disassembler: Disassembler,
  ) {
    this.isRelocatable = elf.type === ET_REL;
    const allocated = elf.symbols.filter((symbol) => isLabel(symbol) && symbol.section!.flags & SHF_ALLOC);
    this.allSymbols = new AddressIndex(this.isRelocatable ? [] : allocated);
  }

  text(): string {
    const { section: wanted, symbol, name } = this.options;
    const sections = this.elf.sections.filter((section) =>
      wanted === undefined ? section.flags & SHF_EXECINSTR && section.data.length > 0 : section.name === wanted,
    );
    if (wanted !== undefined && sections.length === 0) throw new RangeError(`the file has no section '${wanted}'`);
    this.lines.push("", `${name === undefined ? "" : `${name}:     `}file format elf32-i386`, "");
    let isSymbolFound = false;
    for (const section of sections) {
      const symbols = new AddressIndex(this.elf.symbols.filter((label) => isLabel(label) && label.section === section));
      let stretches = this.stretches(section, symbols);
      if (symbol !== undefined) {
        stretches = stretches.filter((stretch) => stretch.name === symbol);
        if (stretches.length === 0) continue;
        isSymbolFound = true;
      }
      this.lines.push("", `Disassembly of section ${section.name}:`);
      this.section(section, symbols, stretches);
    }
    if (symbol !== undefined && !isSymbolFound) throw new RangeError(`no code has the symbol '${symbol}'`);
    return `${this.lines.join("\n")}\n`;
  }

  /** What addresses in a section's listing count from. */
  private base(section: ElfSection): number {
    return this.isRelocatable ? 0 : section.address;
  }

  private stretches(section: ElfSection, symbols: AddressIndex): Stretch[] {
    const base = this.base(section);
    const starts = symbols.symbols
      .map(({ name, value }) => ({ name, start: value - base }))
      .filter(({ start }) => start >= 0 && start < section.data.length);
    if (starts[0]?.start !== 0 && section.data.length > 0) starts.unshift({ name: section.name, start: 0 });
    return starts.map((stretch, index) => ({ ...stretch, end: starts[index + 1]?.start ?? section.data.length }));
  }

  private section(section: ElfSection, symbols: AddressIndex, stretches: readonly Stretch[]): void {
    const base = this.base(section);
    const relocations = this.elf.relocations
      .filter((relocation) => relocation.section === section)
      .map((relocation) => ({ ...relocation, offset: relocation.offset - base }))
      .sort((a, b) => a.offset - b.offset);
    const { allSymbols, isRelocatable } = this;
    const codeSymbol = (address: number): SymbolReference | undefined =>
      isRelocatable && address >= section.size
        ? undefined
        : reference((isRelocatable ? symbols : allSymbols).at(address), address);
    const dataSymbol = (address: number): SymbolReference | undefined => {
      const symbol = allSymbols.at(address);
      const isInside = symbol !== undefined && address < symbol.value + Math.max(1, symbol.size);
      return isInside ? reference(symbol, address) : undefined;
    };
    const options = { bits: this.options.bits ?? 32, codeSymbol, dataSymbol };
    const width = base + section.size > 0x10000 ? 8 : 4;
    let next = 0;
    for (const { name, start, end } of stretches) {
      this.lines.push("", `${(base + start).toString(16).padStart(8, "0")} <${name}>:`);
      while (next < relocations.length && relocations[next].offset < start) next++;
      let offset = start;
      while (offset < end) {
        const zeros = zeroRun(section.data, offset, Math.min(end, relocations[next]?.offset ?? end));
        if (zeros >= ZERO_RUN) {
          this.lines.push("\t...");
          offset += zeros;
          continue;
        }
        const window = section.data.subarray(offset, Math.min(end, offset + LONGEST_INSTRUCTION));
        const [instruction] = this.disassembler(window, base + offset, {
          ...options,
          limit: 1,
        });
        this.instruction(instruction, width);
        offset += instruction.bytes.length;
        while (next < relocations.length && relocations[next].offset < offset) this.relocation(relocations[next++]);
      }
    }
  }

  private instruction({ address, bytes, text }: DisassembledInstruction, width: number): void {
    for (let start = 0; start < bytes.length; start += BYTES_PER_LINE) {
      const part = bytes.subarray(start, start + BYTES_PER_LINE);
      const codes = Array.from(part, (byte) => `${byte.toString(16).padStart(2, "0")} `).join("");
      const label = (address + start).toString(16).padStart(width);
      this.lines.push(`${label}:\t${start === 0 ? `${codes.padEnd(BYTES_PER_LINE * 3)}\t${text}` : codes.trimEnd()}`);
    }
  }

  private relocation({ offset, type, symbol }: ElfRelocation): void {
    const target = symbol.name || symbol.section?.name || "*ABS*";
    this.lines.push(`\t\t\t${offset.toString(16)}: ${relocationName(type)}\t${target}`);
  }
}

function zeroRun(data: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && data[position] === 0) position++;
  return position - start;
}

/**
 * Disassembles a relocatable or executable file, with symbols as headings and relocations below the instructions they
 * change.
 * @throws ElfError if the file cannot be read
 * @throws RangeError if it has no such section or symbol
 */
export async function objdump(file: Uint8Array, options: ObjdumpOptions = {}): Promise<string> {
  const elf = readElf(file);
  return new Listing(elf, options, await loadDisassembler()).text();
}
