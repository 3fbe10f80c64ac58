/** What the control word tells an operation, and what the operation reports: Intel SDM 1, 8.1.3 and 8.1.5. */

/** Exceptions, as bits of the status word and (as masks) of the control word. */
export const INVALID = 1 << 0;
export const DENORMAL_OPERAND = 1 << 1;
export const ZERO_DIVIDE = 1 << 2;
export const OVERFLOW = 1 << 3;
export const UNDERFLOW = 1 << 4;
export const INEXACT = 1 << 5;
export const ALL_EXCEPTIONS = 0x3f;
/** Exceptions found before an operation starts: unmasked, they keep it from giving a result. */
export const BEFORE_OPERATION = INVALID | DENORMAL_OPERAND | ZERO_DIVIDE;

/** Rounding control, as in the control word. */
export const ROUND_NEAREST = 0;
export const ROUND_DOWN = 1;
export const ROUND_UP = 2;
export const ROUND_ZERO = 3;

/** Precision control, as in the control word. */
export const PRECISION_SINGLE = 0;
export const PRECISION_DOUBLE = 2;
export const PRECISION_EXTENDED = 3;

/** What operations take from the control word, and what they report. One exists: operations do not overlap. */
class Context {
  rounding = ROUND_NEAREST;
  precision = PRECISION_EXTENDED;
  /** Set bits mask exceptions. */
  masks = ALL_EXCEPTIONS;
  /** Exceptions raised, masked or not. */
  flags = 0;
  /** 1 when the last rounding increased the magnitude: C1. */
  roundedUp = 0;

  /** Takes over the fields of a control word, and forgets what the last operation reported. */
  begin(control: number): void {
    this.rounding = (control >> 10) & 3;
    this.precision = (control >> 8) & 3;
    this.masks = control & ALL_EXCEPTIONS;
    this.flags = 0;
    this.roundedUp = 0;
  }
}

export const context = new Context();
