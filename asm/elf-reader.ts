/** Reading ELF32 i386 files, whoever wrote them: nothing is trusted, and no byte outside of the file is touched. */
import { Parser } from "binary-parser";
import {
  ELF_HEADER,
  ELF_MAGIC,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  ElfError,
  EM_386,
  EV_CURRENT,
  type Fields,
  type Layout,
  PROGRAM_HEADER,
  REL,
  SECTION_HEADER,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_NULL,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL,
  SYMBOL_BINDINGS,
  SYMBOL_TYPES,
  SYMBOL_VISIBILITIES,
  sizeOf,
} from "./elf-format.ts";
import { SHT_NOBITS } from "./object-file.ts";

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** SHT_ number. */
  readonly type: number;
  /** SHF_ bits. */
  readonly flags: number;
  readonly address: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes; for SHT_NOBITS more than `data` has. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entrySize: number;
  /** A view of the file's bytes. */
  readonly data: Uint8Array;
}

export interface ElfSegment {
  /** PT_ number. */
  readonly type: number;
  /** PF_ bits. */
  readonly flags: number;
  readonly offset: number;
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
  /** A view of the file's bytes. */
  readonly data: Uint8Array;
}

export interface ElfSymbol {
  readonly name: string;
  /** Address in an executable, offset in its section in a relocatable file. */
  readonly value: number;
  readonly size: number;
  /** Global for bindings that ELF leaves to systems and processors. */
  readonly binding: (typeof SYMBOL_BINDINGS)[number];
  /** `notype` for types that are none of these. */
  readonly type: (typeof SYMBOL_TYPES)[number];
  readonly visibility: (typeof SYMBOL_VISIBILITIES)[number];
  /** An SHN_ number. */
  readonly sectionIndex: number;
  /** Undefined for undefined, absolute and common symbols. */
  readonly section: ElfSection | undefined;
}

export interface ElfRelocation {
  /** The section that the field is in. */
  readonly section: ElfSection;
  /** Byte offset of the field in that section; a linear address in executables. */
  readonly offset: number;
  /** R_386_ number. */
  readonly type: number;
  readonly symbol: ElfSymbol;
}

export interface ElfFile {
  /** ET_ number. */
  readonly type: number;
  /** Linear address of the first instruction. */
  readonly entry: number;
  readonly header: Fields<typeof ELF_HEADER>;
  /** The null section first. */
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
  /** The null symbol first; empty if the file is stripped. */
  readonly symbols: readonly ElfSymbol[];
  /** In the order of the sections that hold them. */
  readonly relocations: readonly ElfRelocation[];
}

/** Bytes; a longer name makes a file unreadable rather than slow. */
const LONGEST_NAME = 16 * 1024;

const FIELD_METHODS = { 1: "uint8", 2: "uint16le", 4: "uint32le" } as const;

const tableParsers = new Map<Layout, Parser>();

/** The compiled parser for a table of such records that fills its buffer. */
function tableParser(layout: Layout): Parser {
  let parser = tableParsers.get(layout);
  if (parser === undefined) {
    const record = layout.reduce((built, [name, size]) => built[FIELD_METHODS[size]](name), new Parser());
    parser = new Parser().array("records", { type: record, readUntil: "eof" });
    tableParsers.set(layout, parser);
  }
  return parser;
}

/** Bytes `offset` to `offset + length` of the file. */
function slice(bytes: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  if (offset + length > bytes.length) {
    throw new ElfError(`${what}, ${length} bytes, reaches beyond the end of the file of ${bytes.length} bytes`, offset);
  }
  return bytes.subarray(offset, offset + length);
}

function parseTable<L extends Layout>(layout: L, bytes: Uint8Array): Fields<L>[] {
  if (bytes.length === 0) return [];
  return (tableParser(layout).parse(bytes) as { records: Fields<L>[] }).records;
}

function readTable<L extends Layout>(
  bytes: Uint8Array,
  layout: L,
  offset: number,
  count: number,
  entrySize: number,
  what: string,
): Fields<L>[] {
  if (count === 0) return [];
  const expected = sizeOf(layout);
  if (entrySize !== expected)
    throw new ElfError(`${what} has entries of ${entrySize} bytes instead of ${expected}`, offset);
  return parseTable(layout, slice(bytes, offset, count * expected, what));
}

function readHeader(bytes: Uint8Array): Fields<typeof ELF_HEADER> {
  const size = sizeOf(ELF_HEADER);
  const magic = [0, 8, 16, 24].map((shift) => (ELF_MAGIC >>> shift) & 0xff);
  if (magic.some((byte, index) => bytes[index] !== byte))
    throw new ElfError("not an ELF file: no \\x7fELF at its start", 0);
  if (bytes[4] === ELFCLASS64) throw new ElfError("a 64-bit ELF file; only 32-bit files can be read", 4);
  if (bytes.length < size) throw new ElfError(`the file ends within the ELF header of ${size} bytes`, bytes.length);
  const [header] = parseTable(ELF_HEADER, bytes.subarray(0, size));
  if (header.ei_class !== ELFCLASS32) throw new ElfError(`unknown ELF class ${header.ei_class}`, 4);
  if (header.ei_data === ELFDATA2MSB)
    throw new ElfError("a big-endian ELF file; only little-endian files can be read", 5);
  if (header.ei_data !== ELFDATA2LSB) throw new ElfError(`unknown ELF data encoding ${header.ei_data}`, 5);
  if (header.ei_version !== EV_CURRENT) throw new ElfError(`unknown ELF version ${header.ei_version}`, 6);
  if (header.e_machine !== EM_386) {
    throw new ElfError(`made for machine ${header.e_machine}; only ${EM_386}, the i386, can be read`, 18);
  }
  if (header.e_shoff !== 0 && header.e_shnum === 0) {
    throw new ElfError("extended section numbering (more than 65279 sections) cannot be read", 48);
  }
  return header;
}

/** Names in a string table section. */
class Names {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(private readonly table: ElfSection) {
    if (table.type !== SHT_STRTAB) {
      throw new ElfError(`section ${table.index} has type ${table.type} but is used as a string table`, table.offset);
    }
  }

  at(offset: number): string {
    const { data, index, offset: start } = this.table;
    if (offset === 0 && (data.length === 0 || data[0] === 0)) return "";
    if (offset >= data.length) {
      throw new ElfError(`name ${offset} lies outside of string table ${index}, which has ${data.length} bytes`, start);
    }
    const limit = Math.min(data.length, offset + LONGEST_NAME);
    const end = data.subarray(offset, limit).indexOf(0);
    if (end < 0) throw new ElfError(`a name in string table ${index} does not end`, start + offset);
    return this.decoder.decode(data.subarray(offset, offset + end));
  }
}

function readSections(bytes: Uint8Array, header: Fields<typeof ELF_HEADER>): ElfSection[] {
  const { e_shoff, e_shentsize, e_shstrndx } = header;
  const count = e_shoff === 0 ? 0 : header.e_shnum;
  const records = readTable(bytes, SECTION_HEADER, e_shoff, count, e_shentsize, "the section header table");
  const unnamed = records.map((record, index): ElfSection => {
    const { sh_type, sh_offset, sh_size } = record;
    const hasData = sh_type !== SHT_NOBITS && sh_type !== SHT_NULL;
    return {
      index,
      name: "",
      type: sh_type,
      flags: record.sh_flags,
      address: record.sh_addr,
      offset: sh_offset,
      size: sh_size,
      link: record.sh_link,
      info: record.sh_info,
      alignment: record.sh_addralign,
      entrySize: record.sh_entsize,
      data: hasData && sh_size > 0 ? slice(bytes, sh_offset, sh_size, `section ${index}`) : new Uint8Array(0),
    };
  });
  if (e_shstrndx === SHN_UNDEF || unnamed.length === 0) return unnamed;
  const table = unnamed[e_shstrndx];
  if (table === undefined)
    throw new ElfError(`the section name table is section ${e_shstrndx} of ${unnamed.length}`, 50);
  const names = new Names(table);
  return unnamed.map((section, index) => ({ ...section, name: names.at(records[index].sh_name) }));
}

function readSegments(bytes: Uint8Array, { e_phoff, e_phnum, e_phentsize }: Fields<typeof ELF_HEADER>): ElfSegment[] {
  const records = readTable(bytes, PROGRAM_HEADER, e_phoff, e_phnum, e_phentsize, "the program header table");
  return records.map((record, index) => {
    const at = e_phoff + index * e_phentsize;
    if (record.p_filesz > record.p_memsz) {
      const { p_filesz, p_memsz } = record;
      throw new ElfError(`segment ${index} has ${p_filesz} bytes in the file, more than its ${p_memsz} in memory`, at);
    }
    return {
      type: record.p_type,
      flags: record.p_flags,
      offset: record.p_offset,
      virtualAddress: record.p_vaddr,
      physicalAddress: record.p_paddr,
      fileSize: record.p_filesz,
      memorySize: record.p_memsz,
      alignment: record.p_align,
      data:
        record.p_filesz > 0 ? slice(bytes, record.p_offset, record.p_filesz, `segment ${index}`) : new Uint8Array(0),
    };
  });
}

function linkedSection(sections: readonly ElfSection[], { index, link, offset }: ElfSection): ElfSection {
  if (link >= sections.length)
    throw new ElfError(`section ${index} refers to section ${link} of ${sections.length}`, offset);
  return sections[link];
}

/** The records of a table that is a section. */
function sectionRecords<L extends Layout>(layout: L, section: ElfSection): Fields<L>[] {
  const size = sizeOf(layout);
  const { index, name, entrySize, data, offset } = section;
  if (entrySize !== size) {
    throw new ElfError(`section ${index} (${name}) has entries of ${entrySize} bytes instead of ${size}`, offset);
  }
  if (data.length % size !== 0) {
    throw new ElfError(
      `section ${index} (${name}) has ${data.length} bytes, no multiple of its entries' ${size}`,
      offset,
    );
  }
  return parseTable(layout, data);
}

function readSymbols(sections: readonly ElfSection[], table: ElfSection): ElfSymbol[] {
  const names = new Names(linkedSection(sections, table));
  return sectionRecords(SYMBOL, table).map((record, index) => {
    const { st_name, st_value, st_size, st_info, st_other, st_shndx } = record;
    const isOrdinary = st_shndx !== SHN_UNDEF && st_shndx < SHN_LORESERVE;
    const section = isOrdinary ? sections[st_shndx] : undefined;
    if (isOrdinary && section === undefined) {
      const at = table.offset + index * sizeOf(SYMBOL);
      throw new ElfError(`symbol ${index} is defined in section ${st_shndx} of ${sections.length}`, at);
    }
    return {
      name: names.at(st_name),
      value: st_value,
      size: st_size,
      binding: SYMBOL_BINDINGS[st_info >> 4] ?? "global",
      type: SYMBOL_TYPES[st_info & 15] ?? "notype",
      visibility: SYMBOL_VISIBILITIES[st_other & 3],
      sectionIndex: st_shndx,
      section,
    };
  });
}

function readRelocations(
  sections: readonly ElfSection[],
  table: ElfSection,
  symbols: readonly ElfSymbol[],
): ElfRelocation[] {
  const target = sections[table.info];
  if (target === undefined) {
    throw new ElfError(`section ${table.index} relocates section ${table.info} of ${sections.length}`, table.offset);
  }
  return sectionRecords(REL, table).map(({ r_offset, r_info }, index) => {
    const symbol = symbols[r_info >>> 8];
    if (symbol === undefined) {
      const at = table.offset + index * sizeOf(REL);
      throw new ElfError(
        `relocation ${index} of ${target.name} is against symbol ${r_info >>> 8} of ${symbols.length}`,
        at,
      );
    }
    return { section: target, offset: r_offset, type: r_info & 0xff, symbol };
  });
}

/**
 * Reads an ELF32 i386 file. Section and segment contents are views of `bytes`.
 * @throws ElfError saying what is wrong at which offset, if it is no such file or breaks the format's rules
 */
export function readElf(bytes: Uint8Array): ElfFile {
  const header = readHeader(bytes);
  const segments = readSegments(bytes, header);
  const sections = readSections(bytes, header);
  const symbolTables = sections.filter(({ type }) => type === SHT_SYMTAB);
  if (symbolTables.length > 1) throw new ElfError("the file has more than one symbol table", symbolTables[1].offset);
  const symbols = symbolTables.length === 0 ? [] : readSymbols(sections, symbolTables[0]);
  // Dynamic relocations refer to another symbol table; they are the dynamic linker's, not ours.
  const symbolTable = symbolTables[0]?.index;
  const ours = sections.filter(({ type, link }) => (type === SHT_REL || type === SHT_RELA) && link === symbolTable);
  let total = 0;
  const relocations: ElfRelocation[] = [];
  for (const table of ours) {
    if (table.type === SHT_RELA)
      throw new ElfError(`section ${table.name} has RELA relocations; the i386 uses REL`, table.offset);
    // Honest tables do not overlap, so that together they are smaller than the file.
    if ((total += table.size) > bytes.length) throw new ElfError("relocation tables overlap", table.offset);
    for (const relocation of readRelocations(sections, table, symbols)) relocations.push(relocation);
  }
  return { type: header.e_type, entry: header.e_entry, header, sections, segments, symbols, relocations };
}
