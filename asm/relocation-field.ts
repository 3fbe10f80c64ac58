/** The fields that relocations fill (System V ABI, i386 supplement, chapter 4). */
import { R_386_PLT32 } from "./elf-format.ts";
import { R_386_8, R_386_16, R_386_32, R_386_PC8, R_386_PC16, R_386_PC32 } from "./object-file.ts";

export interface RelocationField {
  /** Bytes. */
  readonly size: 1 | 2 | 4;
  /** The field holds a distance from itself. */
  readonly relative: boolean;
  /** Least and greatest value that fits, as a signed number. */
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * The fields of the relocation types that a static link can do.
 * Absolute fields may be meant signed or unsigned, and so may a 16-bit distance, as IP wraps at 64 KiB in 16-bit code.
 * An 8-bit distance is always sign-extended.
 */
export const RELOCATION_FIELDS: Readonly<Record<number, RelocationField>> = {
  [R_386_32]: { size: 4, relative: false, minimum: -0x8000_0000, maximum: 0x7fff_ffff },
  [R_386_PC32]: { size: 4, relative: true, minimum: -0x8000_0000, maximum: 0x7fff_ffff },
  [R_386_PLT32]: { size: 4, relative: true, minimum: -0x8000_0000, maximum: 0x7fff_ffff },
  [R_386_16]: { size: 2, relative: false, minimum: -0x8000, maximum: 0xffff },
  [R_386_PC16]: { size: 2, relative: true, minimum: -0x8000, maximum: 0xffff },
  [R_386_8]: { size: 1, relative: false, minimum: -0x80, maximum: 0xff },
  [R_386_PC8]: { size: 1, relative: true, minimum: -0x80, maximum: 0x7f },
};

/** The addend that stands in a field. */
export function readField(data: DataView, offset: number, { size }: RelocationField): number {
  if (size === 4) return data.getInt32(offset, true);
  return size === 2 ? data.getInt16(offset, true) : data.getInt8(offset);
}

/** Stores the low bits of `value`. */
export function writeField(data: DataView, offset: number, { size }: RelocationField, value: number): void {
  if (size === 4) data.setInt32(offset, value, true);
  else if (size === 2) data.setInt16(offset, value, true);
  else data.setInt8(offset, value);
}
