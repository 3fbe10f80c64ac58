import { context, DENORMAL_OPERAND, INVALID } from "./context.ts";
import { classOf, DENORMAL, type Float80, QUIET_NAN, SIGNALING_NAN, ZERO } from "./float80.ts";

/** Outcomes of a comparison, as C3, C2 and C0 in the status word. */
export const LESS = 0x0100;
export const EQUAL = 0x4000;
export const GREATER = 0;
export const UNORDERED = 0x4500;

/**
 * Compares a with b.
 * @param quiet only signaling NaNs and unsupported values raise #IA (FUCOM), not all NaNs (FCOM)
 */
export function compare(a: Float80, b: Float80, quiet: boolean): number {
  const aClass = classOf(a);
  const bClass = classOf(b);
  if (aClass >= QUIET_NAN || bClass >= QUIET_NAN) {
    context.flags = quiet && aClass < SIGNALING_NAN && bClass < SIGNALING_NAN ? 0 : INVALID;
    return UNORDERED;
  }
  if (aClass === DENORMAL || bClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
  if (aClass === ZERO && bClass === ZERO) return EQUAL;
  if (a.sign !== b.sign) return a.sign !== 0 ? LESS : GREATER;
  const order = compareMagnitudes(a, b);
  if (order === 0) return EQUAL;
  return order < 0 === (a.sign === 0) ? LESS : GREATER;
}

function compareMagnitudes(a: Float80, b: Float80): number {
  // A pseudo-denormal has the value of a number with exponent 1.
  const aExponent = a.exponent === 0 ? 1 : a.exponent;
  const bExponent = b.exponent === 0 ? 1 : b.exponent;
  if (aExponent !== bExponent) return aExponent - bExponent;
  if (a.high !== b.high) return (a.high >>> 0) - (b.high >>> 0);
  return (a.low >>> 0) - (b.low >>> 0);
}
