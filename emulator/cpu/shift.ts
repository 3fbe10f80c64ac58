/**
 * Shifts and rotates with their flags, for operands of 8, 16 and 32 bits (Intel SDM 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR,
 * SHLD, SHRD).
 *
 * `count` is taken modulo 32; when it is 0 nothing changes, flags included. Operands of 8 and 16 bits are unsigned;
 * results may have bits above the operand. OF, which the manual leaves undefined for counts above 1, is what the
 * formula for a count of 1 gives; AF is cleared.
 */
import type { CoreState } from "./core-state.ts";
import { getCf, setCfOf } from "./flags.ts";
import { FLAG_AUX, FLAG_RESULT } from "./state-layout.ts";

/** Flags of a shift: a sign-extended result, CF, OF. */
function shiftFlags(cpu: CoreState, result: number, carry: number, overflow: number): void {
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (carry << 31) | ((carry ^ overflow) << 30);
}

/** The bit at `position`, 0 or 1. */
function bit(value: number, position: number): number {
  return (value >>> position) & 1;
}

export function shl32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = a << n;
  cpu.r[FLAG_RESULT] = result;
  // OF = CF XOR sign, so CF XOR OF = sign.
  cpu.r[FLAG_AUX] = (bit(a, 32 - n) << 31) | ((result >>> 31) << 30);
  return result;
}

export function shr32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = a >>> n;
  shiftFlags(cpu, result, bit(a, n - 1), n === 1 ? a >>> 31 : 0);
  return result;
}

export function sar32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = a >> n;
  shiftFlags(cpu, result, bit(a, n - 1), 0);
  return result;
}

export function rol32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a << n) | (a >>> (32 - n));
  setCfOf(cpu, result & 1, (result & 1) ^ (result >>> 31));
  return result;
}

export function ror32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a >>> n) | (a << (32 - n));
  setCfOf(cpu, result >>> 31, (result ^ (result << 1)) >>> 31);
  return result;
}

export function rcl32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a << n) | (getCf(cpu) << (n - 1)) | (n === 1 ? 0 : a >>> (33 - n));
  const carry = bit(a, 32 - n);
  setCfOf(cpu, carry, carry ^ (result >>> 31));
  return result;
}

export function rcr32(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a >>> n) | (getCf(cpu) << (32 - n)) | (n === 1 ? 0 : a << (33 - n));
  setCfOf(cpu, bit(a, n - 1), (result ^ (result << 1)) >>> 31);
  return result;
}

/** `source` provides the bits that come in from the right. */
export function shld32(cpu: CoreState, a: number, source: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a << n) | (source >>> (32 - n));
  shiftFlags(cpu, result, bit(a, 32 - n), (a ^ result) >>> 31);
  return result;
}

/** `source` provides the bits that come in from the left. */
export function shrd32(cpu: CoreState, a: number, source: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const result = (a >>> n) | (source << (32 - n));
  shiftFlags(cpu, result, bit(a, n - 1), (a ^ result) >>> 31);
  return result;
}

export function shl16(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const wide = a << n;
  shiftFlags(cpu, (wide << 16) >> 16, bit(wide, 16), bit(wide, 16) ^ bit(wide, 15));
  return wide;
}

export function shr16(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  shiftFlags(cpu, a >>> n, bit(a, n - 1), n === 1 ? bit(a, 15) : 0);
  return a >>> n;
}

export function sar16(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const signed = (a << 16) >> 16;
  shiftFlags(cpu, signed >> n, bit(signed, n - 1), 0);
  return signed >> n;
}

export function rol16(cpu: CoreState, a: number, count: number): number {
  if ((count & 31) === 0) return a;
  const n = count & 15;
  const result = ((a << n) | (a >>> (16 - n))) & 0xffff;
  setCfOf(cpu, result & 1, (result & 1) ^ bit(result, 15));
  return result;
}

export function ror16(cpu: CoreState, a: number, count: number): number {
  if ((count & 31) === 0) return a;
  const n = count & 15;
  const result = ((a >>> n) | (a << (16 - n))) & 0xffff;
  setCfOf(cpu, bit(result, 15), bit(result, 15) ^ bit(result, 14));
  return result;
}

/** Rotates the 17 bits of CF and operand. */
export function rcl16(cpu: CoreState, a: number, count: number): number {
  const n = (count & 31) % 17;
  if (n === 0) return a;
  const ring = a | (getCf(cpu) << 16);
  const result = (ring << n) | (ring >>> (17 - n));
  setCfOf(cpu, bit(result, 16), bit(result, 16) ^ bit(result, 15));
  return result;
}

export function rcr16(cpu: CoreState, a: number, count: number): number {
  const n = (count & 31) % 17;
  if (n === 0) return a;
  const ring = a | (getCf(cpu) << 16);
  const result = (ring >>> n) | (ring << (17 - n));
  setCfOf(cpu, bit(result, 16), bit(result, 15) ^ bit(result, 14));
  return result;
}

/** Counts above 16, which the manual leaves undefined, bring in the operand itself after the source. */
export function shld16(cpu: CoreState, a: number, source: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const wide = (a << 16) | source;
  const result = n <= 16 ? wide >>> (16 - n) : (wide << (n - 16)) | (a >>> (32 - n));
  const carry = n <= 16 ? bit(a, 16 - n) : bit(source, 32 - n);
  shiftFlags(cpu, (result << 16) >> 16, carry, bit(a ^ result, 15));
  return result;
}

export function shrd16(cpu: CoreState, a: number, source: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const wide = (source << 16) | a;
  const result = n <= 16 ? wide >>> n : (wide >>> n) | (a << (32 - n));
  shiftFlags(cpu, (result << 16) >> 16, bit(wide, n - 1), bit(a ^ result, 15));
  return result;
}

export function shl8(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const wide = a << n;
  shiftFlags(cpu, (wide << 24) >> 24, bit(wide, 8), bit(wide, 8) ^ bit(wide, 7));
  return wide;
}

export function shr8(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  shiftFlags(cpu, a >>> n, bit(a, n - 1), n === 1 ? bit(a, 7) : 0);
  return a >>> n;
}

export function sar8(cpu: CoreState, a: number, count: number): number {
  const n = count & 31;
  if (n === 0) return a;
  const signed = (a << 24) >> 24;
  shiftFlags(cpu, signed >> n, bit(signed, n - 1), 0);
  return signed >> n;
}

export function rol8(cpu: CoreState, a: number, count: number): number {
  if ((count & 31) === 0) return a;
  const n = count & 7;
  const result = ((a << n) | (a >>> (8 - n))) & 0xff;
  setCfOf(cpu, result & 1, (result & 1) ^ bit(result, 7));
  return result;
}

export function ror8(cpu: CoreState, a: number, count: number): number {
  if ((count & 31) === 0) return a;
  const n = count & 7;
  const result = ((a >>> n) | (a << (8 - n))) & 0xff;
  setCfOf(cpu, bit(result, 7), bit(result, 7) ^ bit(result, 6));
  return result;
}

/** Rotates the 9 bits of CF and operand. */
export function rcl8(cpu: CoreState, a: number, count: number): number {
  const n = (count & 31) % 9;
  if (n === 0) return a;
  const ring = a | (getCf(cpu) << 8);
  const result = (ring << n) | (ring >>> (9 - n));
  setCfOf(cpu, bit(result, 8), bit(result, 8) ^ bit(result, 7));
  return result;
}

export function rcr8(cpu: CoreState, a: number, count: number): number {
  const n = (count & 31) % 9;
  if (n === 0) return a;
  const ring = a | (getCf(cpu) << 8);
  const result = (ring >>> n) | (ring << (9 - n));
  setCfOf(cpu, bit(result, 8), bit(result, 7) ^ bit(result, 6));
  return result;
}
