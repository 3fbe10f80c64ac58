import { reportDebugException } from "./breakpoints.ts";
import { loadCr3 } from "./control-registers.ts";
import type { Core } from "./core.ts";
import {
  descriptorAccess,
  descriptorAddress,
  descriptorBase,
  descriptorLimit,
  isNullSelector,
  lockedSystemWrite8,
  SELECTOR_LDT,
  systemType,
  TSS_BUSY,
  TYPE_TSS16,
  TYPE_TSS16_BUSY,
  TYPE_TSS32,
  TYPE_TSS32_BUSY,
} from "./descriptors.ts";
import { touchForWrite } from "./paging.ts";
import { loadDataSegment, loadLdt, loadStackSegment, loadTaskCode, loadV86Segment } from "./segmentation.ts";
import { stackWriter } from "./stack-writer.ts";
import {
  ACCESS_PRESENT,
  CR0_PG,
  CR0_TS,
  CS,
  DS,
  EAX,
  ES,
  FLAG_NT,
  FLAG_VM,
  FS,
  GS,
  LDTR,
  SS,
  TR,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_TS,
} from "./state-layout.ts";
import { TSS32_CR3, TSS32_TRAP, tssLayout } from "./tss.ts";

/** JMP: the old task stops being busy. */
export const TASK_JUMP = 0;
/** CALL and interrupts: the new task links back to the old one, which stays busy; NT is set. */
export const TASK_NESTED = 1;
/** IRET with NT: the old task stops being busy and loses NT; the new one was busy all the time. */
export const TASK_RETURN = 2;

/** EFLAGS bits that a TSS can set: all that exist on this CPU (no VME: VIF and VIP stay 0). */
const EFLAGS_FROM_TSS32 = 0x277fd5;
const EFLAGS_FROM_TSS16 = 0x7fd5;
/** L0 to L3 and LE of DR7, which every task switch clears. */
const DR7_LOCAL = 0x155;
/** BT of DR6: the debug trap came from a task switch. */
const DR6_BT = 0x8000;

const SEGMENT_COUNT = 6;

/** The state read from the incoming TSS. One instance serves: a switch reads and uses it within one instruction. */
const incoming = {
  cr3: 0,
  eip: 0,
  eflags: 0,
  ldt: 0,
  registers: new Int32Array(8),
  segments: new Int32Array(SEGMENT_COUNT),
  trap: false,
};

/**
 * Finds the TSS that a task gate or a far CALL or JMP names, and checks that it is present and not busy.
 * @param vector #GP, or #TS from IRET
 * @returns linear address of its descriptor
 */
export function requireAvailableTask(cpu: Core, selector: number, vector: number): number {
  return requireTask(cpu, selector, vector, TYPE_TSS16, TYPE_TSS32);
}

/** The same for the back link of a nested task that IRET returns to: it must be busy; raises #TS. */
export function requireBusyTask(cpu: Core, selector: number): number {
  return requireTask(cpu, selector, VECTOR_TS, TYPE_TSS16_BUSY, TYPE_TSS32_BUSY);
}

function requireTask(cpu: Core, selector: number, vector: number, type16: number, type32: number): number {
  const usable = !isNullSelector(selector) && (selector & SELECTOR_LDT) === 0;
  const address = usable ? descriptorAddress(cpu, selector) : -1;
  if (address < 0) return cpu.raise(vector, selector & 0xfffc);
  const access = descriptorAccess(cpu.systemRead32(address + 4));
  const type = systemType(access);
  if (type !== type16 && type !== type32) cpu.raise(vector, selector & 0xfffc);
  if ((access & ACCESS_PRESENT) === 0) cpu.raise(VECTOR_NP, selector & 0xfffc);
  return address;
}

/**
 * First half of a hardware task switch (SDM vol. 3, 7.3): saves the state of the old task and takes over all of the
 * new task's that cannot fault. Raises only before anything has changed. `enterTask` must follow.
 *
 * @param descriptor linear address of the new TSS's descriptor, already checked
 * @param eflags what the old task's TSS shall hold
 */
export function startTaskSwitch(cpu: Core, selector: number, descriptor: number, reason: number, eflags: number): void {
  const low = cpu.systemRead32(descriptor);
  const high = cpu.systemRead32(descriptor + 4);
  const access = descriptorAccess(high);
  const base = descriptorBase(low, high);
  const limit = descriptorLimit(low, high);
  if (limit < tssLayout(access).minimumLimit) cpu.raise(VECTOR_TS, selector & 0xfffc);
  readIncoming(cpu, base, access);
  prepareOutgoing(cpu, reason, base, descriptor);

  const oldSelector = cpu.segSelector(TR);
  if (reason !== TASK_NESTED) setBusy(cpu, (cpu.gdtrBase + (oldSelector & 0xfff8)) | 0, false);
  saveOutgoing(cpu, reason === TASK_RETURN ? eflags & ~FLAG_NT : eflags);
  // A task that returns to itself loads what it has just saved.
  if (base === cpu.segBase(TR)) readIncoming(cpu, base, access);
  if (reason === TASK_NESTED) cpu.systemWrite16(base, oldSelector);
  if (reason !== TASK_RETURN) setBusy(cpu, descriptor, true);

  cpu.setSegment(TR, selector, base, limit, access | TSS_BUSY, true);
  cpu.cr0 |= CR0_TS;
  if (tssLayout(access).slot === 4 && (cpu.cr0 & CR0_PG) !== 0) loadCr3(cpu, incoming.cr3);
  cpu.setDr(7, cpu.getDr(7) & ~DR7_LOCAL);
  cpu.setEflags(incoming.eflags | (reason === TASK_NESTED ? FLAG_NT : 0));
  for (let i = 0; i < 8; i++) cpu.r[EAX + i] = incoming.registers[i];
  cpu.eip = incoming.eip;
  // Until enterTask has checked them, the segment registers hold their selectors but can not be used.
  for (let seg = 0; seg < SEGMENT_COUNT; seg++) cpu.setSegment(seg, incoming.segments[seg], 0, 0, 0, false);
  cpu.setSegment(LDTR, incoming.ldt, 0, 0, 0, false);
  cpu.setCpl((incoming.eflags & FLAG_VM) !== 0 ? 3 : incoming.segments[CS] & 3);
}

/**
 * Second half: loads and checks the new task's segments. Faults belong to the new task: EIP and all general registers
 * are already its own.
 * @param errorCode to push on the new task's stack, or -1
 */
export function enterTask(cpu: Core, errorCode: number): void {
  const trap = incoming.trap;
  loadLdt(cpu, cpu.segSelector(LDTR), VECTOR_TS);
  if (cpu.v86) {
    for (let seg = 0; seg < SEGMENT_COUNT; seg++) loadV86Segment(cpu, seg, cpu.segSelector(seg));
  } else {
    loadTaskCode(cpu, cpu.segSelector(CS));
    loadStackSegment(cpu, cpu.segSelector(SS), cpu.cpl, VECTOR_TS);
    loadDataSegment(cpu, DS, cpu.segSelector(DS), VECTOR_TS);
    loadDataSegment(cpu, ES, cpu.segSelector(ES), VECTOR_TS);
    loadDataSegment(cpu, FS, cpu.segSelector(FS), VECTOR_TS);
    loadDataSegment(cpu, GS, cpu.segSelector(GS), VECTOR_TS);
  }
  if (cpu.eip >>> 0 > cpu.segLimit(CS) >>> 0) cpu.raise(VECTOR_GP, 0);
  if (errorCode >= 0) {
    stackWriter.useCurrent(cpu, tssLayout(cpu.segAccess(TR)).slot);
    stackWriter.reserve(cpu, 1, 0);
    stackWriter.push(cpu, errorCode);
    stackWriter.commit(cpu);
  }
  if (trap) {
    reportDebugException(cpu, DR6_BT);
    cpu.raise(VECTOR_DB);
  }
}

function readIncoming(cpu: Core, base: number, access: number): void {
  const layout = tssLayout(access);
  if (layout.slot === 4) {
    incoming.cr3 = cpu.systemRead32(base + TSS32_CR3);
    incoming.eip = cpu.systemRead32(base + layout.eip);
    incoming.eflags = cpu.systemRead32(base + layout.eflags) & EFLAGS_FROM_TSS32;
    for (let i = 0; i < 8; i++) incoming.registers[i] = cpu.systemRead32(base + layout.registers + i * 4);
    incoming.trap = (cpu.systemRead16(base + TSS32_TRAP) & 1) !== 0;
  } else {
    incoming.eip = cpu.systemRead16(base + layout.eip);
    incoming.eflags = cpu.systemRead16(base + layout.eflags) & EFLAGS_FROM_TSS16;
    for (let i = 0; i < 8; i++) incoming.registers[i] = cpu.systemRead16(base + layout.registers + i * 2) | 0xffff0000;
    incoming.trap = false;
  }
  for (let seg = 0; seg < SEGMENT_COUNT; seg++) {
    const exists = seg < layout.segmentCount;
    incoming.segments[seg] = exists ? cpu.systemRead16(base + layout.segments + seg * layout.slot) : 0;
  }
  incoming.ldt = cpu.systemRead16(base + layout.ldt);
}

/** Raises whatever the writes of the switch could raise: #TS for a bad current TSS, #PF for a page that is not writable. */
function prepareOutgoing(cpu: Core, reason: number, newBase: number, newDescriptor: number): void {
  const layout = tssLayout(cpu.segAccess(TR));
  const oldSelector = cpu.segSelector(TR);
  if (!cpu.segValid(TR) || cpu.segLimit(TR) >>> 0 < layout.minimumLimit) cpu.raise(VECTOR_TS, oldSelector & 0xfffc);
  const base = cpu.segBase(TR);
  touchForWrite(cpu, base + layout.eip);
  touchForWrite(cpu, base + layout.segments + layout.segmentCount * layout.slot - 1);
  if (reason === TASK_NESTED) {
    touchForWrite(cpu, newBase);
    touchForWrite(cpu, newBase + 1);
  } else {
    touchForWrite(cpu, cpu.gdtrBase + (oldSelector & 0xfff8) + 5);
  }
  if (reason !== TASK_RETURN) touchForWrite(cpu, newDescriptor + 5);
}

function saveOutgoing(cpu: Core, eflags: number): void {
  const layout = tssLayout(cpu.segAccess(TR));
  const base = cpu.segBase(TR);
  if (layout.slot === 4) {
    cpu.systemWrite32(base + layout.eip, cpu.eip);
    cpu.systemWrite32(base + layout.eflags, eflags);
    for (let i = 0; i < 8; i++) cpu.systemWrite32(base + layout.registers + i * 4, cpu.r[EAX + i]);
  } else {
    cpu.systemWrite16(base + layout.eip, cpu.eip & 0xffff);
    cpu.systemWrite16(base + layout.eflags, eflags & 0xffff);
    for (let i = 0; i < 8; i++) cpu.systemWrite16(base + layout.registers + i * 2, cpu.r[EAX + i] & 0xffff);
  }
  for (let seg = 0; seg < layout.segmentCount; seg++) {
    cpu.systemWrite16(base + layout.segments + seg * layout.slot, cpu.segSelector(seg));
  }
}

function setBusy(cpu: Core, descriptor: number, busy: boolean): void {
  const access = cpu.systemRead8(descriptor + 5);
  lockedSystemWrite8(cpu, descriptor + 5, busy ? access | TSS_BUSY : access & ~TSS_BUSY);
}
