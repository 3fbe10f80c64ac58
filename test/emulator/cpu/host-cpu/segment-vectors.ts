/** Loads of segment registers, and the instructions that look at descriptors, with selectors of all kinds. */
import { SELECTORS } from "./environment.ts";
import type { Form } from "./form.ts";
import { appendMemoryOperand, draftFor } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

const ARPL = 0x63;
const MOV = 0x8e;
const DESCRIPTOR_GROUP = 0x0f00;
/** LES LDS LSS LFS LGS. */
const FAR_POINTERS: readonly number[] = [0xc4, 0xc5, 0x0fb2, 0x0fb4, 0x0fb5];
/** LAR, LSL. */
const LOOKUPS: readonly number[] = [0x0f02, 0x0f03];
const ESP = 4;

/** Descriptors that user mode has; the kernel's own may be others than the emulator's. */
function one(form: Form, random: Random): Vector {
  const { opcode, operandSize } = form;
  const draft = draftFor(form, random);
  const to = random.pick(SELECTORS);
  const reg =
    form.group >= 0 ? form.group : opcode === MOV ? random.pick([0, 2, 3, 4, 5, 0, 3, 1, 6, 7]) : random.below(8);
  if (FAR_POINTERS.includes(opcode)) {
    const bytes = operandSize / 8;
    const linear = appendMemoryOperand(draft, form, reg, bytes + 2);
    draft.patch(linear, random.value()).patch(linear + bytes, to);
  } else if (form.isMemory) {
    const linear = appendMemoryOperand(draft, form, reg, 2);
    draft.patch(linear, to | (random.value() << 16));
  } else {
    const rm = random.below(8);
    draft
      .setLow(rm, opcode === ARPL ? random.value() : to, 16)
      .opcode(opcode)
      .modrmRegister(reg, rm);
    if (rm === ESP) draft.fix(ESP);
  }
  return draft.finish();
}

export function segmentVectors(form: Form, random: Random): Vector[] | null {
  const { opcode } = form;
  const known = [ARPL, MOV, DESCRIPTOR_GROUP, ...FAR_POINTERS, ...LOOKUPS].includes(opcode);
  if (!known) return null;
  return Array.from({ length: 90 }, () => one(form, random));
}
