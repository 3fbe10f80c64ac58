/** Partial remainders, and taking numbers apart into exponent and significand (FPREM, FPREM1, FXTRACT, FSCALE). */
import { context, DENORMAL_OPERAND, ZERO_DIVIDE } from "./context.ts";
import {
  classOf,
  DENORMAL,
  EXPONENT_BIAS,
  Float80,
  INFINITY,
  invalid,
  NORMAL,
  normalize,
  propagateNan,
  propagateNans,
  QUIET_NAN,
  ZERO,
} from "./float80.ts";
import { fromInt32 } from "./float80-convert.ts";
import { LongDivision } from "./long-division.ts";
import { roundExtended } from "./rounding.ts";

const dividend = new Float80();
const divisor = new Float80();
const division = new LongDivision();

/** What `partialRemainder` tells beside its result. */
class Quotient {
  /** False when an operand was no number, or there is no remainder. */
  valid = false;
  /** The low three bits of the quotient; 0 when the reduction is incomplete. */
  bits = 0;
  /** C2: the result is only a step towards the remainder. */
  incomplete = false;
}

export const quotient = new Quotient();

/**
 * result = a - b * Q, exactly, where Q is a / b truncated (FPREM) or rounded to nearest even (FPREM1). When the
 * exponents are 64 or more apart, only a part of the quotient is taken off, and `quotient.incomplete` is set.
 */
export function partialRemainder(a: Float80, b: Float80, nearest: boolean, result: Float80): void {
  quotient.valid = false;
  quotient.bits = 0;
  quotient.incomplete = false;
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    propagateNans(a, aClass, b, bClass, result);
    return;
  }
  if (aClass === INFINITY || bClass === ZERO) {
    invalid(result);
    return;
  }
  quotient.valid = true;
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (aClass === ZERO) {
    result.copy(a);
    return;
  }
  if (aClass === DENORMAL) normalize(a, dividend);
  else dividend.copy(a);
  if (bClass === INFINITY) {
    roundExtended(result, a.sign, dividend.exponent, dividend.high, dividend.low, 0);
    return;
  }
  if (bClass === DENORMAL) normalize(b, divisor);
  else divisor.copy(b);

  const distance = dividend.exponent - divisor.exponent;
  let exponent = divisor.exponent;
  let sign = a.sign;
  if (distance < -1 || (distance < 0 && !nearest)) {
    roundExtended(result, sign, dividend.exponent, dividend.high, dividend.low, 0);
    return;
  }
  division.setDivisor(divisor.high, divisor.low);
  division.setRemainder(dividend.high, dividend.low);
  if (distance >= 64) {
    // As much as processors take off at once: their choice, from 32 to 63 bits.
    const steps = (distance & 31) | 32;
    division.divide(steps);
    exponent = dividend.exponent - steps;
    quotient.incomplete = true;
  } else if (distance < 0) {
    exponent = dividend.exponent;
    division.doubleDivisor();
  } else division.divide(distance);
  if (nearest && !quotient.incomplete && division.roundToNearest()) sign ^= 1;
  if (!quotient.incomplete) quotient.bits = division.quotient & 7;
  division.getRemainder(result);
  if ((result.high | result.low) === 0) {
    result.setZero(a.sign);
    return;
  }
  normalize(result, result);
  // The significand is that of a number whose integer bit weighs 2^exponent.
  roundExtended(result, sign, result.exponent - 1 + exponent, result.high, result.low, 0);
}

/** FXTRACT: the exponent of x as a number, and its significand with the exponent 0. */
export function extract(x: Float80, exponent: Float80, significand: Float80): void {
  const xClass = classOf(x);
  if (xClass >= QUIET_NAN) {
    propagateNan(x, xClass, significand);
    exponent.copy(significand);
  } else if (xClass === INFINITY) {
    significand.copy(x);
    exponent.setInfinity(0);
  } else if (xClass === ZERO) {
    context.flags |= ZERO_DIVIDE;
    significand.copy(x);
    exponent.setInfinity(1);
  } else {
    if (xClass === DENORMAL) {
      context.flags |= DENORMAL_OPERAND;
      normalize(x, significand);
    } else significand.copy(x);
    fromInt32(significand.exponent - EXPONENT_BIAS, exponent);
    significand.exponent = EXPONENT_BIAS;
  }
}

/** Beyond this every result overflows or underflows even with an adjusted exponent. */
const SCALE_LIMIT = 0x10000;

/** FSCALE: result = a * 2^b, b truncated to an integer. */
export function scale(a: Float80, b: Float80, result: Float80): void {
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    propagateNans(a, aClass, b, bClass, result);
    return;
  }
  if (bClass === INFINITY && (b.sign === 0 ? aClass === ZERO : aClass === INFINITY)) {
    invalid(result);
    return;
  }
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (aClass === ZERO || aClass === INFINITY) result.copy(a);
  else if (bClass === INFINITY) {
    if (b.sign === 0) result.setInfinity(a.sign);
    else result.setZero(a.sign);
  } else {
    if (aClass === DENORMAL) normalize(a, dividend);
    else dividend.copy(a);
    const distance = truncated(b, bClass);
    roundExtended(result, a.sign, dividend.exponent + distance, dividend.high, dividend.low, 0);
  }
}

/** The integer part of b, held within the limits in which it makes a difference. */
function truncated(b: Float80, bClass: number): number {
  const bits = b.exponent - EXPONENT_BIAS + 1;
  if (bClass !== NORMAL || bits <= 0) return 0;
  const magnitude = bits > 17 ? SCALE_LIMIT : b.high >>> (32 - bits);
  return b.sign !== 0 ? -magnitude : magnitude;
}
