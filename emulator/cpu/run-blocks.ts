/**
 * The innermost loops of the interpreter.
 *
 * Any handler can be called through `op.execute`. The ones that 32-bit code runs most are also reached by a number in
 * the op and a `switch`, because V8 inlines what is called by name, but not what is called through a field: measured
 * over the benchmark programs, that is a fifth to a half more speed. Leaving a handler out of the list changes nothing
 * but speed.
 */

import { CMP8, TEST8 } from "./alu8.ts";
import { ADD32, AND32, CMP32, DEC32, INC32, OR32, SUB32, TEST32, XOR32 } from "./alu32.ts";
import { type Block, NO_BLOCK } from "./block-cache.ts";
import { call_rel32, JCC32, jmp_rel32, ret32 } from "./branch.ts";
import type { Core } from "./core.ts";
import { hostcall } from "./hostcall.ts";
import { lea32, MOV8, MOV32, MOVZX8_32 } from "./move.ts";
import type { Handler } from "./op.ts";
import { SAR32, SHL32, SHR32 } from "./shift-forms.ts";
import { leave32, POP32, PUSH32, push_imm32 } from "./stack.ts";
import { CS, EIP, EIP_REPLACED, SEG_BASE, SEG_LIMIT } from "./state-layout.ts";
import { WHERE_CODE_IS } from "./translation.ts";

/** Slots of the jump cache for each of its four modes; a power of two. */
export const JUMP_SLOTS = 2048;

/** Where a linear address has its slot, within those of its mode. */
export function jumpSlot(linear: number): number {
  return (linear ^ (linear >>> 11)) & (JUMP_SLOTS - 1);
}

/**
 * One slot of the jump cache: where execution at a linear address continues while the TLB entry of its page is as it was, but
 * for bits that say nothing of code. A flush of the TLB makes no slot worthless.
 */
export class Jump {
  linear = 0;
  /** The entry's bits in WHERE_CODE_IS; 0, which no valid entry has, when the block lies in two pages. */
  entry = 0;
  block: Block = NO_BLOCK;
}

/** In the slots that have not been used yet: a new core needs no slots of its own. Never written to. */
export const NO_JUMP = new Jump();

/** What `Core.attend` wants next, unless it is to run at most a number of instructions. */
export const ATTEND_AGAIN = -1;
export const LEAVE = -2;

const jb = JCC32[2];
const jae = JCC32[3];
const jz = JCC32[4];
const jnz = JCC32[5];
const jbe = JCC32[6];
const ja = JCC32[7];
const jl = JCC32[12];
const jge = JCC32[13];
const jle = JCC32[14];
const jg = JCC32[15];

/** Handlers with a case in `runBlocks`, which their place in this list numbers. */
const FREQUENT: readonly Handler[] = [
  MOV32.rr,
  MOV32.rm,
  MOV32.mr,
  MOV32.ri,
  MOV32.mi,
  ADD32.rr,
  ADD32.ri,
  ADD32.rm,
  ADD32.mr,
  SUB32.rr,
  SUB32.ri,
  CMP32.rr,
  CMP32.ri,
  CMP32.rm,
  CMP32.mi,
  CMP32.mr,
  TEST32.rr,
  AND32.rr,
  AND32.ri,
  XOR32.rr,
  OR32.rr,
  INC32.r,
  DEC32.r,
  INC32.m,
  SHL32.ri,
  SHR32.ri,
  SAR32.ri,
  PUSH32.r,
  PUSH32.m,
  POP32.r,
  push_imm32,
  leave32,
  lea32,
  MOVZX8_32.r,
  MOVZX8_32.m,
  MOV8.rm,
  MOV8.mr,
  CMP8.ri,
  TEST8.rr,
  call_rel32,
  ret32,
  jmp_rel32,
  jb,
  jae,
  jz,
  jnz,
  jbe,
  ja,
  jl,
  jge,
  jle,
  jg,
  hostcall,
];

const NUMBERS: ReadonlyMap<Handler, number> = new Map(FREQUENT.map((handler, number) => [handler, number]));

/** What `Op.frequent` shall be for a handler. */
export function frequentNumber(handler: Handler): number {
  return NUMBERS.get(handler) ?? -1;
}

/** Runs blocks until the budget is used up or `Core.attend` says to leave. Throws what instructions throw. */
export function runBlocks(cpu: Core): void {
  const { r, tlb } = cpu;
  while (cpu.retired < cpu.budget) {
    let limit = cpu.budget - cpu.retired;
    if (cpu.attention !== 0) {
      const allowed = cpu.attend();
      if (allowed === LEAVE) return;
      if (allowed === ATTEND_AGAIN) continue;
      if (allowed < limit) limit = allowed;
    }
    const eip = r[EIP];
    const linear = (r[SEG_BASE + CS] + eip) | 0;
    const jump = cpu.jumps[cpu.jumpBase + jumpSlot(linear)];
    let block = jump.block;
    if (jump.linear !== linear || jump.entry !== (tlb[linear >>> 12] & WHERE_CODE_IS) || !block.valid) {
      block = cpu.findBlock(linear, eip);
    }
    if (--block.untilHot < 0 && cpu.runHot(block)) continue;
    const ops = block.ops;
    if (ops.length < limit) limit = ops.length;
    if (r[SEG_LIMIT + CS] !== -1) limit = cpu.withinCodeLimit(block, eip, limit);
    cpu.runBlock = block;
    cpu.runStart = eip;
    cpu.runStop = limit;
    r[EIP] = eip + block.length;
    let index = 0;
    do {
      cpu.runIndex = index;
      const op = ops[index];
      switch (op.frequent) {
        case 0:
          MOV32.rr(cpu, op);
          break;
        case 1:
          MOV32.rm(cpu, op);
          break;
        case 2:
          MOV32.mr(cpu, op);
          break;
        case 3:
          MOV32.ri(cpu, op);
          break;
        case 4:
          MOV32.mi(cpu, op);
          break;
        case 5:
          ADD32.rr(cpu, op);
          break;
        case 6:
          ADD32.ri(cpu, op);
          break;
        case 7:
          ADD32.rm(cpu, op);
          break;
        case 8:
          ADD32.mr(cpu, op);
          break;
        case 9:
          SUB32.rr(cpu, op);
          break;
        case 10:
          SUB32.ri(cpu, op);
          break;
        case 11:
          CMP32.rr(cpu, op);
          break;
        case 12:
          CMP32.ri(cpu, op);
          break;
        case 13:
          CMP32.rm(cpu, op);
          break;
        case 14:
          CMP32.mi(cpu, op);
          break;
        case 15:
          CMP32.mr(cpu, op);
          break;
        case 16:
          TEST32.rr(cpu, op);
          break;
        case 17:
          AND32.rr(cpu, op);
          break;
        case 18:
          AND32.ri(cpu, op);
          break;
        case 19:
          XOR32.rr(cpu, op);
          break;
        case 20:
          OR32.rr(cpu, op);
          break;
        case 21:
          INC32.r(cpu, op);
          break;
        case 22:
          DEC32.r(cpu, op);
          break;
        case 23:
          INC32.m(cpu, op);
          break;
        case 24:
          SHL32.ri(cpu, op);
          break;
        case 25:
          SHR32.ri(cpu, op);
          break;
        case 26:
          SAR32.ri(cpu, op);
          break;
        case 27:
          PUSH32.r(cpu, op);
          break;
        case 28:
          PUSH32.m(cpu, op);
          break;
        case 29:
          POP32.r(cpu, op);
          break;
        case 30:
          push_imm32(cpu, op);
          break;
        case 31:
          leave32(cpu);
          break;
        case 32:
          lea32(cpu, op);
          break;
        case 33:
          MOVZX8_32.r(cpu, op);
          break;
        case 34:
          MOVZX8_32.m(cpu, op);
          break;
        case 35:
          MOV8.rm(cpu, op);
          break;
        case 36:
          MOV8.mr(cpu, op);
          break;
        case 37:
          CMP8.ri(cpu, op);
          break;
        case 38:
          TEST8.rr(cpu, op);
          break;
        case 39:
          call_rel32(cpu, op);
          break;
        case 40:
          ret32(cpu, op);
          break;
        case 41:
          jmp_rel32(cpu, op);
          break;
        case 42:
          jb(cpu, op);
          break;
        case 43:
          jae(cpu, op);
          break;
        case 44:
          jz(cpu, op);
          break;
        case 45:
          jnz(cpu, op);
          break;
        case 46:
          jbe(cpu, op);
          break;
        case 47:
          ja(cpu, op);
          break;
        case 48:
          jl(cpu, op);
          break;
        case 49:
          jge(cpu, op);
          break;
        case 50:
          jle(cpu, op);
          break;
        case 51:
          jg(cpu, op);
          break;
        case 52:
          index = hostcall(cpu, op);
          break;
        default:
          op.execute(cpu, op);
      }
      index++;
    } while (index < cpu.runStop);
    if (index < ops.length && cpu.runStop !== EIP_REPLACED) r[EIP] = eip + ops[index].offset;
    cpu.retired += index;
    cpu.runIndex = 0;
  }
}
