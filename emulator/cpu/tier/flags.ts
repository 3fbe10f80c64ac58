/**
 * Arithmetic flags in compiled code: not worked out, but remembered as what they follow from.
 *
 * Four locals hold them: `result`, sign-extended, as FLAG_RESULT has it; the pair `first`, `second`, for which always
 * CF = (first < second) as unsigned numbers; and the kind, which says how FLAG_AUX follows from those three. Nearly always
 * the translator knows the kind; where it does not, because ways with different kinds meet, a local has it (DYNAMIC).
 * For all kinds ZF = (result = 0).
 *
 * INC and DEC, which keep CF, keep the pair.
 */

/** The kinds, and what the pair is: */
export const Kind = {
  /** 0x7FFFFFFF, FLAG_AUX. */
  RAW: 0,
  /** 0, 0: CF = OF = AF = 0. */
  LOGIC: 1,
  /** Any; OF = CF, AF = 0: products. */
  PRODUCT: 2,
  /** Sum (zero-extended, as all operands here), first addend. */
  ADD32: 3,
  ADD16: 4,
  ADD8: 5,
  /** Minuend, subtrahend. */
  SUB32: 6,
  SUB16: 7,
  SUB8: 8,
  /** That of the instructions before. */
  INC32: 9,
  INC16: 10,
  INC8: 11,
  DEC32: 12,
  DEC16: 13,
  DEC8: 14,
  /** 0x7FFFFFFF, CF in bit 31: 32-bit shifts to the left. */
  SHL32: 15,
  /** The same: to the right with OF = 0. */
  SHIFT_RIGHT: 16,
  /** The same: SHR by 1. */
  SHR32_BY_1: 17,
  /** The local has one of the above. */
  DYNAMIC: 18,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** The first of a pair whose second has CF in bit 31. */
export const POSITIVE = 0x7fffffff;
