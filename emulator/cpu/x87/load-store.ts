/** Data transfer: FLD, FST, FILD, FIST, FBLD, FBSTP, FXCH, FCMOVcc and the constants (Intel SDM 1, 8.3.3). */
import { holds } from "../conditions.ts";
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import { CONSTANTS } from "./constants.ts";
import { BEFORE_OPERATION, context, INVALID, OVERFLOW, UNDERFLOW } from "./context.ts";
import { classOf, type Float80, QUIET_BIT, SIGNALING_NAN } from "./float80.ts";
import { fromBcd, fromInt64, toBcd, toFloat32, toFloat64, toInteger, words } from "./float80-convert.ts";
import { store64, store80, takeFloat32, takeFloat64, takeInt16, takeInt32 } from "./operands.ts";
import { roundsUp } from "./rounding.ts";
import {
  beginOperation,
  C1,
  free,
  isEmpty,
  operand,
  pop,
  push,
  readRegister,
  recordInstruction,
  recordMemoryInstruction,
  reportExceptions,
  reportStackFault,
  requireReady,
  result,
  setConditions,
  st0,
  writeRegister,
} from "./state.ts";

// ---- Loads -------------------------------------------------------------------------------------------------------

/**
 * Pushes a value whose conversion has been done, unless the register is taken or an unmasked #IA forbids it. A denormal
 * is loaded also when #D is unmasked.
 */
function load(cpu: Core, value: Float80): void {
  if (!isEmpty(cpu, 7)) {
    if (!reportStackFault(cpu, true)) return;
    value.setIndefinite();
    push(cpu, value);
    return;
  }
  const forbidden = (context.flags & INVALID & ~context.masks) !== 0;
  reportExceptions(cpu);
  if (!forbidden) push(cpu, value);
}

/** A single or double that is a signaling NaN becomes quiet as it is loaded. */
function quiet(value: Float80): void {
  if (classOf(value) !== SIGNALING_NAN) return;
  context.flags |= INVALID;
  value.high |= QUIET_BIT;
}

export function fld_m32(cpu: Core, op: Op): void {
  takeFloat32(cpu, op);
  quiet(operand);
  load(cpu, operand);
}

export function fld_m64(cpu: Core, op: Op): void {
  takeFloat64(cpu, op);
  quiet(operand);
  load(cpu, operand);
}

/** Any bit pattern at all, without exceptions. */
export function fld_m80(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  const linear = cpu.linearOf(op, 10, false);
  cpu.checkAlignment(linear, 8);
  const low = cpu.read32(linear);
  const high = cpu.read32((linear + 4) | 0);
  const top = cpu.read16((linear + 8) | 0);
  operand.set(top >>> 15, top & 0x7fff, high, low);
  recordMemoryInstruction(cpu, op);
  load(cpu, operand);
}

export function fild_m16(cpu: Core, op: Op): void {
  takeInt16(cpu, op);
  load(cpu, operand);
}

export function fild_m32(cpu: Core, op: Op): void {
  takeInt32(cpu, op);
  load(cpu, operand);
}

export function fild_m64(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  const linear = cpu.linearOf(op, 8, false);
  cpu.checkAlignment(linear, 8);
  const low = cpu.read32(linear);
  fromInt64(cpu.read32((linear + 4) | 0), low, operand);
  recordMemoryInstruction(cpu, op);
  load(cpu, operand);
}

export function fbld(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  const linear = cpu.linearOf(op, 10, false);
  cpu.checkAlignment(linear, 8);
  const low = cpu.read32(linear);
  const high = cpu.read32((linear + 4) | 0);
  fromBcd(low, high, cpu.read16((linear + 8) | 0), operand);
  recordMemoryInstruction(cpu, op);
  load(cpu, operand);
}

export function fld_sti(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, op.rm)) {
    if (!reportStackFault(cpu, false)) return;
    operand.setIndefinite();
    push(cpu, operand);
    return;
  }
  readRegister(cpu, op.rm, operand);
  load(cpu, operand);
}

/** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: rounded by the rounding control, without #P. */
export function fld_constant(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  const { exponent, high, low, extra } = CONSTANTS[op.rm];
  // None of them ends in 32 ones, so that there is no carry.
  operand.set(0, exponent, high, roundsUp(0, low & 1, extra) ? low + 1 : low);
  load(cpu, operand);
}

// ---- Stores ------------------------------------------------------------------------------------------------------

/** Reads ST(0) to be stored. @returns false when it is empty and that is unmasked: then nothing is stored. */
function beginStore(cpu: Core): boolean {
  beginOperation(cpu);
  if (!isEmpty(cpu, 0)) {
    readRegister(cpu, 0, st0);
    return true;
  }
  st0.setIndefinite();
  return (context.masks & INVALID) !== 0;
}

/** Whether the converted value goes to memory: no unmasked exception but #P. */
function mayStore(): boolean {
  return (context.flags & ~context.masks & (BEFORE_OPERATION | OVERFLOW | UNDERFLOW)) === 0;
}

/** Reports after memory was written. @param empty ST(0) was empty */
function endStore(cpu: Core, op: Op, stored: boolean, pops: boolean): void {
  recordMemoryInstruction(cpu, op);
  if (isEmpty(cpu, 0)) reportStackFault(cpu, false);
  else reportExceptions(cpu);
  if (stored && pops) pop(cpu);
}

function storeFloat32(cpu: Core, op: Op, pops: boolean): void {
  requireReady(cpu);
  let stored = beginStore(cpu);
  if (stored) {
    toFloat32(st0);
    stored = mayStore();
  }
  if (stored) cpu.store32(op, words.low);
  else cpu.linearOf(op, 4, true);
  endStore(cpu, op, stored, pops);
}

function storeFloat64(cpu: Core, op: Op, pops: boolean): void {
  requireReady(cpu);
  let stored = beginStore(cpu);
  if (stored) {
    toFloat64(st0);
    stored = mayStore();
  }
  if (stored) store64(cpu, op, words.high, words.low);
  else cpu.linearOf(op, 8, true);
  endStore(cpu, op, stored, pops);
}

function storeInteger(cpu: Core, op: Op, bits: 16 | 32 | 64, pops: boolean): void {
  requireReady(cpu);
  let stored = beginStore(cpu);
  if (stored) {
    toInteger(st0, bits);
    stored = mayStore();
  }
  if (!stored) cpu.linearOf(op, bits >> 3, true);
  else if (bits === 16) cpu.store16(op, words.low);
  else if (bits === 32) cpu.store32(op, words.low);
  else store64(cpu, op, words.high, words.low);
  endStore(cpu, op, stored, pops);
}

export function fst_m32(cpu: Core, op: Op): void {
  storeFloat32(cpu, op, false);
}
export function fstp_m32(cpu: Core, op: Op): void {
  storeFloat32(cpu, op, true);
}
export function fst_m64(cpu: Core, op: Op): void {
  storeFloat64(cpu, op, false);
}
export function fstp_m64(cpu: Core, op: Op): void {
  storeFloat64(cpu, op, true);
}
export function fist_m16(cpu: Core, op: Op): void {
  storeInteger(cpu, op, 16, false);
}
export function fistp_m16(cpu: Core, op: Op): void {
  storeInteger(cpu, op, 16, true);
}
export function fist_m32(cpu: Core, op: Op): void {
  storeInteger(cpu, op, 32, false);
}
export function fistp_m32(cpu: Core, op: Op): void {
  storeInteger(cpu, op, 32, true);
}
export function fistp_m64(cpu: Core, op: Op): void {
  storeInteger(cpu, op, 64, true);
}

/** The register as it is, without exceptions. */
export function fstp_m80(cpu: Core, op: Op): void {
  requireReady(cpu);
  const stored = beginStore(cpu);
  if (stored) store80(cpu, op, (st0.sign << 15) | st0.exponent, st0.high, st0.low);
  else cpu.linearOf(op, 10, true);
  endStore(cpu, op, stored, true);
}

export function fbstp(cpu: Core, op: Op): void {
  requireReady(cpu);
  let stored = beginStore(cpu);
  if (stored) {
    toBcd(st0);
    stored = mayStore();
  }
  if (stored) store80(cpu, op, words.top, words.high, words.low);
  else cpu.linearOf(op, 10, true);
  endStore(cpu, op, stored, true);
}

function storeToRegister(cpu: Core, op: Op, pops: boolean): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0)) {
    if (!reportStackFault(cpu, false)) return;
    st0.setIndefinite();
  } else {
    setConditions(cpu, 0, C1);
    readRegister(cpu, 0, st0);
  }
  writeRegister(cpu, op.rm, st0);
  if (pops) pop(cpu);
}

export function fst_sti(cpu: Core, op: Op): void {
  storeToRegister(cpu, op, false);
}
export function fstp_sti(cpu: Core, op: Op): void {
  storeToRegister(cpu, op, true);
}

/** D9 D8, an alias of FSTP ST(i) that only pops when ST(0) is empty. */
export function fstpnce(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  setConditions(cpu, 0, C1);
  if (!isEmpty(cpu, 0)) {
    readRegister(cpu, 0, st0);
    writeRegister(cpu, op.rm, st0);
  }
  pop(cpu);
}

// ---- Between registers -------------------------------------------------------------------------------------------

/** Exchanges ST(0) and ST(i); an empty one counts as "real indefinite". */
export function fxch(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  readRegister(cpu, 0, st0);
  readRegister(cpu, op.rm, operand);
  const empty0 = isEmpty(cpu, 0);
  const emptyI = isEmpty(cpu, op.rm);
  if (empty0 || emptyI) {
    if (!reportStackFault(cpu, false)) return;
    if (empty0) st0.setIndefinite();
    if (emptyI) operand.setIndefinite();
  } else setConditions(cpu, 0, C1);
  writeRegister(cpu, 0, operand);
  writeRegister(cpu, op.rm, st0);
}

/** Condition of FCMOVcc, as the number of the CMOVcc condition, by ModRM.reg: B, E, BE, U. */
const FCMOV_CONDITIONS = [2, 4, 6, 10] as const;

function moveConditionally(cpu: Core, op: Op, condition: number): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  if (isEmpty(cpu, 0) || isEmpty(cpu, op.rm)) {
    if (!reportStackFault(cpu, false)) return;
    result.setIndefinite();
    writeRegister(cpu, 0, result);
    return;
  }
  if (!holds(cpu, condition)) return;
  readRegister(cpu, op.rm, result);
  writeRegister(cpu, 0, result);
}

/** FCMOVB, FCMOVE, FCMOVBE, FCMOVU. */
export function fcmov(cpu: Core, op: Op): void {
  moveConditionally(cpu, op, FCMOV_CONDITIONS[op.reg]);
}

/** FCMOVNB, FCMOVNE, FCMOVNBE, FCMOVNU. */
export function fcmovn(cpu: Core, op: Op): void {
  moveConditionally(cpu, op, FCMOV_CONDITIONS[op.reg] + 1);
}

/** FFREE. */
export function ffree(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  setConditions(cpu, 0, C1);
  free(cpu, op.rm);
}

/** FFREEP: not documented, on all processors. */
export function ffreep(cpu: Core, op: Op): void {
  ffree(cpu, op);
  pop(cpu);
}
