/**
 * The relocatable object: what the assembler makes, the ELF writer stores and the linker joins.
 * Numbers and names are those of the ELF specification (TIS ELF 1.2, book I).
 */

export const SHT_PROGBITS = 1;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;

export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
export const SHF_MERGE = 0x10;
export const SHF_STRINGS = 0x20;
export const SHF_GROUP = 0x200;
export const SHF_TLS = 0x400;
export const SHF_EXCLUDE = 0x8000_0000;

export const R_386_32 = 1;
export const R_386_PC32 = 2;
export const R_386_GOTPC = 10;
export const R_386_16 = 20;
export const R_386_PC16 = 21;
export const R_386_8 = 22;
export const R_386_PC8 = 23;

export interface Relocation {
  /** Byte offset of the field in its section. The addend is already in the field (REL). */
  readonly offset: number;
  readonly type: number;
  /** The symbol whose value is added. */
  readonly symbol: ObjectSymbol;
}

/** Where the bytes from an offset on come from. */
export interface SectionLine {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly file: string;
  /** Counts from 1. Of what a macro made, the line that uses the macro. */
  readonly line: number;
  /** Counts from 1; left out where it is not known. */
  readonly column?: number;
}

/** Sections that a linker takes or leaves together. */
export interface SectionGroup {
  /** The name of the symbol by which groups of several objects are known to be the same. */
  readonly signature: string;
  /** Whether a program has one of several groups of the same signature. */
  readonly isComdat: boolean;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Entry size, for SHF_MERGE sections; else 0. */
  readonly entrySize: number;
  /** Bytes, a power of two. */
  alignment: number;
  /** Empty for SHT_NOBITS. */
  data: Uint8Array;
  /** Bytes; equals data.length except for SHT_NOBITS. */
  size: number;
  relocations: Relocation[];
  /** The group that it is in, the same object for all of its sections; `flags` has SHF_GROUP then. */
  readonly group?: SectionGroup | undefined;
  /** The source lines of a code section, by offset: an entry for each instruction and each statement of data. */
  lines?: readonly SectionLine[];
}

export interface ObjectSymbol {
  readonly name: string;
  readonly binding: "local" | "global" | "weak";
  readonly type: "notype" | "object" | "function" | "section" | "file" | "common" | "tls";
  /** Who sees the name; `default` if not given: all others. */
  readonly visibility?: "default" | "internal" | "hidden" | "protected";
  /** The section it is defined in, "absolute", "common", or undefined (to be found in another object). */
  readonly section: Section | "absolute" | "common" | undefined;
  /** Offset in the section, or the absolute value; alignment for common symbols. */
  readonly value: number;
  /** Bytes, as .size gave them. */
  readonly size: number;
}

export interface ObjectFile {
  /** The source's name, for messages and the STT_FILE symbol. */
  readonly name: string;
  readonly sections: readonly Section[];
  readonly symbols: readonly ObjectSymbol[];
}
