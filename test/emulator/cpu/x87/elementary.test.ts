import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { context, INEXACT } from "../../../../emulator/cpu/x87/context.ts";
import {
  arcTangent,
  cosine,
  logarithm,
  logarithmOfOneMore,
  powerMinusOne,
  sine,
  tangent,
} from "../../../../emulator/cpu/x87/elementary.ts";
import { Float80 } from "../../../../emulator/cpu/x87/float80.ts";
import { exactOf, fromParts, numbers } from "./exact.ts";

// The functions once more, slowly, on integers scaled by 2^F.
const F = 400;
const ONE = 1n << BigInt(F);

function fixed(x: Float80): bigint {
  const { sign, significand, exponent } = exactOf(x);
  const shift = exponent + F;
  const magnitude = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  return sign ? -magnitude : magnitude;
}

const times = (a: bigint, b: bigint) => (a * b) >> BigInt(F);
const over = (a: bigint, b: bigint) => (a << BigInt(F)) / b;

function squareRoot(value: bigint): bigint {
  const radicand = value << BigInt(F);
  let root = 1n << BigInt((radicand.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + radicand / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Sum of x^n / n! over n = first, first + 2, … with alternating signs, or over all n. */
function series(x: bigint, first: number, step: 1 | 2): bigint {
  let term = first === 0 ? ONE : x;
  let sum = 0n;
  for (let n = first; term !== 0n; n += step) {
    sum += term;
    term = step === 1 ? times(term, x) / BigInt(n + 1) : -times(times(term, x), x) / BigInt((n + 1) * (n + 2));
  }
  return sum;
}

/** Area tangent, |x| < 0.5. */
function areaTangent(x: bigint): bigint {
  let power = x;
  let sum = 0n;
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += power / n;
    power = times(times(power, x), x);
  }
  return sum;
}

const LN2 = 2n * areaTangent(ONE / 3n);

function log2(x: bigint): bigint {
  let exponent = 0n;
  let m = x;
  for (; m > ONE + (ONE >> 1n); exponent++) m >>= 1n;
  for (; m < (3n * ONE) >> 2n; exponent--) m <<= 1n;
  return exponent * ONE + over(2n * areaTangent(over(m - ONE, m + ONE)), LN2);
}

function arcTangentOf(x: bigint): bigint {
  if (x < ONE >> 4n) {
    let power = x;
    let sum = 0n;
    for (let n = 1n; power !== 0n; n += 2n) {
      sum += power / n;
      power = -times(times(power, x), x);
    }
    return sum;
  }
  return 2n * arcTangentOf(over(x, ONE + squareRoot(ONE + times(x, x))));
}

const PI = 4n * arcTangentOf(ONE);
/** A quarter turn by the processors' pi of 66 bits, Intel SDM 1, 8.3.8: 0.C90FDAA22168C234C * 4 / 2. */
const QUARTER_TURN = 0xc90fdaa22168c234cn << BigInt(F + 1 - 68);

/** Sine and cosine after the reduction that processors do. */
function circular(x: Float80): { sin: bigint; cos: bigint } {
  const value = fixed(x);
  const magnitude = value < 0n ? -value : value;
  // The nearest multiple: which one matters, as this pi is not exact.
  const turns = (2n * magnitude + QUARTER_TURN) / (2n * QUARTER_TURN);
  const rest = magnitude - turns * QUARTER_TURN;
  const [s, c] = [series(rest, 1, 2), series(rest, 0, 2)];
  const [sin, cos] = (
    [
      [s, c],
      [c, -s],
      [-s, -c],
      [-c, s],
    ] as const
  )[Number(turns & 3n)];
  return { sin: value < 0n ? -sin : sin, cos };
}

const result = new Float80();

/** Checks `result`, rounded to nearest, against a value: half a unit in the last place, and one in a million. */
function expectNearest(value: bigint): void {
  const { exponent } = exactOf(result);
  const unit = ONE >> BigInt(-exponent);
  const error = fixed(result) - value;
  const millionths = ((error < 0n ? -error : error) * 1_000_000n) / unit;
  expect(Number(millionths)).toBeLessThanOrEqual(500_001);
  expect(context.flags).toBe(INEXACT);
}

function begin(): void {
  context.begin(0x33f | 0x40);
}

/** Normalized numbers between 2^-60 and about 2^highest. */
function argument(highest: number): fc.Arbitrary<Float80> {
  return fc.oneof(numbers(0x3fff - 60, 0x3fff + highest), numbers(0x3fff - 4, 0x3fff + highest));
}

function check(
  body: (x: Float80, y: Float80) => void,
  x: fc.Arbitrary<Float80>,
  y: fc.Arbitrary<Float80> = argument(40),
) {
  fc.assert(
    fc.property(x, y, (a, b) => {
      begin();
      body(a, b);
    }),
    { numRuns: 120 },
  );
}

describe("elementary functions, against slow exact ones", () => {
  it("sine", () => {
    check((x) => {
      sine(x, result);
      expectNearest(circular(x).sin);
    }, argument(62));
  });

  it("cosine", () => {
    check((x) => {
      cosine(x, result);
      expectNearest(circular(x).cos);
    }, argument(62));
  });

  it("tangent", () => {
    check((x) => {
      tangent(x, result);
      const { sin, cos } = circular(x);
      expectNearest(over(sin, cos));
    }, argument(62));
  });

  it("arc tangent in all quadrants", () => {
    check(
      (x, y) => {
        arcTangent(y, x, result);
        const [fx, fy] = [fixed(x), fixed(y)];
        const absolute = (n: bigint) => (n < 0n ? -n : n);
        let angle =
          absolute(fy) <= absolute(fx)
            ? arcTangentOf(over(absolute(fy), absolute(fx)))
            : PI / 2n - arcTangentOf(over(absolute(fx), absolute(fy)));
        if (fx < 0n) angle = PI - angle;
        expectNearest(fy < 0n ? -angle : angle);
      },
      argument(40),
      argument(40),
    );
  });

  it("2^x - 1", () => {
    check((x) => {
      powerMinusOne(x, result);
      expectNearest(series(times(fixed(x), LN2), 0, 1) - ONE);
    }, argument(-1));
  });

  it("y * log2(x)", () => {
    const notPowers = argument(60).filter((x) => x.high << 1 !== 0 || x.low !== 0);
    check((x, y) => {
      x.sign = 0;
      logarithm(y, x, result);
      expectNearest(times(fixed(y), log2(fixed(x))));
    }, notPowers);
  });

  it("y * log2(x + 1)", () => {
    check((x, y) => {
      logarithmOfOneMore(y, x, result);
      expectNearest(times(fixed(y), log2(fixed(x) + ONE)));
    }, argument(-2));
  });

  it("round to the side of the exact value however small the argument", () => {
    const tiny = fromParts(0, 0x1000, 1n << 63n);
    context.begin(0x0f7f);
    sine(tiny, result);
    expect([result.exponent, result.high, result.low]).toEqual([0xfff, -1, -1]);
    context.begin(0x0b7f);
    tangent(tiny, result);
    expect([result.exponent, result.high >>> 0, result.low]).toEqual([0x1000, 0x80000000, 1]);
  });
});
