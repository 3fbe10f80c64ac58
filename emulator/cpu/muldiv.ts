/**
 * Multiplication and division (Intel SDM 2: MUL, IMUL, DIV, IDIV).
 *
 * Multiplications set CF and OF when the product does not fit in its low half; SF, ZF and PF, which the manual leaves
 * undefined, follow the low half. Divisions leave the flags alone.
 */
import type { Core } from "./core.ts";
import { byteRegister } from "./core-state.ts";
import { AUX_CF } from "./flags.ts";
import type { UnaryForms } from "./forms.ts";
import { EAX, EDX, FLAG_AUX, FLAG_RESULT, VECTOR_DE } from "./state-layout.ts";

const AX = EAX << 1;
const DX = EDX << 1;
const AL = EAX << 2;
const AH = AL + 1;

/** Flags of a product: its low half, sign-extended, and whether the high half says more. */
function productFlags(cpu: Core, low: number, overflow: boolean): void {
  cpu.r[FLAG_RESULT] = low;
  // CF = OF, so CF XOR OF stays 0.
  cpu.r[FLAG_AUX] = overflow ? AUX_CF : 0;
}

/** Bits 32 to 63 of the product of two unsigned 32-bit numbers (given as int32). */
export function highUnsigned(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** Bits 32 to 63 of the product of two signed 32-bit numbers. */
export function highSigned(a: number, b: number): number {
  return (highUnsigned(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
}

function mul8(cpu: Core, value: number): void {
  const product = cpu.r8[AL] * value;
  cpu.r16[AX] = product;
  productFlags(cpu, (product << 24) >> 24, product > 0xff);
}

function mul16(cpu: Core, value: number): void {
  const product = cpu.r16[AX] * value;
  cpu.r16[AX] = product;
  cpu.r16[DX] = product >>> 16;
  productFlags(cpu, (product << 16) >> 16, product > 0xffff);
}

function mul32(cpu: Core, value: number): void {
  const a = cpu.r[EAX];
  const low = Math.imul(a, value);
  const high = highUnsigned(a, value);
  cpu.r[EAX] = low;
  cpu.r[EDX] = high;
  productFlags(cpu, low, high !== 0);
}

function imul8(cpu: Core, value: number): void {
  const product = ((cpu.r8[AL] << 24) >> 24) * ((value << 24) >> 24);
  const low = (product << 24) >> 24;
  cpu.r16[AX] = product;
  productFlags(cpu, low, low !== product);
}

function imul16(cpu: Core, value: number): void {
  const product = ((cpu.r16[AX] << 16) >> 16) * ((value << 16) >> 16);
  const low = (product << 16) >> 16;
  cpu.r16[AX] = product;
  cpu.r16[DX] = product >> 16;
  productFlags(cpu, low, low !== product);
}

function imul32(cpu: Core, value: number): void {
  const a = cpu.r[EAX];
  const low = Math.imul(a, value);
  const high = highSigned(a, value);
  cpu.r[EAX] = low;
  cpu.r[EDX] = high;
  productFlags(cpu, low, high !== low >> 31);
}

/** Two- and three-operand IMUL: only the low half is kept. */
function multiply16(cpu: Core, a: number, b: number): number {
  const product = ((a << 16) >> 16) * ((b << 16) >> 16);
  const low = (product << 16) >> 16;
  productFlags(cpu, low, low !== product);
  return low;
}

function multiply32(cpu: Core, a: number, b: number): number {
  const low = Math.imul(a, b);
  productFlags(cpu, low, a * b !== low);
  return low;
}

function div8(cpu: Core, value: number): void {
  const dividend = cpu.r16[AX];
  if (value === 0 || dividend >>> 8 >= value) cpu.raise(VECTOR_DE);
  cpu.r8[AL] = dividend / value;
  cpu.r8[AH] = dividend % value;
}

function div16(cpu: Core, value: number): void {
  const high = cpu.r16[DX];
  if (high >= value) cpu.raise(VECTOR_DE);
  const dividend = high * 0x10000 + cpu.r16[AX];
  cpu.r16[AX] = Math.floor(dividend / value);
  cpu.r16[DX] = dividend % value;
}

/** Remainder of the last `divideUnsigned`. */
let remainder = 0;

/**
 * Quotient of the unsigned number high:low by `divisor` (an unsigned double), which must be above `high`.
 * Two steps of 16 quotient bits; every number stays below 2^48, so double division is exact.
 */
function divideUnsigned(high: number, low: number, divisor: number): number {
  const upper = high * 0x10000 + (low >>> 16);
  const upperQuotient = Math.floor(upper / divisor);
  const lower = (upper - upperQuotient * divisor) * 0x10000 + (low & 0xffff);
  const lowerQuotient = Math.floor(lower / divisor);
  remainder = lower - lowerQuotient * divisor;
  return upperQuotient * 0x10000 + lowerQuotient;
}

function div32(cpu: Core, value: number): void {
  const divisor = value >>> 0;
  const high = cpu.r[EDX] >>> 0;
  const low = cpu.r[EAX];
  if (high >= divisor) cpu.raise(VECTOR_DE);
  if (high === 0) {
    cpu.r[EAX] = (low >>> 0) / divisor;
    cpu.r[EDX] = (low >>> 0) % divisor;
    return;
  }
  cpu.r[EAX] = divideUnsigned(high, low, divisor);
  cpu.r[EDX] = remainder;
}

function idiv8(cpu: Core, value: number): void {
  const divisor = (value << 24) >> 24;
  if (divisor === 0) cpu.raise(VECTOR_DE);
  const dividend = (cpu.r16[AX] << 16) >> 16;
  const quotient = Math.trunc(dividend / divisor);
  if (quotient !== (quotient << 24) >> 24) cpu.raise(VECTOR_DE);
  cpu.r8[AL] = quotient;
  cpu.r8[AH] = dividend % divisor;
}

function idiv16(cpu: Core, value: number): void {
  const divisor = (value << 16) >> 16;
  if (divisor === 0) cpu.raise(VECTOR_DE);
  const dividend = (cpu.r16[DX] << 16) | cpu.r16[AX];
  const quotient = Math.trunc(dividend / divisor);
  if (quotient < -0x8000 || quotient > 0x7fff) cpu.raise(VECTOR_DE);
  cpu.r16[AX] = quotient;
  cpu.r16[DX] = dividend % divisor;
}

function idiv32(cpu: Core, value: number): void {
  let high = cpu.r[EDX];
  let low = cpu.r[EAX];
  const negativeDividend = high < 0;
  const negativeQuotient = negativeDividend !== value < 0;
  if (negativeDividend) {
    high = ~high + (low === 0 ? 1 : 0);
    low = -low | 0;
  }
  const divisor = Math.abs(value);
  if (high >>> 0 >= divisor) cpu.raise(VECTOR_DE);
  const quotient = divideUnsigned(high >>> 0, low, divisor);
  if (quotient > (negativeQuotient ? 0x80000000 : 0x7fffffff)) cpu.raise(VECTOR_DE);
  cpu.r[EAX] = negativeQuotient ? -quotient : quotient;
  cpu.r[EDX] = negativeDividend ? -remainder : remainder;
}

type Operation = (cpu: Core, value: number) => void;

/** The forms of an instruction whose other operands are the accumulator and its extension. */
function accumulatorForms(size: 8 | 16 | 32, operation: Operation): UnaryForms {
  if (size === 8) {
    return {
      r: (cpu, op) => operation(cpu, cpu.r8[byteRegister(op.rm)]),
      m: (cpu, op) => operation(cpu, cpu.load8(op)),
    };
  }
  if (size === 16) {
    return {
      r: (cpu, op) => operation(cpu, cpu.r16[op.rm << 1]),
      m: (cpu, op) => operation(cpu, cpu.load16(op)),
    };
  }
  return {
    r: (cpu, op) => operation(cpu, cpu.r[op.rm]),
    m: (cpu, op) => operation(cpu, cpu.load32(op)),
  };
}

export const MUL8 = accumulatorForms(8, mul8);
export const MUL16 = accumulatorForms(16, mul16);
export const MUL32 = accumulatorForms(32, mul32);
export const IMUL8 = accumulatorForms(8, imul8);
export const IMUL16 = accumulatorForms(16, imul16);
export const IMUL32 = accumulatorForms(32, imul32);
export const DIV8 = accumulatorForms(8, div8);
export const DIV16 = accumulatorForms(16, div16);
export const DIV32 = accumulatorForms(32, div32);
export const IDIV8 = accumulatorForms(8, idiv8);
export const IDIV16 = accumulatorForms(16, idiv16);
export const IDIV32 = accumulatorForms(32, idiv32);

/** IMUL r, r/m. */
export const IMUL_REG16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = multiply16(cpu, cpu.r16[op.reg << 1], cpu.r16[op.rm << 1]);
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = multiply16(cpu, cpu.r16[op.reg << 1], cpu.load16(op));
  },
};

export const IMUL_REG32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = multiply32(cpu, cpu.r[op.reg], cpu.r[op.rm]);
  },
  m(cpu, op) {
    cpu.r[op.reg] = multiply32(cpu, cpu.r[op.reg], cpu.load32(op));
  },
};

/** IMUL r, r/m, imm. */
export const IMUL_IMM16: UnaryForms = {
  r(cpu, op) {
    cpu.r16[op.reg << 1] = multiply16(cpu, cpu.r16[op.rm << 1], op.imm);
  },
  m(cpu, op) {
    cpu.r16[op.reg << 1] = multiply16(cpu, cpu.load16(op), op.imm);
  },
};

export const IMUL_IMM32: UnaryForms = {
  r(cpu, op) {
    cpu.r[op.reg] = multiply32(cpu, cpu.r[op.rm], op.imm);
  },
  m(cpu, op) {
    cpu.r[op.reg] = multiply32(cpu, cpu.load32(op), op.imm);
  },
};
