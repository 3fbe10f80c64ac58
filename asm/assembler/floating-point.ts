/** Floating-point numbers in memory. */

const NUMBER =
  /[-+]?(?:0[a-zA-Z])?\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf(?:inity)?|nan))/iy;

/** A number as it is written: `[0f][-]12.5e3`, `inf`, `nan`. */
export interface FloatingPoint {
  readonly isNegative: boolean;
  /** Without sign, lower case. */
  readonly magnitude: string;
}

/** Reads the number at `start` of a text. Undefined if there is none. */
export function readFloatingPoint(text: string, start: number): { number: FloatingPoint; end: number } | undefined {
  NUMBER.lastIndex = start;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [whole, written] = match;
  const isNegative = whole.trimStart().startsWith("-") !== (written !== whole && written.startsWith("-"));
  return { number: { isNegative, magnitude: written.replace(/^[-+]/, "").toLowerCase() }, end: NUMBER.lastIndex };
}

/** The bytes of a number in the formats of the x87 with 4, 8 or 10 bytes (Intel SDM vol. 1, 4.2.2), little-endian. */
export function floatingPointBytes(number: FloatingPoint, size: 4 | 8 | 10): Uint8Array {
  if (size === 10) return extendedBytes(number);
  const { isNegative, magnitude } = number;
  const value = magnitude.startsWith("inf") ? Number.POSITIVE_INFINITY : Number(magnitude);
  const view = new DataView(new ArrayBuffer(size));
  if (size === 4) view.setFloat32(0, isNegative ? -value : value, true);
  else view.setFloat64(0, isNegative ? -value : value, true);
  return new Uint8Array(view.buffer);
}

const BIAS = 16383;
const LARGEST_EXPONENT = 0x7fff;
const TOP_BIT = 1n << 63n;
/** Powers of ten beyond this are infinite or nothing. */
const MAX_POWER = 6000;

function extendedBytes({ isNegative, magnitude }: FloatingPoint): Uint8Array {
  if (magnitude === "nan") return encodeExtended(isNegative, LARGEST_EXPONENT, (1n << 64n) - 1n);
  if (magnitude.startsWith("inf")) return encodeExtended(isNegative, LARGEST_EXPONENT, TOP_BIT);
  const [, whole, fraction = "", power = "0"] = /^([0-9]*)\.?([0-9]*)(?:e([-+]?[0-9]+))?$/.exec(magnitude)!;
  const digits = BigInt(`0${whole}${fraction}`);
  const exponent = Number(power) - fraction.length;
  if (digits === 0n || exponent < -MAX_POWER - magnitude.length) return encodeExtended(isNegative, 0, 0n);
  if (exponent > MAX_POWER) return encodeExtended(isNegative, LARGEST_EXPONENT, TOP_BIT);
  const numerator = exponent > 0 ? digits * 10n ** BigInt(exponent) : digits;
  const denominator = exponent < 0 ? 10n ** BigInt(-exponent) : 1n;
  // value = significand * 2^binary, the significand with 64 bits, or fewer where the exponent can't go lower.
  let binary = bitLength(numerator) - bitLength(denominator) - 64;
  if (ratio(numerator, denominator, binary) >= TOP_BIT * 2n) binary++;
  binary = Math.max(binary, 1 - BIAS - 63);
  let significand = ratio(numerator, denominator, binary);
  if (significand === TOP_BIT * 2n) {
    significand = TOP_BIT;
    binary++;
  }
  const biased = significand < TOP_BIT ? 0 : binary + 63 + BIAS;
  if (biased >= LARGEST_EXPONENT) return encodeExtended(isNegative, LARGEST_EXPONENT, TOP_BIT);
  return encodeExtended(isNegative, biased, significand);
}

/** `numerator / denominator / 2^binary`, rounded to the nearest, ties to even. */
function ratio(numerator: bigint, denominator: bigint, binary: number): bigint {
  const over = binary < 0 ? numerator << BigInt(-binary) : numerator;
  const under = binary > 0 ? denominator << BigInt(binary) : denominator;
  const quotient = over / under;
  const twice = (over % under) * 2n;
  return twice > under || (twice === under && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

const bitLength = (value: bigint): number => value.toString(2).length;

function encodeExtended(isNegative: boolean, exponent: number, significand: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(10));
  view.setBigUint64(0, significand, true);
  view.setUint16(8, exponent | (isNegative ? 0x8000 : 0), true);
  return new Uint8Array(view.buffer);
}
