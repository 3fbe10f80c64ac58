import type { Pair } from "./double-double-constants.ts";

/** Splits a double into halves whose products are exact (Dekker). */
const SPLITTER = 0x8000001;

/** The bits of a power of two (only its exponent field is ever written), and those of a number. */
const powerBits = new DataView(new ArrayBuffer(8));
const numberBits = new DataView(new ArrayBuffer(8));

/** 2^exponent, exactly. @param exponent -1022 to 1023 */
export function powerOfTwo(exponent: number): number {
  powerBits.setInt32(0, (exponent + 1023) << 20);
  return powerBits.getFloat64(0);
}

/** Exponent of a normal double: 0 for 1 to 2. */
export function exponentOf(value: number): number {
  numberBits.setFloat64(0, value);
  return ((numberBits.getInt32(0) >>> 20) & 0x7ff) - 1023;
}

/**
 * A number as the unevaluated sum of two doubles, with about 104 bits of precision. Operations store their result in
 * the object, which may be one of the operands too. Only IEEE 754 additions, multiplications and divisions of doubles
 * are used, so that results are the same everywhere.
 */
export class DoubleDouble {
  hi = 0;
  /** At most half a unit in the last place of `hi`. */
  lo = 0;

  /** @returns this, here and below */
  set(hi: number, lo = 0): this {
    this.hi = hi;
    this.lo = lo;
    return this;
  }

  setPair(pair: Pair): this {
    return this.set(pair[0], pair[1]);
  }

  copy(other: DoubleDouble): this {
    return this.set(other.hi, other.lo);
  }

  /** hi + lo, where |hi| >= |lo| or hi is 0. */
  setSum(hi: number, lo: number): this {
    this.hi = hi + lo;
    this.lo = lo - (this.hi - hi);
    return this;
  }

  negate(): this {
    this.hi = -this.hi;
    this.lo = -this.lo;
    return this;
  }

  /** Multiplies by a power of two. */
  scale(factor: number): this {
    this.hi *= factor;
    this.lo *= factor;
    return this;
  }

  addPair(high: number, low: number): this {
    const sum = this.hi + high;
    const rounded = sum - this.hi;
    let error = this.hi - (sum - rounded) + (high - rounded);
    const lowSum = this.lo + low;
    const lowRounded = lowSum - this.lo;
    const lowError = this.lo - (lowSum - lowRounded) + (low - lowRounded);
    error += lowSum;
    const first = sum + error;
    return this.setSum(first, error - (first - sum) + lowError);
  }

  add(other: DoubleDouble): this {
    return this.addPair(other.hi, other.lo);
  }

  subtract(other: DoubleDouble): this {
    return this.addPair(-other.hi, -other.lo);
  }

  multiplyPair(high: number, low: number): this {
    const product = this.hi * high;
    const a = SPLITTER * this.hi;
    const aHigh = a - (a - this.hi);
    const aLow = this.hi - aHigh;
    const b = SPLITTER * high;
    const bHigh = b - (b - high);
    const bLow = high - bHigh;
    const error = aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
    return this.setSum(product, error + (this.hi * low + this.lo * high));
  }

  multiply(other: DoubleDouble): this {
    return this.multiplyPair(other.hi, other.lo);
  }

  /** Divides by a number that is not 0. */
  divide(other: DoubleDouble): this {
    const first = this.hi / other.hi;
    rest.copy(other).multiplyPair(-first, 0).add(this);
    const second = rest.hi / other.hi;
    product.copy(other).multiplyPair(-second, 0);
    rest.add(product);
    const third = rest.hi / other.hi;
    return this.setSum(first, second).addPair(third, 0);
  }
}

const rest = new DoubleDouble();
const product = new DoubleDouble();
