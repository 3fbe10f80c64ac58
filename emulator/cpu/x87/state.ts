/**
 * The x87 registers in the core's architectural state, and what every instruction does with them: the checks before
 * it, the stack, the exceptions it reports (Intel SDM 1, 8.1 to 8.7).
 */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import {
  CR0,
  CR0_EM,
  CR0_NE,
  CR0_TS,
  CS,
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_EXPONENT,
  FPU_HIGH,
  FPU_IGNNE,
  FPU_IP,
  FPU_LOW,
  FPU_OCCUPIED,
  FPU_OPCODE,
  FPU_STATUS,
  SEG_SELECTOR,
  VECTOR_MF,
  VECTOR_NM,
} from "../state-layout.ts";
import { ALL_EXCEPTIONS, BEFORE_OPERATION, context, INVALID } from "./context.ts";
import { Float80 } from "./float80.ts";

/** Bits of the status word above the exceptions. */
export const STACK_FAULT = 1 << 6;
/** ES: an unmasked exception is pending. */
export const EXCEPTION_SUMMARY = 1 << 7;
export const C0 = 1 << 8;
export const C1 = 1 << 9;
export const C2 = 1 << 10;
export const TOP_SHIFT = 11;
export const TOP = 7 << TOP_SHIFT;
export const C3 = 1 << 14;
/** B: the same as ES. */
export const BUSY = 1 << 15;
export const CONDITION_CODES = C0 | C1 | C2 | C3;

/** Control word after power-on and after FNINIT. */
const CONTROL_AT_POWER_ON = 0x40;
const CONTROL_AT_INIT = 0x37f;
/** Bits of the control word that exist; bit 6 always reads 1. */
const CONTROL_WRITABLE = 0x1f3f;
const CONTROL_FIXED = 0x40;

/** Operands and result of the running instruction. */
export const st0 = new Float80();
export const operand = new Float80();
export const result = new Float80();

// ---- Before an instruction ---------------------------------------------------------------------------------------

/** What the operating system must know first: #NM when the x87 is emulated or holds another task's state. */
export function requireAvailable(cpu: Core): void {
  if ((cpu.r[CR0] & (CR0_EM | CR0_TS)) !== 0) cpu.raise(VECTOR_NM);
}

/** The checks before every instruction that waits: #NM, then a pending exception. */
export function requireReady(cpu: Core): void {
  requireAvailable(cpu);
  if ((cpu.r[FPU_STATUS] & EXCEPTION_SUMMARY) !== 0) reportPending(cpu);
}

/** #MF; or with CR0.NE clear, waits for the interrupt that FERR# makes the interrupt controller send. */
export function reportPending(cpu: Core): void {
  if ((cpu.r[CR0] & CR0_NE) !== 0) cpu.raise(VECTOR_MF);
  if (cpu.r[FPU_IGNNE] !== 0) return;
  cpu.onFerr?.(true);
  cpu.waitForInterrupt();
}

/** Notes where the running instruction is: not called by control instructions. */
export function recordInstruction(cpu: Core, op: Op): void {
  const r = cpu.r;
  r[FPU_OPCODE] = op.imm;
  r[FPU_IP] = (cpu.runStart + op.offset) | 0;
  r[FPU_CS] = r[SEG_SELECTOR + CS];
}

/** The same for an instruction with a memory operand, once that has been accessed. */
export function recordMemoryInstruction(cpu: Core, op: Op): void {
  recordInstruction(cpu, op);
  cpu.r[FPU_DP] = cpu.offsetOf(op);
  cpu.r[FPU_DS] = cpu.r[SEG_SELECTOR + op.seg];
}

// ---- Registers ---------------------------------------------------------------------------------------------------

/** Physical number of ST(i). */
export function physical(cpu: Core, i: number): number {
  return ((cpu.r[FPU_STATUS] >> TOP_SHIFT) + i) & 7;
}

export function isEmpty(cpu: Core, i: number): boolean {
  return ((cpu.r[FPU_OCCUPIED] >> physical(cpu, i)) & 1) === 0;
}

export function readRegister(cpu: Core, i: number, into: Float80): void {
  const n = physical(cpu, i);
  const r = cpu.r;
  const signAndExponent = r[FPU_EXPONENT + n];
  into.sign = signAndExponent >>> 15;
  into.exponent = signAndExponent & 0x7fff;
  into.high = r[FPU_HIGH + n];
  into.low = r[FPU_LOW + n];
}

/** Fills ST(i), which is not empty from then on. */
export function writeRegister(cpu: Core, i: number, value: Float80): void {
  const n = physical(cpu, i);
  const r = cpu.r;
  r[FPU_EXPONENT + n] = (value.sign << 15) | value.exponent;
  r[FPU_HIGH + n] = value.high;
  r[FPU_LOW + n] = value.low;
  r[FPU_OCCUPIED] |= 1 << n;
}

/** Empties ST(i); its contents stay. */
export function free(cpu: Core, i: number): void {
  cpu.r[FPU_OCCUPIED] &= ~(1 << physical(cpu, i));
}

/** Moves the top of the stack by `step` registers. */
export function rotate(cpu: Core, step: number): void {
  const status = cpu.r[FPU_STATUS];
  cpu.r[FPU_STATUS] = (status & ~TOP) | ((status + (step << TOP_SHIFT)) & TOP);
}

export function pop(cpu: Core): void {
  free(cpu, 0);
  rotate(cpu, 1);
}

export function push(cpu: Core, value: Float80): void {
  rotate(cpu, -1);
  writeRegister(cpu, 0, value);
}

// ---- Reports -----------------------------------------------------------------------------------------------------

/** Starts an operation: the control word applies, nothing is reported yet. */
export function beginOperation(cpu: Core): void {
  context.begin(cpu.r[FPU_CONTROL]);
}

/** Sets the condition codes in `mask`. */
export function setConditions(cpu: Core, codes: number, mask: number): void {
  cpu.r[FPU_STATUS] = (cpu.r[FPU_STATUS] & ~mask) | codes;
}

/**
 * Reports what an operation raised, and sets C1 by its rounding.
 * @returns whether it has a result: false when #I, #D or #Z is unmasked
 */
export function reportExceptions(cpu: Core): boolean {
  const r = cpu.r;
  let status = r[FPU_STATUS] & ~C1;
  let { flags } = context;
  let completed = true;
  if (flags !== 0) {
    if ((flags & BEFORE_OPERATION & ~context.masks) !== 0) {
      flags &= BEFORE_OPERATION;
      completed = false;
    } else status |= context.roundedUp * C1;
    status |= flags;
  }
  r[FPU_STATUS] = status;
  if ((flags & ~context.masks) !== 0) updateSummary(cpu);
  return completed;
}

/**
 * Reports a stack overflow (C1 set) or underflow.
 * @returns whether the masked response is wanted: "real indefinite" as the result
 */
export function reportStackFault(cpu: Core, overflow: boolean): boolean {
  const status = cpu.r[FPU_STATUS] & ~C1;
  cpu.r[FPU_STATUS] = status | INVALID | STACK_FAULT | (overflow ? C1 : 0);
  if ((cpu.r[FPU_CONTROL] & INVALID) !== 0) return true;
  updateSummary(cpu);
  return false;
}

/** Brings ES, B and the FERR# pin in line with the exceptions and their masks. */
export function updateSummary(cpu: Core): void {
  const r = cpu.r;
  const status = r[FPU_STATUS];
  const before = (status & EXCEPTION_SUMMARY) !== 0;
  const pending = (status & ~r[FPU_CONTROL] & ALL_EXCEPTIONS) !== 0;
  if (pending) r[FPU_STATUS] = status | EXCEPTION_SUMMARY | BUSY;
  else r[FPU_STATUS] = status & ~(EXCEPTION_SUMMARY | BUSY);
  if (pending !== before) driveFerr(cpu, pending);
}

/** IGNNE# goes away with FERR#, as the logic on a PC's board has it. */
function driveFerr(cpu: Core, pending: boolean): void {
  if (!pending) {
    cpu.r[FPU_IGNNE] = 0;
    cpu.onFerr?.(false);
  } else if ((cpu.r[CR0] & CR0_NE) === 0) cpu.onFerr?.(true);
}

/** Asserts IGNNE#: instructions run despite a pending exception, until that is gone. */
export function ignoreNumericErrors(cpu: Core): void {
  cpu.r[FPU_IGNNE] = 1;
}

// ---- Control -----------------------------------------------------------------------------------------------------

export function setControl(cpu: Core, control: number): void {
  cpu.r[FPU_CONTROL] = (control & CONTROL_WRITABLE) | CONTROL_FIXED;
  updateSummary(cpu);
}

/** FNINIT: the registers keep their contents, and are empty. */
export function initialize(cpu: Core): void {
  const r = cpu.r;
  r[FPU_STATUS] &= EXCEPTION_SUMMARY;
  r[FPU_CONTROL] = CONTROL_AT_INIT;
  r[FPU_OCCUPIED] = 0;
  r[FPU_OPCODE] = 0;
  r[FPU_IP] = 0;
  r[FPU_CS] = 0;
  r[FPU_DP] = 0;
  r[FPU_DS] = 0;
  updateSummary(cpu);
}

/** Power-on, in cleared state: all registers are zero and not empty, all exceptions unmasked (Intel SDM 3A, table 9-1). */
export function powerOn(r: Int32Array): void {
  r[FPU_CONTROL] = CONTROL_AT_POWER_ON;
  r[FPU_OCCUPIED] = 0xff;
}
