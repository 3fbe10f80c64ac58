/**
 * Compiled reads and loads of segment registers: PUSH Sreg, MOV r/m, Sreg, MOV Sreg, r/m, POP Sreg. A load calls the
 * interpreter's short way; where that does not do, or leaves a segment that is not flat, the interpreter loads it (again).
 */
import type { Op } from "../op.ts";
import { mov_rm_sreg, mov_sreg_rm, pop_sreg, push_sreg } from "../segment-instructions.ts";
import { CS, GS, SEG_SELECTOR, SS } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import { type Emit, LOAD_SEGMENT_FUNCTION, pushBase, toSteps } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import { moveStackPointer, push } from "./stack.ts";
import * as wasm from "./wasm.ts";

function pushSelector(e: Emit, { reg }: Op): void {
  pushBase(e.code, e.target);
  e.code.memory(wasm.I32_LOAD, e.target.state + 4 * (SEG_SELECTOR + reg));
}

const mov: Emitter = (e, op) => {
  // There are six segment registers.
  if (op.reg > GS) e.leaveIf("instruction", () => e.code.constant(1));
  const selector = e.temporary();
  pushSelector(e, op);
  e.code.set(selector);
  if (!op.isMemory) {
    e.put(op.operandSize, op.rm, selector);
    return;
  }
  const host = e.operand(op, 16, true);
  e.store(host, 16, () => e.code.get(selector));
};

/** Loads a segment register from a local, or leaves before the instruction for the interpreter to do it. */
function load(e: Emit, op: Op, selector: number): void {
  const { code } = e;
  const fails = e.temporary();
  code.get(selector);
  e.with(wasm.I32_AND, 0xffff);
  e.with(wasm.I32_OR, op.reg << 16);
  code.call(LOAD_SEGMENT_FUNCTION);
  code.set(fails);
  e.leaveIf("instruction", () => code.get(fails), toSteps([{ op, eip: e.eip }]));
}

/** CS and the numbers beyond GS are undefined opcodes; after SS there is something to attend to. */
export function isLoadLeftToInterpreter(op: Op): boolean {
  return (op.execute === mov_sreg_rm || op.execute === pop_sreg) && (op.reg === CS || op.reg === SS || op.reg > GS);
}

export const SEGMENTS: Emitters = [
  [
    mov_sreg_rm,
    (e, op) => load(e, op, op.isMemory ? fromMemory(e, 16, e.operand(op, 16, false)) : fromRegister(e, 16, op.rm)),
  ],
  [
    pop_sreg,
    (e, op) => {
      load(e, op, fromMemory(e, op.operandSize, e.stack(0, op.operandSize, false)));
      moveStackPointer(e, op.operandSize >> 3);
    },
  ],
  [push_sreg, (e, op) => push(e, op.operandSize, () => pushSelector(e, op))],
  [mov_rm_sreg, mov],
];
