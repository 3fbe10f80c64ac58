import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as arithmetic from "../../../emulator/cpu/arithmetic.ts";
import { getAf, getCf, getOf, getPf, getSf, isZero, setCf, setCfOf, setZf } from "../../../emulator/cpu/flags.ts";
import { highSigned, highUnsigned } from "../../../emulator/cpu/muldiv.ts";
import { FLAGS_ARITHMETIC } from "../../../emulator/cpu/state-layout.ts";
import { Guest } from "./guest.ts";

const { core } = Guest.flat();
const word = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000, 0x7f, 0x80, 0x7fff, 0x8000));

/** Flags of result = a + b + carry (or the difference), from exact arithmetic on numbers. */
function expectedFlags(size: number, subtract: boolean, a: number, b: number, carry: number) {
  const modulus = 2 ** size;
  const unsigned = (n: number) => ((n % modulus) + modulus) % modulus;
  const signed = (n: number) => (unsigned(n) >= modulus / 2 ? unsigned(n) - modulus : unsigned(n));
  const sign = subtract ? -1 : 1;
  const exact = unsigned(a) + sign * (unsigned(b) + carry);
  const exactSigned = signed(a) + sign * (signed(b) + carry);
  const result = unsigned(exact);
  const nibble = (unsigned(a) % 16) + sign * ((unsigned(b) % 16) + carry);
  let ones = 0;
  for (let bit = 0; bit < 8; bit++) ones += Math.floor(result / 2 ** bit) % 2;
  return {
    result,
    cf: exact !== result ? 1 : 0,
    zf: result === 0,
    sf: signed(exact) < 0 ? 1 : 0,
    of: exactSigned !== signed(exact) ? 1 : 0,
    af: nibble < 0 || nibble > 15 ? 1 : 0,
    pf: ones % 2 === 0 ? 1 : 0,
  };
}

function actualFlags(size: number, result: number) {
  return {
    result: size === 32 ? result >>> 0 : result & (2 ** size - 1),
    cf: getCf(core),
    zf: isZero(core),
    sf: getSf(core),
    of: getOf(core),
    af: getAf(core),
    pf: getPf(core),
  };
}

type Operation = (cpu: typeof core, a: number, b: number) => number;

describe("flags of additions and subtractions", () => {
  const operations: [string, number, boolean, boolean, Operation][] = [
    ["add", 8, false, false, arithmetic.add8],
    ["add", 16, false, false, arithmetic.add16],
    ["add", 32, false, false, arithmetic.add32],
    ["adc", 8, false, true, arithmetic.adc8],
    ["adc", 16, false, true, arithmetic.adc16],
    ["adc", 32, false, true, arithmetic.adc32],
    ["sub", 8, true, false, arithmetic.sub8],
    ["sub", 16, true, false, arithmetic.sub16],
    ["sub", 32, true, false, arithmetic.sub32],
    ["sbb", 8, true, true, arithmetic.sbb8],
    ["sbb", 16, true, true, arithmetic.sbb16],
    ["sbb", 32, true, true, arithmetic.sbb32],
  ];

  it.each(operations)("%s %i follows exact arithmetic", (_name, size, subtract, withCarry, operation) => {
    fc.assert(
      fc.property(word, word, fc.nat(1), (a, b, carry) => {
        setCf(core, carry);
        const result = operation(core, a, b);
        expect(actualFlags(size, result)).toEqual(expectedFlags(size, subtract, a, b, withCarry ? carry : 0));
      }),
    );
  });

  it("INC and DEC are additions of 1 that keep CF", () => {
    for (const [size, subtract, operation] of [
      [8, false, arithmetic.inc8],
      [16, false, arithmetic.inc16],
      [32, false, arithmetic.inc32],
      [8, true, arithmetic.dec8],
      [16, true, arithmetic.dec16],
      [32, true, arithmetic.dec32],
    ] as const) {
      fc.assert(
        fc.property(word, fc.nat(1), (a, carry) => {
          setCf(core, carry);
          const result = operation(core, a);
          expect(actualFlags(size, result)).toEqual({ ...expectedFlags(size, subtract, a, 1, 0), cf: carry });
        }),
      );
    }
  });
});

describe("EFLAGS", () => {
  it("keeps every combination of the arithmetic flags, also those no result has", () => {
    for (let i = 0; i < 64; i++) {
      const flags = (i & 1) | ((i & 2) << 1) | ((i & 4) << 2) | ((i & 8) << 3) | ((i & 16) << 3) | ((i & 32) << 6);
      core.setEflags(flags);
      expect(core.getEflags()).toBe(flags | 2);
      setCf(core, (flags & 1) ^ 1);
      expect(core.getEflags()).toBe((flags ^ 1) | 2);
      setCfOf(core, 1, 0);
      expect(core.getEflags()).toBe((flags & ~0x801) | 3);
      setZf(core, true);
      expect(core.getEflags()).toBe((flags & ~0x801) | 0x43);
    }
  });

  it("changes only the bits of the mask", () => {
    core.setEflags(FLAGS_ARITHMETIC | 0x200);
    core.setEflags(0, 0x201);
    expect(core.getEflags()).toBe((FLAGS_ARITHMETIC & ~1) | 2);
    core.setEflags(0);
  });
});

describe("products", () => {
  it("have the right high half", () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(highSigned(a, b)).toBe(Number(BigInt.asIntN(32, (BigInt(a) * BigInt(b)) >> 32n)));
        expect(highUnsigned(a, b)).toBe(Number(BigInt.asIntN(32, (BigInt(a >>> 0) * BigInt(b >>> 0)) >> 32n)));
      }),
    );
  });
});

describe("DIV and IDIV of 64 bits", () => {
  it("agree with exact division, and raise #DE when the quotient does not fit", () => {
    const guest = Guest.flat();
    guest.catchExceptions();
    fc.assert(
      fc.property(word, word, word, fc.boolean(), fc.nat(31), (high, low, divisor, signed, shift) => {
        const edx = high >> shift;
        guest.load(Uint8Array.of(0xf7, signed ? 0xfb : 0xf3, 0xf4));
        guest.core.halted = false;
        guest.core.r[0] = low;
        guest.core.r[2] = edx;
        guest.core.r[3] = divisor;
        guest.core.r[4] = 0x8000;
        guest.core.run(10);
        const [d, n] = signed
          ? [BigInt(divisor), (BigInt(edx) << 32n) | BigInt(low >>> 0)]
          : [BigInt(divisor >>> 0), (BigInt(edx >>> 0) << 32n) | BigInt(low >>> 0)];
        const quotient = d === 0n ? null : n / d;
        const fits =
          quotient !== null &&
          (signed ? BigInt.asIntN(32, quotient) === quotient : BigInt.asUintN(32, quotient) === quotient);
        if (!fits) {
          expect([guest.core.r[0], guest.core.r[2], guest.core.eip]).toEqual([0, edx, 0x2006]);
          return;
        }
        expect([guest.core.r[0], guest.core.r[2]]).toEqual([
          Number(BigInt.asIntN(32, quotient)),
          Number(BigInt.asIntN(32, n % d)),
        ]);
      }),
      { numRuns: 500 },
    );
  });
});
