import type { Core } from "./core.ts";
import {
  accessDpl,
  descriptorAccess,
  isCode,
  isConformingCode,
  markAccessed,
  requireDescriptor,
  systemType,
  TYPE_32,
  TYPE_CALL_GATE16,
  TYPE_CALL_GATE32,
  TYPE_TASK_GATE,
  TYPE_TSS16,
  TYPE_TSS32,
} from "./descriptors.ts";
import { switchTask } from "./interrupts.ts";
import type { Op } from "./op.ts";
import {
  commitCode,
  commitSegment,
  dropInnerSegments,
  loadRealSegment,
  requireReturnCode,
  requireStackDescriptor,
  requireWithinCode,
} from "./segmentation.ts";
import { peekStack, stackWriter } from "./stack-writer.ts";
import { ACCESS_PRESENT, CS, ESP, SS, VECTOR_GP, VECTOR_NP, VECTOR_TS } from "./state-layout.ts";
import { farPointerOffset, farPointerSelector } from "./system-operands.ts";
import { requireAvailableTask, TASK_JUMP, TASK_NESTED } from "./task-switch.ts";
import { innerStackPointer, innerStackSelector } from "./tss.ts";

/** JMP ptr16:16, JMP ptr16:32. */
export function jmp_far_imm(cpu: Core, op: Op): void {
  jumpFar(cpu, op, op.imm2 & 0xffff, op.imm);
}

/** JMP m16:16, JMP m16:32. */
export function jmp_far_mem(cpu: Core, op: Op): void {
  const offset = farPointerOffset(cpu, op);
  jumpFar(cpu, op, farPointerSelector(cpu, op), offset);
}

/** CALL ptr16:16, CALL ptr16:32. */
export function call_far_imm(cpu: Core, op: Op): void {
  callFar(cpu, op, op.imm2 & 0xffff, op.imm);
}

/** CALL m16:16, CALL m16:32. */
export function call_far_mem(cpu: Core, op: Op): void {
  const offset = farPointerOffset(cpu, op);
  callFar(cpu, op, farPointerSelector(cpu, op), offset);
}

/** RETF. */
export function ret_far(cpu: Core, op: Op): void {
  returnFar(cpu, op, 0);
}

/** RETF imm16. */
export function ret_far_imm(cpu: Core, op: Op): void {
  returnFar(cpu, op, op.imm & 0xffff);
}

function jumpFar(cpu: Core, op: Op, selector: number, target: number): void {
  const offset = op.operandSize === 32 ? target : target & 0xffff;
  if (!cpu.protectedMode) {
    jumpBySelector(cpu, selector, offset);
    return;
  }
  const descriptor = requireDescriptor(cpu, selector, VECTOR_GP);
  const high = cpu.systemRead32(descriptor + 4);
  const access = descriptorAccess(high);
  const type = systemType(access);
  if (type < 0) {
    requireDirectTarget(cpu, selector, access);
    requireWithinCode(cpu, descriptor, offset);
    commitCode(cpu, selector, cpu.cpl, descriptor);
    cpu.eip = offset;
  } else if (type === TYPE_CALL_GATE16 || type === TYPE_CALL_GATE32) {
    requireGate(cpu, selector, access);
    const low = cpu.systemRead32(descriptor);
    const code = requireGateTarget(cpu, low >>> 16);
    const codeAccess = descriptorAccess(cpu.systemRead32(code + 4));
    if (!isConformingCode(codeAccess) && accessDpl(codeAccess) !== cpu.cpl) {
      cpu.raise(VECTOR_GP, (low >>> 16) & 0xfffc);
    }
    const entry = gateOffset(low, high, type);
    requireWithinCode(cpu, code, entry);
    commitCode(cpu, low >>> 16, cpu.cpl, code);
    cpu.eip = entry;
  } else {
    switchToTask(cpu, selector, descriptor, access, TASK_JUMP);
  }
}

function jumpBySelector(cpu: Core, selector: number, offset: number): void {
  if (offset >>> 0 > cpu.segLimit(CS) >>> 0) cpu.raise(VECTOR_GP, 0);
  loadRealSegment(cpu, CS, selector);
  cpu.eip = offset;
}

function callFar(cpu: Core, op: Op, selector: number, target: number): void {
  const slot = op.operandSize >>> 3;
  const offset = slot === 4 ? target : target & 0xffff;
  if (!cpu.protectedMode) {
    stackWriter.useCurrent(cpu, slot);
    stackWriter.reserve(cpu, 2, 0);
    if (offset >>> 0 > cpu.segLimit(CS) >>> 0) cpu.raise(VECTOR_GP, 0);
    pushReturn(cpu);
    stackWriter.commit(cpu);
    jumpBySelector(cpu, selector, offset);
    return;
  }
  const descriptor = requireDescriptor(cpu, selector, VECTOR_GP);
  const high = cpu.systemRead32(descriptor + 4);
  const access = descriptorAccess(high);
  const type = systemType(access);
  if (type < 0) {
    requireDirectTarget(cpu, selector, access);
    callSameLevel(cpu, selector, descriptor, offset, slot);
  } else if (type === TYPE_CALL_GATE16 || type === TYPE_CALL_GATE32) {
    requireGate(cpu, selector, access);
    const low = cpu.systemRead32(descriptor);
    const code = requireGateTarget(cpu, low >>> 16);
    const codeAccess = descriptorAccess(cpu.systemRead32(code + 4));
    const entry = gateOffset(low, high, type);
    const gateSlot = type === TYPE_CALL_GATE32 ? 4 : 2;
    if (!isConformingCode(codeAccess) && accessDpl(codeAccess) < cpu.cpl) {
      callInnerLevel(cpu, low >>> 16, code, entry, gateSlot, high & 0x1f);
    } else {
      callSameLevel(cpu, low >>> 16, code, entry, gateSlot);
    }
  } else {
    switchToTask(cpu, selector, descriptor, access, TASK_NESTED);
  }
}

function callSameLevel(cpu: Core, selector: number, code: number, offset: number, slot: number): void {
  stackWriter.useCurrent(cpu, slot);
  stackWriter.reserve(cpu, 2, 0);
  requireWithinCode(cpu, code, offset);
  pushReturn(cpu);
  commitCode(cpu, selector, cpu.cpl, code);
  stackWriter.commit(cpu);
  cpu.eip = offset;
}

/** CALL through a gate to a more privileged level: new stack from the TSS, `parameters` slots copied to it. */
function callInnerLevel(
  cpu: Core,
  selector: number,
  code: number,
  offset: number,
  slot: number,
  parameters: number,
): void {
  const level = accessDpl(descriptorAccess(cpu.systemRead32(code + 4)));
  const stackSelector = innerStackSelector(cpu, level);
  const stack = requireStackDescriptor(cpu, stackSelector, level, VECTOR_TS);
  stackWriter.useInner(cpu, stack, innerStackPointer(cpu, level), slot);
  stackWriter.reserve(cpu, 4 + parameters, stackSelector & 0xfffc);
  requireWithinCode(cpu, code, offset);
  stackWriter.push(cpu, cpu.segSelector(SS));
  stackWriter.push(cpu, cpu.r[ESP]);
  for (let i = parameters - 1; i >= 0; i--) stackWriter.push(cpu, peekStack(cpu, i, slot));
  pushReturn(cpu);
  markAccessed(cpu, stack);
  markAccessed(cpu, code);
  commitSegment(cpu, SS, stackSelector, stack);
  commitCode(cpu, selector, level, code);
  stackWriter.commit(cpu);
  cpu.eip = offset;
}

function pushReturn(cpu: Core): void {
  stackWriter.push(cpu, cpu.segSelector(CS));
  stackWriter.push(cpu, cpu.eip);
}

/** Checks the code segment of a far JMP or CALL that names it directly. */
function requireDirectTarget(cpu: Core, selector: number, access: number): void {
  const dpl = accessDpl(access);
  const allowed = isConformingCode(access) ? dpl <= cpu.cpl : dpl === cpu.cpl && (selector & 3) <= cpu.cpl;
  if (!isCode(access) || !allowed) cpu.raise(VECTOR_GP, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
}

/** Checks that a call or task gate may be used from here, and is present. */
function requireGate(cpu: Core, selector: number, access: number): void {
  requirePrivilege(cpu, selector, access);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
}

function requirePrivilege(cpu: Core, selector: number, access: number): void {
  const dpl = accessDpl(access);
  if (dpl < cpu.cpl || dpl < (selector & 3)) cpu.raise(VECTOR_GP, selector & 0xfffc);
}

/** The code segment that a call gate leads to. */
function requireGateTarget(cpu: Core, selector: number): number {
  const code = requireDescriptor(cpu, selector, VECTOR_GP);
  const access = descriptorAccess(cpu.systemRead32(code + 4));
  if (!isCode(access) || accessDpl(access) > cpu.cpl) cpu.raise(VECTOR_GP, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  return code;
}

function gateOffset(low: number, high: number, type: number): number {
  return (type & TYPE_32) !== 0 ? (low & 0xffff) | (high & 0xffff0000) : low & 0xffff;
}

/** Far JMP or CALL to a task gate or an available TSS; all other system descriptors raise #GP. */
function switchToTask(cpu: Core, selector: number, descriptor: number, access: number, reason: number): void {
  const type = systemType(access);
  if (type === TYPE_TASK_GATE) {
    requireGate(cpu, selector, access);
    const target = cpu.systemRead16(descriptor + 2);
    switchTask(cpu, target, requireAvailableTask(cpu, target, VECTOR_GP), reason, cpu.getEflags());
  } else {
    if (type !== TYPE_TSS16 && type !== TYPE_TSS32) cpu.raise(VECTOR_GP, selector & 0xfffc);
    requirePrivilege(cpu, selector, access);
    switchTask(cpu, selector, requireAvailableTask(cpu, selector, VECTOR_GP), reason, cpu.getEflags());
  }
}

/** RETF: to the same level or an outer one; `release` bytes of parameters leave the stack of the callee and of the caller. */
function returnFar(cpu: Core, op: Op, release: number): void {
  const slot = op.operandSize >>> 3;
  const eip = peekStack(cpu, 0, slot);
  const selector = peekStack(cpu, 1, slot) & 0xffff;
  if (!cpu.protectedMode) {
    if (eip >>> 0 > cpu.segLimit(CS) >>> 0) cpu.raise(VECTOR_GP, 0);
    loadRealSegment(cpu, CS, selector);
    cpu.setStackPointer(cpu.r[ESP] + 2 * slot + release);
    cpu.eip = eip;
    return;
  }
  const code = requireReturnCode(cpu, selector);
  const level = selector & 3;
  if (level === cpu.cpl) {
    requireWithinCode(cpu, code, eip);
    commitCode(cpu, selector, level, code);
    cpu.setStackPointer(cpu.r[ESP] + 2 * slot + release);
  } else {
    const esp = peekStack(cpu, 2, slot, release);
    const stackSelector = peekStack(cpu, 3, slot, release) & 0xffff;
    const stack = requireStackDescriptor(cpu, stackSelector, level, VECTOR_GP);
    requireWithinCode(cpu, code, eip);
    markAccessed(cpu, code);
    markAccessed(cpu, stack);
    commitSegment(cpu, SS, stackSelector, stack);
    commitCode(cpu, selector, level, code);
    cpu.setStackPointer(esp + release);
    dropInnerSegments(cpu);
  }
  cpu.eip = eip;
}
