/** PUSH, POP and their relatives, ENTER and LEAVE, PUSHF and POPF. */
import { FLAG_AC, FLAG_NT, FLAG_TF } from "../../../../emulator/cpu/state-layout.ts";
import type { Draft } from "./draft.ts";
import { SELECTORS, STACK } from "./environment.ts";
import type { Form } from "./form.ts";
import { appendImmediate, appendMemoryOperand, draftFor } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

const ESP = 4;
const EBP = 5;

const POP_SEGMENTS: readonly number[] = [0x07, 0x17, 0x1f, 0x0fa1, 0x0fa9];
const PUSH_SEGMENTS: readonly number[] = [0x06, 0x0e, 0x16, 0x1e, 0x0fa0, 0x0fa8];
const POPA = 0x61;
const POPF = 0x9d;
const ENTER = 0xc8;
const LEAVE = 0xc9;

function isStackForm({ opcode, group }: Form): boolean {
  return (
    (opcode >= 0x50 && opcode <= 0x61) ||
    [0x68, 0x6a, 0x8f, 0x9c, POPF, ENTER, LEAVE, ...POP_SEGMENTS, ...PUSH_SEGMENTS].includes(opcode) ||
    (opcode === 0xff && group === 6)
  );
}

/** In the stack window; sometimes where a push or a pop faults, or half of it would. */
function pointStack(draft: Draft, faults: boolean): void {
  const { random } = draft;
  const place = faults ? random.below(20) : random.between(3, 19);
  let stack = STACK + random.between(-8, 8);
  if (place === 0) stack = 0xb000 + random.between(-2, 2);
  else if (place === 1) stack = 0x9000 - random.between(0, 4);
  else if (place === 2 && draft.mode === 1) stack = random.pick([0xffff, 0xfffd, 1, 3]);
  else if (place < 8) stack &= -4;
  draft.setLow(ESP, stack, 32);
  if (draft.mode === 1 && random.oneIn(3)) draft.set(ESP, stack | 0x12340000);
  if (random.oneIn(30)) draft.eflags |= FLAG_AC;
}

function popf(draft: Draft): void {
  const { random } = draft;
  // TF would trap one instruction later: seldom.
  const flags = random.oneIn(8) ? random.bits() : random.bits() & ~(FLAG_TF | FLAG_NT);
  draft.patch(draft.registers[ESP] & 0xffff, flags).opcode(POPF);
}

function enter(draft: Draft): void {
  const { random } = draft;
  draft.set(ESP, 0xc080 + random.between(0, 3)).set(EBP, 0xc0a0 + random.between(0, 3));
  if (draft.mode === 1 && random.oneIn(3)) draft.setLow(ESP, draft.registers[ESP] | 0x12340000, 32);
  draft.opcode(ENTER).word(random.pick([0, 1, 4, 0x10, 0x1f]));
  draft.byte(random.pick([0, 1, 2, 3, 8, 30, 31, 32, 33, 64]));
}

function one(form: Form, random: Random): Vector {
  const { opcode } = form;
  const draft = draftFor(form, random);
  // Processors differ in what is left of registers when POPA faults.
  pointStack(draft, opcode !== POPA);
  const top = draft.registers[ESP] & 0xffff;
  if (opcode === POPF) popf(draft);
  else if (opcode === ENTER) enter(draft);
  else if (opcode === LEAVE) draft.set(EBP, draft.registers[ESP]).set(ESP, random.value()).opcode(opcode);
  else if (POP_SEGMENTS.includes(opcode)) {
    draft.patch(top, random.pick(SELECTORS) | (random.value() << 16)).opcode(opcode);
  } else {
    const reg = Math.max(form.group, 0);
    if (form.isMemory) draft.patchOperand(appendMemoryOperand(draft, form, reg, form.operandSize / 8));
    else if (form.entry.operands === "modrm") draft.opcode(opcode).modrmRegister(reg, random.below(8));
    else draft.opcode(opcode);
    draft.patch(top, random.value());
    appendImmediate(draft, form, random.value());
  }
  return draft.finish();
}

export function stackVectors(form: Form, random: Random): Vector[] | null {
  if (!isStackForm(form)) return null;
  const count = form.entry.operands === "opcode" ? 16 : POP_SEGMENTS.includes(form.opcode) ? 80 : 60;
  return Array.from({ length: count }, () => one(form, random));
}
