/**
 * Addition, subtraction and logic with their flags, for operands of 8, 16 and 32 bits (Intel SDM 1, 3.4.3.1).
 *
 * Operands of 8 and 16 bits may be zero- or sign-extended; results are sign-extended. How the carry vectors become
 * flags is told in flags.ts: an addition carries out of the bits where both operands are 1, or one is and the result
 * is not; a subtraction borrows where only the subtrahend is 1, or they are alike and the result is 1.
 */
import type { CoreState } from "./core-state.ts";
import { AUX_AF, AUX_CARRIES, AUX_CF } from "./flags.ts";
import { FLAG_AUX, FLAG_RESULT } from "./state-layout.ts";

export function add32(cpu: CoreState, a: number, b: number): number {
  const result = (a + b) | 0;
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = ((a & b) | ((a | b) & ~result)) & AUX_CARRIES;
  return result;
}

export function adc32(cpu: CoreState, a: number, b: number): number {
  const result = (a + b + (cpu.r[FLAG_AUX] >>> 31)) | 0;
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = ((a & b) | ((a | b) & ~result)) & AUX_CARRIES;
  return result;
}

export function sub32(cpu: CoreState, a: number, b: number): number {
  const result = (a - b) | 0;
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = ((~a & b) | (~(a ^ b) & result)) & AUX_CARRIES;
  return result;
}

export function sbb32(cpu: CoreState, a: number, b: number): number {
  const result = (a - b - (cpu.r[FLAG_AUX] >>> 31)) | 0;
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = ((~a & b) | (~(a ^ b) & result)) & AUX_CARRIES;
  return result;
}

/** AND, OR, XOR and TEST: flags of a result, CF = OF = AF = 0. 8- and 16-bit results must be sign-extended. */
export function logic(cpu: CoreState, result: number): number {
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = 0;
  return result;
}

/** INC and DEC keep CF: puts the old one into new carries, and flips CF XOR OF with it. */
function keepCf(cpu: CoreState, carries: number): void {
  const change = (carries ^ cpu.r[FLAG_AUX]) & AUX_CF;
  cpu.r[FLAG_AUX] = carries ^ change ^ (change >>> 1);
}

export function inc32(cpu: CoreState, a: number): number {
  const result = (a + 1) | 0;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, a & ~result & AUX_CARRIES);
  return result;
}

export function dec32(cpu: CoreState, a: number): number {
  const result = (a - 1) | 0;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, ~a & result & AUX_CARRIES);
  return result;
}

export function add16(cpu: CoreState, a: number, b: number): number {
  const result = ((a + b) << 16) >> 16;
  const carries = (a & b) | ((a | b) & ~result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (carries << 16) | (carries & AUX_AF);
  return result;
}

export function adc16(cpu: CoreState, a: number, b: number): number {
  const result = ((a + b + (cpu.r[FLAG_AUX] >>> 31)) << 16) >> 16;
  const carries = (a & b) | ((a | b) & ~result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (carries << 16) | (carries & AUX_AF);
  return result;
}

export function sub16(cpu: CoreState, a: number, b: number): number {
  const result = ((a - b) << 16) >> 16;
  const borrows = (~a & b) | (~(a ^ b) & result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (borrows << 16) | (borrows & AUX_AF);
  return result;
}

export function sbb16(cpu: CoreState, a: number, b: number): number {
  const result = ((a - b - (cpu.r[FLAG_AUX] >>> 31)) << 16) >> 16;
  const borrows = (~a & b) | (~(a ^ b) & result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (borrows << 16) | (borrows & AUX_AF);
  return result;
}

export function inc16(cpu: CoreState, a: number): number {
  const result = ((a + 1) << 16) >> 16;
  const carries = a & ~result;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, (carries << 16) | (carries & AUX_AF));
  return result;
}

export function dec16(cpu: CoreState, a: number): number {
  const result = ((a - 1) << 16) >> 16;
  const borrows = ~a & result;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, (borrows << 16) | (borrows & AUX_AF));
  return result;
}

export function add8(cpu: CoreState, a: number, b: number): number {
  const result = ((a + b) << 24) >> 24;
  const carries = (a & b) | ((a | b) & ~result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (carries << 24) | (carries & AUX_AF);
  return result;
}

export function adc8(cpu: CoreState, a: number, b: number): number {
  const result = ((a + b + (cpu.r[FLAG_AUX] >>> 31)) << 24) >> 24;
  const carries = (a & b) | ((a | b) & ~result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (carries << 24) | (carries & AUX_AF);
  return result;
}

export function sub8(cpu: CoreState, a: number, b: number): number {
  const result = ((a - b) << 24) >> 24;
  const borrows = (~a & b) | (~(a ^ b) & result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (borrows << 24) | (borrows & AUX_AF);
  return result;
}

export function sbb8(cpu: CoreState, a: number, b: number): number {
  const result = ((a - b - (cpu.r[FLAG_AUX] >>> 31)) << 24) >> 24;
  const borrows = (~a & b) | (~(a ^ b) & result);
  cpu.r[FLAG_RESULT] = result;
  cpu.r[FLAG_AUX] = (borrows << 24) | (borrows & AUX_AF);
  return result;
}

export function inc8(cpu: CoreState, a: number): number {
  const result = ((a + 1) << 24) >> 24;
  const carries = a & ~result;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, (carries << 24) | (carries & AUX_AF));
  return result;
}

export function dec8(cpu: CoreState, a: number): number {
  const result = ((a - 1) << 24) >> 24;
  const borrows = ~a & result;
  cpu.r[FLAG_RESULT] = result;
  keepCf(cpu, (borrows << 24) | (borrows & AUX_AF));
  return result;
}
