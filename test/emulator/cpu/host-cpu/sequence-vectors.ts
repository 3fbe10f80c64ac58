/**
 * Sequences of a few instructions, where each finds the flags and registers that another has left: what single
 * instructions cannot show of flags computed late. No instruction reads a flag that an earlier one left undefined.
 */
import {
  FLAG_CF,
  FLAG_OF,
  FLAG_PF,
  FLAG_SF,
  FLAG_ZF,
  FLAGS_ARITHMETIC,
} from "../../../../emulator/cpu/state-layout.ts";
import { Draft } from "./draft.ts";
import type { Random } from "./random.ts";
import { undefinedFlags, undefinedShiftFlags } from "./undefined-flags.ts";
import type { Vector } from "./vectors.ts";

const COUNT = 20_000;
const ESP = 4;

/** Flags that an instruction reads, and that it sets (the undefined ones among them). */
interface Step {
  bytes: number[];
  reads: number;
  sets: number;
  leavesUndefined: number;
}

/** Flags that conditions 0 to 7 read (pairs of opcodes). */
const CONDITIONS: readonly number[] = [
  FLAG_OF,
  FLAG_CF,
  FLAG_ZF,
  FLAG_CF | FLAG_ZF,
  FLAG_SF,
  FLAG_PF,
  FLAG_SF | FLAG_OF,
  FLAG_ZF | FLAG_SF | FLAG_OF,
];

function register(random: Random): number {
  const n = random.below(7);
  return n < ESP ? n : n + 1;
}

function modrm(random: Random, reg = register(random)): number {
  return 0xc0 | (reg << 3) | register(random);
}

/** ADD OR ADC SBB AND SUB XOR CMP between registers of any width. */
function binary(random: Random): Step {
  const operation = random.below(8);
  const opcode = (operation << 3) | random.below(4);
  const reads = operation === 2 || operation === 3 ? FLAG_CF : 0;
  return {
    bytes: [opcode, modrm(random)],
    reads,
    sets: FLAGS_ARITHMETIC,
    leavesUndefined: undefinedFlags(opcode, -1),
  };
}

function incrementOrDecrement(random: Random): Step {
  const bytes = random.oneIn(2)
    ? [0x40 + random.pick([0, 8]) + register(random)]
    : [0xfe, modrm(random, random.below(2))];
  return { bytes, reads: 0, sets: FLAGS_ARITHMETIC & ~FLAG_CF, leavesUndefined: 0 };
}

function negate(random: Random): Step {
  return {
    bytes: [random.pick([0xf6, 0xf7]), modrm(random, 3)],
    reads: 0,
    sets: FLAGS_ARITHMETIC,
    leavesUndefined: 0,
  };
}

/** Shifts and rotates by an immediate, not by 0. */
function shift(random: Random): Step {
  const reg = random.below(8);
  const count = random.between(1, 31);
  const byte = random.oneIn(2);
  const rotates = reg < 4;
  return {
    bytes: [byte ? 0xc0 : 0xc1, modrm(random, reg), count],
    reads: reg === 2 || reg === 3 ? FLAG_CF : 0,
    sets: rotates ? FLAG_CF | FLAG_OF : FLAGS_ARITHMETIC,
    // The width is not known here when there is a prefix: 8 and 16 bits leave CF undefined for large counts.
    leavesUndefined: undefinedShiftFlags(reg, byte ? 8 : 16, count),
  };
}

function multiply(random: Random): Step {
  return {
    bytes: [0x0f, 0xaf, modrm(random)],
    reads: 0,
    sets: FLAGS_ARITHMETIC,
    leavesUndefined: undefinedFlags(0x0faf, -1),
  };
}

function conditional(random: Random): Step {
  const condition = random.below(16);
  const opcode = random.pick([0x40, 0x90]) + condition;
  return { bytes: [0x0f, opcode, modrm(random)], reads: CONDITIONS[condition >> 1], sets: 0, leavesUndefined: 0 };
}

function flagOperation(random: Random): Step {
  const opcode = random.pick([0xf5, 0xf8, 0xf9]);
  return { bytes: [opcode], reads: opcode === 0xf5 ? FLAG_CF : 0, sets: FLAG_CF, leavesUndefined: 0 };
}

/** PUSHF and LAHF read all flags, POPF sets them; the stack is as before after both. */
function wholeFlags(random: Random): Step {
  const lahf: Step = { bytes: [0x9f], reads: FLAGS_ARITHMETIC & ~FLAG_OF, sets: 0, leavesUndefined: 0 };
  const pushf: Step = { bytes: [0x9c, 0x58 | register(random)], reads: FLAGS_ARITHMETIC, sets: 0, leavesUndefined: 0 };
  const sahf: Step = { bytes: [0x9e], reads: 0, sets: FLAGS_ARITHMETIC & ~FLAG_OF, leavesUndefined: 0 };
  return random.pick([lahf, pushf, sahf]);
}

/** A jump over the next byte, which is a NOP: taken or not, the rest runs. */
function jump(random: Random): Step {
  const condition = random.below(16);
  return { bytes: [0x70 + condition, 1, 0x90], reads: CONDITIONS[condition >> 1], sets: 0, leavesUndefined: 0 };
}

const STEPS: readonly ((random: Random) => Step)[] = [
  binary,
  binary,
  binary,
  incrementOrDecrement,
  incrementOrDecrement,
  negate,
  shift,
  shift,
  multiply,
  conditional,
  conditional,
  flagOperation,
  wholeFlags,
  jump,
];

function one(random: Random): Vector {
  const draft = new Draft(random);
  draft.mode = 0;
  draft.eflags &= FLAGS_ARITHMETIC;
  let undefinedNow = 0;
  for (let left = random.between(2, 7); left > 0; ) {
    const step = random.pick(STEPS)(random);
    if ((step.reads & undefinedNow) !== 0) continue;
    undefinedNow = (undefinedNow & ~step.sets) | step.leavesUndefined;
    // With two pushed bytes instead of four, both steps of PUSHF and POP must have the prefix.
    if (step.bytes[0] !== 0x9c && step.bytes[0] >> 4 !== 7 && random.oneIn(4)) draft.byte(0x66);
    draft.byte(...step.bytes);
    left--;
  }
  draft.undefinedFlags = undefinedNow;
  return draft.finish();
}

export function sequenceVectors(random: Random): Vector[] {
  return Array.from({ length: COUNT }, () => one(random));
}
