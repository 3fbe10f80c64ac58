/** FADD, FSUB, FMUL, FDIV and their kin; FSQRT, FPREM, FSCALE, FRNDINT, FXTRACT, FABS, FCHS (Intel SDM 1, 8.3.5). */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import type { Float80 } from "./float80.ts";
import { add, divide, multiply, squareRoot, subtract } from "./float80-arithmetic.ts";
import { roundToInteger } from "./float80-convert.ts";
import { extract, partialRemainder, quotient, scale } from "./float80-remainder.ts";
import { takeFloat32, takeFloat64, takeInt16, takeInt32 } from "./operands.ts";
import {
  beginOperation,
  C0,
  C1,
  C2,
  C3,
  CONDITION_CODES,
  isEmpty,
  operand,
  pop,
  push,
  readRegister,
  recordInstruction,
  reportExceptions,
  reportStackFault,
  requireReady,
  result,
  setConditions,
  st0,
  writeRegister,
} from "./state.ts";

/** Stores the result of an operation in ST(i), unless an exception forbids it. @returns whether it did */
function finish(cpu: Core, i: number): boolean {
  if (!reportExceptions(cpu)) return false;
  writeRegister(cpu, i, result);
  return true;
}

/** The response to an empty operand. @returns whether it was masked, and "real indefinite" written to ST(i) */
function underflow(cpu: Core, i: number): boolean {
  if (!reportStackFault(cpu, false)) return false;
  result.setIndefinite();
  writeRegister(cpu, i, result);
  return true;
}

/**
 * The six operations by ModRM.reg. The reversed ones have their operands exchanged in the encodings that write ST(i),
 * so that ST(0) is always the first operand of FSUB (4) and FDIV (6) here.
 */
function compute(operation: number, first: Float80, second: Float80): void {
  switch (operation) {
    case 0:
      add(first, second, result);
      break;
    case 1:
      multiply(first, second, result);
      break;
    case 4:
      subtract(first, second, result);
      break;
    case 5:
      subtract(second, first, result);
      break;
    case 6:
      divide(first, second, result);
      break;
    default:
      divide(second, first, result);
  }
}

/** ST(0) with the memory operand, which is in `operand` already. */
function withMemory(cpu: Core, op: Op): void {
  if (isEmpty(cpu, 0)) {
    underflow(cpu, 0);
    return;
  }
  readRegister(cpu, 0, st0);
  compute(op.reg, st0, operand);
  finish(cpu, 0);
}

export function arithmetic_m32(cpu: Core, op: Op): void {
  takeFloat32(cpu, op);
  withMemory(cpu, op);
}

export function arithmetic_m64(cpu: Core, op: Op): void {
  takeFloat64(cpu, op);
  withMemory(cpu, op);
}

export function arithmetic_m16i(cpu: Core, op: Op): void {
  takeInt16(cpu, op);
  withMemory(cpu, op);
}

export function arithmetic_m32i(cpu: Core, op: Op): void {
  takeInt32(cpu, op);
  withMemory(cpu, op);
}

/** ST(0) with ST(i), into ST(destination). @returns whether there is a result, so that a pop may follow */
function withRegister(cpu: Core, op: Op, destination: number): boolean {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0) || isEmpty(cpu, op.rm)) return underflow(cpu, destination);
  readRegister(cpu, 0, st0);
  readRegister(cpu, op.rm, operand);
  compute(op.reg, st0, operand);
  return finish(cpu, destination);
}

export function arithmetic_st0_sti(cpu: Core, op: Op): void {
  withRegister(cpu, op, 0);
}

export function arithmetic_sti_st0(cpu: Core, op: Op): void {
  withRegister(cpu, op, op.rm);
}

export function arithmetic_sti_st0_pop(cpu: Core, op: Op): void {
  if (withRegister(cpu, op, op.rm)) pop(cpu);
}

/** Reads ST(0) for an operation on it alone. @returns false when it is empty; all is done then */
function beginUnary(cpu: Core, op: Op): boolean {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0)) {
    underflow(cpu, 0);
    return false;
  }
  readRegister(cpu, 0, st0);
  return true;
}

export function fsqrt(cpu: Core, op: Op): void {
  if (!beginUnary(cpu, op)) return;
  squareRoot(st0, result);
  finish(cpu, 0);
}

export function frndint(cpu: Core, op: Op): void {
  if (!beginUnary(cpu, op)) return;
  roundToInteger(st0, result);
  finish(cpu, 0);
}

/** FABS and FCHS change the sign of anything, without exceptions. */
export function fabs(cpu: Core, op: Op): void {
  if (!beginUnary(cpu, op)) return;
  result.copy(st0);
  result.sign = 0;
  finish(cpu, 0);
}

export function fchs(cpu: Core, op: Op): void {
  if (!beginUnary(cpu, op)) return;
  result.copy(st0);
  result.sign ^= 1;
  finish(cpu, 0);
}

/** Reads ST(0) and ST(1). @returns false when one is empty; all is done then */
function beginBinary(cpu: Core, op: Op): boolean {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) {
    underflow(cpu, 0);
    return false;
  }
  readRegister(cpu, 0, st0);
  readRegister(cpu, 1, operand);
  return true;
}

export function fscale(cpu: Core, op: Op): void {
  if (!beginBinary(cpu, op)) return;
  scale(st0, operand, result);
  finish(cpu, 0);
}

function remainder(cpu: Core, op: Op, nearest: boolean): void {
  setConditions(cpu, 0, C2);
  if (!beginBinary(cpu, op)) return;
  partialRemainder(st0, operand, nearest, result);
  if (!finish(cpu, 0) || !quotient.valid) return;
  const { bits } = quotient;
  const codes = (bits & 4 ? C0 : 0) | (bits & 2 ? C3 : 0) | (bits & 1 ? C1 : 0) | (quotient.incomplete ? C2 : 0);
  setConditions(cpu, codes, CONDITION_CODES);
}

export function fprem(cpu: Core, op: Op): void {
  remainder(cpu, op, false);
}

export function fprem1(cpu: Core, op: Op): void {
  remainder(cpu, op, true);
}

/** FXTRACT: the exponent replaces ST(0), then the significand is pushed. */
export function fxtract(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  const empty = isEmpty(cpu, 0);
  if (empty || !isEmpty(cpu, 7)) {
    if (!reportStackFault(cpu, !empty)) return;
    result.setIndefinite();
    writeRegister(cpu, 0, result);
    push(cpu, result);
    return;
  }
  readRegister(cpu, 0, st0);
  extract(st0, operand, result);
  if (!reportExceptions(cpu)) return;
  writeRegister(cpu, 0, operand);
  push(cpu, result);
}
