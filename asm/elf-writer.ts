/** Writing ELF32 i386 files: relocatable objects as GNU as lays them out, and static executables. */

import type { DebugSection } from "./dwarf/program-units.ts";
import {
  ELF_HEADER,
  ELF_MAGIC,
  ELFCLASS32,
  ELFDATA2LSB,
  ElfError,
  EM_386,
  ET_EXEC,
  ET_REL,
  EV_CURRENT,
  type Fields,
  GRP_COMDAT,
  type Layout,
  PROGRAM_HEADER,
  PT_LOAD,
  REL,
  relocationName,
  SECTION_HEADER,
  SHF_INFO_LINK,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_GROUP,
  SHT_NULL,
  SHT_REL,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL,
  SYMBOL_BINDINGS,
  SYMBOL_TYPES,
  SYMBOL_VISIBILITIES,
  sizeOf,
} from "./elf-format.ts";
import type { LinkedImage, LinkedSymbol } from "./linked-image.ts";
import {
  type ObjectFile,
  type ObjectSymbol,
  type Section,
  SHF_GROUP,
  SHT_NOBITS,
  SHT_PROGBITS,
} from "./object-file.ts";
import { RELOCATION_FIELDS, readField, writeField } from "./relocation-field.ts";
import { groupsOf } from "./section-groups.ts";

type SectionHeader = Fields<typeof SECTION_HEADER>;
type SymbolRecord = Fields<typeof SYMBOL>;

const PAGE_SIZE = 4096;

const utf8 = new TextEncoder();

/** Records one after the other. */
function encode<L extends Layout>(layout: L, records: readonly Fields<L>[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(layout) * records.length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const record of records as readonly Readonly<Record<string, number>>[]) {
    for (const [name, size] of layout) {
      if (size === 4) view.setUint32(offset, record[name], true);
      else if (size === 2) view.setUint16(offset, record[name], true);
      else view.setUint8(offset, record[name]);
      offset += size;
    }
  }
  return bytes;
}

/** A string table: NUL-terminated names, each stored once, the empty one at 0. */
class StringTable {
  private readonly offsets = new Map<string, number>([["", 0]]);
  private readonly parts: Uint8Array[] = [new Uint8Array(1)];
  private length = 1;

  add(name: string): number {
    const known = this.offsets.get(name);
    if (known !== undefined) return known;
    const part = utf8.encode(`${name}\0`);
    const offset = this.length;
    this.offsets.set(name, offset);
    this.parts.push(part);
    this.length += part.length;
    return offset;
  }

  bytes(): Uint8Array {
    return concatenate(this.parts, this.length);
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** A file that grows by appending, and the section headers that describe it. */
class ElfBuilder {
  private readonly parts: Uint8Array[] = [];
  private length = sizeOf(ELF_HEADER);
  private readonly names = new StringTable();
  private readonly headers: SectionHeader[] = [sectionHeader({})];

  /** Bytes so far; where the next append without alignment goes. */
  get end(): number {
    return this.length;
  }

  /** Index that the next section will have. */
  get nextSection(): number {
    return this.headers.length;
  }

  /** Appends bytes at the next offset that equals `remainder` modulo `alignment`, and returns the offset. */
  append(bytes: Uint8Array, alignment = 1, remainder = 0): number {
    const padding = (((remainder - this.length) % alignment) + alignment) % alignment;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    this.parts.push(bytes);
    const offset = this.length + padding;
    this.length = offset + bytes.length;
    return offset;
  }

  /** Describes bytes that are in the file already. Returns the section's index. */
  addHeader(name: string, header: Partial<SectionHeader>): number {
    if (this.headers.length >= SHN_LORESERVE) {
      throw new ElfError(`too many sections: an ELF file without extended numbering holds ${SHN_LORESERVE - 1}`);
    }
    return this.headers.push(sectionHeader({ ...header, sh_name: this.names.add(name) })) - 1;
  }

  addSection(name: string, bytes: Uint8Array, header: Partial<SectionHeader>): number {
    const offset = this.append(bytes, header.sh_addralign ?? 1);
    return this.addHeader(name, { sh_size: bytes.length, ...header, sh_offset: offset });
  }

  /** Adds `.symtab` and `.strtab`. `symbols` must have the null symbol first and local symbols before others. */
  addSymbols(symbols: readonly SymbolRecord[], strings: StringTable): void {
    const firstGlobal = symbols.findIndex(({ st_info }) => st_info >> 4 !== 0);
    this.addSection(".symtab", encode(SYMBOL, symbols), {
      sh_type: SHT_SYMTAB,
      sh_link: this.nextSection + 1,
      sh_info: firstGlobal < 0 ? symbols.length : firstGlobal,
      sh_addralign: 4,
      sh_entsize: sizeOf(SYMBOL),
    });
    this.addSection(".strtab", strings.bytes(), { sh_type: SHT_STRTAB, sh_addralign: 1 });
  }

  /** Adds `.shstrtab`, the section headers and the file header, and returns the file. */
  finish(header: { e_type: number; e_entry: number; e_phoff: number; e_phnum: number }): Uint8Array {
    const nameTable = this.nextSection;
    this.names.add(".shstrtab");
    this.addSection(".shstrtab", this.names.bytes(), { sh_type: SHT_STRTAB, sh_addralign: 1 });
    const e_shoff = this.append(encode(SECTION_HEADER, this.headers), 4);
    const fileHeader = encode(ELF_HEADER, [
      {
        ei_magic: ELF_MAGIC,
        ei_class: ELFCLASS32,
        ei_data: ELFDATA2LSB,
        ei_version: EV_CURRENT,
        ei_osabi: 0,
        ei_abiversion: 0,
        ei_padding_1: 0,
        ei_padding_2: 0,
        ei_padding_3: 0,
        e_machine: EM_386,
        e_version: EV_CURRENT,
        e_shoff,
        e_flags: 0,
        e_ehsize: sizeOf(ELF_HEADER),
        e_phentsize: header.e_phnum > 0 ? sizeOf(PROGRAM_HEADER) : 0,
        e_shentsize: sizeOf(SECTION_HEADER),
        e_shnum: this.headers.length,
        e_shstrndx: nameTable,
        ...header,
      },
    ]);
    return concatenate([fileHeader, ...this.parts], this.length);
  }
}

function sectionHeader(fields: Partial<SectionHeader>): SectionHeader {
  return {
    sh_name: 0,
    sh_type: SHT_NULL,
    sh_flags: 0,
    sh_addr: 0,
    sh_offset: 0,
    sh_size: 0,
    sh_link: 0,
    sh_info: 0,
    sh_addralign: 0,
    sh_entsize: 0,
    ...fields,
  };
}

const NULL_SYMBOL: SymbolRecord = { st_name: 0, st_value: 0, st_size: 0, st_info: 0, st_other: 0, st_shndx: 0 };

function symbolInfo(binding: ObjectSymbol["binding"], type: ObjectSymbol["type"]): number {
  return (SYMBOL_BINDINGS.indexOf(binding) << 4) | SYMBOL_TYPES.indexOf(type);
}

/** The symbols of an object in the order of its symbol table, and the index of each. */
class ObjectSymbols {
  readonly records: SymbolRecord[] = [NULL_SYMBOL];
  private readonly strings: StringTable;
  private readonly bySection = new Map<Section, number>();
  private readonly bySymbol = new Map<ObjectSymbol, number>();
  private readonly undefinedByName = new Map<string, number>();
  /** Also the signatures of groups that no other symbol has for a name: they are in the group's own section. */
  private readonly byName = new Map<string, number>();

  constructor(object: ObjectFile, sectionIndex: ReadonlyMap<Section, number>, strings: StringTable) {
    this.strings = strings;
    const own = object.symbols.filter(({ type }) => type !== "section");
    if (!own.some(({ type }) => type === "file")) {
      this.push(object.name.replace(/^.*\//, ""), 0, 0, symbolInfo("local", "file"), SHN_ABS);
    }
    for (const [section, index] of sectionIndex) {
      this.bySection.set(section, this.push("", 0, 0, symbolInfo("local", "section"), index));
    }
    const add = (symbol: ObjectSymbol): void => {
      const { name, value, size, type, visibility, section } = symbol;
      const binding = section === undefined && symbol.binding === "local" ? "global" : symbol.binding;
      const index = this.push(
        name,
        value,
        size,
        symbolInfo(binding, type),
        this.shndx(symbol, sectionIndex),
        visibility,
      );
      this.bySymbol.set(symbol, index);
      if (type !== "file") this.byName.set(name, index);
      if (section === undefined) this.undefinedByName.set(name, index);
    };
    const isLocal = (symbol: ObjectSymbol): boolean => symbol.binding === "local" && symbol.section !== undefined;
    const names = new Set(own.flatMap(({ name, type }) => (type === "file" ? [] : [name])));
    for (const [place, { signature }] of [...groupsOf(object).keys()].entries()) {
      if (names.has(signature)) continue;
      this.byName.set(signature, this.push(signature, 0, 0, symbolInfo("local", "notype"), place + 1));
    }
    for (const symbol of own) if (isLocal(symbol) && symbol.type === "file") add(symbol);
    for (const symbol of own) if (isLocal(symbol) && symbol.type !== "file") add(symbol);
    for (const symbol of own) if (!isLocal(symbol)) add(symbol);
    for (const { relocations } of object.sections) {
      for (const { symbol } of relocations) {
        const isNew = symbol.section === undefined && symbol.name !== "" && !this.bySymbol.has(symbol);
        if (isNew && !this.undefinedByName.has(symbol.name)) add(symbol);
      }
    }
  }

  private push(
    name: string,
    value: number,
    size: number,
    st_info: number,
    st_shndx: number,
    visibility: ObjectSymbol["visibility"] = "default",
  ): number {
    const record = {
      st_name: this.strings.add(name),
      st_value: value >>> 0,
      st_size: size,
      st_info,
      st_other: SYMBOL_VISIBILITIES.indexOf(visibility),
      st_shndx,
    };
    return this.records.push(record) - 1;
  }

  private shndx({ name, section }: ObjectSymbol, sectionIndex: ReadonlyMap<Section, number>): number {
    if (section === undefined) return SHN_UNDEF;
    if (section === "absolute") return SHN_ABS;
    if (section === "common") return SHN_COMMON;
    const index = sectionIndex.get(section);
    if (index === undefined)
      throw new ElfError(`symbol '${name}' is defined in section ${section.name} of another object`);
    return index;
  }

  /** The symbol that has the name of a group. */
  signature(name: string): number {
    return this.byName.get(name) ?? 0;
  }

  /** The symbol to relocate against, and what the field must gain because it is another than the one asked for. */
  find(symbol: ObjectSymbol): { index: number; addend: number } {
    const { name, section, value } = symbol;
    const index = this.bySymbol.get(symbol) ?? (section === undefined ? this.undefinedByName.get(name) : undefined);
    if (index !== undefined) return { index, addend: 0 };
    const sectionSymbol = typeof section === "object" ? this.bySection.get(section) : undefined;
    if (sectionSymbol !== undefined) return { index: sectionSymbol, addend: value };
    if (name === "" || section === "absolute") return { index: 0, addend: value };
    throw new ElfError(`a relocation refers to '${name}', which the object's symbols do not hold`);
  }
}

function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value, true);
  return bytes;
}

function addToField(data: Uint8Array, offset: number, type: number, addend: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const field = RELOCATION_FIELDS[type];
  if (field === undefined) throw new ElfError(`${relocationName(type)} cannot be made relative to a section`);
  writeField(view, offset, field, readField(view, offset, field) + addend);
}

/**
 * An object as an ELF32 relocatable file with REL relocations. Local labels that are not among the object's symbols are
 * relocated against the section symbol.
 * @throws ElfError if the object has more sections than ELF can number or refers to sections of another
 */
export function writeRelocatable(object: ObjectFile): Uint8Array {
  const builder = new ElfBuilder();
  const strings = new StringTable();
  const sectionIndex = new Map<Section, number>();
  // Section numbers must be known before the symbols, and these before the relocations and the contents.
  const groups = groupsOf(object);
  let number = builder.nextSection + groups.size;
  for (const section of object.sections) {
    sectionIndex.set(section, number);
    number += section.relocations.length > 0 ? 2 : 1;
  }
  const symbols = new ObjectSymbols(object, sectionIndex, strings);
  for (const [{ signature, isComdat }, members] of groups) {
    const indices = members.flatMap((section) => {
      const index = sectionIndex.get(section)!;
      return section.relocations.length > 0 ? [index, index + 1] : [index];
    });
    builder.addSection(".group", words([isComdat ? GRP_COMDAT : 0, ...indices]), {
      sh_type: SHT_GROUP,
      sh_link: number,
      sh_info: symbols.signature(signature),
      sh_addralign: 4,
      sh_entsize: 4,
    });
  }
  for (const section of object.sections) {
    const data = new Uint8Array(section.data);
    const relocations = section.relocations.map(({ offset, type, symbol }) => {
      const { index, addend } = symbols.find(symbol);
      if (addend !== 0) addToField(data, offset, type, addend);
      return { r_offset: offset, r_info: (index << 8) | type };
    });
    const index = builder.addSection(section.name, data, {
      sh_type: section.type,
      sh_flags: section.flags,
      sh_size: section.size,
      sh_addralign: section.alignment,
      sh_entsize: section.entrySize,
    });
    if (relocations.length === 0) continue;
    builder.addSection(`.rel${section.name}`, encode(REL, relocations), {
      sh_type: SHT_REL,
      sh_flags: SHF_INFO_LINK | (section.flags & SHF_GROUP),
      sh_link: number,
      sh_info: index,
      sh_addralign: 4,
      sh_entsize: sizeOf(REL),
    });
  }
  builder.addSymbols(symbols.records, strings);
  return builder.finish({ e_type: ET_REL, e_entry: 0, e_phoff: 0, e_phnum: 0 });
}

/**
 * A linked program as a static ELF32 executable: one PT_LOAD for each segment, its file offset congruent to its address
 * modulo the page size so that it can be mapped, and section headers and all symbols for debuggers.
 * @param debug sections to add that are not loaded
 * @throws ElfError if the image has more sections than ELF can number
 */
export function writeExecutable(image: LinkedImage, debug: readonly DebugSection[] = []): Uint8Array {
  const builder = new ElfBuilder();
  const programHeaders = new Uint8Array(sizeOf(PROGRAM_HEADER) * image.segments.length);
  const e_phoff = builder.append(programHeaders);
  const offsets = image.segments.map(({ data, virtualAddress }) =>
    builder.append(data, PAGE_SIZE, virtualAddress % PAGE_SIZE),
  );
  programHeaders.set(
    encode(
      PROGRAM_HEADER,
      image.segments.map(({ virtualAddress, physicalAddress, data, memorySize, flags }, index) => ({
        p_type: PT_LOAD,
        p_offset: offsets[index],
        p_vaddr: virtualAddress,
        p_paddr: physicalAddress,
        p_filesz: data.length,
        p_memsz: memorySize,
        p_flags: flags,
        p_align: PAGE_SIZE,
      })),
    ),
  );
  const sectionIndex = new Map(
    image.sections.map((section) => {
      const { address, size } = section;
      const segment = image.segments.findIndex(
        ({ virtualAddress, memorySize }) => address >= virtualAddress && address + size <= virtualAddress + memorySize,
      );
      const sh_offset = segment < 0 ? builder.end : offsets[segment] + address - image.segments[segment].virtualAddress;
      const index = builder.addHeader(section.name, {
        sh_type: section.type,
        sh_flags: section.flags,
        sh_addr: address,
        sh_offset: section.type === SHT_NOBITS ? Math.min(sh_offset, builder.end) : sh_offset,
        sh_size: size,
        sh_addralign: section.alignment,
      });
      return [section, index];
    }),
  );
  for (const { name, data } of debug) builder.addSection(name, data, { sh_type: SHT_PROGBITS, sh_addralign: 1 });
  const strings = new StringTable();
  const record = ({ name, address, size, type, binding, section }: LinkedSymbol): SymbolRecord => ({
    st_name: strings.add(name),
    st_value: address,
    st_size: size,
    st_info: symbolInfo(binding, type),
    st_other: 0,
    st_shndx: (section && sectionIndex.get(section)) ?? SHN_ABS,
  });
  const isLocal = ({ binding }: LinkedSymbol): boolean => binding === "local";
  // Local symbols follow the name of their object, so that equal names can be told apart.
  let unit: string | undefined;
  const locals = image.symbols.filter(isLocal).flatMap((symbol) => {
    if (symbol.unit === unit || symbol.unit === undefined) return [record(symbol)];
    unit = symbol.unit;
    const file = { st_value: 0, st_size: 0, st_info: symbolInfo("local", "file"), st_other: 0, st_shndx: SHN_ABS };
    return [{ st_name: strings.add(unit), ...file }, record(symbol)];
  });
  const others = image.symbols.filter((symbol) => !isLocal(symbol)).map(record);
  builder.addSymbols([NULL_SYMBOL, ...locals, ...others], strings);
  const e_phnum = image.segments.length;
  return builder.finish({ e_type: ET_EXEC, e_entry: image.entry, e_phoff: e_phnum > 0 ? e_phoff : 0, e_phnum });
}
