/** FCOM, FUCOM, FICOM, FCOMI, FUCOMI, FTST and FXAM (Intel SDM 1, 8.3.6). */
import type { Core } from "../core.ts";
import { writeArithmeticFlags } from "../flags.ts";
import type { Op } from "../op.ts";
import { FLAG_CF, FLAG_PF, FLAG_ZF, FPU_STATUS } from "../state-layout.ts";
import { context, INVALID } from "./context.ts";
import { classOf, DENORMAL, Float80, INFINITY, NORMAL, UNSUPPORTED, ZERO } from "./float80.ts";
import { compare, UNORDERED } from "./float80-compare.ts";

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
  readRegister,
  recordInstruction,
  reportExceptions,
  reportStackFault,
  requireReady,
  setConditions,
  st0,
} from "./state.ts";

const ZERO_OPERAND = new Float80();

/** Compares ST(0), unless it or the other operand is empty, and pops. */
function compareAndPop(cpu: Core, other: Float80, empty: boolean, quiet: boolean, pops: number): void {
  let outcome = UNORDERED;
  if (empty) {
    if (!reportStackFault(cpu, false)) {
      setConditions(cpu, outcome, C0 | C2 | C3);
      return;
    }
  } else {
    readRegister(cpu, 0, st0);
    outcome = compare(st0, other, quiet);
    if (!reportExceptions(cpu)) {
      setConditions(cpu, outcome, C0 | C2 | C3);
      return;
    }
  }
  setConditions(cpu, outcome, C0 | C2 | C3);
  for (let n = 0; n < pops; n++) pop(cpu);
}

function compareMemory(cpu: Core, op: Op): void {
  // ModRM.reg is 2 for FCOM and FICOM, 3 for the forms that pop.
  compareAndPop(cpu, operand, isEmpty(cpu, 0), false, op.reg & 1);
}

export function fcom_m32(cpu: Core, op: Op): void {
  takeFloat32(cpu, op);
  compareMemory(cpu, op);
}

export function fcom_m64(cpu: Core, op: Op): void {
  takeFloat64(cpu, op);
  compareMemory(cpu, op);
}

export function ficom_m16(cpu: Core, op: Op): void {
  takeInt16(cpu, op);
  compareMemory(cpu, op);
}

export function ficom_m32(cpu: Core, op: Op): void {
  takeInt32(cpu, op);
  compareMemory(cpu, op);
}

function compareRegister(cpu: Core, op: Op, quiet: boolean, pops: number): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  readRegister(cpu, op.rm, operand);
  compareAndPop(cpu, operand, isEmpty(cpu, 0) || isEmpty(cpu, op.rm), quiet, pops);
}

export function fcom(cpu: Core, op: Op): void {
  compareRegister(cpu, op, false, 0);
}
export function fcomp(cpu: Core, op: Op): void {
  compareRegister(cpu, op, false, 1);
}
export function fcompp(cpu: Core, op: Op): void {
  compareRegister(cpu, op, false, 2);
}
export function fucom(cpu: Core, op: Op): void {
  compareRegister(cpu, op, true, 0);
}
export function fucomp(cpu: Core, op: Op): void {
  compareRegister(cpu, op, true, 1);
}
export function fucompp(cpu: Core, op: Op): void {
  compareRegister(cpu, op, true, 2);
}

export function ftst(cpu: Core, op: Op): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  compareAndPop(cpu, ZERO_OPERAND, isEmpty(cpu, 0), false, 0);
}

/** The outcome goes to ZF, PF and CF; OF, SF and AF are cleared. C1 stays, but for a stack fault. */
function compareToFlags(cpu: Core, op: Op, quiet: boolean, pops: boolean): void {
  requireReady(cpu);
  beginOperation(cpu);
  recordInstruction(cpu, op);
  let outcome = UNORDERED;
  if (isEmpty(cpu, 0) || isEmpty(cpu, op.rm)) {
    if (!reportStackFault(cpu, false)) return;
  } else {
    readRegister(cpu, 0, st0);
    readRegister(cpu, op.rm, operand);
    outcome = compare(st0, operand, quiet);
    const c1 = cpu.r[FPU_STATUS] & C1;
    const completed = reportExceptions(cpu);
    setConditions(cpu, c1, C1);
    if ((context.flags & INVALID & ~context.masks) !== 0) return;
    if (!completed) pops = false;
  }
  // C3, C2 and C0 are at the places of ZF, PF and CF in the status word's upper byte.
  writeArithmeticFlags(cpu, (outcome >> 8) & (FLAG_ZF | FLAG_PF | FLAG_CF));
  if (pops) pop(cpu);
}

export function fcomi(cpu: Core, op: Op): void {
  compareToFlags(cpu, op, false, false);
}
export function fcomip(cpu: Core, op: Op): void {
  compareToFlags(cpu, op, false, true);
}
export function fucomi(cpu: Core, op: Op): void {
  compareToFlags(cpu, op, true, false);
}
export function fucomip(cpu: Core, op: Op): void {
  compareToFlags(cpu, op, true, true);
}

/** FXAM: the class of ST(0) in C3, C2 and C0, its sign in C1, also when it is empty. */
export function fxam(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  readRegister(cpu, 0, st0);
  const codes = isEmpty(cpu, 0) ? C3 | C0 : classCodes(classOf(st0));
  setConditions(cpu, codes | (st0.sign !== 0 ? C1 : 0), CONDITION_CODES);
}

function classCodes(valueClass: number): number {
  switch (valueClass) {
    case UNSUPPORTED:
      return 0;
    case NORMAL:
      return C2;
    case INFINITY:
      return C2 | C0;
    case ZERO:
      return C3;
    case DENORMAL:
      return C3 | C2;
    default:
      return C0;
  }
}
