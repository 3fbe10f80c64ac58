/** FSIN, FCOS, FSINCOS, FPTAN, FPATAN, F2XM1, FYL2X and FYL2XP1 (Intel SDM 1, 8.3.7 to 8.3.10). */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import { context, DENORMAL_OPERAND, INEXACT, UNDERFLOW, ZERO_DIVIDE } from "./context.ts";
import { HALF_PI, PI, QUARTER_PI, THREE_QUARTERS_PI } from "./double-double-constants.ts";
import {
  arcTangent,
  cosine,
  logarithm,
  logarithmOfOneMore,
  logarithmOfPower,
  powerMinusOne,
  roundConstant,
  sine,
  tangent,
} from "./elementary.ts";
import {
  classOf,
  DENORMAL,
  EXPONENT_BIAS,
  Float80,
  INFINITY,
  INTEGER_BIT,
  invalid,
  normalize,
  propagateNan,
  propagateNans,
  QUIET_NAN,
  ZERO,
} from "./float80.ts";
import {
  beginOperation,
  C2,
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

const ONE = new Float80();
ONE.set(0, EXPONENT_BIAS, INTEGER_BIT, 0);

/** Second result of FSINCOS. */
const second = new Float80();

/** Arguments of the circular functions must be below 2^63. */
const ARGUMENT_LIMIT = EXPONENT_BIAS + 63;

function raiseDenormal(xClass: number): void {
  if (xClass === DENORMAL) context.flags |= DENORMAL_OPERAND;
}

/** Gives a denormal the form that the functions want; numbers have it already. */
function normalizeDenormal(x: Float80, xClass: number): void {
  if (xClass === DENORMAL) normalize(x, x);
}

// ---- Circular functions of ST(0) ---------------------------------------------------------------------------------

/** Reads ST(0), and ends the instruction when it is empty or, with C2 set, too large. @returns whether to go on */
function beginCircular(cpu: Core, op: Op, pushes: boolean): boolean {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  setConditions(cpu, 0, C2);
  const empty = isEmpty(cpu, 0);
  if (empty || (pushes && !isEmpty(cpu, 7))) {
    if (!reportStackFault(cpu, !empty)) return false;
    result.setIndefinite();
    writeRegister(cpu, 0, result);
    if (pushes) push(cpu, result);
    return false;
  }
  readRegister(cpu, 0, st0);
  if (st0.exponent >= ARGUMENT_LIMIT && classOf(st0) < INFINITY) {
    reportExceptions(cpu);
    setConditions(cpu, C2, C2);
    return false;
  }
  return true;
}

/** Results for NaNs and infinities. @returns whether x is one of those */
function circularOfSpecial(x: Float80, xClass: number, into: Float80): boolean {
  if (xClass >= QUIET_NAN) propagateNan(x, xClass, into);
  else if (xClass === INFINITY) invalid(into);
  else return false;
  return true;
}

function sineOf(x: Float80, xClass: number, into: Float80): void {
  if (circularOfSpecial(x, xClass, into)) return;
  raiseDenormal(xClass);
  if (xClass === ZERO) into.copy(x);
  else sine(x, into);
}

function cosineOf(x: Float80, xClass: number, into: Float80): void {
  if (circularOfSpecial(x, xClass, into)) return;
  raiseDenormal(xClass);
  if (xClass === ZERO) into.copy(ONE);
  else cosine(x, into);
}

export function fsin(cpu: Core, op: Op): void {
  if (!beginCircular(cpu, op, false)) return;
  const xClass = classOf(st0);
  normalizeDenormal(st0, xClass);
  sineOf(st0, xClass, result);
  if (reportExceptions(cpu)) writeRegister(cpu, 0, result);
}

export function fcos(cpu: Core, op: Op): void {
  if (!beginCircular(cpu, op, false)) return;
  const xClass = classOf(st0);
  normalizeDenormal(st0, xClass);
  cosineOf(st0, xClass, result);
  if (reportExceptions(cpu)) writeRegister(cpu, 0, result);
}

/** The sine replaces ST(0), then the cosine is pushed. */
export function fsincos(cpu: Core, op: Op): void {
  if (!beginCircular(cpu, op, true)) return;
  const xClass = classOf(st0);
  normalizeDenormal(st0, xClass);
  cosineOf(st0, xClass, second);
  const { flags } = context;
  context.roundedUp = 0;
  sineOf(st0, xClass, result);
  context.flags |= flags;
  if (!reportExceptions(cpu)) return;
  writeRegister(cpu, 0, result);
  push(cpu, second);
}

/** The tangent replaces ST(0), then 1 is pushed; a NaN is pushed again. */
export function fptan(cpu: Core, op: Op): void {
  if (!beginCircular(cpu, op, true)) return;
  const xClass = classOf(st0);
  normalizeDenormal(st0, xClass);
  if (!circularOfSpecial(st0, xClass, result)) {
    raiseDenormal(xClass);
    if (xClass === ZERO) result.copy(st0);
    else tangent(st0, result);
  }
  if (!reportExceptions(cpu)) return;
  writeRegister(cpu, 0, result);
  push(cpu, xClass >= INFINITY ? result : ONE);
}

// ---- Functions of ST(0) and ST(1) --------------------------------------------------------------------------------

/** What a function of two operands does with numbers (classes below QUIET_NAN), into `result`. */
type BinaryFunction = (y: Float80, yClass: number, x: Float80, xClass: number) => void;

/** ST(1) = f(ST(1), ST(0)), then pops. */
function binary(cpu: Core, op: Op, f: BinaryFunction): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0) || isEmpty(cpu, 1)) {
    if (!reportStackFault(cpu, false)) return;
    result.setIndefinite();
  } else {
    readRegister(cpu, 0, st0);
    readRegister(cpu, 1, operand);
    const xClass = classOf(st0);
    const yClass = classOf(operand);
    if (xClass >= QUIET_NAN || yClass >= QUIET_NAN) propagateNans(operand, yClass, st0, xClass, result);
    else {
      normalizeDenormal(st0, xClass);
      normalizeDenormal(operand, yClass);
      f(operand, yClass, st0, xClass);
    }
    if (!reportExceptions(cpu)) return;
  }
  writeRegister(cpu, 1, result);
  pop(cpu);
}

/** Intel SDM 2A, FPATAN, table 3-30. */
function arcTangentOf(y: Float80, yClass: number, x: Float80, xClass: number): void {
  raiseDenormal(xClass);
  raiseDenormal(yClass);
  if (yClass === INFINITY) {
    if (xClass !== INFINITY) roundConstant(result, y.sign, HALF_PI);
    else roundConstant(result, y.sign, x.sign === 0 ? QUARTER_PI : THREE_QUARTERS_PI);
  } else if (yClass === ZERO || xClass === INFINITY) {
    if (x.sign === 0) result.setZero(y.sign);
    else roundConstant(result, y.sign, PI);
  } else if (xClass === ZERO) roundConstant(result, y.sign, HALF_PI);
  else arcTangent(y, x, result);
}

export function fpatan(cpu: Core, op: Op): void {
  binary(cpu, op, arcTangentOf);
}

/** Intel SDM 2A, FYL2X, table 3-47. */
function logarithmOf(y: Float80, yClass: number, x: Float80, xClass: number): void {
  if (xClass === ZERO) {
    if (yClass === ZERO) invalid(result);
    else {
      if (yClass !== INFINITY) context.flags |= ZERO_DIVIDE;
      result.setInfinity(y.sign ^ 1);
    }
    return;
  }
  if (x.sign !== 0) {
    invalid(result);
    return;
  }
  const powerOfTwo = x.high === INTEGER_BIT && x.low === 0;
  const exponent = x.exponent - EXPONENT_BIAS;
  const isOne = xClass !== INFINITY && powerOfTwo && exponent === 0;
  const sign = y.sign ^ (exponent < 0 ? 1 : 0);
  if ((yClass === INFINITY && isOne) || (yClass === ZERO && xClass === INFINITY)) {
    invalid(result);
    return;
  }
  raiseDenormal(xClass);
  raiseDenormal(yClass);
  if (yClass === INFINITY || xClass === INFINITY) result.setInfinity(sign);
  else if (yClass === ZERO || isOne) result.setZero(sign);
  else if (powerOfTwo) {
    // Exact or not, processors report it as inexact.
    logarithmOfPower(y, exponent, result);
    context.flags |= result.exponent === 0 ? UNDERFLOW | INEXACT : INEXACT;
  } else logarithm(y, x, result);
}

export function fyl2x(cpu: Core, op: Op): void {
  binary(cpu, op, logarithmOf);
}

/** Intel SDM 2A, FYL2XP1, table 3-48. Beyond the documented range of x the function goes on; x up to -1 is invalid. */
function logarithmOfOneMoreOf(y: Float80, yClass: number, x: Float80, xClass: number): void {
  const tooSmall = x.sign !== 0 && xClass !== ZERO && x.exponent >= EXPONENT_BIAS;
  if (tooSmall || (xClass === ZERO && yClass === INFINITY) || (xClass === INFINITY && yClass === ZERO)) {
    invalid(result);
    return;
  }
  raiseDenormal(xClass);
  raiseDenormal(yClass);
  const sign = y.sign ^ x.sign;
  if (yClass === INFINITY || xClass === INFINITY) result.setInfinity(sign);
  else if (yClass === ZERO || xClass === ZERO) result.setZero(sign);
  else logarithmOfOneMore(y, x, result);
}

export function fyl2xp1(cpu: Core, op: Op): void {
  binary(cpu, op, logarithmOfOneMoreOf);
}

/** 2^ST(0) - 1. Arguments beyond -1 and 1, which are undefined, are left as they are. */
export function f2xm1(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0)) {
    if (!reportStackFault(cpu, false)) return;
    result.setIndefinite();
    writeRegister(cpu, 0, result);
    return;
  }
  readRegister(cpu, 0, st0);
  const xClass = classOf(st0);
  normalizeDenormal(st0, xClass);
  powerMinusOneOf(st0, xClass);
  if (reportExceptions(cpu)) writeRegister(cpu, 0, result);
}

function powerMinusOneOf(x: Float80, xClass: number): void {
  if (xClass >= QUIET_NAN) propagateNan(x, xClass, result);
  else if (xClass === INFINITY) {
    if (x.sign === 0) result.copy(x);
    else result.set(1, EXPONENT_BIAS, INTEGER_BIT, 0);
  } else if (xClass !== ZERO && x.exponent < EXPONENT_BIAS) {
    raiseDenormal(xClass);
    powerMinusOne(x, result);
  } else {
    result.copy(x);
    // 2^-1 - 1 = -1/2 and 2^1 - 1 = 1, which processors report as inexact.
    if (xClass !== ZERO) context.flags |= INEXACT;
    if (x.sign !== 0 && x.exponent === EXPONENT_BIAS && x.high === INTEGER_BIT && x.low === 0) result.exponent--;
  }
}
