/** Compiled shifts, rotates and double shifts; those through CF (RCL, RCR) are left to the interpreter, except by 1. */
import type { ShiftForms } from "../forms.ts";
import type { Op } from "../op.ts";
import { SHIFTS8, SHIFTS16, SHIFTS32, SHLD32, SHRD32 } from "../shift-forms.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { type Emit, FLAG_RESULT, FLAG_SECOND, type Size } from "./emit.ts";
import type { Emitters } from "./emitter.ts";
import { makeDynamic, makeRaw, pushCf, recordSecond, setResult } from "./flag-code.ts";
import { Kind } from "./flags.ts";
import * as wasm from "./wasm.ts";

/** A count: a number from 1 to 31, or the local that has one. */
type Count = { readonly constant: number } | { readonly local: number };

/**
 * Computes from a local, zero-extended, and a count that is not 0, with flags; returns the local that has the result, not
 * truncated.
 */
type Shift = (e: Emit, size: Size, a: number, count: Count, op: Op) => number;

/** Pushes factor * count + offset. */
function pushCount(e: Emit, count: Count, factor = 1, offset = 0): void {
  if ("constant" in count) {
    e.code.constant(factor * count.constant + offset);
    return;
  }
  if (factor === 1) e.code.get(count.local);
  else {
    e.code.constant(0);
    e.code.get(count.local);
    e.code.op(wasm.I32_SUB);
  }
  if (offset !== 0) e.with(wasm.I32_ADD, offset);
}

function shifted(e: Emit, a: number, operator: number, count: Count): number {
  const result = e.temporary();
  e.code.get(a);
  pushCount(e, count);
  e.code.op(operator);
  e.code.set(result);
  return result;
}

/** Pushes bit `from` of a local moved to bit `to`; nothing else. */
function pushBit(e: Emit, local: number, from: number, to: number): void {
  e.code.get(local);
  if (to > from) e.with(wasm.I32_SHL, to - from);
  else if (to < from) e.with(wasm.I32_SHR_U, from - to);
  e.with(wasm.I32_AND, 1 << to);
}

const shl: Shift = (e, size, a, count) => {
  const { code } = e;
  const result = shifted(e, a, wasm.I32_SHL, count);
  code.get(result);
  if (size === 32) {
    code.set(FLAG_RESULT);
    // The bit shifted out last, at the top.
    code.get(a);
    pushCount(e, count, 1, -1);
    code.op(wasm.I32_SHL);
    recordSecond(e, Kind.SHL32);
    return result;
  }
  setResult(e, size);
  // CF and sign lie side by side, as CF and CF XOR OF do in FLAG_AUX.
  code.get(result);
  e.with(wasm.I32_SHL, 31 - size);
  e.with(wasm.I32_AND, 0xc0000000);
  recordSecond(e, Kind.RAW);
  return result;
};

const shr: Shift = (e, size, a, count) => {
  const { code } = e;
  const result = shifted(e, a, wasm.I32_SHR_U, count);
  code.get(result);
  code.set(FLAG_RESULT);
  if ("constant" in count && (count.constant !== 1 || size === 32)) {
    code.get(a);
    pushCount(e, count, -1, 32);
    code.op(wasm.I32_SHL);
    recordSecond(e, count.constant === 1 ? Kind.SHR32_BY_1 : Kind.SHIFT_RIGHT);
    return result;
  }
  // CF, CF XOR OF; OF is the sign of the operand when it is shifted by 1.
  const cf = e.temporary();
  code.get(a);
  pushCount(e, count, 1, -1);
  code.op(wasm.I32_SHR_U);
  e.with(wasm.I32_AND, 1);
  code.tee(cf);
  e.with(wasm.I32_SHL, 31);
  code.get(cf);
  code.get(a);
  e.with(wasm.I32_SHR_U, size - 1);
  code.constant(0);
  pushCount(e, count);
  e.with(wasm.I32_EQ, 1);
  code.op(wasm.SELECT);
  code.op(wasm.I32_XOR);
  e.with(wasm.I32_SHL, 30);
  code.op(wasm.I32_OR);
  recordSecond(e, Kind.RAW);
  return result;
};

const sar: Shift = (e, size, a, count) => {
  const { code } = e;
  const signed = e.temporary();
  code.get(a);
  e.extendSign(size);
  code.set(signed);
  const result = shifted(e, signed, wasm.I32_SHR_S, count);
  code.get(result);
  code.set(FLAG_RESULT);
  code.get(signed);
  pushCount(e, count, 1, -1);
  code.op(wasm.I32_SHR_S);
  e.with(wasm.I32_SHL, 31);
  recordSecond(e, Kind.SHIFT_RIGHT);
  return result;
};

/** Replaces CF and CF XOR OF in FLAG_AUX by bits 31 and 30 of what `push` pushes. */
export function replaceCarries(e: Emit, push: () => void): void {
  makeRaw(e);
  push();
  e.code.get(FLAG_SECOND);
  e.with(wasm.I32_AND, 0x3fffffff);
  e.code.op(wasm.I32_OR);
  e.code.set(FLAG_SECOND);
}

/** The operand turned to the left by `count`, or to the right for `direction` -1, in a local. */
function rotated(e: Emit, size: Size, a: number, count: Count, direction: 1 | -1): number {
  const { code } = e;
  const result = e.temporary();
  code.get(a);
  if (size === 32) {
    pushCount(e, count);
    code.op(direction === 1 ? wasm.I32_ROTL : wasm.I32_ROTR);
  } else {
    // As often as it fits in: turning 32 bits then turns each copy.
    e.with(wasm.I32_MUL, size === 8 ? 0x01010101 : 0x00010001);
    pushCount(e, count);
    code.op(direction === 1 ? wasm.I32_ROTL : wasm.I32_ROTR);
  }
  code.set(result);
  return result;
}

const rol: Shift = (e, size, a, count) => {
  const result = rotated(e, size, a, count, 1);
  replaceCarries(e, () => {
    pushBit(e, result, 0, 31);
    pushBit(e, result, size - 1, 30);
    e.code.op(wasm.I32_OR);
  });
  return result;
};

const ror: Shift = (e, size, a, count) => {
  const result = rotated(e, size, a, count, -1);
  replaceCarries(e, () => {
    e.code.get(result);
    e.with(wasm.I32_SHL, 32 - size);
    e.with(wasm.I32_AND, 0xc0000000);
  });
  return result;
};

/** RCL and RCR by 1; leaves for other counts. */
const rcl: Shift = (e, size, a) => {
  const { code } = e;
  const result = e.temporary();
  code.get(a);
  e.with(wasm.I32_SHL, 1);
  pushCf(e);
  code.op(wasm.I32_OR);
  code.set(result);
  replaceCarries(e, () => {
    pushBit(e, a, size - 1, 31);
    pushBit(e, a, size - 2, 30);
    code.op(wasm.I32_OR);
  });
  return result;
};

const rcr: Shift = (e, size, a) => {
  const { code } = e;
  const result = e.temporary();
  const cf = e.temporary();
  pushCf(e);
  code.set(cf);
  code.get(a);
  e.with(wasm.I32_SHR_U, 1);
  code.get(cf);
  e.with(wasm.I32_SHL, size - 1);
  code.op(wasm.I32_OR);
  code.set(result);
  // OF is the difference of the upper two bits of the result; CF the bit shifted out.
  replaceCarries(e, () => {
    const out = e.temporary();
    code.get(a);
    e.with(wasm.I32_AND, 1);
    code.tee(out);
    e.with(wasm.I32_SHL, 31);
    code.get(out);
    e.with(wasm.I32_SHL, 30);
    pushBit(e, result, size - 1, 30);
    pushBit(e, result, size - 2, 30);
    code.op(wasm.I32_XOR);
    code.op(wasm.I32_XOR);
    code.op(wasm.I32_OR);
  });
  return result;
};

/** SHLD, SHRD of 32 bits: `op.reg` provides the bits that come in. */
function double(left: boolean): Shift {
  return (e, _size, a, count, op) => {
    const { code } = e;
    const result = e.temporary();
    const carry = e.temporary();
    code.get(a);
    pushCount(e, count);
    code.op(left ? wasm.I32_SHL : wasm.I32_SHR_U);
    e.getRegister(op.reg);
    pushCount(e, count, -1, 32);
    code.op(left ? wasm.I32_SHR_U : wasm.I32_SHL);
    code.op(wasm.I32_OR);
    code.tee(result);
    code.set(FLAG_RESULT);
    code.get(a);
    if (left) pushCount(e, count, -1, 32);
    else pushCount(e, count, 1, -1);
    code.op(wasm.I32_SHR_U);
    e.with(wasm.I32_AND, 1);
    code.tee(carry);
    e.with(wasm.I32_SHL, 31);
    code.get(carry);
    code.get(a);
    code.get(result);
    code.op(wasm.I32_XOR);
    e.with(wasm.I32_SHR_U, 31);
    code.op(wasm.I32_XOR);
    e.with(wasm.I32_SHL, 30);
    code.op(wasm.I32_OR);
    recordSecond(e, Kind.RAW);
    return result;
  };
}

/** When the count is 0, flags stay. A count of 0 modulo 32 changes nothing at all. */
function byCount(e: Emit, size: Size, shift: Shift, a: number, op: Op): number {
  const { code } = e;
  const count = e.temporary();
  const result = e.temporary();
  e.getCl();
  e.with(wasm.I32_AND, 31);
  code.set(count);
  code.get(a);
  code.set(result);
  makeDynamic(e);
  const before = e.kind;
  e.kind = Kind.DYNAMIC;
  code.get(count);
  code.if();
  e.kind = before;
  const changed = shift(e, size, a, { local: count }, op);
  code.get(changed);
  code.set(result);
  makeDynamic(e);
  code.end();
  e.kind = Kind.DYNAMIC;
  return result;
}

function byImmediate(e: Emit, size: Size, shift: Shift, a: number, op: Op): number {
  const constant = op.imm & 31;
  return constant === 0 ? a : shift(e, size, a, { constant }, op);
}

function forms(shiftForms: ShiftForms, size: Size, shift: Shift, byCl = true): Emitters {
  const each = (how: typeof byCount) =>
    [
      (e: Emit, op: Op) => e.put(size, op.rm, how(e, size, shift, fromRegister(e, size, op.rm), op)),
      (e: Emit, op: Op) => {
        const host = e.operand(op, size, true);
        const result = how(e, size, shift, fromMemory(e, size, host), op);
        e.store(host, size, () => e.code.get(result));
      },
    ] as const;
  const [ri, mi] = each(byImmediate);
  const [rc, mc] = each(byCount);
  const immediate: Emitters = [
    [shiftForms.ri, ri],
    [shiftForms.mi, mi],
  ];
  return byCl ? [...immediate, [shiftForms.rc, rc], [shiftForms.mc, mc]] : immediate;
}

/** By ModRM.reg: ROL ROR RCL RCR SHL SHR SHL SAR. */
const SHIFTS: readonly Shift[] = [rol, ror, rcl, rcr, shl, shr, shl, sar];
const THROUGH_CARRY: ReadonlySet<number> = new Set([2, 3]);

function family(bySize: readonly ShiftForms[], size: Size): Emitters {
  return bySize.flatMap((shiftForms, n) => forms(shiftForms, size, SHIFTS[n], !THROUGH_CARRY.has(n)));
}

export const SHIFTS_AND_ROTATES: Emitters = [
  ...family(SHIFTS8, 8),
  ...family(SHIFTS16, 16),
  ...family(SHIFTS32, 32),
  ...forms(SHLD32, 32, double(true)),
  ...forms(SHRD32, 32, double(false)),
];

/** RCL and RCR by an immediate other than 1. */
export function isLeftToInterpreter(op: Op): boolean {
  return THROUGH_CARRY_HANDLERS.has(op.execute) && op.imm !== 1;
}

const THROUGH_CARRY_HANDLERS = new Set(
  [SHIFTS8, SHIFTS16, SHIFTS32].flatMap((bySize) => [2, 3].flatMap((n) => [bySize[n].ri, bySize[n].mi])),
);
