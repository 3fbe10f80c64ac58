/**
 * The 80-bit extended format (Intel SDM 1, 4.2.2), its classes of values, and how NaN operands determine a result.
 *
 * Significands are two 32-bit halves kept as int32, so that V8 holds them as small integers.
 */
import { context, INVALID } from "./context.ts";

/** Exponent field of infinities and NaNs. */
export const EXPONENT_MAX = 0x7fff;
export const EXPONENT_BIAS = 0x3fff;
/** The integer bit, in the significand's high half; also the whole high half of a power of two. */
export const INTEGER_BIT = 0x80000000 | 0;
/** In the high half of a NaN's significand: it is quiet. */
export const QUIET_BIT = 0x40000000;

/** An 80-bit number. Results are written into existing ones: nothing here allocates. */
export class Float80 {
  /** 0 or 1. */
  sign = 0;
  /** Biased exponent, 0 to 0x7FFF. */
  exponent = 0;
  /** Upper half of the significand, integer bit on top; int32. */
  high = 0;
  /** Lower half of the significand; int32. */
  low = 0;

  set(sign: number, exponent: number, high: number, low: number): void {
    this.sign = sign;
    this.exponent = exponent;
    this.high = high;
    this.low = low;
  }

  copy(other: Float80): void {
    this.sign = other.sign;
    this.exponent = other.exponent;
    this.high = other.high;
    this.low = other.low;
  }

  setZero(sign: number): void {
    this.set(sign, 0, 0, 0);
  }

  setInfinity(sign: number): void {
    this.set(sign, EXPONENT_MAX, INTEGER_BIT, 0);
  }

  /** The quiet NaN that stands for the result of an invalid operation: "real indefinite". */
  setIndefinite(): void {
    this.set(1, EXPONENT_MAX, INTEGER_BIT | QUIET_BIT, 0);
  }
}

/** Classes of values, ordered: NaNs and what is no number at all are the ones from QUIET_NAN on. */
export const ZERO = 0;
export const NORMAL = 1;
/** Pseudo-denormals (exponent 0, integer bit set) included. */
export const DENORMAL = 2;
export const INFINITY = 3;
export const QUIET_NAN = 4;
export const SIGNALING_NAN = 5;
/** Unnormals, pseudo-infinities and pseudo-NaNs: a non-zero exponent without an integer bit. */
export const UNSUPPORTED = 6;

export function classOf(x: Float80): number {
  if (x.exponent === 0) return (x.high | x.low) === 0 ? ZERO : DENORMAL;
  if (x.high >= 0) return UNSUPPORTED;
  if (x.exponent !== EXPONENT_MAX) return NORMAL;
  if (((x.high & ~INTEGER_BIT) | x.low) === 0) return INFINITY;
  return (x.high & QUIET_BIT) !== 0 ? QUIET_NAN : SIGNALING_NAN;
}

/** Gives a denormal a significand with its integer bit set, and the exponent that goes with it: 0 or negative. */
export function normalize(x: Float80, result: Float80): void {
  let { high, low } = x;
  let exponent = 1;
  if (high === 0) {
    high = low;
    low = 0;
    exponent -= 32;
  }
  const shift = Math.clz32(high);
  if (shift !== 0) {
    high = (high << shift) | (low >>> (32 - shift));
    low <<= shift;
  }
  result.set(x.sign, exponent - shift, high, low);
}

/** Raises #IA and makes the result "real indefinite". */
export function invalid(result: Float80): void {
  context.flags |= INVALID;
  result.setIndefinite();
}

/** The result of an operation on one operand that is a NaN or unsupported. */
export function propagateNan(x: Float80, xClass: number, result: Float80): void {
  context.flags = 0;
  if (xClass === UNSUPPORTED) {
    invalid(result);
    return;
  }
  if (xClass === SIGNALING_NAN) context.flags = INVALID;
  result.set(x.sign, x.exponent, x.high | QUIET_BIT, x.low);
}

/**
 * The result of an operation on two operands of which at least one is a NaN or unsupported (Intel SDM 1, table 4-7).
 * NaNs take precedence over a denormal operand, which is not reported.
 */
export function propagateNans(a: Float80, aClass: number, b: Float80, bClass: number, result: Float80): void {
  context.flags = 0;
  if (aClass === UNSUPPORTED || bClass === UNSUPPORTED) {
    invalid(result);
    return;
  }
  if (aClass === SIGNALING_NAN || bClass === SIGNALING_NAN) context.flags = INVALID;
  let chosen: Float80;
  if (aClass < QUIET_NAN) chosen = b;
  else if (bClass < QUIET_NAN) chosen = a;
  else if (aClass !== bClass) chosen = aClass === QUIET_NAN ? a : b;
  else chosen = largerNan(a, b);
  result.set(chosen.sign, EXPONENT_MAX, chosen.high | QUIET_BIT, chosen.low);
}

/** The NaN with the larger significand; the positive one when these are equal. */
function largerNan(a: Float80, b: Float80): Float80 {
  if (a.high !== b.high) return a.high >>> 0 > b.high >>> 0 ? a : b;
  if (a.low !== b.low) return a.low >>> 0 > b.low >>> 0 ? a : b;
  return a.sign === 0 ? a : b;
}
