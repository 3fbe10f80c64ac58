/** Values of expressions. */
import { type CType, type PlainType, plainType } from "../../../asm/dwarf/reader/index.ts";
import type { RegisterName } from "../../../emulator/index.ts";
import { INT, LONG, UNSIGNED, UNSIGNED_LONG } from "./types.ts";

/** A number; a bigint where no number has it exactly. */
export type Scalar = number | bigint;

/** A value with its type. What lies in memory has an address, and is read when it is wanted. */
export interface Value {
  readonly type: CType;
  /** Linear address, if it lies in memory. */
  readonly address?: number;
  /** Of what is no aggregate and does not lie in memory: within the range of its type. */
  readonly scalar?: Scalar;
  /** Of what lies in registers or nowhere: its bytes. */
  readonly bytes?: Uint8Array;
  /** Of a bit-field: its bits, from bit 0 of the byte at its address on. */
  readonly bits?: { readonly first: number; readonly count: number };
  /** The register it is, so that it can be set. */
  readonly register?: RegisterName;
  /** Why it cannot be known, if it cannot. */
  readonly absent?: "optimized out" | "unavailable";
}

function simplified(value: bigint): Scalar {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Brings a number into the range of a type, as a conversion in C does. */
export function wrap(scalar: Scalar, type: CType): Scalar {
  const plain = plainType(type);
  if (plain.kind === "float") {
    return plain.size === 4 ? Math.fround(Number(scalar)) : Number(scalar);
  }
  const whole = typeof scalar === "number" ? Math.trunc(scalar) : scalar;
  const signed = isSigned(plain);
  if (plain.kind === "integer" && plain.shows === "boolean") return whole === 0 || whole === 0n ? 0 : 1;
  const bits = plain.kind === "integer" || plain.kind === "enum" ? 8 * plain.size : 32;
  if (bits <= 32 && typeof whole === "number" && Number.isSafeInteger(whole)) {
    const shift = 32 - bits;
    const low = ((whole % 2 ** 32) | 0) << shift;
    return signed ? low >> shift : low >>> shift;
  }
  if (typeof whole === "number" && !Number.isFinite(whole)) return 0;
  const wide = BigInt(whole);
  return simplified(signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide));
}

/** Whether values of a type may be negative. */
export function isSigned(type: PlainType): boolean {
  return (type.kind === "integer" || type.kind === "enum") && type.signed;
}

/** The number that bytes hold, as a value of a type; that is no aggregate. */
export function decode(bytes: Uint8Array, type: CType, bits?: Value["bits"]): Scalar {
  const plain = plainType(type);
  if (plain.kind === "float") return decodeFloat(bytes);
  if (bits === undefined && bytes.length <= 4) {
    let number = 0;
    for (let i = bytes.length - 1; i >= 0; i--) number = number * 256 + bytes[i];
    return wrap(number, type);
  }
  let wide = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) wide = (wide << 8n) | BigInt(bytes[i]);
  if (bits === undefined) return wrap(wide, type);
  wide = BigInt.asUintN(bits.count, wide >> BigInt(bits.first));
  return simplified(isSigned(plain) ? BigInt.asIntN(bits.count, wide) : wide);
}

/** Bytes that hold a number as a value of a type. */
export function encode(scalar: Scalar, type: CType): Uint8Array {
  const plain = plainType(type);
  const bytes = new Uint8Array(plain.size);
  const view = new DataView(bytes.buffer);
  if (plain.kind === "float" && plain.size === 4) view.setFloat32(0, Number(scalar), true);
  else if (plain.kind === "float" && plain.size === 8) view.setFloat64(0, Number(scalar), true);
  else {
    let rest = BigInt(wrap(scalar, type));
    for (let i = 0; i < bytes.length; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  }
  return bytes;
}

const EXPONENT_BIAS = 16383;
const FRACTION_BITS = 63;

function decodeFloat(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) return view.getFloat32(0, true);
  if (bytes.length === 8) return view.getFloat64(0, true);
  // The x87's 80 bits, as near as a double comes.
  const fraction = Number(view.getBigUint64(0, true));
  const head = view.getUint16(8, true);
  const exponent = head & 0x7fff;
  const sign = (head & 0x8000) === 0 ? 1 : -1;
  if (exponent === 0x7fff)
    return BigInt.asUintN(63, view.getBigUint64(0, true)) === 0n ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * fraction * 2 ** (exponent - EXPONENT_BIAS - FRACTION_BITS);
}

/** A number as an expression without further type has it: int where it fits, else the next type that holds it. */
export function plain(scalar: Scalar): Value {
  if (typeof scalar === "bigint") return { type: scalar < 2n ** 63n ? LONG : UNSIGNED_LONG, scalar };
  const type = scalar === (scalar | 0) ? INT : scalar >= 0 && scalar < 2 ** 32 ? UNSIGNED : LONG;
  return { type, scalar };
}

export function unsigned(number: number): Value {
  return { type: UNSIGNED, scalar: number >>> 0 };
}
