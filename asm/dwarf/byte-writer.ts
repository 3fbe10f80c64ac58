/** A debugging section while it is written, little-endian. */
import type { Section } from "../object-file.ts";
import { ADDRESS_SIZE } from "./dwarf-format.ts";

/** An address: an offset in a section of an object, or once linked a linear address. */
export interface CodeAddress {
  readonly section: Section | undefined;
  readonly value: number;
}

/** A word that a linker must add the address of a section to. */
export interface Reference {
  readonly offset: number;
  /** A section of the program, or the name of a debugging section. */
  readonly target: Section | string;
  /** The word holds the distance from itself. */
  readonly isRelative?: true;
}

const utf8 = new TextEncoder();

export class ByteWriter {
  readonly references: Reference[] = [];
  private readonly bytes: number[] = [];

  get length(): number {
    return this.bytes.length;
  }

  u8(value: number): this {
    this.bytes.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  /** Unsigned LEB128 (dwarf-4, 7.6). */
  uleb(value: number): this {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.u8(rest | 0x80);
      rest >>>= 7;
    }
    return this.u8(rest);
  }

  /** Signed LEB128. */
  sleb(value: number): this {
    let rest = value | 0;
    while (rest < -0x40 || rest >= 0x40) {
      this.u8(rest | 0x80);
      rest >>= 7;
    }
    return this.u8(rest & 0x7f);
  }

  /** With a NUL behind it. */
  string(text: string): this {
    return this.append(utf8.encode(text)).u8(0);
  }

  append(bytes: Iterable<number>): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }

  address({ section, value }: CodeAddress): this {
    if (section !== undefined) this.references.push({ offset: this.length, target: section });
    return this.u32(value);
  }

  /** The distance from here to an offset in a section of an object. */
  relativeAddress(section: Section, value: number): this {
    this.references.push({ offset: this.length, target: section, isRelative: true });
    return this.u32(value);
  }

  /** An offset in a debugging section. */
  sectionOffset(name: string, offset: number): this {
    this.references.push({ offset: this.length, target: name });
    return this.u32(offset);
  }

  /** Writes what follows a word that holds its length; the contents are padded to a multiple of `alignment` bytes. */
  sized(write: () => void, padding?: { readonly alignment: number; readonly fill: number }): this {
    const at = this.length;
    this.u32(0);
    write();
    if (padding !== undefined) while (this.length % padding.alignment !== 0) this.u8(padding.fill);
    this.patch(at, this.length - at - ADDRESS_SIZE);
    return this;
  }

  /** Writes a word over what is there. */
  patch(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}
