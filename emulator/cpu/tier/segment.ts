/** Compiled reads of segment registers: PUSH Sreg, MOV r/m, Sreg. Loads are the interpreter's. */
import type { Op } from "../op.ts";
import { mov_rm_sreg, push_sreg } from "../segment-instructions.ts";
import { GS, SEG_SELECTOR } from "../state-layout.ts";
import type { Emit } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import { push } from "./stack.ts";
import * as wasm from "./wasm.ts";

function pushSelector(e: Emit, { reg }: Op): void {
  e.code.constant(0);
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

export const SEGMENTS: Emitters = [
  [push_sreg, (e, op) => push(e, op.operandSize, () => pushSelector(e, op))],
  [mov_rm_sreg, mov],
];
