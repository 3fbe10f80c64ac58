import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { loadDataSegment, loadRealSegment, loadStackSegment } from "./segmentation.ts";
import { loadSegmentDirectly } from "./short-ways.ts";
import { peekStack } from "./stack-writer.ts";
import { CS, DS, ES, ESP, FS, GS, SS, SS_SHADOW, VECTOR_GP, VECTOR_UD } from "./state-layout.ts";
import { farPointerOffset, farPointerSelector, readRm16, writeSelectorToRm } from "./system-operands.ts";

/** MOV Sreg, r/m16. The segment is `op.reg`; CS and the numbers beyond GS are undefined opcodes. */
export function mov_sreg_rm(cpu: Core, op: Op): void {
  if (op.reg === CS || op.reg > GS) cpu.raise(VECTOR_UD);
  loadSegment(cpu, op.reg, readRm16(cpu, op));
  afterLoad(cpu, op.reg);
}

/** MOV r/m, Sreg: a 32-bit register receives the selector zero-extended, memory 16 bits. */
export function mov_rm_sreg(cpu: Core, op: Op): void {
  if (op.reg > GS) cpu.raise(VECTOR_UD);
  writeSelectorToRm(cpu, op, cpu.segSelector(op.reg));
}

/** PUSH Sreg; the segment is `op.reg`. */
export function push_sreg(cpu: Core, op: Op): void {
  if (op.operandSize === 32) cpu.push32(cpu.segSelector(op.reg));
  else cpu.push16(cpu.segSelector(op.reg));
}

/** POP Sreg; the segment is `op.reg`. The stack pointer moves as the old SS has it. */
export function pop_sreg(cpu: Core, op: Op): void {
  const slot = op.operandSize >>> 3;
  const selector = peekStack(cpu, 0, slot) & 0xffff;
  const mask = cpu.stackMask;
  loadSegment(cpu, op.reg, selector);
  const esp = cpu.r[ESP];
  cpu.r[ESP] = (esp & ~mask) | ((esp + slot) & mask);
  afterLoad(cpu, op.reg);
}

export function les(cpu: Core, op: Op): void {
  loadFarPointer(cpu, op, ES);
}

export function lds(cpu: Core, op: Op): void {
  loadFarPointer(cpu, op, DS);
}

export function lss(cpu: Core, op: Op): void {
  loadFarPointer(cpu, op, SS);
}

export function lfs(cpu: Core, op: Op): void {
  loadFarPointer(cpu, op, FS);
}

export function lgs(cpu: Core, op: Op): void {
  loadFarPointer(cpu, op, GS);
}

function loadFarPointer(cpu: Core, op: Op, seg: number): void {
  const offset = farPointerOffset(cpu, op);
  const selector = farPointerSelector(cpu, op);
  loadSegment(cpu, seg, selector);
  if (op.operandSize === 32) cpu.r[op.reg] = offset;
  else cpu.r16[op.reg * 2] = offset;
}

/** After MOV SS and POP SS the next instruction (which sets ESP) runs before any interrupt or debug trap. */
function afterLoad(cpu: Core, seg: number): void {
  if (seg === SS) cpu.interruptShadow = SS_SHADOW;
}

/**
 * Loads ES, SS, DS, FS or GS as MOV, POP and LxS do (SDM vol. 2, MOV), under the rules of the current mode.
 * Changes nothing when it raises: #GP or #SS or #NP with the selector as error code.
 */
function loadSegment(cpu: Core, seg: number, selector: number): void {
  if (!cpu.protectedMode) loadRealSegment(cpu, seg, selector);
  else if (loadSegmentDirectly(cpu, seg, selector)) return;
  else if (seg === SS) loadStackSegment(cpu, selector, cpu.cpl, VECTOR_GP);
  else loadDataSegment(cpu, seg, selector, VECTOR_GP);
}
