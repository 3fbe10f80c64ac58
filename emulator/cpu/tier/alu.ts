/** Compiled ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, TEST, INC, DEC, NEG, NOT, XADD and CMPXCHG. */
import { BINARY8, DEC8, INC8, NEG8, NOT8, TEST8 } from "../alu8.ts";
import { BINARY16, DEC16, INC16, NEG16, NOT16, TEST16 } from "../alu16.ts";
import { BINARY32, DEC32, INC32, NEG32, NOT32, TEST32 } from "../alu32.ts";
import { CMPXCHG8, CMPXCHG16, CMPXCHG32, XADD8, XADD16, XADD32 } from "../atomic.ts";
import type { BinaryForms, UnaryForms } from "../forms.ts";
import type { Op } from "../op.ts";
import { EAX } from "../state-layout.ts";
import type { Emit, Size } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import {
  carriesToAux,
  pushCarries,
  pushCf,
  recordAdd,
  recordLogic,
  recordSecond,
  recordStep,
  recordSub,
  setResult,
} from "./flag-code.ts";
import { Kind } from "./flags.ts";
import * as wasm from "./wasm.ts";

/** Computes from two locals, zero-extended, with flags; returns the local that has the result, not truncated. */
type Operation = (e: Emit, size: Size, a: number, b: number) => number;

function compute(e: Emit, operator: number, a: number, b: number): number {
  const result = e.temporary();
  e.code.get(a);
  e.code.get(b);
  e.code.op(operator);
  e.code.set(result);
  return result;
}

const add: Operation = (e, size, a, b) => {
  const result = compute(e, wasm.I32_ADD, a, b);
  recordAdd(e, size, result, a);
  return result;
};

const sub: Operation = (e, size, a, b) => {
  const result = compute(e, wasm.I32_SUB, a, b);
  recordSub(e, size, result, a, b);
  return result;
};

/** ADC and SBB: with a carry, the pair of operands no longer says what CF is. */
function withCarry(operator: number): Operation {
  return (e, size, a, b) => {
    const { code } = e;
    const result = e.temporary();
    code.get(a);
    code.get(b);
    code.op(operator);
    pushCf(e);
    code.op(operator);
    code.set(result);
    pushCarries(e, operator === wasm.I32_SUB, a, b, result);
    carriesToAux(e, size);
    recordSecond(e, Kind.RAW);
    code.get(result);
    setResult(e, size);
    return result;
  };
}

function logic(operator: number): Operation {
  return (e, size, a, b) => {
    const result = compute(e, operator, a, b);
    e.code.get(result);
    recordLogic(e, size);
    return result;
  };
}

/** In the order of their encoding; the last two do not keep their result. */
const OPERATIONS: readonly Operation[] = [
  add,
  logic(wasm.I32_OR),
  withCarry(wasm.I32_ADD),
  withCarry(wasm.I32_SUB),
  logic(wasm.I32_AND),
  sub,
  logic(wasm.I32_XOR),
  sub,
  logic(wasm.I32_AND),
];
const CMP = 7;

/** A register's value in a local of its own. */
export function fromRegister(e: Emit, size: Size, n: number): number {
  const local = e.temporary();
  e.get(size, n);
  e.code.set(local);
  return local;
}

/** The immediate in a local, truncated. */
function fromImmediate(e: Emit, size: Size, op: Op): number {
  const local = e.temporary();
  e.code.constant(size === 32 ? op.imm : op.imm & (size === 16 ? 0xffff : 0xff));
  e.code.set(local);
  return local;
}

/** What lies at a host offset in a local. */
export function fromMemory(e: Emit, size: Size, host: number): number {
  const local = e.temporary();
  e.load(host, size);
  e.code.set(local);
  return local;
}

function binary(forms: BinaryForms, size: Size, operation: Operation, keeps: boolean): Emitters {
  const toRegister =
    (source: (e: Emit, op: Op) => number, destination: (op: Op) => number): Emitter =>
    (e, op) => {
      const b = source(e, op);
      const a = fromRegister(e, size, destination(op));
      const result = operation(e, size, a, b);
      if (keeps) e.put(size, destination(op), result);
    };
  const toMemory =
    (source: (e: Emit, op: Op) => number): Emitter =>
    (e, op) => {
      const host = e.operand(op, size, keeps);
      const a = fromMemory(e, size, host);
      const result = operation(e, size, a, source(e, op));
      if (keeps) e.store(host, size, () => e.code.get(result));
    };
  return [
    [
      forms.rr,
      toRegister(
        (e, op) => fromRegister(e, size, op.reg),
        (op) => op.rm,
      ),
    ],
    [
      forms.ri,
      toRegister(
        (e, op) => fromImmediate(e, size, op),
        (op) => op.rm,
      ),
    ],
    [
      forms.rm,
      toRegister(
        (e, op) => fromMemory(e, size, e.operand(op, size, false)),
        (op) => op.reg,
      ),
    ],
    [forms.mr, toMemory((e, op) => fromRegister(e, size, op.reg))],
    [forms.mi, toMemory((e, op) => fromImmediate(e, size, op))],
  ];
}

/** Replaces a register or memory operand; `change` takes its local, zero-extended, and returns that of the result. */
export function replacing(
  { r, m }: UnaryForms,
  size: Size,
  change: (e: Emit, value: number, op: Op) => number,
): Emitters {
  return [
    [r, (e, op) => e.put(size, op.rm, change(e, fromRegister(e, size, op.rm), op))],
    [
      m,
      (e, op) => {
        const host = e.operand(op, size, true);
        const result = change(e, fromMemory(e, size, host), op);
        e.store(host, size, () => e.code.get(result));
      },
    ],
  ];
}

function step(size: Size, direction: "inc" | "dec") {
  return (e: Emit, value: number): number => {
    const result = e.temporary();
    e.code.get(value);
    e.with(wasm.I32_ADD, direction === "inc" ? 1 : -1);
    e.code.tee(result);
    recordStep(e, size, direction);
    return result;
  };
}

function negate(size: Size) {
  return (e: Emit, value: number): number => {
    const zero = e.temporary();
    e.code.constant(0);
    e.code.set(zero);
    return sub(e, size, zero, value);
  };
}

function complement(e: Emit, value: number): number {
  const result = e.temporary();
  e.code.get(value);
  e.with(wasm.I32_XOR, -1);
  e.code.set(result);
  return result;
}

function xadd(size: Size) {
  return (e: Emit, old: number, op: Op): number => {
    const sum = add(e, size, old, fromRegister(e, size, op.reg));
    e.put(size, op.reg, old);
    return sum;
  };
}

/** The destination becomes the source if it equals the accumulator; if not, the accumulator becomes the destination. */
function cmpxchg(size: Size) {
  return (e: Emit, old: number, op: Op): number => {
    const { code } = e;
    const source = fromRegister(e, size, op.reg);
    const accumulator = fromRegister(e, size, EAX);
    const equal = e.temporary();
    const result = e.temporary();
    sub(e, size, accumulator, old);
    code.get(accumulator);
    code.get(old);
    code.op(wasm.I32_EQ);
    code.set(equal);
    code.get(source);
    code.get(old);
    code.get(equal);
    code.op(wasm.SELECT);
    code.set(result);
    // When they are equal, the accumulator is the old value already.
    e.put(size, EAX, old);
    return result;
  };
}

const FAMILIES = [
  { size: 8, binary: BINARY8, test: TEST8, inc: INC8, dec: DEC8, neg: NEG8, not: NOT8, xadd: XADD8, cmpxchg: CMPXCHG8 },
  {
    size: 16,
    binary: BINARY16,
    test: TEST16,
    inc: INC16,
    dec: DEC16,
    neg: NEG16,
    not: NOT16,
    xadd: XADD16,
    cmpxchg: CMPXCHG16,
  },
  {
    size: 32,
    binary: BINARY32,
    test: TEST32,
    inc: INC32,
    dec: DEC32,
    neg: NEG32,
    not: NOT32,
    xadd: XADD32,
    cmpxchg: CMPXCHG32,
  },
] as const;

export const ALU: Emitters = FAMILIES.flatMap((family) => {
  const { size } = family;
  return [
    ...[...family.binary, family.test].flatMap((forms, n) => binary(forms, size, OPERATIONS[n], n < CMP)),
    ...replacing(family.inc, size, step(size, "inc")),
    ...replacing(family.dec, size, step(size, "dec")),
    ...replacing(family.neg, size, negate(size)),
    ...replacing(family.not, size, complement),
    ...replacing(family.xadd, size, xadd(size)),
    ...replacing(family.cmpxchg, size, cmpxchg(size)),
  ];
});
