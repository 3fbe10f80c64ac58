/** A constant with more bits than the format holds, so that it can be rounded by the rounding control. */
export interface Constant {
  /** Biased. */
  readonly exponent: number;
  readonly high: number;
  readonly low: number;
  /** The 32 bits after the significand. */
  readonly extra: number;
}

/** What D9 E8 to D9 EE load, in that order. */
export const CONSTANTS: readonly Constant[] = [
  /* 1 */ { exponent: 0x3fff, high: 0x80000000 | 0, low: 0, extra: 0 },
  /* log2(10) */ { exponent: 0x4000, high: 0xd49a784b | 0, low: 0xcd1b8afe | 0, extra: 0x492bf6ff | 0 },
  /* log2(e) */ { exponent: 0x3fff, high: 0xb8aa3b29 | 0, low: 0x5c17f0bb | 0, extra: 0xbe87fed0 | 0 },
  /* pi */ { exponent: 0x4000, high: 0xc90fdaa2 | 0, low: 0x2168c234 | 0, extra: 0xc4c6628b | 0 },
  /* log10(2) */ { exponent: 0x3ffd, high: 0x9a209a84 | 0, low: 0xfbcff798 | 0, extra: 0x8f8959ac | 0 },
  /* ln(2) */ { exponent: 0x3ffe, high: 0xb17217f7 | 0, low: 0xd1cf79ab | 0, extra: 0xc9e3b398 | 0 },
  /* 0 */ { exponent: 0, high: 0, low: 0, extra: 0 },
];
