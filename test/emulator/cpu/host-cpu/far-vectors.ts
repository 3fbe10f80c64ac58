/** Far jumps, calls and returns within user mode, and IRET, with selectors of all kinds. */
import { FLAG_NT, FLAG_TF } from "../../../../emulator/cpu/state-layout.ts";
import { CODE16, SELECTORS, STACK, USER_CS } from "./environment.ts";
import type { Form } from "./form.ts";
import { appendMemoryOperand, draftFor } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

const ESP = 4;
const CALL = 0x9a;
const JMP = 0xea;
const RET_IMM = 0xca;
const RET = 0xcb;
const IRET = 0xcf;
const GROUP5 = 0xff;

/** Code that may run, and all else. */
function selector(random: Random): number {
  return random.oneIn(2) ? random.pick([USER_CS, CODE16, 0x1f, 0x37, 0x20]) : random.pick(SELECTORS);
}

function isFar({ opcode, group }: Form): boolean {
  return [CALL, JMP, RET, RET_IMM, IRET].includes(opcode) || (opcode === GROUP5 && (group === 3 || group === 5));
}

function one(form: Form, random: Random): Vector {
  const { opcode, operandSize } = form;
  const draft = draftFor(form, random);
  draft.eflags &= ~FLAG_TF;
  const stack = STACK + random.between(-6, 6);
  draft.set(ESP, draft.mode === 1 && random.oneIn(3) ? stack | 0x12340000 : stack);
  const offset = 0x5000 + random.below(0x800);
  const to = selector(random);
  const bytes = operandSize / 8;
  if (opcode === CALL || opcode === JMP) {
    draft.opcode(opcode).immediate(offset, bytes).word(to);
  } else if (opcode === GROUP5) {
    const linear = appendMemoryOperand(draft, form, form.group, bytes + 2);
    draft.patch(linear, offset).patch(linear + bytes, to);
  } else {
    draft.patch(stack, offset).patch(stack + bytes, to);
    if (opcode === IRET) {
      const keep = random.oneIn(8) ? -1 : ~(FLAG_TF | FLAG_NT);
      draft.patch(stack + 2 * bytes, random.bits() & keep);
    }
    draft.opcode(opcode);
    if (opcode === RET_IMM) draft.word(random.pick([0, 1, 4, 8, 0x20]));
  }
  return draft.finish();
}

export function farVectors(form: Form, random: Random): Vector[] | null {
  if (!isFar(form)) return null;
  return Array.from({ length: 90 }, () => one(form, random));
}
