import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { context, DENORMAL_OPERAND, INEXACT, INVALID, OVERFLOW } from "../../../../emulator/cpu/x87/context.ts";
import { Float80 } from "../../../../emulator/cpu/x87/float80.ts";
import { add, divide, multiply, squareRoot, subtract } from "../../../../emulator/cpu/x87/float80-arithmetic.ts";
import { compare, EQUAL, GREATER, LESS, UNORDERED } from "../../../../emulator/cpu/x87/float80-compare.ts";
import {
  fromBcd,
  fromFloat32,
  fromFloat64,
  fromInt32,
  fromInt64,
  roundToInteger,
  toBcd,
  toFloat32,
  toFloat64,
  toInteger,
  words,
} from "../../../../emulator/cpu/x87/float80-convert.ts";
import { partialRemainder, quotient, scale } from "../../../../emulator/cpu/x87/float80-remainder.ts";
import { exactOf, fromParts, numbers, roundRational, significandOf, text } from "./exact.ts";

const rounding = fc.nat(3);
/** Precision control and the bits it means. */
const precision = fc.constantFrom([0, 24] as const, [2, 53] as const, [3, 64] as const);
const ANY = numbers(0, 0x7ffe);
const MIDDLE = numbers(0x3fff - 80, 0x3fff + 80);
const LOWEST = numbers(0, 100);

const result = new Float80();
const scratch = new DataView(new ArrayBuffer(8));

/** All exceptions masked. */
function begin(roundingControl = 0, precisionControl = 3): void {
  context.begin(0x3f | (precisionControl << 8) | (roundingControl << 10));
}

/** The rounded value of numerator / denominator * 2^scale, against what the operation left in `result`. */
function expectRounded(
  sign: number,
  numerator: bigint,
  denominator: bigint,
  exponent: number,
  bits: number,
  mode: number,
): void {
  const { value, inexact } = roundRational(sign, numerator, denominator, exponent, bits, mode);
  if (value === "overflow") {
    expect(context.flags & (OVERFLOW | INEXACT)).toBe(OVERFLOW | INEXACT);
    return;
  }
  expect(text(result)).toBe(value);
  expect((context.flags & INEXACT) !== 0).toBe(inexact);
}

function check(
  operands: fc.Arbitrary<[Float80, Float80]>,
  body: (a: Float80, b: Float80, bits: number, mode: number) => void,
) {
  fc.assert(
    fc.property(operands, precision, rounding, ([a, b], [control, bits], mode) => {
      begin(mode, control);
      body(a, b, bits, mode);
    }),
    { numRuns: 1500 },
  );
}

const PAIRS = fc.oneof(
  fc.tuple(MIDDLE, MIDDLE),
  fc.tuple(ANY, ANY),
  fc.tuple(LOWEST, LOWEST),
  fc.tuple(LOWEST, MIDDLE),
);

function expectSum(a: Float80, b: Float80, bSign: number, bits: number, mode: number): void {
  const x = exactOf(a);
  const y = exactOf(b);
  const lowest = Math.min(x.exponent, y.exponent);
  const signed = (sign: number, n: { significand: bigint; exponent: number }) =>
    (sign ? -1n : 1n) * (n.significand << BigInt(n.exponent - lowest));
  const sum = signed(a.sign, x) + signed(bSign, y);
  if (sum === 0n) expect(text(result)).toBe(`${mode === 1 ? "-" : "+"}0:0000000000000000`);
  else expectRounded(sum < 0n ? 1 : 0, sum < 0n ? -sum : sum, 1n, lowest, bits, mode);
}

describe("arithmetic", () => {
  it("adds", () => {
    check(PAIRS, (a, b, bits, mode) => {
      add(a, b, result);
      expectSum(a, b, b.sign, bits, mode);
    });
  });

  it("subtracts", () => {
    check(PAIRS, (a, b, bits, mode) => {
      subtract(a, b, result);
      expectSum(a, b, b.sign ^ 1, bits, mode);
    });
  });

  it("gives a difference of equals the sign that the rounding asks for", () => {
    check(fc.tuple(ANY, ANY), (a, _, bits, mode) => {
      subtract(a, a, result);
      expectSum(a, a, a.sign ^ 1, bits, mode);
    });
  });

  it("multiplies", () => {
    check(PAIRS, (a, b, bits, mode) => {
      multiply(a, b, result);
      const [x, y] = [exactOf(a), exactOf(b)];
      expectRounded(a.sign ^ b.sign, x.significand * y.significand, 1n, x.exponent + y.exponent, bits, mode);
    });
  });

  it("divides", () => {
    check(PAIRS, (a, b, bits, mode) => {
      divide(a, b, result);
      const [x, y] = [exactOf(a), exactOf(b)];
      expectRounded(a.sign ^ b.sign, x.significand, y.significand, x.exponent - y.exponent, bits, mode);
    });
  });

  it("takes square roots", () => {
    check(fc.tuple(fc.oneof(MIDDLE, ANY, LOWEST), MIDDLE), (a, _, bits, mode) => {
      a.sign = 0;
      squareRoot(a, result);
      let { significand, exponent } = exactOf(a);
      if (exponent & 1) {
        significand <<= 1n;
        exponent--;
      }
      // 200 more bits than the root needs, and one that stands for the rest.
      const radicand = significand << 400n;
      const root = integerRoot(radicand);
      const sticky = root * root === radicand ? 0n : 1n;
      expectRounded(0, 2n * root + sticky, 2n, exponent / 2 - 200, bits, mode);
    });
  });

  it("may store a result in an operand", () => {
    fc.assert(
      fc.property(MIDDLE, MIDDLE, fc.constantFrom(add, subtract, multiply, divide), (a, b, operation) => {
        begin();
        operation(a, b, result);
        const expected = text(result);
        begin();
        operation(a, b, b);
        expect(text(b)).toBe(expected);
      }),
    );
  });
});

function integerRoot(value: bigint): bigint {
  let low = 0n;
  let high = 1n << BigInt((value.toString(2).length + 1) >> 1);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle * middle <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}

describe("remainders", () => {
  it.each([
    ["truncated", false],
    ["to nearest", true],
  ])("%s", (_, nearest) => {
    const near = fc.tuple(numbers(0x3fff - 30, 0x3fff + 33), numbers(0x3fff - 30, 0x3fff + 30));
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(LOWEST, numbers(0, 60))), ([a, b]) => {
        begin();
        partialRemainder(a, b, nearest, result);
        if (quotient.incomplete) return;
        const [x, y] = [exactOf(a), exactOf(b)];
        const lowest = Math.min(x.exponent, y.exponent);
        const n = x.significand << BigInt(x.exponent - lowest);
        const d = y.significand << BigInt(y.exponent - lowest);
        let q = n / d;
        if (nearest && (2n * (n % d) > d || (2n * (n % d) === d && q % 2n === 1n))) q++;
        const rest = n - q * d;
        expect(quotient.bits).toBe(Number(q & 7n));
        expect(context.flags & INEXACT).toBe(0);
        if (rest === 0n) expect(text(result)).toBe(text(fromParts(a.sign, 0, 0n)));
        else expectRounded(rest < 0n ? a.sign ^ 1 : a.sign, rest < 0n ? -rest : rest, 1n, lowest, 64, 0);
      }),
      { numRuns: 1500 },
    );
  });

  it("goes on to the end in steps when the exponents are far apart", () => {
    fc.assert(
      fc.property(numbers(0x3fff + 500, 0x3fff + 700), MIDDLE, (a, b) => {
        begin();
        let steps = 0;
        const [x, y] = [exactOf(a), exactOf(b)];
        const rest = (x.significand << BigInt(x.exponent - y.exponent)) % y.significand;
        result.copy(a);
        do {
          partialRemainder(result, b, false, result);
          steps++;
        } while (quotient.incomplete);
        expect(steps).toBeLessThan(30);
        if (rest === 0n) expect(significandOf(result)).toBe(0n);
        else expectRounded(a.sign, rest, 1n, y.exponent, 64, 0);
      }),
    );
  });

  it("scales by powers of two", () => {
    fc.assert(
      fc.property(fc.oneof(ANY, LOWEST), fc.integer({ min: -70000, max: 70000 }), rounding, (a, power, mode) => {
        const b = new Float80();
        fromInt32(power, b);
        begin(mode);
        scale(a, b, result);
        const x = exactOf(a);
        if (power > -40000) expectRounded(a.sign, x.significand, 1n, x.exponent + power, 64, mode);
        else expect(result.exponent).toBe(0);
      }),
    );
  });
});

describe("comparison", () => {
  it("orders numbers", () => {
    fc.assert(
      fc.property(fc.oneof(ANY, LOWEST), fc.oneof(ANY, LOWEST), (a, b) => {
        begin();
        const value = (x: Float80) => {
          const { sign, significand, exponent } = exactOf(x);
          return (sign ? -1n : 1n) * (significand << BigInt(exponent + 0x3fff + 63));
        };
        const [x, y] = [value(a), value(b)];
        expect(compare(a, b, false)).toBe(x < y ? LESS : x > y ? GREATER : EQUAL);
        expect(compare(a, a, true)).toBe(EQUAL);
      }),
      { numRuns: 200 },
    );
  });

  it("finds NaNs unordered, and minds quiet ones only when asked", () => {
    const one = fromParts(0, 0x3fff, 1n << 63n);
    const quiet = fromParts(0, 0x7fff, 3n << 62n);
    const signaling = fromParts(0, 0x7fff, (1n << 63n) | 1n);
    const outcome = (a: Float80, b: Float80, quietly: boolean) => {
      begin();
      return [compare(a, b, quietly), context.flags];
    };
    expect(outcome(one, quiet, false)).toEqual([UNORDERED, INVALID]);
    expect(outcome(one, quiet, true)).toEqual([UNORDERED, 0]);
    expect(outcome(signaling, one, true)).toEqual([UNORDERED, INVALID]);
  });
});

describe("conversion", () => {
  it("widens and narrows singles without loss", () => {
    fc.assert(
      fc.property(fc.integer(), (bits) => {
        begin();
        fromFloat32(bits, result);
        const isNan = ((bits >>> 23) & 0xff) === 0xff && (bits & 0x7fffff) !== 0;
        const isDenormal = ((bits >>> 23) & 0xff) === 0 && (bits & 0x7fffff) !== 0;
        expect(context.flags).toBe(isDenormal ? DENORMAL_OPERAND : 0);
        toFloat32(result);
        expect(words.low).toBe(isNan ? bits | 0x400000 : bits);
      }),
    );
  });

  it("widens and narrows doubles without loss", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        scratch.setFloat64(0, value);
        const [high, low] = [scratch.getInt32(0), scratch.getInt32(4)];
        begin();
        fromFloat64(high, low, result);
        toFloat64(result);
        expect([words.high, words.low]).toEqual([high, low]);
      }),
    );
  });

  it("rounds doubles to singles as the host does", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double({ noNaN: true }),
          fc.float({ noNaN: true }).map((x) => x * (1 + 2 ** -24)),
        ),
        (value) => {
          scratch.setFloat64(0, value);
          begin();
          fromFloat64(scratch.getInt32(0), scratch.getInt32(4), result);
          toFloat32(result);
          scratch.setFloat32(0, value);
          expect(words.low).toBe(scratch.getInt32(0));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("converts integers of 64 bits both ways", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
        const high = Number(BigInt.asIntN(32, value >> 32n));
        const low = Number(BigInt.asIntN(32, value));
        begin();
        fromInt64(high, low, result);
        toInteger(result, 64);
        expect([words.high, words.low, context.flags]).toEqual([high, low, 0]);
      }),
    );
  });

  it("rounds to integers, in memory as in a register", () => {
    fc.assert(
      fc.property(numbers(0x3ff0, 0x3fff + 62), rounding, (a, mode) => {
        const { significand, exponent } = exactOf(a);
        const unit = 1n << BigInt(-exponent);
        const rest = significand % unit;
        let integer = significand / unit;
        const half = 2n * rest - unit;
        if (mode === 0 ? half > 0n || (half === 0n && integer & 1n) : mode === (a.sign ? 1 : 2) && rest > 0n) integer++;
        begin(mode);
        toInteger(a, 64);
        const stored = BigInt.asIntN(64, (BigInt(words.high) << 32n) | BigInt(words.low >>> 0));
        expect(stored).toBe(integer >> 63n ? -(1n << 63n) : a.sign ? -integer : integer);
        begin(mode);
        roundToInteger(a, result);
        const rounded = exactOf(result);
        expect(rounded.significand >> BigInt(-rounded.exponent)).toBe(integer);
        expect((context.flags & INEXACT) !== 0).toBe(rest !== 0n);
      }),
      { numRuns: 500 },
    );
  });

  it("converts packed decimals both ways", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.nat(1), (value, sign) => {
        const digits = BigInt(`0x${value.toString()}`);
        const parts = [0n, 32n, 64n].map((shift) => Number(BigInt.asIntN(32, digits >> shift)));
        begin();
        fromBcd(parts[0], parts[1], parts[2] | (sign << 15), result);
        if (value !== 0n) expect(exactOf(result).significand >> BigInt(-exactOf(result).exponent)).toBe(value);
        toBcd(result);
        expect([words.low, words.high, words.top]).toEqual([parts[0], parts[1], parts[2] | (sign << 15)]);
      }),
    );
  });
});
