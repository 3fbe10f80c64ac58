import type { Core } from "./core.ts";
import { markAccessed } from "./descriptors.ts";
import { switchTask } from "./interrupts.ts";
import type { Op } from "./op.ts";
import {
  commitCode,
  commitSegment,
  dropInnerSegments,
  loadRealSegment,
  loadV86Segment,
  requireReturnCode,
  requireStackDescriptor,
  requireWithinCode,
} from "./segmentation.ts";
import { returnDirectly } from "./short-ways.ts";
import { peekStack } from "./stack-writer.ts";
import {
  CONTROL_FLAGS,
  CS,
  DS,
  ES,
  ESP,
  FLAG_AC,
  FLAG_DF,
  FLAG_ID,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  FLAG_VM,
  FLAGS_ARITHMETIC,
  FS,
  GS,
  NMI_BLOCKED,
  SS,
  TR,
  VECTOR_GP,
  VECTOR_TS,
} from "./state-layout.ts";
import { requireBusyTask, TASK_RETURN } from "./task-switch.ts";

/** What IRET restores at any privilege level. */
const FLAGS_ALWAYS = FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT;
/** The same in the upper half of EFLAGS, with a 32-bit operand. */
const FLAGS_UPPER = FLAG_RF | FLAG_AC | FLAG_ID;

/**
 * IRET and IRETD (SDM vol. 2, IRET): return from an interrupt to the same level, to an outer one, to virtual-8086 mode,
 * or, with NT set, to the task that this one interrupted.
 */
export function iret(cpu: Core, op: Op): void {
  const esp = cpu.r[ESP];
  if (cpu.v86) {
    if ((cpu.getEflags() & FLAG_IOPL) !== FLAG_IOPL) cpu.raise(VECTOR_GP, 0);
    returnBySelector(cpu, op, FLAGS_ALWAYS | FLAG_IF);
  } else if (cpu.realMode) {
    returnBySelector(cpu, op, FLAGS_ALWAYS | FLAG_IF | FLAG_IOPL);
  } else if ((cpu.r[CONTROL_FLAGS] & FLAG_NT) !== 0) {
    returnToTask(cpu);
  } else if (op.operandSize !== 32 || !returnDirectly(cpu, FLAGS_ALWAYS | FLAGS_UPPER)) {
    returnProtected(cpu, op);
  }
  cpu.r[NMI_BLOCKED] = 0;
  cpu.onInterruptReturn?.(cpu, esp >>> 0);
}

/** Real and virtual-8086 mode. */
function returnBySelector(cpu: Core, op: Op, flagsMask: number): void {
  const slot = op.operandSize >>> 3;
  const eip = peekStack(cpu, 0, slot);
  const selector = peekStack(cpu, 1, slot) & 0xffff;
  const eflags = peekStack(cpu, 2, slot);
  if (eip >>> 0 > cpu.segLimit(CS) >>> 0) cpu.raise(VECTOR_GP, 0);
  loadRealSegment(cpu, CS, selector);
  cpu.eip = eip;
  cpu.setStackPointer(cpu.r[ESP] + 3 * slot);
  cpu.setEflags(eflags, slot === 4 ? flagsMask | FLAGS_UPPER : flagsMask);
}

function returnToTask(cpu: Core): void {
  if (!cpu.segValid(TR)) cpu.raise(VECTOR_TS, 0);
  const link = cpu.systemRead16(cpu.segBase(TR));
  const descriptor = requireBusyTask(cpu, link);
  switchTask(cpu, link, descriptor, TASK_RETURN, cpu.getEflags());
}

function returnProtected(cpu: Core, op: Op): void {
  const slot = op.operandSize >>> 3;
  const eip = peekStack(cpu, 0, slot);
  const selector = peekStack(cpu, 1, slot) & 0xffff;
  const eflags = peekStack(cpu, 2, slot);
  const cpl = cpu.cpl;
  if (slot === 4 && (eflags & FLAG_VM) !== 0 && cpl === 0) {
    returnToV86(cpu, eip, selector, eflags);
    return;
  }
  const code = requireReturnCode(cpu, selector);
  let mask = slot === 4 ? FLAGS_ALWAYS | FLAGS_UPPER : FLAGS_ALWAYS;
  if (cpl <= (cpu.r[CONTROL_FLAGS] & FLAG_IOPL) >>> 12) mask |= FLAG_IF;
  if (cpl === 0) mask |= FLAG_IOPL;
  if ((selector & 3) === cpl) {
    requireWithinCode(cpu, code, eip);
    commitCode(cpu, selector, cpl, code);
    cpu.setStackPointer(cpu.r[ESP] + 3 * slot);
  } else {
    const esp = peekStack(cpu, 3, slot);
    const stackSelector = peekStack(cpu, 4, slot) & 0xffff;
    const stack = requireStackDescriptor(cpu, stackSelector, selector & 3, VECTOR_GP);
    requireWithinCode(cpu, code, eip);
    markAccessed(cpu, code);
    markAccessed(cpu, stack);
    commitSegment(cpu, SS, stackSelector, stack);
    commitCode(cpu, selector, selector & 3, code);
    cpu.setStackPointer(esp);
    dropInnerSegments(cpu);
  }
  cpu.eip = eip;
  cpu.setEflags(eflags, mask);
}

/** Segments that an IRET to virtual-8086 mode pops after SS. */
const V86_POPPED = [ES, DS, FS, GS] as const;

function returnToV86(cpu: Core, eip: number, selector: number, eflags: number): void {
  const esp = peekStack(cpu, 3, 4);
  const stackSelector = peekStack(cpu, 4, 4) & 0xffff;
  const firstPopped = 5;
  // All slots are read, so that a fault comes before anything has changed.
  for (let i = 0; i < V86_POPPED.length; i++) peekStack(cpu, firstPopped + i, 4);
  if (eip >>> 0 > 0xffff) cpu.raise(VECTOR_GP, 0);
  for (let i = 0; i < V86_POPPED.length; i++) {
    loadV86Segment(cpu, V86_POPPED[i], peekStack(cpu, firstPopped + i, 4) & 0xffff);
  }
  cpu.setEflags(eflags, FLAGS_ALWAYS | FLAGS_UPPER | FLAG_IF | FLAG_IOPL | FLAG_VM);
  loadV86Segment(cpu, CS, selector);
  loadV86Segment(cpu, SS, stackSelector);
  cpu.setCpl(3);
  cpu.r[ESP] = esp;
  cpu.eip = eip;
}
