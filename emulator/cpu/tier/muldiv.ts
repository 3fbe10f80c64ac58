/** Compiled MUL, IMUL, DIV and IDIV; quotients that do not fit, and IDIV of 64 bits that are not 32, are left. */
import type { UnaryForms } from "../forms.ts";
import * as muldiv from "../muldiv.ts";
import type { Op } from "../op.ts";
import { EAX, EDX } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { type Emit, FLAG_FIRST, FLAG_RESULT, FLAG_SECOND, type Size } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import { Kind } from "./flags.ts";
import * as wasm from "./wasm.ts";

type Operation = (e: Emit, value: number, op: Op) => void;

/** The forms of an instruction that reads a register or memory operand, zero-extended. */
function reading({ r, m }: UnaryForms, size: Size, operation: Operation): Emitters {
  const register: Emitter = (e, op) => operation(e, fromRegister(e, size, op.rm), op);
  const memory: Emitter = (e, op) => operation(e, fromMemory(e, size, e.operand(op, size, false)), op);
  return [
    [r, register],
    [m, memory],
  ];
}

/** Flags of a product: its low half, sign-extended, on the stack; CF = OF = whether the local `excess` is above `most`. */
function recordProduct(e: Emit, excess: number, most: number): void {
  const { code } = e;
  code.set(FLAG_RESULT);
  code.constant(most);
  code.set(FLAG_FIRST);
  code.get(excess);
  code.set(FLAG_SECOND);
  e.kind = Kind.PRODUCT;
}

/** Multiplies two locals: sets two more to the halves of the 64-bit product. */
function multiplyWide(e: Emit, a: number, b: number, signed: boolean, low: number, high: number): void {
  const { code } = e;
  const extend = signed ? wasm.I64_EXTEND_I32_S : wasm.I64_EXTEND_I32_U;
  code.get(a);
  code.get(b);
  code.op(wasm.I32_MUL);
  code.set(low);
  code.get(a);
  code.op(extend);
  code.get(b);
  code.op(extend);
  code.op(wasm.I64_MUL);
  code.constant64(32);
  code.op(wasm.I64_SHR_U);
  code.op(wasm.I32_WRAP_I64);
  code.set(high);
}

/** Makes of the high half what is not 0 when the low half, sign-extended, is not the whole product. */
function excessOf(e: Emit, low: number, high: number, bits: number): void {
  e.code.get(low);
  e.with(wasm.I32_SHR_S, bits - 1);
  e.code.get(high);
  e.code.op(wasm.I32_XOR);
}

function multiply32(signed: boolean): Operation {
  return (e, value) => {
    const { code } = e;
    const low = e.temporary();
    const high = e.temporary();
    multiplyWide(e, fromRegister(e, 32, EAX), value, signed, low, high);
    e.put(32, EAX, low);
    e.put(32, EDX, high);
    if (signed) {
      excessOf(e, low, high, 32);
      code.set(high);
    }
    code.get(low);
    recordProduct(e, high, 0);
  };
}

/** Pushes a local, sign-extended if wanted. */
function push(e: Emit, local: number, size: Size, signed: boolean): void {
  e.code.get(local);
  if (signed) e.extendSign(size);
}

/** Product of two narrow numbers in a local: all of it. */
function narrowProduct(e: Emit, size: 8 | 16, a: number, b: number, signed: boolean): number {
  const product = e.temporary();
  push(e, a, size, signed);
  push(e, b, size, signed);
  e.code.op(wasm.I32_MUL);
  e.code.set(product);
  return product;
}

function recordNarrow(e: Emit, size: 8 | 16, product: number, signed: boolean): void {
  const { code } = e;
  const excess = signed ? e.temporary() : product;
  if (signed) {
    code.get(product);
    e.extendSign(size);
    code.get(product);
    code.op(wasm.I32_XOR);
    code.set(excess);
  }
  code.get(product);
  e.extendSign(size);
  recordProduct(e, excess, signed ? 0 : size === 8 ? 0xff : 0xffff);
}

function multiplyNarrow(size: 8 | 16, signed: boolean): Operation {
  return (e, value) => {
    const product = narrowProduct(e, size, fromRegister(e, size, EAX), value, signed);
    e.put(16, EAX, product);
    if (size === 16) {
      const high = e.temporary();
      e.code.get(product);
      e.with(wasm.I32_SHR_U, 16);
      e.code.set(high);
      e.put(16, EDX, high);
    }
    recordNarrow(e, size, product, signed);
  };
}

/** IMUL with two or three operands: only the low half is kept. */
function multiplyInto(size: 16 | 32, immediate: boolean): Operation {
  return (e, value, op) => {
    const { code } = e;
    let other: number;
    if (immediate) {
      other = e.temporary();
      code.constant(op.imm);
      code.set(other);
    } else {
      other = fromRegister(e, size, op.reg);
    }
    if (size === 16) {
      const product = narrowProduct(e, 16, value, other, true);
      e.put(16, op.reg, product);
      recordNarrow(e, 16, product, true);
      return;
    }
    const low = e.temporary();
    const high = e.temporary();
    multiplyWide(e, value, other, true, low, high);
    e.put(32, op.reg, low);
    excessOf(e, low, high, 32);
    code.set(high);
    code.get(low);
    recordProduct(e, high, 0);
  };
}

/** Sets two locals to quotient and remainder of what `dividend` pushes by a local. */
function divide(e: Emit, signed: boolean, dividend: () => void, divisor: () => void): [number, number] {
  const quotient = e.temporary();
  const remainder = e.temporary();
  dividend();
  divisor();
  e.code.op(signed ? wasm.I32_DIV_S : wasm.I32_DIV_U);
  e.code.set(quotient);
  dividend();
  divisor();
  e.code.op(signed ? wasm.I32_REM_S : wasm.I32_REM_U);
  e.code.set(remainder);
  return [quotient, remainder];
}

const divide32: Operation = (e, value) => {
  const { code } = e;
  // 0 is never above EDX.
  e.leaveIf("division", () => {
    e.getRegister(EDX);
    code.get(value);
    code.op(wasm.I32_GE_U);
  });
  e.getRegister(EDX);
  code.op(wasm.I32_EQZ);
  code.if();
  const [quotient, remainder] = divide(
    e,
    false,
    () => e.getRegister(EAX),
    () => code.get(value),
  );
  code.else();
  for (const [operator, local] of [
    [wasm.I64_DIV_U, quotient],
    [wasm.I64_REM_U, remainder],
  ]) {
    e.getRegister(EDX);
    code.op(wasm.I64_EXTEND_I32_U);
    code.constant64(32);
    code.op(wasm.I64_SHL);
    e.getRegister(EAX);
    code.op(wasm.I64_EXTEND_I32_U);
    code.op(wasm.I64_OR);
    code.get(value);
    code.op(wasm.I64_EXTEND_I32_U);
    code.op(operator);
    code.op(wasm.I32_WRAP_I64);
    code.set(local);
  }
  code.end();
  e.put(32, EAX, quotient);
  e.put(32, EDX, remainder);
};

/** When EDX:EAX is EAX sign-extended, which is nearly always, and the divisor is neither 0 nor -1. */
const divideSigned32: Operation = (e, value) => {
  const { code } = e;
  e.leaveIf("division", () => {
    code.get(value);
    e.with(wasm.I32_ADD, 1);
    e.with(wasm.I32_LE_U, 1);
    e.getRegister(EAX);
    e.with(wasm.I32_SHR_S, 31);
    e.getRegister(EDX);
    code.op(wasm.I32_NE);
    code.op(wasm.I32_OR);
  });
  const [quotient, remainder] = divide(
    e,
    true,
    () => e.getRegister(EAX),
    () => code.get(value),
  );
  e.put(32, EAX, quotient);
  e.put(32, EDX, remainder);
};

const divide16: Operation = (e, value) => {
  const { code } = e;
  const high = fromRegister(e, 16, EDX);
  e.leaveIf("division", () => {
    code.get(high);
    code.get(value);
    code.op(wasm.I32_GE_U);
  });
  const dividend = e.temporary();
  code.get(high);
  e.with(wasm.I32_SHL, 16);
  e.get(16, EAX);
  code.op(wasm.I32_OR);
  code.set(dividend);
  const [quotient, remainder] = divide(
    e,
    false,
    () => code.get(dividend),
    () => code.get(value),
  );
  e.put(16, EAX, quotient);
  e.put(16, EDX, remainder);
};

const divide8: Operation = (e, value) => {
  const { code } = e;
  const dividend = fromRegister(e, 16, EAX);
  e.leaveIf("division", () => {
    code.get(dividend);
    e.with(wasm.I32_SHR_U, 8);
    code.get(value);
    code.op(wasm.I32_GE_U);
  });
  const [quotient, remainder] = divide(
    e,
    false,
    () => code.get(dividend),
    () => code.get(value),
  );
  const AH = 4;
  e.put(8, EAX, quotient);
  e.put(8, AH, remainder);
};

export const PRODUCTS_AND_QUOTIENTS: Emitters = [
  ...reading(muldiv.MUL8, 8, multiplyNarrow(8, false)),
  ...reading(muldiv.MUL16, 16, multiplyNarrow(16, false)),
  ...reading(muldiv.MUL32, 32, multiply32(false)),
  ...reading(muldiv.IMUL8, 8, multiplyNarrow(8, true)),
  ...reading(muldiv.IMUL16, 16, multiplyNarrow(16, true)),
  ...reading(muldiv.IMUL32, 32, multiply32(true)),
  ...reading(muldiv.IMUL_REG16, 16, multiplyInto(16, false)),
  ...reading(muldiv.IMUL_REG32, 32, multiplyInto(32, false)),
  ...reading(muldiv.IMUL_IMM16, 16, multiplyInto(16, true)),
  ...reading(muldiv.IMUL_IMM32, 32, multiplyInto(32, true)),
  ...reading(muldiv.DIV8, 8, divide8),
  ...reading(muldiv.DIV16, 16, divide16),
  ...reading(muldiv.DIV32, 32, divide32),
  ...reading(muldiv.IDIV32, 32, divideSigned32),
];
