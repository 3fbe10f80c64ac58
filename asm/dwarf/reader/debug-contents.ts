/** The debugging sections of a file, and readers in them. */
import type { ElfSection } from "../../elf-reader.ts";
import { ByteReader } from "../byte-reader.ts";

/** Contents that are compressed are not read; they count as absent. */
const SHF_COMPRESSED = 0x800;
const NOTHING = new Uint8Array(0);

/** A file, or what else has sections. */
export interface DebugSource {
  readonly sections: readonly Pick<ElfSection, "name" | "data" | "address" | "flags">[];
}

/** Bytes of sections by name; empty for those that the file lacks. */
export class DebugContents {
  readonly #sections = new Map<string, { readonly data: Uint8Array; readonly address: number }>();

  constructor(elf: DebugSource) {
    for (const { name, data, address, flags } of elf.sections) {
      const isRead = name.startsWith(".debug_") || name === ".eh_frame";
      if (isRead && (flags & SHF_COMPRESSED) === 0 && !this.#sections.has(name)) {
        this.#sections.set(name, { data, address });
      }
    }
  }

  bytes(name: string): Uint8Array {
    return this.#sections.get(name)?.data ?? NOTHING;
  }

  /** Linear address at which the section is loaded, 0 for one that is not. */
  address(name: string): number {
    return this.#sections.get(name)?.address ?? 0;
  }

  /** @throws ElfError when the section ends before `at` */
  reader(name: string, at = 0, end?: number): ByteReader {
    const bytes = this.bytes(name);
    return new ByteReader(bytes, at, end ?? bytes.length, name);
  }

  /** The string at an offset of a string section. @throws ElfError when there is none */
  string(name: string, offset: number): string {
    return this.reader(name, offset).string();
  }
}

export function u24(reader: ByteReader): number {
  return reader.u16() | (reader.u8() << 16);
}

/** 8 bytes: a number where one holds it exactly. */
export function u64(reader: ByteReader): number | bigint {
  const low = reader.u32();
  const high = reader.u32();
  return high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** LEB128 of up to 64 bits: a number where one holds it exactly. */
export function leb64(reader: ByteReader, signed: boolean): number | bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = reader.u8();
    if (shift < 70n) value |= BigInt(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (signed && (byte & 0x40) !== 0 && shift < 70n) value -= 1n << (shift + 7n);
    const whole = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
    const number = Number(whole);
    return Number.isSafeInteger(number) ? number : whole;
  }
}

/** `count` bytes, a view. */
export function block(reader: ByteReader, section: Uint8Array, count: number): Uint8Array {
  const start = reader.at;
  reader.skip(count);
  return section.subarray(start, start + count);
}
