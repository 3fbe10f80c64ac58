/** Which instructions can be compiled: to compile one more, give its handler an emitter in the file of its family. */
import { jmp_far_imm, jmp_far_mem, ret_far, ret_far_imm } from "../far-transfers.ts";
import { iret } from "../iret.ts";
import { xlat } from "../move.ts";
import type { Handler, Op } from "../op.ts";
import { DS, ES, SS } from "../state-layout.ts";
import { hlt, sysenter, sysexit } from "../system-instructions.ts";
import { undefined_opcode, unimplemented } from "../undefined.ts";
import { ALU } from "./alu.ts";
import { BITS } from "./bit.ts";
import type { Emitter } from "./emitter.ts";
import { MOVES } from "./move.ts";
import { PRODUCTS_AND_QUOTIENTS } from "./muldiv.ts";
import { isLoadLeftToInterpreter, SEGMENTS } from "./segment.ts";
import { isLeftToInterpreter, SHIFTS_AND_ROTATES } from "./shift.ts";
import { STACK } from "./stack.ts";
import { hasOtherOperands, isString, STRINGS } from "./string.ts";

/** Opcode of HOSTCALL: such instructions run faster one after the other in the interpreter. */
const HOSTCALL = 0x0f3f;

const EMITTERS: ReadonlyMap<Handler, Emitter> = new Map([
  ...ALU,
  ...SHIFTS_AND_ROTATES,
  ...MOVES,
  ...PRODUCTS_AND_QUOTIENTS,
  ...STACK,
  ...BITS,
  ...STRINGS,
  ...SEGMENTS,
]);

/** The emitter of an instruction, or null when the interpreter runs it. */
export function emitterOf(op: Op): Emitter | null {
  if (usesOtherSegment(op) || isLeftToInterpreter(op)) return null;
  if (isLoadLeftToInterpreter(op) || (isString(op) && hasOtherOperands(op))) return null;
  return EMITTERS.get(op.execute) ?? null;
}

/** Whether the interpreter can run an instruction in the midst of compiled ones. */
export function isInterpretable(op: Op): boolean {
  return !op.endsBlock && op.opcode !== HOSTCALL;
}

/** Whether compiled code that is left for an instruction goes on behind it, if it is not a branch. */
export function isStep(op: Op): boolean {
  return op.endsBlock && op.opcode !== HOSTCALL;
}

/** Instructions after which execution does not come to the next one, not even by a return; or not soon. */
const ENDS: ReadonlySet<Handler> = new Set([
  hlt,
  iret,
  jmp_far_imm,
  jmp_far_mem,
  ret_far,
  ret_far_imm,
  sysenter,
  sysexit,
  undefined_opcode,
  unimplemented,
]);

/** Whether execution comes to the instruction behind a step, at once or by a return. */
export function stepContinues(op: Op): boolean {
  return !ENDS.has(op.execute);
}

/** Regions are entered while DS, ES and SS are flat; nothing is known of the other segments. */
export function usesOtherSegment(op: Op): boolean {
  const { seg } = op;
  return (op.isMemory || op.execute === xlat) && seg !== DS && seg !== SS && seg !== ES;
}
