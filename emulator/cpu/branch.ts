/**
 * Near branches (Intel SDM 2: CALL, Jcc, JMP, LOOP, RET). The target is checked against the CS limit before anything
 * changes; with a 16-bit operand size it is cut to 16 bits.
 */
import type { Core } from "./core.ts";
import { getOf, getPf, getSf, isBelow, isBelowOrEqual, isLess, isLessOrEqual, isZero } from "./flags.ts";
import type { UnaryForms } from "./forms.ts";
import type { Handler, Op } from "./op.ts";
import { CS, ECX, EIP, SEG_LIMIT, VECTOR_GP } from "./state-layout.ts";

function checkTarget(cpu: Core, target: number): void {
  const limit = cpu.r[SEG_LIMIT + CS];
  if (limit !== -1 && target >>> 0 > limit >>> 0) cpu.raise(VECTOR_GP, 0);
}

function jump(cpu: Core, target: number): void {
  checkTarget(cpu, target);
  cpu.r[EIP] = target;
}

function relative16(cpu: Core, op: Op): void {
  jump(cpu, (cpu.r[EIP] + op.imm) & 0xffff);
}

function relative32(cpu: Core, op: Op): void {
  jump(cpu, (cpu.r[EIP] + op.imm) | 0);
}

function call16(cpu: Core, target: number): void {
  checkTarget(cpu, target);
  cpu.push16(cpu.r[EIP]);
  cpu.r[EIP] = target;
}

function call32(cpu: Core, target: number): void {
  checkTarget(cpu, target);
  cpu.push32(cpu.r[EIP]);
  cpu.r[EIP] = target;
}

export const jmp_rel16: Handler = relative16;
export const jmp_rel32: Handler = relative32;

export const JMP16: UnaryForms = {
  r: (cpu, op) => jump(cpu, cpu.r16[op.rm << 1]),
  m: (cpu, op) => jump(cpu, cpu.load16(op)),
};

export const JMP32: UnaryForms = {
  r: (cpu, op) => jump(cpu, cpu.r[op.rm]),
  m: (cpu, op) => jump(cpu, cpu.load32(op)),
};

export function call_rel16(cpu: Core, op: Op): void {
  call16(cpu, (cpu.r[EIP] + op.imm) & 0xffff);
}

export function call_rel32(cpu: Core, op: Op): void {
  call32(cpu, (cpu.r[EIP] + op.imm) | 0);
}

export const CALL16: UnaryForms = {
  r: (cpu, op) => call16(cpu, cpu.r16[op.rm << 1]),
  m: (cpu, op) => call16(cpu, cpu.load16(op)),
};

export const CALL32: UnaryForms = {
  r: (cpu, op) => call32(cpu, cpu.r[op.rm]),
  m: (cpu, op) => call32(cpu, cpu.load32(op)),
};

/** RET and RET imm16: `op.imm` bytes of parameters are dropped. */
export function ret16(cpu: Core, op: Op): void {
  jump(cpu, cpu.peek16(0));
  cpu.moveStackPointer(2 + op.imm);
}

export function ret32(cpu: Core, op: Op): void {
  jump(cpu, cpu.peek32(0));
  cpu.moveStackPointer(4 + op.imm);
}

/** Decrements the counter (CX or ECX by the address size) and jumps if it is not 0 and `condition` holds. */
function loopIf(cpu: Core, op: Op, condition: boolean): void {
  const r = cpu.r;
  const mask = op.addressMask;
  const count = (r[ECX] - 1) & mask;
  if (condition && count !== 0) {
    if (op.operandSize === 32) relative32(cpu, op);
    else relative16(cpu, op);
  }
  r[ECX] = (r[ECX] & ~mask) | count;
}

export function loop(cpu: Core, op: Op): void {
  loopIf(cpu, op, true);
}

export function loope(cpu: Core, op: Op): void {
  loopIf(cpu, op, isZero(cpu));
}

export function loopne(cpu: Core, op: Op): void {
  loopIf(cpu, op, !isZero(cpu));
}

/** JCXZ, JECXZ. */
export function jecxz(cpu: Core, op: Op): void {
  if ((cpu.r[ECX] & op.addressMask) !== 0) return;
  if (op.operandSize === 32) relative32(cpu, op);
  else relative16(cpu, op);
}

/** Jcc with a 16-bit operand size, by condition code. */
export const JCC16: readonly Handler[] = [
  function jo16(cpu, op) {
    if (getOf(cpu) !== 0) relative16(cpu, op);
  },
  function jno16(cpu, op) {
    if (getOf(cpu) === 0) relative16(cpu, op);
  },
  function jb16(cpu, op) {
    if (isBelow(cpu)) relative16(cpu, op);
  },
  function jae16(cpu, op) {
    if (!isBelow(cpu)) relative16(cpu, op);
  },
  function jz16(cpu, op) {
    if (isZero(cpu)) relative16(cpu, op);
  },
  function jnz16(cpu, op) {
    if (!isZero(cpu)) relative16(cpu, op);
  },
  function jbe16(cpu, op) {
    if (isBelowOrEqual(cpu)) relative16(cpu, op);
  },
  function ja16(cpu, op) {
    if (!isBelowOrEqual(cpu)) relative16(cpu, op);
  },
  function js16(cpu, op) {
    if (getSf(cpu) !== 0) relative16(cpu, op);
  },
  function jns16(cpu, op) {
    if (getSf(cpu) === 0) relative16(cpu, op);
  },
  function jp16(cpu, op) {
    if (getPf(cpu) !== 0) relative16(cpu, op);
  },
  function jnp16(cpu, op) {
    if (getPf(cpu) === 0) relative16(cpu, op);
  },
  function jl16(cpu, op) {
    if (isLess(cpu)) relative16(cpu, op);
  },
  function jge16(cpu, op) {
    if (!isLess(cpu)) relative16(cpu, op);
  },
  function jle16(cpu, op) {
    if (isLessOrEqual(cpu)) relative16(cpu, op);
  },
  function jg16(cpu, op) {
    if (!isLessOrEqual(cpu)) relative16(cpu, op);
  },
];

/** Jcc with a 32-bit operand size, by condition code. */
export const JCC32: readonly Handler[] = [
  function jo32(cpu, op) {
    if (getOf(cpu) !== 0) relative32(cpu, op);
  },
  function jno32(cpu, op) {
    if (getOf(cpu) === 0) relative32(cpu, op);
  },
  function jb32(cpu, op) {
    if (isBelow(cpu)) relative32(cpu, op);
  },
  function jae32(cpu, op) {
    if (!isBelow(cpu)) relative32(cpu, op);
  },
  function jz32(cpu, op) {
    if (isZero(cpu)) relative32(cpu, op);
  },
  function jnz32(cpu, op) {
    if (!isZero(cpu)) relative32(cpu, op);
  },
  function jbe32(cpu, op) {
    if (isBelowOrEqual(cpu)) relative32(cpu, op);
  },
  function ja32(cpu, op) {
    if (!isBelowOrEqual(cpu)) relative32(cpu, op);
  },
  function js32(cpu, op) {
    if (getSf(cpu) !== 0) relative32(cpu, op);
  },
  function jns32(cpu, op) {
    if (getSf(cpu) === 0) relative32(cpu, op);
  },
  function jp32(cpu, op) {
    if (getPf(cpu) !== 0) relative32(cpu, op);
  },
  function jnp32(cpu, op) {
    if (getPf(cpu) === 0) relative32(cpu, op);
  },
  function jl32(cpu, op) {
    if (isLess(cpu)) relative32(cpu, op);
  },
  function jge32(cpu, op) {
    if (!isLess(cpu)) relative32(cpu, op);
  },
  function jle32(cpu, op) {
    if (isLessOrEqual(cpu)) relative32(cpu, op);
  },
  function jg32(cpu, op) {
    if (!isLessOrEqual(cpu)) relative32(cpu, op);
  },
];
