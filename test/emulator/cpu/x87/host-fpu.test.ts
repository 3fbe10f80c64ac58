import { describe, expect, it } from "vitest";
import { TRANSCENDENTAL, toleranceFor } from "./tolerance.ts";
import { areaDifference, difference, instructionOf, readVectors, type Vector } from "./vectors.ts";

/** Recorded from a real CPU (AMD EPYC, family 25) by test/golden/x87/record.c. */
const { instructions, areas } = readVectors();

function differences(vectors: Vector[]): string[] {
  return vectors.flatMap((vector) => difference(vector, toleranceFor(vector)) ?? []);
}

describe("x87 instructions as a real CPU runs them", () => {
  it("has a record of every instruction", () => {
    expect(instructions.length).toBeGreaterThan(70_000);
    // 8 opcodes: memory forms by ModRM.reg, register forms with i = 0 to 2 or the whole ModRM byte.
    expect(new Set(instructions.map(instructionOf)).size).toBeGreaterThan(200);
  });

  for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
    const vectors = instructions.filter((vector) => instructionOf(vector) >> 8 === opcode);
    it(`agrees on ${opcode.toString(16).toUpperCase()}: ${vectors.length} cases`, () => {
      expect(differences(vectors).slice(0, 5)).toEqual([]);
    });
  }

  it("agrees to the last bit on nearly all results of transcendental functions", () => {
    const vectors = instructions.filter((vector) => TRANSCENDENTAL.has(instructionOf(vector)));
    const exact = vectors.filter((vector) => difference(vector, { ulps: 0, flags: 0 }) === null);
    expect(exact.length / vectors.length).toBeGreaterThan(0.95);
  });

  it("agrees on FNSTENV, FLDENV, FNSAVE and FRSTOR, 16 and 32 bits", () => {
    expect(areas.flatMap((vector) => areaDifference(vector) ?? []).slice(0, 5)).toEqual([]);
  });
});
