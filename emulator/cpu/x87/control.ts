/** Control instructions: FNINIT, FNCLEX, the control and status words, FINCSTP and FDECSTP, FNOP, FWAIT. */
import type { Core } from "../core.ts";
import type { Op } from "../op.ts";
import { CR0, CR0_MP, CR0_TS, EAX, FPU_CONTROL, FPU_STATUS, VECTOR_NM } from "../state-layout.ts";
import { ALL_EXCEPTIONS } from "./context.ts";
import {
  C1,
  EXCEPTION_SUMMARY,
  initialize,
  recordInstruction,
  reportPending,
  requireAvailable,
  requireReady,
  rotate,
  STACK_FAULT,
  setConditions,
  setControl,
  updateSummary,
} from "./state.ts";

export function fninit(cpu: Core, _op: Op): void {
  requireAvailable(cpu);
  initialize(cpu);
}

/** Forgets all exceptions. */
export function fnclex(cpu: Core, _op: Op): void {
  requireAvailable(cpu);
  cpu.r[FPU_STATUS] &= ~(ALL_EXCEPTIONS | STACK_FAULT);
  updateSummary(cpu);
}

/** FNDISI, FNENI and FNSETPM: what the 8087 and 80287 needed, ignored since the 80387. */
export function ignored(cpu: Core, _op: Op): void {
  requireAvailable(cpu);
}

export function fldcw(cpu: Core, op: Op): void {
  requireReady(cpu);
  setControl(cpu, cpu.load16(op));
}

export function fnstcw(cpu: Core, op: Op): void {
  requireAvailable(cpu);
  cpu.store16(op, cpu.r[FPU_CONTROL]);
}

export function fnstsw_m16(cpu: Core, op: Op): void {
  requireAvailable(cpu);
  cpu.store16(op, cpu.r[FPU_STATUS]);
}

export function fnstsw_ax(cpu: Core, _op: Op): void {
  requireAvailable(cpu);
  cpu.r16[EAX * 2] = cpu.r[FPU_STATUS];
}

/** The register that leaves or becomes the top of the stack stays as empty or full as it is. */
export function fincstp(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  setConditions(cpu, 0, C1);
  rotate(cpu, 1);
}

export function fdecstp(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
  setConditions(cpu, 0, C1);
  rotate(cpu, -1);
}

export function fnop(cpu: Core, op: Op): void {
  requireReady(cpu);
  recordInstruction(cpu, op);
}

/** FWAIT: #NM when CR0.MP and CR0.TS are both set, then a pending exception. CR0.EM does not matter. */
export function fwait(cpu: Core, _op: Op): void {
  if ((cpu.r[CR0] & (CR0_MP | CR0_TS)) === (CR0_MP | CR0_TS)) cpu.raise(VECTOR_NM);
  if ((cpu.r[FPU_STATUS] & EXCEPTION_SUMMARY) !== 0) reportPending(cpu);
}
