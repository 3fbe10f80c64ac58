/** From a relocatable ELF file, ours or GNU as's, to the object that the linker takes. */
import { objectLines } from "./dwarf/elf-lines.ts";
import {
  ElfError,
  ET_REL,
  GRP_COMDAT,
  SHN_ABS,
  SHN_COMMON,
  SHN_UNDEF,
  SHT_GROUP,
  SHT_NULL,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
} from "./elf-format.ts";
import type { ElfFile, ElfSection, ElfSymbol } from "./elf-reader.ts";
import type { ObjectFile, ObjectSymbol, Section, SectionGroup } from "./object-file.ts";

/** Types of sections that describe the object and are not part of the program. */
const BOOKKEEPING: ReadonlySet<number> = new Set([SHT_NULL, SHT_SYMTAB, SHT_STRTAB, SHT_REL, SHT_GROUP]);

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

/** The groups of sections, by section. @throws ElfError for a group that makes no sense */
function groupsOf({ sections, symbols }: ElfFile): Map<ElfSection, SectionGroup> {
  const groups = new Map<ElfSection, SectionGroup>();
  for (const { type, index, info, data, offset } of sections) {
    if (type !== SHT_GROUP) continue;
    const symbol = symbols[info];
    if (symbol === undefined || data.length < 4 || data.length % 4 !== 0) {
      throw new ElfError(`section ${index} is a group of ${data.length} bytes, its signature symbol ${info}`, offset);
    }
    const words = new DataView(data.buffer, data.byteOffset, data.length);
    const isComdat = (words.getUint32(0, true) & GRP_COMDAT) !== 0;
    const group = { signature: symbol.name || (symbol.section?.name ?? ""), isComdat };
    for (let at = 4; at < data.length; at += 4) {
      const member = sections[words.getUint32(at, true)];
      if (member === undefined) {
        throw new ElfError(`group ${index} has section ${words.getUint32(at, true)} of ${sections.length}`, offset);
      }
      groups.set(member, group);
    }
  }
  return groups;
}

function toSection(section: ElfSection, group: SectionGroup | undefined): Section {
  const alignment = Math.max(1, section.alignment);
  if (!isPowerOfTwo(alignment)) {
    throw new ElfError(`section ${section.name} has alignment ${alignment}, which is no power of two`, section.offset);
  }
  const { name, type, flags, entrySize, data, size } = section;
  return { name, type, flags, entrySize, alignment, data, size, relocations: [], group };
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
  // The signature of a group that is no other symbol has no place in the program.
  if (symbol.section?.type === SHT_GROUP) return "absolute";
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
  const groups = groupsOf(elf);
  for (const section of elf.sections) {
    if (!BOOKKEEPING.has(section.type)) sections.set(section, toSection(section, groups.get(section)));
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
    symbols: elf.symbols.slice(1).flatMap((symbol) => (symbol.section?.type === SHT_GROUP ? [] : symbols.get(symbol)!)),
  };
}
