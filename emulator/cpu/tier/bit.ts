/** Compiled BT, BTS, BTR, BTC, BSF and BSR, and the instructions that set or move single flags. */
import * as bit from "../bit.ts";
import type { UnaryForms } from "../forms.ts";
import type { Op } from "../op.ts";
import { CONTROL_FLAGS, EAX, FLAG_DF } from "../state-layout.ts";
import * as status from "../status-flags.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { type Emit, FLAG_SECOND, pushBase } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import { makeRaw, pushCf, recordLogic } from "./flag-code.ts";
import * as wasm from "./wasm.ts";

/** Sets CF to the lowest bit of what `push` pushes, and keeps the other flags. */
function setCf(e: Emit, push: () => void): void {
  const { code } = e;
  const change = e.temporary();
  makeRaw(e);
  push();
  e.with(wasm.I32_SHL, 31);
  code.get(FLAG_SECOND);
  code.op(wasm.I32_XOR);
  e.with(wasm.I32_AND, 1 << 31);
  code.set(change);
  // CF XOR OF flips with CF.
  code.get(FLAG_SECOND);
  code.get(change);
  code.op(wasm.I32_XOR);
  code.get(change);
  e.with(wasm.I32_SHR_U, 1);
  code.op(wasm.I32_XOR);
  code.set(FLAG_SECOND);
}

/** What becomes of a value, of which a mask selects one bit: both locals. Null for BT, which only looks. */
type Change = ((e: Emit, value: number, mask: number) => void) | null;

const set: Change = (e, value, mask) => {
  e.code.get(value);
  e.code.get(mask);
  e.code.op(wasm.I32_OR);
};
const reset: Change = (e, value, mask) => {
  e.code.get(value);
  e.code.get(mask);
  e.with(wasm.I32_XOR, -1);
  e.code.op(wasm.I32_AND);
};
const complement: Change = (e, value, mask) => {
  e.code.get(value);
  e.code.get(mask);
  e.code.op(wasm.I32_XOR);
};

/** Puts the bit into CF; returns the local with the changed value. `pushPosition` pushes 0 to the size less 1. */
function apply(e: Emit, change: Change, value: number, pushPosition: () => void): number {
  const { code } = e;
  const position = e.temporary();
  const result = e.temporary();
  pushPosition();
  code.set(position);
  if (change !== null) {
    const mask = e.temporary();
    code.constant(1);
    code.get(position);
    code.op(wasm.I32_SHL);
    code.set(mask);
    change(e, value, mask);
    code.set(result);
  }
  setCf(e, () => {
    code.get(value);
    code.get(position);
    code.op(wasm.I32_SHR_U);
  });
  return result;
}

function bitForms(forms: (typeof bit.BIT_GROUP32)[number], size: 16 | 32, change: Change): Emitters {
  const fromRegisterOperand = (e: Emit, op: Op) => () => {
    e.getRegister(op.reg);
    e.with(wasm.I32_AND, size - 1);
  };
  const fromImmediate = (e: Emit, op: Op) => () => e.code.constant(op.imm & (size - 1));
  const inRegister =
    (position: typeof fromImmediate): Emitter =>
    (e, op) => {
      const result = apply(e, change, fromRegister(e, size, op.rm), position(e, op));
      if (change !== null) e.put(size, op.rm, result);
    };
  const inMemory = (e: Emit, host: number, position: () => void) => {
    const result = apply(e, change, fromMemory(e, size, host), position);
    if (change !== null) e.store(host, size, () => e.code.get(result));
  };
  return [
    [forms.rr, inRegister(fromRegisterOperand)],
    [forms.ri, inRegister(fromImmediate)],
    [forms.mi, (e, op) => inMemory(e, e.operand(op, size, change !== null), fromImmediate(e, op))],
    [
      forms.mr,
      (e, op) => {
        const { code } = e;
        const linear = e.temporary();
        // The bit offset is signed and reaches beyond the operand.
        e.offset(op);
        e.getRegister(op.reg);
        e.extendSign(size);
        e.with(wasm.I32_SHR_S, size === 32 ? 5 : 4);
        e.with(wasm.I32_SHL, size === 32 ? 2 : 1);
        code.op(wasm.I32_ADD);
        e.with(wasm.I32_AND, op.addressMask);
        code.set(linear);
        inMemory(e, e.reach(linear, size, change !== null), fromRegisterOperand(e, op));
      },
    ],
  ];
}

/** BSF and BSR: the destination stays when no bit is set. */
function scan({ r, m }: UnaryForms, size: 16 | 32, forward: boolean): Emitters {
  const finish = (e: Emit, value: number, op: Op) => {
    const { code } = e;
    const result = e.temporary();
    if (forward) {
      code.get(value);
      code.op(wasm.I32_CTZ);
    } else {
      code.constant(31);
      code.get(value);
      code.op(wasm.I32_CLZ);
      code.op(wasm.I32_SUB);
    }
    e.get(size, op.reg);
    code.get(value);
    code.op(wasm.SELECT);
    code.set(result);
    code.get(value);
    recordLogic(e, 32);
    e.put(size, op.reg, result);
  };
  return [
    [r, (e, op) => finish(e, fromRegister(e, size, op.rm), op)],
    [m, (e, op) => finish(e, fromMemory(e, size, e.operand(op, size, false)), op)],
  ];
}

function changeControlFlags(e: Emit, operator: number, mask: number): void {
  const { code, target } = e;
  pushBase(code, target);
  pushBase(code, target);
  code.memory(wasm.I32_LOAD, target.state + 4 * CONTROL_FLAGS);
  e.with(operator, mask);
  code.memory(wasm.I32_STORE, target.state + 4 * CONTROL_FLAGS);
}

const CHANGES: readonly Change[] = [null, set, reset, complement];

export const BITS: Emitters = [
  ...bit.BIT_GROUP16.flatMap((forms, n) => bitForms(forms, 16, CHANGES[n])),
  ...bit.BIT_GROUP32.flatMap((forms, n) => bitForms(forms, 32, CHANGES[n])),
  ...scan(bit.BSF16, 16, true),
  ...scan(bit.BSF32, 32, true),
  ...scan(bit.BSR16, 16, false),
  ...scan(bit.BSR32, 32, false),
  [status.clc, (e) => setCf(e, () => e.code.constant(0))],
  [status.stc, (e) => setCf(e, () => e.code.constant(1))],
  [
    status.cmc,
    (e) =>
      setCf(e, () => {
        pushCf(e);
        e.with(wasm.I32_XOR, 1);
      }),
  ],
  [
    status.salc,
    (e) => {
      const value = e.temporary();
      e.code.constant(0);
      pushCf(e);
      e.code.op(wasm.I32_SUB);
      e.code.set(value);
      e.put(8, EAX, value);
    },
  ],
  [status.cld, (e) => changeControlFlags(e, wasm.I32_AND, ~FLAG_DF)],
  [status.std, (e) => changeControlFlags(e, wasm.I32_OR, FLAG_DF)],
];
