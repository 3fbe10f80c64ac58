/** From a relocatable ELF file, ours or GNU as's, to the object that the linker takes. */
import { objectLines } from "./dwarf/elf-lines.ts";
import {
  ElfError,
  ET_REL,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_NULL,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
} from "./elf-format.ts";
import type { ElfFile, ElfSection, ElfSymbol } from "./elf-reader.ts";
import type { ObjectFile, ObjectSymbol, Section } from "./object-file.ts";

/** Types of sections that describe the object and are not part of the program. */
const BOOKKEEPING: ReadonlySet<number> = new Set([SHT_NULL, SHT_SYMTAB, SHT_STRTAB, SHT_REL]);

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function toSection(section: ElfSection): Section {
  const alignment = Math.max(1, section.alignment);
  if (!isPowerOfTwo(alignment)) {
    throw new ElfError(`section ${section.name} has alignment ${alignment}, which is no power of two`, section.offset);
  }
  const { name, type, flags, entrySize, data, size } = section;
  return { name, type, flags, entrySize, alignment, data, size, relocations: [] };
}

function placeOf(symbol: ElfSymbol, sections: ReadonlyMap<ElfSection, Section>): ObjectSymbol["section"] {
  switch (symbol.sectionIndex) {
    case SHN_UNDEF:
      return undefined;
    case SHN_ABS:
      return "absolute";
    case SHN_COMMON:
      return "common";
  }
  const section = symbol.section && sections.get(symbol.section);
  if (section === undefined) {
    throw new ElfError(`symbol '${symbol.name}' is defined in section ${symbol.sectionIndex}, which cannot be linked`);
  }
  return section;
}

/**
 * @param name the object's name in messages; without it the file name that the symbols tell
 * @throws ElfError if the file is not relocatable or its sections make no sense to a linker
 */
export function objectFromElf(elf: ElfFile, name?: string): ObjectFile {
  if (elf.type !== ET_REL) {
    throw new ElfError(`not a relocatable file: ELF type ${elf.type} instead of ${ET_REL}`, 16);
  }
  const sections = new Map<ElfSection, Section>();
  for (const section of elf.sections) {
    if (!BOOKKEEPING.has(section.type)) sections.set(section, toSection(section));
  }
  for (const [section, lines] of objectLines(elf)) {
    const made = sections.get(section);
    if (made !== undefined) made.lines = lines;
  }
  const symbols = new Map<ElfSymbol, ObjectSymbol>();
  for (const symbol of elf.symbols) {
    const { name, binding, type, visibility, value, size } = symbol;
    if (symbol.sectionIndex === SHN_COMMON && !isPowerOfTwo(Math.max(1, value))) {
      throw new ElfError(`common symbol '${symbol.name}' has alignment ${value}, which is no power of two`);
    }
    symbols.set(symbol, { name, binding, type, visibility, section: placeOf(symbol, sections), value, size });
  }
  for (const { section, offset, type, symbol } of elf.relocations) {
    const relocation = { offset, type, symbol: symbols.get(symbol)! };
    sections.get(section)?.relocations.push(relocation);
  }
  const fileSymbol = elf.symbols.find(({ type }) => type === "file");
  return {
    name: name ?? fileSymbol?.name ?? "object",
    sections: [...sections.values()],
    symbols: [...symbols.values()].slice(1),
  };
}
