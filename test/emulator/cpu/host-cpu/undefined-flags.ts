/**
 * The flags that each instruction leaves undefined (Intel SDM 2, "Flags Affected" of each instruction). Processors differ
 * in them: they are recorded, but not compared.
 */
import {
  FLAG_AF,
  FLAG_CF,
  FLAG_OF,
  FLAG_PF,
  FLAG_SF,
  FLAG_ZF,
  FLAGS_ARITHMETIC,
} from "../../../../emulator/cpu/state-layout.ts";

const MULTIPLY = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF;
const BIT_TEST = FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF;
const AAA = FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF;
const AAM = FLAG_OF | FLAG_AF | FLAG_CF;
const BIT_SCAN = FLAGS_ARITHMETIC & ~FLAG_ZF;

/** By whole opcode (0x0Fxx for two bytes), where ModRM.reg does not matter. */
const BY_OPCODE: ReadonlyMap<number, number> = new Map([
  [0x27, FLAG_OF],
  [0x2f, FLAG_OF],
  [0x37, AAA],
  [0x3f, AAA],
  [0x69, MULTIPLY],
  [0x6b, MULTIPLY],
  [0x84, FLAG_AF],
  [0x85, FLAG_AF],
  [0xa8, FLAG_AF],
  [0xa9, FLAG_AF],
  [0xd4, AAM],
  [0xd5, AAM],
  [0x0fa3, BIT_TEST],
  [0x0fab, BIT_TEST],
  [0x0faf, MULTIPLY],
  [0x0fb3, BIT_TEST],
  [0x0fba, BIT_TEST],
  [0x0fbb, BIT_TEST],
  [0x0fbc, BIT_SCAN],
  [0x0fbd, BIT_SCAN],
]);

/** TEST TEST NOT NEG MUL IMUL DIV IDIV. */
const UNARY_GROUP: readonly number[] = [FLAG_AF, FLAG_AF, 0, 0, MULTIPLY, MULTIPLY, FLAGS_ARITHMETIC, FLAGS_ARITHMETIC];

/** @param reg ModRM.reg, for the opcodes that it tells apart */
export function undefinedFlags(opcode: number, reg: number): number {
  if (opcode < 0x40 && (opcode & 7) < 6) return logical(opcode >> 3);
  if (opcode >= 0x80 && opcode <= 0x83) return logical(reg);
  if (opcode === 0xf6 || opcode === 0xf7) return UNARY_GROUP[reg];
  return BY_OPCODE.get(opcode) ?? 0;
}

/** OR, AND and XOR leave AF undefined. */
function logical(operation: number): number {
  return operation === 1 || operation === 4 || operation === 6 ? FLAG_AF : 0;
}

/** Shifts and rotates, by ModRM.reg (ROL ROR RCL RCR SHL SHR SHL SAR), operand size in bits and unmasked count. */
export function undefinedShiftFlags(reg: number, size: number, count: number): number {
  const masked = count & 31;
  if (masked === 0) return 0;
  let flags = masked === 1 ? 0 : FLAG_OF;
  if (reg >= 4) flags |= FLAG_AF;
  if (reg >= 4 && reg !== 7 && masked >= size) flags |= FLAG_CF;
  return flags;
}

/** SHLD and SHRD. */
export function undefinedDoubleShiftFlags(count: number): number {
  const masked = count & 31;
  return masked === 0 ? 0 : masked === 1 ? FLAG_AF : FLAG_AF | FLAG_OF;
}
