import { describe, expect, it } from "vitest";
import {
  ARITHMETIC_FLAGS,
  areaDifference,
  difference,
  instructionOf,
  invalidUnmasked,
  readVectors,
  type Tolerance,
  type Vector,
} from "./vectors.ts";

/** Recorded from a real CPU (AMD EPYC, family 25) by test/golden/x87/record.c. */
const { instructions, areas } = readVectors();

/** F2XM1, FYL2X, FPTAN, FPATAN, FYL2XP1, FSINCOS, FSIN, FCOS: good to one unit in the last place, here and there. */
const TRANSCENDENTAL = new Set([0xd9f0, 0xd9f1, 0xd9f2, 0xd9f3, 0xd9f9, 0xd9fb, 0xd9fe, 0xd9ff]);

/** FUCOMI, FCOMI, FUCOMIP, FCOMIP. */
function setsEflags(vector: Vector): boolean {
  const instruction = instructionOf(vector);
  const row = instruction & 0xfff8;
  return row === 0xdbe8 || row === 0xdbf0 || row === 0xdfe8 || row === 0xdff0;
}

/**
 * Known difference: with #I unmasked, the recorded CPU sets EFLAGS in FCOMI and its kin nevertheless. Intel's leave
 * EFLAGS as it was (SDM 2A, FCOMI), and so does the emulator.
 */
function toleranceFor(vector: Vector): Tolerance {
  return {
    ulps: TRANSCENDENTAL.has(instructionOf(vector)) ? 1 : 0,
    flags: setsEflags(vector) && invalidUnmasked(vector) ? 0 : ARITHMETIC_FLAGS,
  };
}

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
