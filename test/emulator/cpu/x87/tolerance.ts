/** How exactly the emulator agrees with the recorded CPU. */
import { ARITHMETIC_FLAGS, instructionOf, invalidUnmasked, type Tolerance, type Vector } from "./vectors.ts";

/** F2XM1, FYL2X, FPTAN, FPATAN, FYL2XP1, FSINCOS, FSIN, FCOS: good to one unit in the last place, here and there. */
export const TRANSCENDENTAL = new Set([0xd9f0, 0xd9f1, 0xd9f2, 0xd9f3, 0xd9f9, 0xd9fb, 0xd9fe, 0xd9ff]);

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
export function toleranceFor(vector: Vector): Tolerance {
  return {
    ulps: TRANSCENDENTAL.has(instructionOf(vector)) ? 1 : 0,
    flags: setsEflags(vector) && invalidUnmasked(vector) ? 0 : ARITHMETIC_FLAGS,
  };
}
