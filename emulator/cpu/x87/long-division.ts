import type { Float80 } from "./float80.ts";

/**
 * Division with remainder, one bit of the quotient at a time, on integers of up to 71 bits in limbs of 24 bits (whose
 * differences need no unsigned comparisons).
 */
export class LongDivision {
  /** The low bits of the quotient. */
  quotient = 0;
  /** The remainder and the divisor, lowest limb first. */
  #r0 = 0;
  #r1 = 0;
  #r2 = 0;
  #d0 = 0;
  #d1 = 0;
  #d2 = 0;

  setDivisor(high: number, low: number): void {
    this.setDivisorLimbs(high >>> 16, (low >>> 24) | ((high & 0xffff) << 8), low & 0xffffff);
  }

  /** Sets a divisor wider than 64 bits by its limbs of 24 bits. */
  setDivisorLimbs(d2: number, d1: number, d0: number): void {
    this.#d2 = d2;
    this.#d1 = d1;
    this.#d0 = d0;
  }

  /** Starts with a dividend of 64 bits, less than twice the divisor. */
  setRemainder(high: number, low: number): void {
    this.#r0 = low & 0xffffff;
    this.#r1 = (low >>> 24) | ((high & 0xffff) << 8);
    this.#r2 = high >>> 16;
    this.quotient = 0;
  }

  doubleDivisor(): void {
    this.#d2 = (this.#d2 << 1) | (this.#d1 >>> 23);
    this.#d1 = ((this.#d1 << 1) & 0xffffff) | (this.#d0 >>> 23);
    this.#d0 = (this.#d0 << 1) & 0xffffff;
  }

  /** Divides dividend * 2^steps. */
  divide(steps: number): void {
    this.#takeOff();
    for (let step = 0; step < steps; step++) {
      this.#r2 = (this.#r2 << 1) | (this.#r1 >>> 23);
      this.#r1 = ((this.#r1 << 1) & 0xffffff) | (this.#r0 >>> 23);
      this.#r0 = (this.#r0 << 1) & 0xffffff;
      this.quotient <<= 1;
      this.#takeOff();
    }
  }

  #takeOff(): void {
    const s0 = this.#r0 - this.#d0;
    const s1 = this.#r1 - this.#d1 + (s0 >> 31);
    const s2 = this.#r2 - this.#d2 + (s1 >> 31);
    if (s2 < 0) return;
    this.#r0 = s0 & 0xffffff;
    this.#r1 = s1 & 0xffffff;
    this.#r2 = s2;
    this.quotient |= 1;
  }

  /**
   * Makes the quotient the nearest integer (even when there are two), and the remainder its magnitude.
   * @returns whether the quotient was increased, so that the remainder changed its sign
   */
  roundToNearest(): boolean {
    const s0 = this.#d0 - this.#r0;
    const s1 = this.#d1 - this.#r1 + (s0 >> 31);
    const s2 = this.#d2 - this.#r2 + (s1 >> 31);
    const c0 = s0 & 0xffffff;
    const c1 = s1 & 0xffffff;
    // What is missing to the divisor against what is there.
    const difference = s2 !== this.#r2 ? s2 - this.#r2 : c1 !== this.#r1 ? c1 - this.#r1 : c0 - this.#r0;
    if (difference > 0 || (difference === 0 && (this.quotient & 1) === 0)) return false;
    this.#r0 = c0;
    this.#r1 = c1;
    this.#r2 = s2;
    this.quotient++;
    return true;
  }

  /** Stores a remainder of up to 64 bits as a significand. */
  getRemainder(result: Float80): void {
    result.high = (this.#r2 << 16) | (this.#r1 >>> 8);
    result.low = (this.#r1 << 24) | this.#r0;
  }

  /** The remainder as a double-double: its upper 48 bits, and the rest. */
  get upper(): number {
    return (this.#r2 * 0x1000000 + this.#r1) * 0x1000000;
  }
  get lower(): number {
    return this.#r0;
  }
}
