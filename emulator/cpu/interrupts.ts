import { DR7_GD } from "./breakpoints.ts";
import type { Core } from "./core.ts";
import {
  accessDpl,
  descriptorAccess,
  descriptorLimit,
  isCode,
  isConformingCode,
  markAccessed,
  requireDescriptor,
  systemType,
  TYPE_32,
  TYPE_INTERRUPT_GATE16,
  TYPE_INTERRUPT_GATE32,
  TYPE_TASK_GATE,
  TYPE_TRAP_GATE16,
  TYPE_TRAP_GATE32,
} from "./descriptors.ts";
import type { Fault } from "./fault.ts";
import { commitCode, commitSegment, loadNullSegment, loadRealSegment, requireStackDescriptor } from "./segmentation.ts";
import { enterHandlerDirectly, FLAGS_CLEARED } from "./short-ways.ts";
import { stackWriter } from "./stack-writer.ts";
import {
  ACCESS_PRESENT,
  CS,
  DS,
  ES,
  ESP,
  FLAG_AC,
  FLAG_IF,
  FLAG_RF,
  FLAG_TF,
  FS,
  GS,
  SS,
  VECTOR_DB,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_TS,
} from "./state-layout.ts";
import { enterTask, requireAvailableTask, startTaskSwitch, TASK_NESTED } from "./task-switch.ts";
import { innerStackPointer, innerStackSelector } from "./tss.ts";

/** A device's interrupt or an NMI: any gate may be used, faults on the way have the EXT bit in their error code. */
export const EXTERNAL = 0;
/** A processor exception (also INT1): as EXTERNAL, and it may become a double fault. */
export const EXCEPTION = 1;
/** INT n, INT3, INTO: the gate's DPL must be at least CPL. */
export const SOFTWARE = 2;

/** EXT: the event that was being delivered did not come from an instruction. */
const ERROR_EXT = 1;
/** IDT: the index in the error code is a vector. */
const ERROR_IDT = 2;

/** Vectors of exceptions that push an error code. */
const WITH_ERROR_CODE = vectorSet(8, 10, 11, 12, 13, 14, 17);
/** Contributory exceptions (SDM vol. 3, table 6-4). */
const CONTRIBUTORY = vectorSet(0, 10, 11, 12, 13);
/** Faults, after which the instruction is restarted: their EFLAGS image has RF set. #DB is left out on purpose. */
const RESTARTING = vectorSet(0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17);

function vectorSet(...vectors: number[]): number {
  return vectors.reduce((set, vector) => set | (1 << vector), 0);
}

function isIn(set: number, vector: number): boolean {
  return vector >= 0 && vector < 32 && ((set >>> vector) & 1) !== 0;
}

/**
 * Faults in a row on the way to handlers, after which there will never be an end: a #AC that comes up while another is
 * delivered, say, is no double fault. Hardware goes on with it forever; here the core shuts down.
 */
const MOST_FAULTS = 16;

/**
 * Goes to the handler of an interrupt or exception, in any mode (SDM vol. 3, chapter 6; vol. 2, INT n). EIP is the
 * offset to return to. A SOFTWARE interrupt may raise a fault, having changed nothing; faults on the way to the
 * handler of anything else are delivered in its place, up to #DF and shutdown.
 */
export function deliverInterrupt(cpu: Core, vector: number, kind: number, errorCode: number): void {
  cpu.onInterrupt?.(cpu, vector, kind, errorCode);
  if (kind === SOFTWARE) {
    enterHandler(cpu, vector, SOFTWARE, -1);
    return;
  }
  const { cr2 } = cpu;
  if (enterOrFault(cpu, vector, kind, errorCode)) return;
  const cause = cpu.shutdownCause;
  cause.clear();
  cause.add(vector, kind, errorCode, cr2);
  let first = kind === EXCEPTION ? vector : -1;
  for (let faults = 1; first !== VECTOR_DF && faults < MOST_FAULTS; faults++) {
    const second = cpu.fault.vector;
    const ownCode = errorCodeOnTheWay(second, cpu.fault.errorCode);
    const isDouble = makesDoubleFault(first, second);
    const code = isDouble ? 0 : ownCode;
    first = isDouble ? VECTOR_DF : second;
    // Where a double fault takes its place, the fault itself belongs to the story.
    if (isDouble) cause.add(second, EXCEPTION, ownCode, cpu.cr2);
    cause.add(first, EXCEPTION, code, cpu.cr2);
    cpu.onInterrupt?.(cpu, first, EXCEPTION, code);
    if (enterOrFault(cpu, first, EXCEPTION, code)) {
      cause.clear();
      return;
    }
  }
  cause.add(cpu.fault.vector, EXCEPTION, errorCodeOnTheWay(cpu.fault.vector, cpu.fault.errorCode), cpu.cr2);
  cpu.shutdown = true;
  cpu.requestStop();
}

/** @returns false when a fault came up on the way, which is in `cpu.fault` */
function enterOrFault(cpu: Core, vector: number, kind: number, errorCode: number): boolean {
  // The handler may use the debug registers.
  if (vector === VECTOR_DB) cpu.setDr(7, cpu.getDr(7) & ~DR7_GD);
  try {
    enterHandler(cpu, vector, kind, errorCode);
    return true;
  } catch (error) {
    if (error !== cpu.fault) throw error;
    return false;
  }
}

/**
 * Delivers an exception that an instruction raised; EIP must be what the handler shall return to (the instruction
 * itself for a fault).
 */
export function deliverException(cpu: Core, fault: Fault): void {
  deliverInterrupt(cpu, fault.vector, EXCEPTION, fault.errorCode);
}

/** Error code of a fault that came up on the way to a handler: EXT is set where there is one. */
function errorCodeOnTheWay(vector: number, errorCode: number): number {
  return vector === VECTOR_PF || !isIn(WITH_ERROR_CODE, vector) ? errorCode : errorCode | ERROR_EXT;
}

/** Two faults that cannot be served one after the other (SDM vol. 3, table 6-5). */
function makesDoubleFault(first: number, second: number): boolean {
  if (first === VECTOR_PF) return second === VECTOR_PF || isIn(CONTRIBUTORY, second);
  return isIn(CONTRIBUTORY, first) && isIn(CONTRIBUTORY, second);
}

function enterHandler(cpu: Core, vector: number, kind: number, errorCode: number): void {
  let eflags = cpu.getEflags();
  if (cpu.realMode) {
    enterRealMode(cpu, vector, eflags);
    return;
  }
  const isException = kind === EXCEPTION;
  if (isException && isIn(RESTARTING, vector)) eflags |= FLAG_RF;
  const pushed = isException && isIn(WITH_ERROR_CODE, vector) ? errorCode & 0xffff : -1;
  if (enterHandlerDirectly(cpu, vector, kind === SOFTWARE, eflags, pushed)) return;
  enterThroughGate(cpu, vector, kind, eflags, pushed);
}

/** Real mode: the table at IDTR holds four-byte far pointers, and nothing but FLAGS, CS and IP is pushed. */
function enterRealMode(cpu: Core, vector: number, eflags: number): void {
  cpu.drainStores();
  if (vector * 4 + 3 > cpu.idtrLimit) cpu.raise(VECTOR_GP, 0);
  const pointer = cpu.systemRead32(cpu.idtrBase + vector * 4);
  stackWriter.useCurrent(cpu, 2);
  stackWriter.reserve(cpu, 3, 0);
  stackWriter.push(cpu, eflags);
  stackWriter.push(cpu, cpu.segSelector(CS));
  stackWriter.push(cpu, cpu.eip);
  stackWriter.commit(cpu);
  cpu.setEflags(0, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
  cpu.drainStores();
  loadRealSegment(cpu, CS, pointer >>> 16);
  cpu.eip = pointer & 0xffff;
}

/** @param errorCode to push, or -1 for none */
function enterThroughGate(cpu: Core, vector: number, kind: number, eflags: number, errorCode: number): void {
  cpu.drainStores();
  const gateCode = (vector << 3) | ERROR_IDT;
  if (vector * 8 + 7 > cpu.idtrLimit) cpu.raise(VECTOR_GP, gateCode);
  const low = cpu.systemRead32(cpu.idtrBase + vector * 8);
  const high = cpu.systemRead32(cpu.idtrBase + vector * 8 + 4);
  const gateAccess = descriptorAccess(high);
  const type = systemType(gateAccess);
  if (!isInterruptGate(type)) cpu.raise(VECTOR_GP, gateCode);
  if (kind === SOFTWARE && accessDpl(gateAccess) < cpu.cpl) cpu.raise(VECTOR_GP, gateCode);
  if ((gateAccess & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, gateCode);
  const selector = low >>> 16;
  if (type === TYPE_TASK_GATE) {
    enterTaskGate(cpu, selector, kind, eflags, errorCode);
    return;
  }
  const code = requireDescriptor(cpu, selector, VECTOR_GP);
  const codeHigh = cpu.systemRead32(code + 4);
  const codeAccess = descriptorAccess(codeHigh);
  const dpl = accessDpl(codeAccess);
  if (!isCode(codeAccess) || dpl > cpu.cpl) cpu.raise(VECTOR_GP, selector & 0xfffc);
  if ((codeAccess & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  const wide = (type & TYPE_32) !== 0;
  const offset = wide ? (low & 0xffff) | (high & 0xffff0000) : low & 0xffff;
  const codeLimit = descriptorLimit(cpu.systemRead32(code), codeHigh);
  const isInterrupt = type === TYPE_INTERRUPT_GATE32 || type === TYPE_INTERRUPT_GATE16;
  const cleared = isInterrupt ? FLAGS_CLEARED | FLAG_IF : FLAGS_CLEARED;

  if (!isConformingCode(codeAccess) && dpl < cpu.cpl) {
    const fromV86 = cpu.v86;
    if (fromV86 && dpl !== 0) cpu.raise(VECTOR_GP, selector & 0xfffc);
    const stackSelector = innerStackSelector(cpu, dpl);
    const stack = requireStackDescriptor(cpu, stackSelector, dpl, VECTOR_TS);
    stackWriter.useInner(cpu, stack, innerStackPointer(cpu, dpl), wide ? 4 : 2);
    stackWriter.reserve(cpu, (fromV86 ? 9 : 5) + (errorCode >= 0 ? 1 : 0), stackSelector & 0xfffc);
    if (offset >>> 0 > codeLimit) cpu.raise(VECTOR_GP, 0);
    if (fromV86) {
      for (let i = 0; i < V86_PUSHED.length; i++) stackWriter.push(cpu, cpu.segSelector(V86_PUSHED[i]));
    }
    stackWriter.push(cpu, cpu.segSelector(SS));
    stackWriter.push(cpu, cpu.r[ESP]);
    pushReturn(cpu, eflags, errorCode);
    markAccessed(cpu, stack);
    markAccessed(cpu, code);
    cpu.setEflags(0, cleared);
    if (fromV86) {
      for (let i = 0; i < V86_PUSHED.length; i++) loadNullSegment(cpu, V86_PUSHED[i], 0);
    }
    commitSegment(cpu, SS, stackSelector, stack);
    commitCode(cpu, selector, dpl, code);
  } else {
    if (cpu.v86) cpu.raise(VECTOR_GP, selector & 0xfffc);
    stackWriter.useCurrent(cpu, wide ? 4 : 2);
    stackWriter.reserve(cpu, errorCode >= 0 ? 4 : 3, 0);
    if (offset >>> 0 > codeLimit) cpu.raise(VECTOR_GP, 0);
    pushReturn(cpu, eflags, errorCode);
    markAccessed(cpu, code);
    cpu.setEflags(0, cleared);
    commitCode(cpu, selector, cpu.cpl, code);
  }
  cpu.drainStores();
  stackWriter.commit(cpu);
  cpu.eip = offset;
}

/** What an interrupt from virtual-8086 mode saves below SS, in the order of the pushes. */
const V86_PUSHED = [GS, FS, DS, ES] as const;

function isInterruptGate(type: number): boolean {
  return (
    type === TYPE_TASK_GATE ||
    type === TYPE_INTERRUPT_GATE16 ||
    type === TYPE_TRAP_GATE16 ||
    type === TYPE_INTERRUPT_GATE32 ||
    type === TYPE_TRAP_GATE32
  );
}

function pushReturn(cpu: Core, eflags: number, errorCode: number): void {
  stackWriter.push(cpu, eflags);
  stackWriter.push(cpu, cpu.segSelector(CS));
  stackWriter.push(cpu, cpu.eip);
  if (errorCode >= 0) stackWriter.push(cpu, errorCode);
}

function enterTaskGate(cpu: Core, selector: number, kind: number, eflags: number, errorCode: number): void {
  const descriptor = requireAvailableTask(cpu, selector, VECTOR_GP);
  if (kind === SOFTWARE) {
    switchTask(cpu, selector, descriptor, TASK_NESTED, eflags);
  } else {
    startTaskSwitch(cpu, selector, descriptor, TASK_NESTED, eflags);
    enterTask(cpu, errorCode);
  }
}

/**
 * Hardware task switch by an instruction. Faults before the switch are raised as usual; those after it belong to the
 * new task and are delivered at once, with its EIP.
 */
export function switchTask(cpu: Core, selector: number, descriptor: number, reason: number, eflags: number): void {
  startTaskSwitch(cpu, selector, descriptor, reason, eflags);
  try {
    enterTask(cpu, -1);
  } catch (error) {
    if (error !== cpu.fault) throw error;
    deliverException(cpu, cpu.fault);
  }
}
