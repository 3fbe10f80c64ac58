/** Compiled MOV, MOVZX, MOVSX, XCHG, LEA, XLAT, CBW, CWDE, CWD, CDQ, BSWAP, SETcc, CMOVcc and NOP. */
import { bswap32, CMOVCC16, CMOVCC32, SETCC } from "../bit.ts";
import type { BinaryForms, UnaryForms } from "../forms.ts";
import * as move from "../move.ts";
import { EAX, EBX, EDX } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import type { Emit, Size } from "./emit.ts";
import type { Emitters } from "./emitter.ts";
import { pushCondition } from "./flag-code.ts";
import * as wasm from "./wasm.ts";

function mov(forms: BinaryForms, size: Size): Emitters {
  return [
    [forms.rr, (e, op) => e.put(size, op.rm, fromRegister(e, size, op.reg))],
    [
      forms.ri,
      (e, op) => {
        const value = e.temporary();
        e.code.constant(op.imm);
        e.code.set(value);
        e.put(size, op.rm, value);
      },
    ],
    [forms.rm, (e, op) => e.put(size, op.reg, fromMemory(e, size, e.operand(op, size, false)))],
    [forms.mr, (e, op) => e.store(e.operand(op, size, true), size, () => e.get(size, op.reg))],
    [forms.mi, (e, op) => e.store(e.operand(op, size, true), size, () => e.code.constant(op.imm))],
  ];
}

function xchg(forms: UnaryForms, size: Size): Emitters {
  return [
    [
      forms.r,
      (e, op) => {
        const value = fromRegister(e, size, op.rm);
        e.put(size, op.rm, fromRegister(e, size, op.reg));
        e.put(size, op.reg, value);
      },
    ],
    [
      forms.m,
      (e, op) => {
        const host = e.operand(op, size, true);
        const value = fromMemory(e, size, host);
        e.store(host, size, () => e.get(size, op.reg));
        e.put(size, op.reg, value);
      },
    ],
  ];
}

/** MOVZX and MOVSX. */
function extend(forms: UnaryForms, from: Size, to: Size, signed: boolean): Emitters {
  const finish = (e: Emit, value: number, reg: number) => {
    if (signed) {
      e.code.get(value);
      e.extendSign(from);
      e.code.set(value);
    }
    e.put(to, reg, value);
  };
  return [
    [forms.r, (e, op) => finish(e, fromRegister(e, from, op.rm), op.reg)],
    [forms.m, (e, op) => finish(e, fromMemory(e, from, e.operand(op, from, false)), op.reg)],
  ];
}

function lea(size: 16 | 32): Emitters[number][1] {
  return (e, op) => {
    const value = e.temporary();
    e.offset(op);
    e.code.set(value);
    e.put(size, op.reg, value);
  };
}

function exchangeWithAccumulator(size: 16 | 32): Emitters[number][1] {
  return (e, op) => {
    const value = fromRegister(e, size, EAX);
    e.put(size, EAX, fromRegister(e, size, op.rm));
    e.put(size, op.rm, value);
  };
}

/** Extends the low part of EAX into EAX or into EDX: `destination` of `size` becomes it, shifted to the right. */
function extendAccumulator(from: Size, size: 16 | 32, destination: number, shift: number): Emitters[number][1] {
  return (e) => {
    const value = e.temporary();
    e.get(from, EAX);
    e.extendSign(from);
    if (shift !== 0) e.with(wasm.I32_SHR_S, shift);
    e.code.set(value);
    e.put(size, destination, value);
  };
}

function cmov(forms: UnaryForms, size: 16 | 32): Emitters {
  const select = (e: Emit, value: number, op: { reg: number; opcode: number }) => {
    const result = e.temporary();
    e.code.get(value);
    e.get(size, op.reg);
    pushCondition(e, op.opcode & 15);
    e.code.op(wasm.SELECT);
    e.code.set(result);
    e.put(size, op.reg, result);
  };
  return [
    [forms.r, (e, op) => select(e, fromRegister(e, size, op.rm), op)],
    [forms.m, (e, op) => select(e, fromMemory(e, size, e.operand(op, size, false)), op)],
  ];
}

export const MOVES: Emitters = [
  ...mov(move.MOV8, 8),
  ...mov(move.MOV16, 16),
  ...mov(move.MOV32, 32),
  ...xchg(move.XCHG8, 8),
  ...xchg(move.XCHG16, 16),
  ...xchg(move.XCHG32, 32),
  ...extend(move.MOVZX8_16, 8, 16, false),
  ...extend(move.MOVZX8_32, 8, 32, false),
  ...extend(move.MOVZX16_16, 16, 16, false),
  ...extend(move.MOVZX16_32, 16, 32, false),
  ...extend(move.MOVSX8_16, 8, 16, true),
  ...extend(move.MOVSX8_32, 8, 32, true),
  ...extend(move.MOVSX16_16, 16, 16, true),
  ...extend(move.MOVSX16_32, 16, 32, true),
  ...cmov(CMOVCC16, 16),
  ...cmov(CMOVCC32, 32),
  [move.nop, () => {}],
  [move.lea16, lea(16)],
  [move.lea32, lea(32)],
  [move.xchg_accumulator16, exchangeWithAccumulator(16)],
  [move.xchg_accumulator32, exchangeWithAccumulator(32)],
  [move.cbw, extendAccumulator(8, 16, EAX, 0)],
  [move.cwde, extendAccumulator(16, 32, EAX, 0)],
  [move.cwd, extendAccumulator(16, 16, EDX, 31)],
  [move.cdq, extendAccumulator(32, 32, EDX, 31)],
  [
    move.xlat,
    (e, op) => {
      const linear = e.temporary();
      e.getRegister(EBX);
      e.get(8, EAX);
      e.code.op(wasm.I32_ADD);
      e.with(wasm.I32_AND, op.addressMask);
      e.code.set(linear);
      e.put(8, EAX, fromMemory(e, 8, e.reach(linear, 8, false)));
    },
  ],
  [
    bswap32,
    (e, op) => {
      const { code } = e;
      // Bytes 1 and 3 in place after a turn by 8, bytes 0 and 2 after one by 24.
      e.getRegister(op.rm);
      e.with(wasm.I32_ROTL, 8);
      e.with(wasm.I32_AND, 0x00ff00ff);
      e.getRegister(op.rm);
      e.with(wasm.I32_ROTL, 24);
      e.with(wasm.I32_AND, 0xff00ff00);
      code.op(wasm.I32_OR);
      e.setRegister(op.rm);
    },
  ],
  [
    SETCC.r,
    (e, op) => {
      const value = e.temporary();
      pushCondition(e, op.opcode & 15);
      e.code.set(value);
      e.put(8, op.rm, value);
    },
  ],
  [
    SETCC.m,
    (e, op) => {
      const host = e.operand(op, 8, true);
      e.store(host, 8, () => pushCondition(e, op.opcode & 15));
    },
  ],
];
