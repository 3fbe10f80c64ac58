/** Recording and reading flags in compiled code; flags.ts says how they are held. */

import { AUX_CARRIES } from "../flags.ts";
import { carryVector } from "./aux-function.ts";
import { AUX_FUNCTION, type Emit, FLAG_FIRST, FLAG_KIND, FLAG_RESULT, FLAG_SECOND, type Size } from "./emit.ts";
import { Kind, POSITIVE } from "./flags.ts";
import * as wasm from "./wasm.ts";

const BY_SIZE = {
  add: { 8: Kind.ADD8, 16: Kind.ADD16, 32: Kind.ADD32 },
  sub: { 8: Kind.SUB8, 16: Kind.SUB16, 32: Kind.SUB32 },
  inc: { 8: Kind.INC8, 16: Kind.INC16, 32: Kind.INC32 },
  dec: { 8: Kind.DEC8, 16: Kind.DEC16, 32: Kind.DEC32 },
} as const;

const SUBTRACTIONS: ReadonlySet<Kind> = new Set([Kind.SUB8, Kind.SUB16, Kind.SUB32]);

// ---- Recording -------------------------------------------------------------------------------------------------------

/** What is on the stack, truncated to `size`, becomes the result. */
export function setResult(e: Emit, size: Size): void {
  e.extendSign(size);
  e.code.set(FLAG_RESULT);
}

/** Flags of a sum: a local with it, not truncated, and one with the first addend, zero-extended. */
export function recordAdd(e: Emit, size: Size, sum: number, addend: number): void {
  const { code } = e;
  code.get(sum);
  setResult(e, size);
  code.get(sum);
  e.truncate(size);
  code.set(FLAG_FIRST);
  code.get(addend);
  code.set(FLAG_SECOND);
  e.kind = BY_SIZE.add[size];
}

/** Flags of a difference: locals with it, and with minuend and subtrahend, zero-extended. */
export function recordSub(e: Emit, size: Size, difference: number, a: number, b: number): void {
  const { code } = e;
  code.get(difference);
  setResult(e, size);
  code.get(a);
  code.set(FLAG_FIRST);
  code.get(b);
  code.set(FLAG_SECOND);
  e.kind = BY_SIZE.sub[size];
}

/** Flags of a result on the stack, with CF = OF = AF = 0. */
export function recordLogic(e: Emit, size: Size): void {
  const { code } = e;
  setResult(e, size);
  code.constant(0);
  code.set(FLAG_FIRST);
  code.constant(0);
  code.set(FLAG_SECOND);
  e.kind = Kind.LOGIC;
}

/** Flags of INC and DEC, from the result on the stack: the pair stays. */
export function recordStep(e: Emit, size: Size, step: "inc" | "dec"): void {
  setResult(e, size);
  e.kind = BY_SIZE[step][size];
}

/** FLAG_AUX, or CF in bit 31 for the kinds of shifts, is on the stack. */
export function recordSecond(e: Emit, kind: Kind): void {
  const { code } = e;
  code.set(FLAG_SECOND);
  code.constant(POSITIVE);
  code.set(FLAG_FIRST);
  e.kind = kind;
}

/** Puts the kind into its local, for a way on which it is not known from here on. */
export function makeDynamic(e: Emit): void {
  if (e.kind === Kind.DYNAMIC) return;
  e.code.constant(e.kind);
  e.code.set(FLAG_KIND);
}

/** Works FLAG_AUX out, so that it is the second of the pair. */
export function makeRaw(e: Emit): void {
  if (e.kind === Kind.RAW) return;
  pushAux(e);
  recordSecond(e, Kind.RAW);
}

function pushAux(e: Emit): void {
  const { code, kind } = e;
  if (kind === Kind.LOGIC) {
    code.constant(0);
    return;
  }
  if (kind === Kind.DYNAMIC) code.get(FLAG_KIND);
  else code.constant(kind);
  code.get(FLAG_RESULT);
  code.get(FLAG_FIRST);
  code.get(FLAG_SECOND);
  code.call(AUX_FUNCTION);
}

/** Pushes the carry vector of a + b = result, or the borrows of a - b = result. All four are locals. */
export function pushCarries(e: Emit, subtraction: boolean, a: number, b: number, result: number): void {
  // A borrow of a - b is a carry of result + b.
  if (subtraction) carryVector(e.code, result, b, a);
  else carryVector(e.code, a, b, result);
}

/** Makes FLAG_AUX of the carry vector on the stack. */
export function carriesToAux(e: Emit, size: Size): void {
  const { code } = e;
  if (size === 32) {
    e.with(wasm.I32_AND, AUX_CARRIES);
    return;
  }
  const carries = e.temporary();
  code.tee(carries);
  e.with(wasm.I32_SHL, 32 - size);
  code.get(carries);
  e.with(wasm.I32_AND, 8);
  code.op(wasm.I32_OR);
}

// ---- Reading ---------------------------------------------------------------------------------------------------------

/** Pushes CF, 0 or 1. */
export function pushCf(e: Emit): void {
  pushPair(e, wasm.I32_LT_U);
}

function pushPair(e: Emit, comparison: number): void {
  e.code.get(FLAG_FIRST);
  e.code.get(FLAG_SECOND);
  e.code.op(comparison);
}

function pushZf(e: Emit): void {
  e.code.get(FLAG_RESULT);
  e.code.op(wasm.I32_EQZ);
}

/** Whether bits of FLAG_AUX may change SF and PF: of the result alone they follow otherwise. */
function hasOwnSign(e: Emit): boolean {
  if (e.kind === Kind.DYNAMIC) makeRaw(e);
  return e.kind === Kind.RAW;
}

/** Pushes a number whose sign bit is SF. */
function pushSign(e: Emit): void {
  const { code } = e;
  if (!hasOwnSign(e)) {
    code.get(FLAG_RESULT);
    return;
  }
  code.get(FLAG_RESULT);
  code.get(FLAG_SECOND);
  e.with(wasm.I32_SHL, 31);
  code.op(wasm.I32_XOR);
}

/** Pushes a number whose sign bit is OF. */
function pushOverflow(e: Emit): void {
  const { code } = e;
  makeRaw(e);
  code.get(FLAG_SECOND);
  code.get(FLAG_SECOND);
  e.with(wasm.I32_SHL, 1);
  code.op(wasm.I32_XOR);
}

function pushNegative(e: Emit): void {
  e.with(wasm.I32_LT_S, 0);
}

function pushPf(e: Emit): void {
  const { code } = e;
  if (hasOwnSign(e)) {
    code.get(FLAG_RESULT);
    code.get(FLAG_SECOND);
    e.with(wasm.I32_SHR_U, 8);
    code.op(wasm.I32_XOR);
  } else {
    code.get(FLAG_RESULT);
  }
  e.with(wasm.I32_AND, 0xff);
  code.op(wasm.I32_POPCNT);
  e.with(wasm.I32_AND, 1);
  code.op(wasm.I32_EQZ);
}

/** Pushes the pair of a subtraction, sign-extended. */
function pushSignedPair(e: Emit): void {
  const size = e.kind === Kind.SUB8 ? 8 : e.kind === Kind.SUB16 ? 16 : 32;
  e.code.get(FLAG_FIRST);
  e.extendSign(size);
  e.code.get(FLAG_SECOND);
  e.extendSign(size);
}

/** Pushes whether SF differs from OF. */
function pushLess(e: Emit): void {
  const { code } = e;
  if (SUBTRACTIONS.has(e.kind)) {
    pushSignedPair(e);
    code.op(wasm.I32_LT_S);
  } else if (e.kind === Kind.LOGIC) {
    code.get(FLAG_RESULT);
    pushNegative(e);
  } else {
    pushOverflow(e);
    pushSign(e);
    code.op(wasm.I32_XOR);
    pushNegative(e);
  }
}

/** Pushes ZF, or SF differs from OF. */
function pushLessOrEqual(e: Emit): void {
  const { code } = e;
  if (SUBTRACTIONS.has(e.kind)) {
    pushSignedPair(e);
    code.op(wasm.I32_LE_S);
  } else if (e.kind === Kind.LOGIC) {
    code.get(FLAG_RESULT);
    e.with(wasm.I32_LE_S, 0);
  } else {
    pushLess(e);
    pushZf(e);
    code.op(wasm.I32_OR);
  }
}

/** Pushes whether condition `code` (0 to 15: O B Z BE S P L LE, odd codes negate) holds: 1, else 0. */
export function pushCondition(e: Emit, condition: number): void {
  const { code } = e;
  switch (condition >> 1) {
    case 0:
      pushOverflow(e);
      pushNegative(e);
      break;
    case 1:
      pushCf(e);
      break;
    case 2:
      pushZf(e);
      break;
    case 3:
      if (SUBTRACTIONS.has(e.kind)) pushPair(e, wasm.I32_LE_U);
      else {
        pushCf(e);
        pushZf(e);
        code.op(wasm.I32_OR);
      }
      break;
    case 4:
      pushSign(e);
      pushNegative(e);
      break;
    case 5:
      pushPf(e);
      break;
    case 6:
      pushLess(e);
      break;
    default:
      pushLessOrEqual(e);
  }
  if ((condition & 1) !== 0) code.op(wasm.I32_EQZ);
}
