/**
 * The ELF32 file format for the i386: numbers and record layouts as the ELF specification (TIS ELF 1.2, book I) and its
 * i386 supplement give them, under their names there. The reader and the writer both work from these tables.
 */

/** A record of little-endian unsigned fields, in file order without gaps: name and size in bytes. */
export type Layout = readonly (readonly [name: string, size: 1 | 2 | 4])[];

/** The values of a record's fields. */
export type Fields<L extends Layout> = { [Name in L[number][0]]: number };

/** Bytes that one record occupies. */
export function sizeOf(layout: Layout): number {
  return layout.reduce((sum, [, size]) => sum + size, 0);
}

export const ELF_HEADER = [
  ["ei_magic", 4],
  ["ei_class", 1],
  ["ei_data", 1],
  ["ei_version", 1],
  ["ei_osabi", 1],
  ["ei_abiversion", 1],
  ["ei_padding_1", 1],
  ["ei_padding_2", 2],
  ["ei_padding_3", 4],
  ["e_type", 2],
  ["e_machine", 2],
  ["e_version", 4],
  ["e_entry", 4],
  ["e_phoff", 4],
  ["e_shoff", 4],
  ["e_flags", 4],
  ["e_ehsize", 2],
  ["e_phentsize", 2],
  ["e_phnum", 2],
  ["e_shentsize", 2],
  ["e_shnum", 2],
  ["e_shstrndx", 2],
] as const;

export const PROGRAM_HEADER = [
  ["p_type", 4],
  ["p_offset", 4],
  ["p_vaddr", 4],
  ["p_paddr", 4],
  ["p_filesz", 4],
  ["p_memsz", 4],
  ["p_flags", 4],
  ["p_align", 4],
] as const;

export const SECTION_HEADER = [
  ["sh_name", 4],
  ["sh_type", 4],
  ["sh_flags", 4],
  ["sh_addr", 4],
  ["sh_offset", 4],
  ["sh_size", 4],
  ["sh_link", 4],
  ["sh_info", 4],
  ["sh_addralign", 4],
  ["sh_entsize", 4],
] as const;

export const SYMBOL = [
  ["st_name", 4],
  ["st_value", 4],
  ["st_size", 4],
  ["st_info", 1],
  ["st_other", 1],
  ["st_shndx", 2],
] as const;

export const REL = [
  ["r_offset", 4],
  ["r_info", 4],
] as const;

/** `\x7fELF` read as a little-endian word. */
export const ELF_MAGIC = 0x464c457f;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;
export const EM_386 = 3;

export const ET_REL = 1;
export const ET_EXEC = 2;

export const PT_LOAD = 1;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_NULL = 0;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_REL = 9;
export const SHT_GROUP = 17;
export const SHF_INFO_LINK = 0x40;

/** In the first word of a SHT_GROUP section. */
export const GRP_COMDAT = 1;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;

/** Symbol bindings by their number (STB_LOCAL, STB_GLOBAL, STB_WEAK). */
export const SYMBOL_BINDINGS = ["local", "global", "weak"] as const;

/** Symbol types by their number (STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_COMMON, STT_TLS). */
export const SYMBOL_TYPES = ["notype", "object", "function", "section", "file", "common", "tls"] as const;

/** Who sees a symbol, by number: st_other (STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED). */
export const SYMBOL_VISIBILITIES = ["default", "internal", "hidden", "protected"] as const;

/** Relocation types of the i386 by number; only those of `object-file.ts` and the two below can be linked. */
export const RELOCATION_NAMES: Readonly<Record<number, string>> = {
  0: "R_386_NONE",
  1: "R_386_32",
  2: "R_386_PC32",
  3: "R_386_GOT32",
  4: "R_386_PLT32",
  5: "R_386_COPY",
  6: "R_386_GLOB_DAT",
  7: "R_386_JUMP_SLOT",
  8: "R_386_RELATIVE",
  9: "R_386_GOTOFF",
  10: "R_386_GOTPC",
  14: "R_386_TLS_TPOFF",
  15: "R_386_TLS_IE",
  16: "R_386_TLS_GOTIE",
  17: "R_386_TLS_LE",
  18: "R_386_TLS_GD",
  19: "R_386_TLS_LDM",
  20: "R_386_16",
  21: "R_386_PC16",
  22: "R_386_8",
  23: "R_386_PC8",
  32: "R_386_TLS_LDO_32",
  33: "R_386_TLS_IE_32",
  34: "R_386_TLS_LE_32",
  38: "R_386_SIZE32",
  39: "R_386_TLS_GOTDESC",
  40: "R_386_TLS_DESC_CALL",
  43: "R_386_GOT32X",
};

export const R_386_NONE = 0;
/** A call through the procedure linkage table; in a static link the same as R_386_PC32. */
export const R_386_PLT32 = 4;

/** The relocation type's name, or its number where it has none here. */
export function relocationName(type: number): string {
  return RELOCATION_NAMES[type] ?? `relocation type ${type}`;
}

/** A file that is not a readable ELF32 i386 file, or cannot be written as one. */
export class ElfError extends Error {
  override readonly name = "ElfError";

  /** @param offset byte offset in the file where the fault lies */
  constructor(
    message: string,
    readonly offset?: number,
  ) {
    super(offset === undefined ? message : `${message} (at file offset 0x${offset.toString(16)})`);
  }
}
