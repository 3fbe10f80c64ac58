/** Near branches, calls and returns, loops, and software interrupts. */
import { type Draft, Draft as NewDraft } from "./draft.ts";
import { CODE, CODE_PAGES, STACK } from "./environment.ts";
import type { Form } from "./form.ts";
import { appendMemoryOperand, draftFor } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

const ECX = 1;
const ESP = 4;

const CALL = 0xe8;
const RET_IMM = 0xc2;
const RET = 0xc3;
const INT = 0xcd;
const GROUP5 = 0xff;

/** The kernel's system call (80) is not among them. */
const INTERRUPTS: readonly number[] = [0, 1, 3, 4, 5, 6, 8, 0x0d, 0x0e, 0x20, 0x7f, 0x81, 0xff];

/** A place to go on: INT3 in the code pages, or a page that is not there. */
function target(random: Random): number {
  if (random.oneIn(24)) return 0x6000 + random.below(0x1000);
  const address = random.between(CODE_PAGES.start, CODE_PAGES.end - 1);
  return address >= CODE - 16 && address < CODE + 16 ? CODE + 0x40 : address;
}

/** Opcode and displacement of a branch to a place that suits its width. */
function relative(draft: Draft, form: Form): void {
  const { random, prefixes } = draft;
  draft.opcode(form.opcode);
  const opcodeBytes = draft.body.length + prefixes.length;
  if (form.entry.immediate === "i8") {
    const displacement = random.oneIn(2) ? random.between(16, 127) : random.between(-128, -24);
    draft.byte(displacement);
    return;
  }
  const bytes = form.operandSize / 8;
  // Beyond the limit of 16-bit code.
  const to = form.operandSize === 32 && draft.mode === 1 && random.oneIn(8) ? 0x12345678 : target(random);
  draft.immediate(to - (CODE + opcodeBytes + bytes), bytes);
}

function loop(draft: Draft, form: Form): void {
  const { random } = draft;
  draft.setLow(ECX, random.pick([0, 1, 2, 0x100, -1]), draft.addressSize());
  relative(draft, form);
}

function pointStack(draft: Draft): void {
  draft.set(ESP, STACK + draft.random.between(-6, 6));
  // The upper half of ESP does not matter to a 16-bit stack.
  if (draft.mode === 1 && draft.random.oneIn(3)) draft.set(ESP, draft.registers[ESP] | 0x12340000);
}

function return_(draft: Draft, form: Form): void {
  pointStack(draft);
  const to = target(draft.random);
  const upper = form.operandSize === 16 ? draft.random.value() << 16 : 0;
  draft.patch(draft.registers[ESP] & 0xffff, to | upper).opcode(form.opcode);
  if (form.opcode === RET_IMM) draft.word(draft.random.pick([0, 1, 4, 8, 0x7fff, 0x8000, 0xffff]));
}

/** JMP and CALL through a register or memory. */
function indirect(draft: Draft, form: Form): void {
  const { random } = draft;
  pointStack(draft);
  const upper = form.operandSize === 16 ? random.value() << 16 : 0;
  const to = target(random) | upper;
  if (form.isMemory) {
    // Any other value than `to` would be a branch to anywhere.
    draft.plainTargets = true;
    draft.patchOperand(appendMemoryOperand(draft, form, form.group, form.operandSize / 8), to);
    return;
  }
  const rm = random.pick([0, 1, 2, 3, 5, 6, 7]);
  draft.set(rm, to).opcode(form.opcode).modrmRegister(form.group, rm);
}

function one(form: Form, random: Random): Vector | null {
  const { opcode, group } = form;
  const draft = draftFor(form, random);
  if ((opcode >= 0x70 && opcode <= 0x7f) || (opcode >= 0x0f80 && opcode <= 0x0f8f)) relative(draft, form);
  else if (opcode >= 0xe0 && opcode <= 0xe3) loop(draft, form);
  else if (opcode === CALL || opcode === 0xe9 || opcode === 0xeb) {
    pointStack(draft);
    relative(draft, form);
  } else if (opcode === RET || opcode === RET_IMM) return_(draft, form);
  else if (opcode === GROUP5 && (group === 2 || group === 4)) indirect(draft, form);
  else if (opcode === INT) draft.opcode(opcode).byte(random.pick(INTERRUPTS));
  else return null;
  return draft.finish();
}

export function branchVectors(form: Form, random: Random): Vector[] | null {
  if (one(form, new NewDraft(random).random) === null) return null;
  const vectors: Vector[] = [];
  for (let n = 0; n < 40; n++) {
    const vector = one(form, random);
    if (vector !== null) vectors.push(vector);
  }
  return vectors;
}
