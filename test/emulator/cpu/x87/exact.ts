/** What 80-bit operations must give, worked out with integers of any size: the yardstick of the property tests. */
import fc from "fast-check";
import { Float80 } from "../../../../emulator/cpu/x87/float80.ts";

/** A finite number: sign * significand * 2^exponent. */
export interface Exact {
  readonly sign: number;
  readonly significand: bigint;
  readonly exponent: number;
}

export const BIAS = 0x3fff;

export function fromParts(sign: number, exponent: number, significand: bigint): Float80 {
  const x = new Float80();
  x.set(sign, exponent, Number(BigInt.asIntN(32, significand >> 32n)), Number(BigInt.asIntN(32, significand)));
  return x;
}

export function significandOf(x: Float80): bigint {
  return (BigInt(x.high >>> 0) << 32n) | BigInt(x.low >>> 0);
}

export function exactOf(x: Float80): Exact {
  return { sign: x.sign, significand: significandOf(x), exponent: Math.max(x.exponent, 1) - BIAS - 63 };
}

export function text(x: Float80): string {
  return `${x.sign ? "-" : "+"}${x.exponent.toString(16)}:${significandOf(x).toString(16).padStart(16, "0")}`;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

/**
 * Rounds a positive rational to `bits` bits (fewer when it is denormal).
 * @param rounding 0 nearest even, 1 down, 2 up, 3 to zero
 * @returns the number as `text` writes it, and whether it is inexact
 */
export function roundRational(
  sign: number,
  numerator: bigint,
  denominator: bigint,
  scale: number,
  bits: number,
  rounding: number,
): { value: string; inexact: boolean } {
  // The exponent of the integer bit, from an estimate that is at most one too large.
  let exponent = bitLength(numerator) - bitLength(denominator) + scale;
  const atLeast = (power: number) => {
    const shift = power - scale;
    return shift >= 0 ? numerator >= denominator << BigInt(shift) : numerator << BigInt(-shift) >= denominator;
  };
  if (!atLeast(exponent)) exponent--;
  const lowest = Math.max(exponent, 1 - BIAS) - bits + 1;
  const shift = scale - lowest;
  const [n, d] = shift >= 0 ? [numerator << BigInt(shift), denominator] : [numerator, denominator << BigInt(-shift)];
  let quotient = n / d;
  const twice = 2n * (n % d);
  const inexact = twice !== 0n;
  const up =
    rounding === 0
      ? twice > d || (twice === d && (quotient & 1n) === 1n)
      : rounding === (sign === 0 ? 2 : 1) && inexact;
  if (up) quotient++;
  // Into 64 bits.
  let significand = quotient << BigInt(64 - bits);
  let biased = Math.max(exponent, 1 - BIAS) + BIAS;
  if (significand >> 64n !== 0n) {
    significand >>= 1n;
    biased++;
  }
  if (significand >> 63n === 0n) biased = 0;
  if (biased >= 0x7fff) return { value: "overflow", inexact };
  return { value: text(fromParts(sign, biased, significand)), inexact };
}

/** Finite numbers with exponents in a range, biased toward significands with few or clustered bits. */
export function numbers(lowest: number, highest: number): fc.Arbitrary<Float80> {
  const significand = fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    fc.tuple(fc.nat(62), fc.nat(2)).map(([bit, delta]) => (1n << BigInt(bit)) + BigInt(delta) - 1n),
    fc.nat(62).map((bit) => ((1n << 63n) - 1n) & ~((1n << BigInt(bit)) - 1n)),
  );
  return fc
    .tuple(fc.nat(1), fc.integer({ min: lowest, max: highest }), significand)
    .map(([sign, exponent, fraction]) =>
      fromParts(sign, exponent, exponent === 0 ? fraction + 1n : fraction | (1n << 63n)),
    );
}
