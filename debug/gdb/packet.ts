/**
 * Packets of GDB's remote serial protocol (GDB manual, appendix E.1): `$data#checksum`, with `+`, `-` and Ctrl-C between
 * them. Bytes are characters of code 0 to 255 here.
 */

/** The longest packet taken, in bytes; GDB is told. */
export const LONGEST_PACKET = 0x4000;

const CTRL_C = "\x03";
const ESCAPE = "}";
const ESCAPE_BIT = 0x20;

export type Received =
  | { readonly kind: "packet"; readonly data: string }
  /** A packet that is damaged, or too long. */
  | { readonly kind: "damaged" }
  /** GDB got our last packet damaged. */
  | { readonly kind: "resend" }
  /** Ctrl-C. */
  | { readonly kind: "interrupt" };

function checksum(data: string): string {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (sum + data.charCodeAt(i)) & 0xff;
  return sum.toString(16).padStart(2, "0");
}

/** A packet with this data. */
export function packet(data: string): string {
  const escaped = data.replace(/[#$*}]/g, (char) => ESCAPE + String.fromCharCode(char.charCodeAt(0) ^ ESCAPE_BIT));
  return `$${escaped}#${checksum(escaped)}`;
}

function unescaped(data: string): string {
  return data.replace(/\}([\s\S])/g, (_, char: string) => String.fromCharCode(char.charCodeAt(0) ^ ESCAPE_BIT));
}

/** Takes a stream apart, whatever pieces it comes in. It keeps `LONGEST_PACKET` bytes at most. */
export class PacketReader {
  /** Data of the packet under way, without its `$`; undefined between packets. */
  #data: string | undefined;
  #isTooLong = false;
  /** Digits of the checksum so far; undefined before the `#`. */
  #digits: string | undefined;

  *push(text: string): Generator<Received> {
    for (const char of text) {
      const received = this.#take(char);
      if (received !== undefined) yield received;
    }
  }

  #take(char: string): Received | undefined {
    if (this.#data === undefined) return this.#between(char);
    if (this.#digits === undefined) {
      if (char === "#") this.#digits = "";
      else if (char === "$") this.#start();
      else if (this.#data.length < LONGEST_PACKET) this.#data += char;
      else this.#isTooLong = true;
      return undefined;
    }
    this.#digits += char;
    if (this.#digits.length < 2) return undefined;
    const data = this.#data;
    const isWhole = !this.#isTooLong && this.#digits.toLowerCase() === checksum(data);
    this.#data = undefined;
    return isWhole ? { kind: "packet", data: unescaped(data) } : { kind: "damaged" };
  }

  #between(char: string): Received | undefined {
    if (char === "$") this.#start();
    else if (char === CTRL_C) return { kind: "interrupt" };
    else if (char === "-") return { kind: "resend" };
    return undefined;
  }

  #start(): void {
    this.#data = "";
    this.#digits = undefined;
    this.#isTooLong = false;
  }
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Iterable<number>): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes that hexadecimal digits stand for; undefined when they are none. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
