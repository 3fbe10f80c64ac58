/**
 * Sines, tangents, logarithms and powers of two of numbers (not zeros, infinities or NaNs), computed to about 100 bits
 * and rounded to 64 by the rounding control: the error is below 0.5000001 units in the last place when that is to
 * nearest. Results of these functions are never exact but in the cases that callers take out.
 */

import { DoubleDouble, exponentOf, powerOfTwo } from "./double-double.ts";
import {
  ARC_TANGENTS,
  HALF_PI,
  INVERSE_FACTORIALS,
  INVERSE_ODDS,
  LN_2,
  type Pair,
  PI,
  TWO_BY_LN_2,
} from "./double-double-constants.ts";
import { EXPONENT_BIAS, type Float80 } from "./float80.ts";
import { LongDivision } from "./long-division.ts";
import { roundExtended } from "./rounding.ts";

const TWO_31 = 0x80000000;
const TWO_32 = 0x100000000;

/** Below 2^-this, x and its sine or tangent differ by less than 2^-80 times x. */
const NEGLIGIBLE = 40;
/** Exponents that doubles are scaled by; beyond, what is added to a number of normal size cannot be seen. */
const SCALE_RANGE = 300;

/** Relative size of a deviation that decides directed roundings but not those to nearest. */
const HAIR = 2 ** -90;

const a = new DoubleDouble();
const b = new DoubleDouble();
const t = new DoubleDouble();
const square = new DoubleDouble();
const sum = new DoubleDouble();

// ---- Between the formats -----------------------------------------------------------------------------------------

/** The significand of a normalized number, 1 to 2. */
function significand(x: Float80, into: DoubleDouble): DoubleDouble {
  return into.setSum((x.high >>> 0) / TWO_31, (x.low >>> 0) / TWO_31 / TWO_32);
}

function scaled(x: DoubleDouble, exponent: number): DoubleDouble {
  return x.scale(powerOfTwo(Math.max(-SCALE_RANGE, Math.min(SCALE_RANGE, exponent))));
}

/** Rounds value * 2^exponent, an inexact number. */
function roundInexact(result: Float80, value: DoubleDouble, sign: number, exponent: number): void {
  roundValue(result, value, sign, exponent, 1);
}

/** Rounds value * 2^exponent. @param sticky 0 when the value is exact, and a multiple of 2^-95 when it is 1 to 2; else 1 */
function roundValue(result: Float80, value: DoubleDouble, sign: number, exponent: number, sticky: 0 | 1): void {
  let { hi, lo } = value;
  if (hi < 0) {
    hi = -hi;
    lo = -lo;
    sign ^= 1;
  }
  let magnitude = exponentOf(hi);
  let factor = powerOfTwo(-magnitude);
  if (hi * factor === 1 && lo < 0) {
    magnitude--;
    factor *= 2;
  }
  const scaledHi = hi * factor * TWO_31;
  let high = Math.floor(scaledHi);
  const below = (scaledHi - high) * TWO_32;
  const rest = lo * factor * TWO_31 * TWO_32;
  // An exact sum, whose parts are then taken apart.
  const sumHigh = below + rest;
  const rounded = sumHigh - below;
  const sumLow = below - (sumHigh - rounded) + (rest - rounded);
  let low = Math.floor(sumHigh);
  let fraction = sumHigh - low + sumLow;
  if (fraction < 0) {
    fraction += 1;
    low--;
  }
  if (low < 0) {
    low += TWO_32;
    high--;
  } else if (low >= TWO_32) {
    low -= TWO_32;
    high++;
  }
  const extra = Math.min(Math.floor(fraction * TWO_32), TWO_32 - 1) | sticky;
  roundExtended(result, sign, EXPONENT_BIAS + magnitude + exponent, high | 0, low | 0, extra);
}

/** Rounds a number a hair below the magnitude of x, which is normalized. */
export function roundBelow(x: Float80, result: Float80): void {
  if (x.high << 1 === 0 && x.low === 0) {
    roundExtended(result, x.sign, x.exponent - 1, -1, -1, -1);
    return;
  }
  const high = x.low === 0 ? (x.high - 1) | 0 : x.high;
  roundExtended(result, x.sign, x.exponent, high, (x.low - 1) | 0, -1);
}

/** Rounds a constant to the format. */
export function roundConstant(result: Float80, sign: number, constant: Pair): void {
  roundInexact(result, t.setPair(constant), sign, 0);
}

/** sum = c(first) + c(first + step) * x + c(first + 2 * step) * x^2 + … up to c(last), c being the coefficients. */
function polynomial(x: DoubleDouble, coefficients: readonly Pair[], first: number, last: number, step: number): void {
  sum.setPair(coefficients[last]);
  for (let n = last - step; n >= first; n -= step) {
    const coefficient = coefficients[n];
    sum.multiply(x).addPair(coefficient[0], coefficient[1]);
  }
}

// ---- Circular functions ------------------------------------------------------------------------------------------

const division = new LongDivision();

/** Reduced argument, at most a quarter of pi in magnitude, and how many quarter turns (mod 4) were taken off. */
const reduced = new DoubleDouble();
let quarterTurns = 0;

/**
 * Takes multiples of pi / 2 off |x|, for a pi of 66 bits as the processors have it (Intel SDM 1, 8.3.8).
 * @param x normalized, below 2^63
 */
function reduce(x: Float80): void {
  const exponent = x.exponent - EXPONENT_BIAS;
  quarterTurns = 0;
  if (exponent < -1) {
    significand(x, reduced);
    scaled(reduced, exponent);
    return;
  }
  // In units of 2^-65.
  division.setDivisorLimbs(0x3243f, 0x6a8885, 0xa308d3);
  division.setRemainder(x.high, x.low);
  division.divide(exponent + 2);
  const negative = division.roundToNearest();
  quarterTurns = division.quotient & 3;
  reduced.setSum(division.upper, division.lower).scale(powerOfTwo(-65));
  if (negative) reduced.negate();
}

/** a = sine of the reduced argument. */
function sineOfReduced(): void {
  square.copy(reduced).multiply(reduced).negate();
  polynomial(square, INVERSE_FACTORIALS, 1, 29, 2);
  a.copy(sum).multiply(reduced);
}

/** b = cosine of the reduced argument. */
function cosineOfReduced(): void {
  square.copy(reduced).multiply(reduced).negate();
  polynomial(square, INVERSE_FACTORIALS, 0, 30, 2);
  b.copy(sum);
}

/** @param x normalized, below 2^63 in magnitude */
export function sine(x: Float80, result: Float80): void {
  if (x.exponent < EXPONENT_BIAS - NEGLIGIBLE) {
    roundBelow(x, result);
    return;
  }
  reduce(x);
  const sign = x.sign ^ (quarterTurns >> 1);
  if ((quarterTurns & 1) === 0) {
    sineOfReduced();
    roundInexact(result, a, sign, 0);
  } else {
    cosineOfReduced();
    roundInexact(result, b, sign, 0);
  }
}

/** @param x normalized, below 2^63 in magnitude */
export function cosine(x: Float80, result: Float80): void {
  if (x.exponent < EXPONENT_BIAS - NEGLIGIBLE) {
    roundExtended(result, 0, EXPONENT_BIAS - 1, -1, -1, -1);
    return;
  }
  reduce(x);
  const turns = quarterTurns + 1;
  const sign = (turns >> 1) & 1;
  if ((turns & 1) === 0) {
    sineOfReduced();
    roundInexact(result, a, sign, 0);
  } else {
    cosineOfReduced();
    roundInexact(result, b, sign, 0);
  }
}

/** @param x normalized, below 2^63 in magnitude */
export function tangent(x: Float80, result: Float80): void {
  if (x.exponent < EXPONENT_BIAS - NEGLIGIBLE) {
    roundInexact(result, significand(x, a).multiplyPair(1 + HAIR, 0), x.sign, x.exponent - EXPONENT_BIAS);
    return;
  }
  reduce(x);
  sineOfReduced();
  cosineOfReduced();
  if ((quarterTurns & 1) === 0) roundInexact(result, a.divide(b), x.sign, 0);
  else roundInexact(result, b.divide(a), x.sign ^ 1, 0);
}

/** The angle of the point (x, y), both normalized numbers: -pi to pi. */
export function arcTangent(y: Float80, x: Float80, result: Float80): void {
  significand(y, a);
  significand(x, b);
  const exponent = y.exponent - x.exponent;
  const steep = exponent > 0 || (exponent === 0 && (a.hi > b.hi || (a.hi === b.hi && a.lo > b.lo)));
  if (steep) t.copy(b).divide(a);
  else t.copy(a).divide(b);
  const distance = -Math.abs(exponent);
  if (!steep && x.sign === 0 && distance < -NEGLIGIBLE) {
    roundInexact(result, t.addPair(-t.hi * HAIR, 0), y.sign, exponent);
    return;
  }
  scaled(t, distance);
  arcTangentOfRatio();
  if (steep) {
    a.negate().addPair(HALF_PI[0], HALF_PI[1]);
  }
  if (x.sign !== 0) a.negate().addPair(PI[0], PI[1]);
  roundInexact(result, a, y.sign, 0);
}

/** a = atan(t), for t from 0 to 1: from the angle of the nearest sixteenth on. */
function arcTangentOfRatio(): void {
  const nearest = Math.floor(t.hi * 16 + 0.5);
  const angle = ARC_TANGENTS[nearest];
  const sixteenths = nearest / 16;
  a.copy(t).addPair(-sixteenths, 0);
  b.copy(t).multiplyPair(sixteenths, 0).addPair(1, 0);
  a.divide(b);
  square.copy(a).multiply(a).negate();
  polynomial(square, INVERSE_ODDS, 0, 11, 1);
  a.multiply(sum).addPair(angle[0], angle[1]);
}

// ---- Powers and logarithms ---------------------------------------------------------------------------------------

/** 2^x - 1. @param x normalized, below 1 in magnitude */
export function powerMinusOne(x: Float80, result: Float80): void {
  significand(x, a).multiplyPair(LN_2[0], LN_2[1]);
  const exponent = x.exponent - EXPONENT_BIAS;
  if (exponent < -SCALE_RANGE) {
    roundInexact(result, a, x.sign, exponent);
    return;
  }
  scaled(a, exponent);
  if (x.sign !== 0) a.negate();
  polynomial(a, INVERSE_FACTORIALS, 1, 30, 1);
  roundInexact(result, a.multiply(sum), 0, 0);
}

/** a = log2((1 + t) / (1 - t)), |t| up to 0.18. */
function logarithmOfRatio(): void {
  square.copy(t).multiply(t);
  polynomial(square, INVERSE_ODDS, 0, 22, 1);
  a.copy(t).multiply(sum).multiplyPair(TWO_BY_LN_2[0], TWO_BY_LN_2[1]);
}

/** a = log2(b * 2^exponent), for b from 1 to 2. */
function logarithmOf(exponent: number): void {
  if (b.hi > Math.SQRT2) {
    b.scale(0.5);
    exponent++;
  }
  t.copy(b).addPair(-1, 0);
  b.addPair(1, 0);
  t.divide(b);
  logarithmOfRatio();
  a.addPair(exponent, 0);
}

/** y * log2(x). @param x normalized and positive, not a power of two; y normalized */
export function logarithm(y: Float80, x: Float80, result: Float80): void {
  significand(x, b);
  logarithmOf(x.exponent - EXPONENT_BIAS);
  roundInexact(result, significand(y, b).multiply(a), y.sign, y.exponent - EXPONENT_BIAS);
}

/** y * exponent, an exact product before rounding. @param y normalized; exponent of at most 16 bits, not 0 */
export function logarithmOfPower(y: Float80, exponent: number, result: Float80): void {
  significand(y, a).multiplyPair(exponent, 0);
  roundValue(result, a, y.sign, y.exponent - EXPONENT_BIAS, 0);
}

/** y * log2(x + 1). @param x normalized, above -1; y normalized */
export function logarithmOfOneMore(y: Float80, x: Float80, result: Float80): void {
  const exponent = x.exponent - EXPONENT_BIAS;
  let resultExponent = y.exponent - EXPONENT_BIAS;
  significand(x, t);
  if (exponent < -2) {
    if (exponent < -SCALE_RANGE) {
      // log2(1 + x) = x / ln(2), as far as can be seen.
      a.copy(t).multiplyPair(TWO_BY_LN_2[0] / 2, TWO_BY_LN_2[1] / 2);
      if (x.sign !== 0) a.negate();
      resultExponent += exponent;
    } else {
      scaled(t, exponent);
      if (x.sign !== 0) t.negate();
      b.copy(t).addPair(2, 0);
      t.divide(b);
      logarithmOfRatio();
    }
  } else if (exponent > SCALE_RANGE) {
    b.copy(t);
    logarithmOf(exponent);
  } else {
    scaled(t, exponent);
    if (x.sign !== 0) t.negate();
    b.copy(t).addPair(1, 0);
    const magnitude = exponentOf(b.hi);
    b.scale(powerOfTwo(-magnitude));
    logarithmOf(magnitude);
  }
  roundInexact(result, significand(y, b).multiply(a), y.sign, resultExponent);
}
