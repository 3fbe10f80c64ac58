/** Addition, subtraction, multiplication, division and square root, rounded as the control word says. */
import { context, DENORMAL_OPERAND, ROUND_DOWN, ZERO_DIVIDE } from "./context.ts";
import {
  classOf,
  DENORMAL,
  EXPONENT_BIAS,
  Float80,
  INFINITY,
  INTEGER_BIT,
  invalid,
  normalize,
  propagateNan,
  propagateNans,
  QUIET_NAN,
  ZERO,
} from "./float80.ts";
import { multiplyHigh } from "./multiply-high.ts";
import { roundPrecise, wide } from "./rounding.ts";

/** A denormal operand, normalized. */
const scratch = new Float80();

/** result = a + b. The result may be one of the operands, here and below. */
export function add(a: Float80, b: Float80, result: Float80): void {
  addSigned(a, b, b.sign, result);
}

/** result = a - b. */
export function subtract(a: Float80, b: Float80, result: Float80): void {
  addSigned(a, b, b.sign ^ 1, result);
}

/** a + b with another sign for b, unless b is a NaN. */
function addSigned(a: Float80, b: Float80, bSign: number, result: Float80): void {
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    propagateNans(a, aClass, b, bClass, result);
    return;
  }
  if (aClass === INFINITY || bClass === INFINITY) {
    if (aClass === bClass && a.sign !== bSign) invalid(result);
    else {
      if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
      result.setInfinity(aClass === INFINITY ? a.sign : bSign);
    }
    return;
  }
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  else if (aClass === ZERO && bClass === ZERO) {
    result.setZero(a.sign === bSign ? bSign : signOfExactZero());
    return;
  }
  if (a.sign === bSign) addMagnitudes(a, b, result);
  else subtractMagnitudes(a, b, result);
}

/** Sign of a zero that is the sum of two numbers that are not both zeros of one sign. */
function signOfExactZero(): number {
  return context.rounding === ROUND_DOWN ? 1 : 0;
}

function addMagnitudes(a: Float80, b: Float80, result: Float80): void {
  const sign = a.sign;
  const aExponent = a.exponent === 0 ? 1 : a.exponent;
  const bExponent = b.exponent === 0 ? 1 : b.exponent;
  let exponent = aExponent;
  let larger = a;
  let smaller = b;
  let distance = aExponent - bExponent;
  if (distance < 0) {
    larger = b;
    smaller = a;
    exponent = bExponent;
    distance = -distance;
  }
  wide.high = smaller.high;
  wide.low = smaller.low;
  wide.extra = 0;
  wide.shiftRight(distance);
  let low = (larger.low + wide.low) | 0;
  const carry = low >>> 0 < wide.low >>> 0 ? 1 : 0;
  const sum = (larger.high >>> 0) + (wide.high >>> 0) + carry;
  let high = sum | 0;
  let extra = wide.extra;
  if (sum > 0xffffffff) {
    extra = (low << 31) | (extra >>> 1) | (extra & 1);
    low = (low >>> 1) | (high << 31);
    high = (high >>> 1) | INTEGER_BIT;
    exponent++;
  }
  normalizeAndRound(result, sign, exponent, high, low, extra);
}

function subtractMagnitudes(a: Float80, b: Float80, result: Float80): void {
  const aExponent = a.exponent === 0 ? 1 : a.exponent;
  const bExponent = b.exponent === 0 ? 1 : b.exponent;
  let sign = a.sign;
  let exponent = aExponent;
  let larger = a;
  let smaller = b;
  let distance = aExponent - bExponent;
  if (distance === 0) distance = compareSignificands(a, b);
  if (distance === 0) {
    result.setZero(signOfExactZero());
    return;
  }
  if (distance < 0) {
    larger = b;
    smaller = a;
    exponent = bExponent;
    sign ^= 1;
  }
  wide.high = smaller.high;
  wide.low = smaller.low;
  wide.extra = 0;
  wide.shiftRight(Math.abs(aExponent - bExponent));
  const borrowExtra = wide.extra !== 0 ? 1 : 0;
  const lowDifference = (larger.low >>> 0) - (wide.low >>> 0) - borrowExtra;
  const high = (larger.high - wide.high - (lowDifference < 0 ? 1 : 0)) | 0;
  normalizeAndRound(result, sign, exponent, high, lowDifference | 0, -wide.extra | 0);
}

/** Negative, zero or positive, as the significand of a is less than, equal to or greater than that of b. */
function compareSignificands(a: Float80, b: Float80): number {
  return a.high !== b.high ? (a.high >>> 0) - (b.high >>> 0) : (a.low >>> 0) - (b.low >>> 0);
}

/** Moves the highest bit set to the top, then rounds. The significand must not be 0. */
function normalizeAndRound(
  result: Float80,
  sign: number,
  exponent: number,
  high: number,
  low: number,
  extra: number,
): void {
  if (high < 0) {
    roundPrecise(result, sign, exponent, high, low, extra);
    return;
  }
  while (high === 0) {
    high = low;
    low = extra;
    extra = 0;
    exponent -= 32;
  }
  const shift = Math.clz32(high);
  if (shift !== 0) {
    high = (high << shift) | (low >>> (32 - shift));
    low = (low << shift) | (extra >>> (32 - shift));
    extra <<= shift;
    exponent -= shift;
  }
  roundPrecise(result, sign, exponent, high, low, extra);
}

/** result = a * b. */
export function multiply(a: Float80, b: Float80, result: Float80): void {
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    propagateNans(a, aClass, b, bClass, result);
    return;
  }
  const sign = a.sign ^ b.sign;
  const infinite = aClass === INFINITY || bClass === INFINITY;
  const zero = aClass === ZERO || bClass === ZERO;
  if (infinite && zero) {
    invalid(result);
    return;
  }
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (infinite) {
    result.setInfinity(sign);
    return;
  }
  if (zero) {
    result.setZero(sign);
    return;
  }
  let { exponent: aExponent, high: aHigh, low: aLow } = a;
  if (aClass === DENORMAL) {
    normalize(a, scratch);
    ({ exponent: aExponent, high: aHigh, low: aLow } = scratch);
  }
  let { exponent: bExponent, high: bHigh, low: bLow } = b;
  if (bClass === DENORMAL) {
    normalize(b, scratch);
    ({ exponent: bExponent, high: bHigh, low: bLow } = scratch);
  }

  // The product as words p3 p2 p1 p0; sums of up to three words are exact in a double.
  const p0 = Math.imul(aLow, bLow);
  const crossA = Math.imul(aHigh, bLow);
  const crossB = Math.imul(aLow, bHigh);
  const sum1 = (multiplyHigh(aLow, bLow) >>> 0) + (crossA >>> 0) + (crossB >>> 0);
  const carry1 = sum1 > 0x1ffffffff ? 2 : sum1 > 0xffffffff ? 1 : 0;
  const sum2 =
    (multiplyHigh(aHigh, bLow) >>> 0) + (multiplyHigh(aLow, bHigh) >>> 0) + (Math.imul(aHigh, bHigh) >>> 0) + carry1;
  const carry2 = sum2 > 0x1ffffffff ? 2 : sum2 > 0xffffffff ? 1 : 0;
  let high = (multiplyHigh(aHigh, bHigh) + carry2) | 0;
  let low = sum2 | 0;
  let extra = sum1 | 0;
  let exponent = aExponent + bExponent - EXPONENT_BIAS + 1;
  let sticky = p0;
  if (high >= 0) {
    high = (high << 1) | (low >>> 31);
    low = (low << 1) | (extra >>> 31);
    extra = (extra << 1) | (p0 >>> 31);
    sticky = p0 << 1;
    exponent--;
  }
  if (sticky !== 0) extra |= 1;
  roundPrecise(result, sign, exponent, high, low, extra);
}

/** Limbs of 24 bits: their products are exact in doubles, with room to add several. */
const LIMB = 0x1000000;

/** result = a / b. */
export function divide(a: Float80, b: Float80, result: Float80): void {
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    propagateNans(a, aClass, b, bClass, result);
    return;
  }
  const sign = a.sign ^ b.sign;
  if (aClass === bClass && (aClass === INFINITY || aClass === ZERO)) {
    invalid(result);
    return;
  }
  if (bClass === ZERO && aClass !== INFINITY) {
    context.flags |= ZERO_DIVIDE;
    result.setInfinity(sign);
    return;
  }
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (aClass === INFINITY) {
    result.setInfinity(sign);
    return;
  }
  if (aClass === ZERO || bClass === INFINITY) {
    result.setZero(sign);
    return;
  }
  let { exponent: aExponent, high: aHigh, low: aLow } = a;
  if (aClass === DENORMAL) {
    normalize(a, scratch);
    ({ exponent: aExponent, high: aHigh, low: aLow } = scratch);
  }
  let { exponent: bExponent, high: bHigh, low: bLow } = b;
  if (bClass === DENORMAL) {
    normalize(b, scratch);
    ({ exponent: bExponent, high: bHigh, low: bLow } = scratch);
  }
  let exponent = aExponent - bExponent + EXPONENT_BIAS;

  // The divisor d and the remainder r, d > r, in limbs of 24 bits, lowest first.
  let r0 = aLow & 0xffffff;
  let r1 = (aLow >>> 24) | ((aHigh & 0xffff) << 8);
  let r2 = aHigh >>> 16;
  let d0 = bLow & 0xffffff;
  let d1 = (bLow >>> 24) | ((bHigh & 0xffff) << 8);
  let d2 = bHigh >>> 16;
  if (aHigh >>> 0 > bHigh >>> 0 || (aHigh === bHigh && aLow >>> 0 >= bLow >>> 0)) {
    d2 = (d2 << 1) | (d1 >>> 23);
    d1 = ((d1 << 1) & 0xffffff) | (d0 >>> 23);
    d0 = (d0 << 1) & 0xffffff;
  } else exponent--;
  const divisor = (d2 * LIMB + d1) * LIMB + d0;
  let q0 = 0;
  let q1 = 0;
  let q2 = 0;
  for (let digit = 0; digit < 3; digit++) {
    // The estimate is off by one at most.
    let q = Math.floor((((r2 * LIMB + r1) * LIMB + r0) * LIMB) / divisor);
    const s0 = -q * d0;
    const carry0 = Math.floor(s0 / LIMB);
    const s1 = r0 - q * d1 + carry0;
    const carry1 = Math.floor(s1 / LIMB);
    const s2 = r2 * LIMB + r1 - q * d2 + carry1;
    r0 = s0 - carry0 * LIMB;
    r1 = s1 - carry1 * LIMB;
    r2 = s2;
    if (r2 < 0) {
      q--;
      r0 += d0;
      r1 += d1 + (r0 >= LIMB ? 1 : 0);
      r2 += d2 + (r1 >= LIMB ? 1 : 0);
      r0 &= 0xffffff;
      r1 &= 0xffffff;
    } else if (r2 > d2 || (r2 === d2 && (r1 > d1 || (r1 === d1 && r0 >= d0)))) {
      q++;
      r0 -= d0;
      r1 -= d1 + (r0 < 0 ? 1 : 0);
      r2 -= d2 + (r1 < 0 ? 1 : 0);
      r0 &= 0xffffff;
      r1 &= 0xffffff;
    }
    q2 = q1;
    q1 = q0;
    q0 = q;
  }
  const high = (q2 << 8) | (q1 >>> 16);
  const low = (q1 << 16) | (q0 >>> 8);
  const extra = (q0 << 24) | (r0 | r1 | r2 ? 1 : 0);
  roundPrecise(result, sign, exponent, high, low, extra);
}

/** result = square root of x. */
export function squareRoot(x: Float80, result: Float80): void {
  const xClass = classOf(x);
  if (xClass >= QUIET_NAN) {
    propagateNan(x, xClass, result);
    return;
  }
  if (xClass === ZERO) {
    result.copy(x);
    return;
  }
  if (x.sign !== 0) {
    invalid(result);
    return;
  }
  if (xClass === INFINITY) {
    result.copy(x);
    return;
  }
  let { exponent, high, low } = x;
  if (xClass === DENORMAL) {
    context.flags |= DENORMAL_OPERAND;
    normalize(x, scratch);
    ({ exponent, high, low } = scratch);
  }
  const even = (exponent - EXPONENT_BIAS) & 1 ? 0 : 1;
  const resultExponent = ((exponent - EXPONENT_BIAS) >> 1) + EXPONENT_BIAS;

  // Bit by bit, in limbs of 24 bits: the radicand is a fraction below 1 scaled by 2^66, so that the root is one scaled
  // by 2^64 after as many steps. In each, t = 2 * root + bit is taken off 2 * remainder when it fits.
  let r0 = (low << (2 - even)) & 0xffffff;
  let r1 = (low >>> (22 + even)) | ((high << (10 - even)) & 0xffffff);
  let r2 = high >>> (14 + even);
  let q0 = 0;
  let q1 = 0;
  let q2 = 0;
  let bit0 = 0;
  let bit1 = 0;
  let bit2 = 1 << 17;
  for (let step = 0; step < 64; step++) {
    r2 = (r2 << 1) | (r1 >>> 23);
    r1 = ((r1 << 1) & 0xffffff) | (r0 >>> 23);
    r0 = (r0 << 1) & 0xffffff;
    const d0 = r0 - (((q0 << 1) & 0xffffff) | bit0);
    const d1 = r1 - (((q1 << 1) & 0xffffff) | (q0 >>> 23) | bit1) + (d0 >> 31);
    const d2 = r2 - ((q2 << 1) | (q1 >>> 23) | bit2) + (d1 >> 31);
    if (d2 >= 0) {
      r0 = d0 & 0xffffff;
      r1 = d1 & 0xffffff;
      r2 = d2;
      q0 |= bit0;
      q1 |= bit1;
      q2 |= bit2;
    }
    bit0 = (bit0 >>> 1) | ((bit1 & 1) << 23);
    bit1 = (bit1 >>> 1) | ((bit2 & 1) << 23);
    bit2 >>>= 1;
  }
  roundRoot(result, resultExponent, q2, q1, q0, r2, r1, r0);
}

/** Rounds a root of 64 bits scaled by 2^66, given the remainder. */
function roundRoot(
  result: Float80,
  exponent: number,
  q2: number,
  q1: number,
  q0: number,
  r2: number,
  r1: number,
  r0: number,
): void {
  const high = (q2 << 14) | (q1 >>> 10);
  const low = (q1 << 22) | (q0 >>> 2);
  let extra = 0;
  if ((r2 | r1 | r0) !== 0) {
    // With steps as above, one more bit would be set when 2 * remainder >= 2 * root + bit: when remainder > root, as
    // both are multiples of more than that bit.
    const above = r2 !== q2 ? r2 > q2 : r1 !== q1 ? r1 > q1 : r0 > q0;
    extra = above ? INTEGER_BIT | 1 : 1;
  }
  roundPrecise(result, 0, exponent, high, low, extra);
}
