/**
 * Rounding of exact results to the 80-bit format: rounding modes, precision control, overflow and underflow with their
 * masked and unmasked responses (Intel SDM 1, 4.8.4 and 4.9.1).
 */
import {
  context,
  INEXACT,
  OVERFLOW,
  PRECISION_DOUBLE,
  PRECISION_SINGLE,
  ROUND_DOWN,
  ROUND_NEAREST,
  ROUND_UP,
  UNDERFLOW,
} from "./context.ts";
import { EXPONENT_MAX, type Float80, INTEGER_BIT } from "./float80.ts";

/** What is added to the exponent of a result that underflows (and taken off one that overflows), unmasked. */
const BIAS_ADJUSTMENT = 24576;

/** A significand of 96 bits: 64, and 32 more of which the lowest also stands for all that is below it. */
class Wide {
  high = 0;
  low = 0;
  extra = 0;

  /** Moves right by `count` bits, 0 or more. What falls off the end is remembered in the lowest bit. */
  shiftRight(count: number): void {
    if (count >= 96) {
      this.extra = (this.high | this.low | this.extra) !== 0 ? 1 : 0;
      this.high = 0;
      this.low = 0;
      return;
    }
    let left = count;
    for (; left >= 32; left -= 32) {
      this.extra = this.low | (this.extra !== 0 ? 1 : 0);
      this.low = this.high;
      this.high = 0;
    }
    if (left === 0) return;
    const lost = this.extra << (32 - left);
    this.extra = (this.extra >>> left) | (this.low << (32 - left)) | (lost !== 0 ? 1 : 0);
    this.low = (this.low >>> left) | (this.high << (32 - left));
    this.high >>>= left;
  }
}

/** Scratch: the operand that an addition aligns, the result being rounded. */
export const wide = new Wide();

/** Whether the magnitude is increased, given the bits below the last one kept. */
export function roundsUp(sign: number, odd: number, extra: number): boolean {
  switch (context.rounding) {
    case ROUND_NEAREST:
      return extra < 0 && (extra !== INTEGER_BIT || odd !== 0);
    case ROUND_DOWN:
      return extra !== 0 && sign !== 0;
    case ROUND_UP:
      return extra !== 0 && sign === 0;
    default:
      return false;
  }
}

/** Rounds to the precision of the control word: FADD, FSUB, FMUL, FDIV and FSQRT. Otherwise as `roundExtended`. */
export function roundPrecise(
  result: Float80,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): void {
  const precision = context.precision;
  // The reserved encoding 1 rounds as extended.
  const bits = precision === PRECISION_DOUBLE ? 53 : precision === PRECISION_SINGLE ? 24 : 64;
  round(result, sign, exponent, high, low, extra, bits);
}

/**
 * Rounds a result to 64 bits.
 * @param exponent biased; may lie outside the format's range
 * @param high significand, integer bit set
 * @param extra 32 bits below the significand, the lowest of them set when anything at all is below
 */
export function roundExtended(
  result: Float80,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): void {
  round(result, sign, exponent, high, low, extra, 64);
}

function round(
  result: Float80,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
  bits: number,
): void {
  let tiny = false;
  if (exponent <= 0) {
    tiny = exponent < 0 || !carriesOut(sign, high, low, extra, bits);
    if (tiny && (context.masks & UNDERFLOW) === 0) {
      context.flags |= UNDERFLOW;
      exponent += BIAS_ADJUSTMENT;
      tiny = false;
      if (exponent <= 0) {
        // Beyond even the adjusted range (FSCALE): zero.
        context.flags |= INEXACT;
        result.setZero(sign);
        return;
      }
    } else {
      wide.high = high;
      wide.low = low;
      wide.extra = extra;
      wide.shiftRight(1 - exponent);
      high = wide.high;
      low = wide.low;
      extra = wide.extra;
      exponent = 0;
    }
  }

  // Move what precision control cuts off into `extra`.
  let odd = low & 1;
  if (bits === 53) {
    extra = (low << 21) | (extra >>> 11) | (extra << 21 !== 0 ? 1 : 0);
    odd = low & 0x800;
    low &= ~0x7ff;
  } else if (bits === 24) {
    extra = (high << 24) | (low >>> 8) | ((low << 24) | extra ? 1 : 0);
    odd = high & 0x100;
    high &= ~0xff;
    low = 0;
  }

  if (extra !== 0) {
    context.flags |= tiny ? UNDERFLOW | INEXACT : INEXACT;
    if (roundsUp(sign, odd, extra)) {
      context.roundedUp = 1;
      let carry = false;
      if (bits === 24) {
        high = (high + 0x100) | 0;
        carry = high === 0;
      } else {
        const step = bits === 53 ? 0x800 : 1;
        low = (low + step) | 0;
        if (low === 0) {
          high = (high + 1) | 0;
          carry = high === 0;
        }
      }
      if (carry) {
        high = INTEGER_BIT;
        exponent++;
      }
    }
  }
  if (exponent === 0 && high < 0) exponent = 1;
  if (exponent >= EXPONENT_MAX) overflow(result, sign, exponent, high, low, bits);
  else result.set(sign, exponent, high, low);
}

/** Whether rounding with no limit on the exponent makes the next power of two. */
function carriesOut(sign: number, high: number, low: number, extra: number, bits: number): boolean {
  if (high !== -1) {
    if (bits !== 24 || high >>> 8 !== 0xffffff) return false;
  }
  if (bits === 24) return roundsUp(sign, 1, (high << 24) | (low >>> 8) | ((low << 24) | extra ? 1 : 0));
  if (bits === 53) {
    return low >>> 11 === 0x1fffff && roundsUp(sign, 1, (low << 21) | (extra >>> 11) | (extra << 21 !== 0 ? 1 : 0));
  }
  return low === -1 && roundsUp(sign, 1, extra);
}

function overflow(result: Float80, sign: number, exponent: number, high: number, low: number, bits: number): void {
  context.flags |= OVERFLOW;
  if ((context.masks & OVERFLOW) === 0) {
    const adjusted = exponent - BIAS_ADJUSTMENT;
    if (adjusted < EXPONENT_MAX) {
      result.set(sign, adjusted, high, low);
      return;
    }
    // Beyond even the adjusted range (FSCALE): infinity.
    context.flags |= INEXACT;
    context.roundedUp = 1;
    result.setInfinity(sign);
    return;
  }
  context.flags |= INEXACT;
  if (overflowsToInfinity(sign)) {
    context.roundedUp = 1;
    result.setInfinity(sign);
    return;
  }
  context.roundedUp = 0;
  if (bits === 24) result.set(sign, EXPONENT_MAX - 1, ~0xff, 0);
  else result.set(sign, EXPONENT_MAX - 1, -1, bits === 53 ? ~0x7ff : -1);
}

/** Whether the masked response to an overflow is infinity (or else the largest finite number). */
export function overflowsToInfinity(sign: number): boolean {
  return context.rounding === ROUND_NEAREST || context.rounding === (sign === 0 ? ROUND_UP : ROUND_DOWN);
}
