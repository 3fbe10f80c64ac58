/** Compiled PUSH, POP, PUSHA, POPA and LEAVE, for stacks whose pointer is ESP. */
import type { UnaryForms } from "../forms.ts";
import * as stack from "../stack.ts";
import { EBP, EDI, ESP } from "../state-layout.ts";
import { fromMemory, fromRegister } from "./alu.ts";
import type { Emit } from "./emit.ts";
import type { Emitter, Emitters } from "./emitter.ts";
import * as wasm from "./wasm.ts";

/** Adds to ESP. */
export function moveStackPointer(e: Emit, distance: number): void {
  e.getRegister(ESP);
  e.with(wasm.I32_ADD, distance);
  e.setRegister(ESP);
}

/** Pushes what `value` leaves on WebAssembly's stack. */
export function push(e: Emit, size: 16 | 32, value: () => void): void {
  const bytes = size >> 3;
  const host = e.stack(-bytes, size, true);
  e.store(host, size, value);
  moveStackPointer(e, -bytes);
}

function pushForms({ r, m }: UnaryForms, size: 16 | 32): Emitters {
  return [
    [r, (e, op) => push(e, size, () => e.get(size, op.rm))],
    [
      m,
      (e, op) => {
        const value = fromMemory(e, size, e.operand(op, size, false));
        push(e, size, () => e.code.get(value));
      },
    ],
  ];
}

const pushImmediate =
  (size: 16 | 32): Emitter =>
  (e, op) =>
    push(e, size, () => e.code.constant(op.imm));

function popForms({ r, m }: UnaryForms, size: 16 | 32): Emitters {
  return [
    [
      r,
      (e, op) => {
        const value = fromMemory(e, size, e.stack(0, size, false));
        moveStackPointer(e, size >> 3);
        e.put(size, op.rm, value);
      },
    ],
    [
      m,
      (e, op) => {
        const { code } = e;
        const value = fromMemory(e, size, e.stack(0, size, false));
        const linear = e.temporary();
        // The address is computed with the stack pointer already incremented.
        e.offset(op.base === ESP ? { ...op, disp: (op.disp + (size >> 3)) | 0 } : op);
        code.set(linear);
        const host = e.reach(linear, size, true);
        e.store(host, size, () => code.get(value));
        moveStackPointer(e, size >> 3);
      },
    ],
  ];
}

/** Eight words within one page: reached as one. */
const pusha32: Emitter = (e) => {
  const { code } = e;
  const host = e.frame(-32, 32, true);
  for (let n = 0; n <= EDI; n++) {
    code.get(host);
    e.getRegister(n);
    code.memory(wasm.I32_STORE, 4 * (EDI - n));
  }
  moveStackPointer(e, -32);
};

const popa32: Emitter = (e) => {
  const { code } = e;
  const host = e.frame(0, 32, false);
  for (let n = 0; n <= EDI; n++) {
    if (n === ESP) continue;
    code.get(host);
    code.memory(wasm.I32_LOAD, 4 * (EDI - n));
    e.setRegister(n);
  }
  moveStackPointer(e, 32);
};

const leave32: Emitter = (e) => {
  const { code } = e;
  const frame = fromRegister(e, 32, EBP);
  const saved = fromMemory(e, 32, e.reach(frame, 32, false));
  code.get(frame);
  e.with(wasm.I32_ADD, 4);
  e.setRegister(ESP);
  e.put(32, EBP, saved);
};

export const STACK: Emitters = [
  ...pushForms(stack.PUSH16, 16),
  ...pushForms(stack.PUSH32, 32),
  ...popForms(stack.POP16, 16),
  ...popForms(stack.POP32, 32),
  [stack.push_imm16, pushImmediate(16)],
  [stack.push_imm32, pushImmediate(32)],
  [stack.pusha32, pusha32],
  [stack.popa32, popa32],
  [stack.leave32, leave32],
];
