/** Reading a debugging section, little-endian. Every method throws ElfError beyond the end. */
import { ElfError } from "../elf-format.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class ByteReader {
  /** Where the next byte is read. */
  at: number;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly end: number,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    if (start > end || end > bytes.length) throw this.error("a unit reaches beyond its end");
  }

  /** Bytes to the end. */
  get left(): number {
    return this.end - this.at;
  }

  error(message: string): ElfError {
    return new ElfError(`${this.name}: ${message} (at ${this.at})`);
  }

  /** Goes on, never back. */
  seek(at: number): void {
    if (at < this.at || at > this.end) throw this.error(`the next part would be at ${at}`);
    this.at = at;
  }

  skip(count: number): void {
    this.seek(this.at + count);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** Unsigned LEB128; what is beyond 32 bits is lost. */
  uleb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Signed LEB128, of 32 bits. */
  sleb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift + 7 < 32 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
    }
  }

  /** Up to a NUL. */
  string(): string {
    const length = this.bytes.subarray(this.at, this.end).indexOf(0);
    if (length < 0) throw this.error("a string does not end");
    const text = decoder.decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length + 1;
    return text;
  }

  private take(count: number): number {
    const { at } = this;
    if (at + count > this.end) throw this.error("it ends within a value");
    this.at += count;
    return at;
  }
}
