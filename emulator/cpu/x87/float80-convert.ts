/** Conversions between the 80-bit format and the formats of memory operands; rounding to an integer. */
import { context, DENORMAL_OPERAND, INEXACT, INVALID, OVERFLOW, UNDERFLOW } from "./context.ts";
import {
  classOf,
  DENORMAL,
  EXPONENT_BIAS,
  EXPONENT_MAX,
  type Float80,
  INFINITY,
  INTEGER_BIT,
  invalid,
  normalize,
  propagateNan,
  QUIET_BIT,
  QUIET_NAN,
  SIGNALING_NAN,
  UNSUPPORTED,
  ZERO,
} from "./float80.ts";
import { overflowsToInfinity, roundsUp, wide } from "./rounding.ts";

/** The words a conversion gives: 64 bits, of which narrower formats use the low ones. */
class Words {
  high = 0;
  low = 0;
  /** For packed BCD: bits 64 to 79. */
  top = 0;
}

/** What `toFloat32`, `toFloat64`, `toInteger` and `toBcd` give. */
export const words = new Words();

// ---- Loading -------------------------------------------------------------------------------------------------------

/** Widens a single. Signaling NaNs stay so; #D is raised for a denormal. */
export function fromFloat32(bits: number, result: Float80): void {
  const sign = bits >>> 31;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) result.set(sign, EXPONENT_MAX, INTEGER_BIT | (fraction << 8), 0);
  else if (exponent !== 0) result.set(sign, exponent + EXPONENT_BIAS - 127, INTEGER_BIT | (fraction << 8), 0);
  else if (fraction === 0) result.setZero(sign);
  else {
    context.flags |= DENORMAL_OPERAND;
    const shift = Math.clz32(fraction);
    result.set(sign, EXPONENT_BIAS - 126 + 8 - shift, fraction << shift, 0);
  }
}

/** Widens a double. Signaling NaNs stay so; #D is raised for a denormal. */
export function fromFloat64(high: number, low: number, result: Float80): void {
  const sign = high >>> 31;
  const exponent = (high >>> 20) & 0x7ff;
  const upper = ((high & 0xfffff) << 11) | (low >>> 21);
  const lower = low << 11;
  if (exponent === 0x7ff) result.set(sign, EXPONENT_MAX, INTEGER_BIT | upper, lower);
  else if (exponent !== 0) result.set(sign, exponent + EXPONENT_BIAS - 1023, INTEGER_BIT | upper, lower);
  else if ((upper | lower) === 0) result.setZero(sign);
  else {
    context.flags |= DENORMAL_OPERAND;
    result.set(sign, 0, upper, lower);
    normalize(result, result);
    result.exponent += EXPONENT_BIAS - 1023;
  }
}

/** Exact. */
export function fromInt32(value: number, result: Float80): void {
  if (value === 0) {
    result.setZero(0);
    return;
  }
  const magnitude = value < 0 ? -value | 0 : value;
  const shift = Math.clz32(magnitude);
  result.set(value < 0 ? 1 : 0, EXPONENT_BIAS + 31 - shift, magnitude << shift, 0);
}

/** Exact. */
export function fromInt64(high: number, low: number, result: Float80): void {
  const sign = high >>> 31;
  if (sign !== 0) {
    low = -low | 0;
    high = (~high + (low === 0 ? 1 : 0)) | 0;
  }
  fromMagnitude(sign, high, low, result);
}

function fromMagnitude(sign: number, high: number, low: number, result: Float80): void {
  if ((high | low) === 0) {
    result.setZero(sign);
    return;
  }
  result.set(sign, 0, high, low);
  normalize(result, result);
  result.exponent += EXPONENT_BIAS + 62;
}

/** 18 packed decimal digits and a sign: bits 0 to 31, 32 to 63 and 64 to 79. Digits beyond 9 count as what they are. */
export function fromBcd(low: number, high: number, top: number, result: Float80): void {
  let valueHigh = 0;
  let valueLow = 0;
  for (let digit = 17; digit >= 0; digit--) {
    const word = digit >= 16 ? top : digit >= 8 ? high : low;
    const sum = (valueLow >>> 0) * 10 + ((word >>> (4 * (digit & 7))) & 15);
    valueHigh = (valueHigh * 10 + Math.floor(sum / 0x100000000)) | 0;
    valueLow = sum | 0;
  }
  fromMagnitude((top >>> 15) & 1, valueHigh, valueLow, result);
}

// ---- Storing -------------------------------------------------------------------------------------------------------

/** Narrows to a single, in `words.low`. */
export function toFloat32(x: Float80): void {
  narrow(x, 24, 127, 0xff);
  const fraction = (words.high >>> 8) & 0x7fffff;
  words.low = (x.sign << 31) | (words.top << 23) | fraction;
  if (indefinite) words.low = 0xffc00000 | 0;
}

/** Narrows to a double, in `words.high` and `words.low`. */
export function toFloat64(x: Float80): void {
  narrow(x, 53, 1023, 0x7ff);
  const { high, low } = words;
  words.low = (low >>> 11) | (high << 21);
  words.high = (x.sign << 31) | (words.top << 20) | ((high & ~INTEGER_BIT) >>> 11);
  if (indefinite) {
    words.high = 0xfff80000 | 0;
    words.low = 0;
  }
}

/** What the last `narrow` found to be unsupported: the result is the format's "indefinite". */
let indefinite = false;

/**
 * Finds the fields of a narrower format: biased exponent in `words.top`, significand with its integer bit on top in
 * `words.high` and `words.low`.
 */
function narrow(x: Float80, bits: 24 | 53, bias: number, maximum: number): void {
  const xClass = classOf(x);
  indefinite = xClass === UNSUPPORTED;
  if (indefinite || xClass === SIGNALING_NAN) context.flags |= INVALID;
  if (xClass >= INFINITY) {
    fields(maximum, xClass === INFINITY ? x.high : x.high | QUIET_BIT, x.low);
    return;
  }
  if (xClass === ZERO) {
    fields(0, 0, 0);
    return;
  }
  let exponent = (x.exponent === 0 ? 1 : x.exponent) - EXPONENT_BIAS + bias;
  wide.high = x.high;
  wide.low = x.low;
  wide.extra = 0;
  let tiny = false;
  if (exponent <= 0) {
    tiny = exponent < 0 || !roundsToNormal(x, bits);
    if (tiny && (context.masks & UNDERFLOW) === 0) {
      // Nothing is stored, and #P is not reported.
      context.flags |= UNDERFLOW;
      return;
    }
    wide.shiftRight(1 - exponent);
    exponent = 0;
  }
  cutOff(bits);
  const { extra } = wide;
  let { high, low } = wide;
  if (extra !== 0) {
    context.flags |= tiny ? UNDERFLOW | INEXACT : INEXACT;
    const odd = bits === 24 ? high & 0x100 : low & 0x800;
    if (roundsUp(x.sign, odd, extra)) {
      context.roundedUp = 1;
      if (bits === 24) high = (high + 0x100) | 0;
      else {
        low = (low + 0x800) | 0;
        if (low === 0) high = (high + 1) | 0;
      }
      if ((high | low) === 0) {
        high = INTEGER_BIT;
        exponent++;
      }
    }
  }
  if (exponent === 0 && high < 0) exponent = 1;
  if (exponent < maximum) {
    fields(exponent, high, low);
    return;
  }
  context.flags |= OVERFLOW;
  if ((context.masks & OVERFLOW) === 0) {
    context.flags &= ~INEXACT;
    context.roundedUp = 0;
    return;
  }
  context.flags |= INEXACT;
  context.roundedUp = overflowsToInfinity(x.sign) ? 1 : 0;
  if (context.roundedUp !== 0) fields(maximum, INTEGER_BIT, 0);
  else fields(maximum - 1, -1, -1);
}

function fields(exponent: number, high: number, low: number): void {
  words.top = exponent;
  words.high = high;
  words.low = low;
}

/** Moves the bits of `wide` below the first `bits` ones into `wide.extra`. */
function cutOff(bits: 24 | 53): void {
  const { high, low, extra } = wide;
  if (bits === 24) {
    wide.extra = (high << 24) | (low >>> 8) | (low << 24 || extra ? 1 : 0);
    wide.high = high & ~0xff;
    wide.low = 0;
  } else {
    wide.extra = (low << 21) | (extra >>> 11) | (extra << 21 ? 1 : 0);
    wide.low = low & ~0x7ff;
  }
}

/** Whether a number just below the smallest normal one is rounded up to it when exponents have no limit. */
function roundsToNormal(x: Float80, bits: 24 | 53): boolean {
  if (bits === 24) {
    return x.high >>> 8 === 0xffffff && roundsUp(x.sign, 1, (x.high << 24) | (x.low >>> 8) | (x.low << 24 ? 1 : 0));
  }
  return x.high === -1 && x.low >>> 11 === 0x1fffff && roundsUp(x.sign, 1, x.low << 21);
}

/**
 * Rounds to an integer of 16, 32 or 64 bits, in `words`. What does not fit (NaNs too) raises #IA and gives the
 * "integer indefinite", the most negative number.
 */
export function toInteger(x: Float80, bits: 16 | 32 | 64): void {
  if (roundMagnitude(x) && fits(x.sign, bits)) {
    if (x.sign !== 0) {
      words.low = -words.low | 0;
      words.high = (~words.high + (words.low === 0 ? 1 : 0)) | 0;
    }
    return;
  }
  context.flags = INVALID;
  context.roundedUp = 0;
  words.high = INTEGER_BIT;
  words.low = bits === 64 ? 0 : bits === 32 ? INTEGER_BIT : 0x8000;
}

function fits(sign: number, bits: 16 | 32 | 64): boolean {
  const { high, low } = words;
  if (bits === 64) return high >= 0 || (sign !== 0 && high === INTEGER_BIT && low === 0);
  if (high !== 0) return false;
  const limit = bits === 32 ? 0x80000000 : 0x8000;
  return low >>> 0 < limit || (sign !== 0 && low >>> 0 === limit);
}

/**
 * Rounds |x| to an integer, in `words`, raising #P when that is inexact.
 * @returns false when x is no number or the integer has more than 64 bits
 */
function roundMagnitude(x: Float80): boolean {
  const xClass = classOf(x);
  if (xClass >= INFINITY || x.exponent > EXPONENT_BIAS + 63) return false;
  wide.high = x.high;
  wide.low = x.low;
  wide.extra = 0;
  wide.shiftRight(EXPONENT_BIAS + 63 - x.exponent);
  let { high, low } = wide;
  if (wide.extra !== 0) {
    context.flags |= INEXACT;
    if (roundsUp(x.sign, low & 1, wide.extra)) {
      context.roundedUp = 1;
      low = (low + 1) | 0;
      if (low === 0) {
        high = (high + 1) | 0;
        if (high === 0) return false;
      }
    }
  }
  words.high = high;
  words.low = low;
  return true;
}

/** The largest number of 18 decimal digits, 10^18 - 1. */
const BCD_LIMIT_HIGH = 0x0de0b6b3;
const BCD_LIMIT_LOW = 0xa763ffff;

/** Rounds to 18 packed decimal digits and a sign, in `words`; "packed BCD indefinite" and #IA when they do not fit. */
export function toBcd(x: Float80): void {
  if (
    !roundMagnitude(x) ||
    words.high >>> 0 > BCD_LIMIT_HIGH ||
    (words.high === BCD_LIMIT_HIGH && words.low >>> 0 > BCD_LIMIT_LOW)
  ) {
    context.flags = INVALID;
    context.roundedUp = 0;
    words.top = 0xffff;
    words.high = 0xc0000000 | 0;
    words.low = 0;
    return;
  }
  // Nine digits at a time; each step of 16 bits stays below 10^9 * 2^16, exact in a double.
  const { high, low } = words;
  const q3 = Math.floor(high / 1e9);
  const n2 = (high % 1e9) * 0x10000 + (low >>> 16);
  const n1 = (n2 % 1e9) * 0x10000 + (low & 0xffff);
  const upper = q3 * 0x100000000 + Math.floor(n2 / 1e9) * 0x10000 + Math.floor(n1 / 1e9);
  const lowDigits = decimalDigits(n1 % 1e9);
  const ninth = decimalNinth;
  const highDigits = decimalDigits(upper);
  words.low = lowDigits;
  words.high = (highDigits << 4) | ninth;
  words.top = (x.sign << 15) | (decimalNinth << 4) | (highDigits >>> 28);
}

/** The ninth digit of the number that `decimalDigits` was last asked for. */
let decimalNinth = 0;

/** The low eight decimal digits of a number below 10^9, four bits each. */
function decimalDigits(value: number): number {
  let digits = 0;
  let rest = value;
  for (let shift = 0; shift < 32; shift += 4) {
    digits |= (rest % 10) << shift;
    rest = Math.floor(rest / 10);
  }
  decimalNinth = rest;
  return digits;
}

/** FRNDINT: result = x rounded to an integer in the format itself. */
export function roundToInteger(x: Float80, result: Float80): void {
  const xClass = classOf(x);
  if (xClass >= QUIET_NAN) {
    propagateNan(x, xClass, result);
    return;
  }
  if (xClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (xClass === ZERO || x.exponent >= EXPONENT_BIAS + 63) {
    result.copy(x);
    return;
  }
  // Fewer than 64 bits: it always fits.
  if (!roundMagnitude(x)) invalid(result);
  else fromMagnitude(x.sign, words.high, words.low, result);
}
