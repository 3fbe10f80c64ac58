/** Vectors of instructions whose operands are all in ModRM, immediates and the accumulator. */
import { type Draft, Draft as NewDraft, type Size } from "./draft.ts";
import { type Form, isByteForm } from "./form.ts";
import type { Random } from "./random.ts";
import { undefinedFlags } from "./undefined-flags.ts";
import type { Vector } from "./vectors.ts";

const VECTORS_PER_FORM = 48;

/** BT, BTS, BTR, BTC r/m, r: the bit may be outside the doubleword that ModRM names. */
const BIT_STRINGS: ReadonlySet<number> = new Set([0x0fa3, 0x0fab, 0x0fb3, 0x0fbb]);
const CMPXCHG: ReadonlySet<number> = new Set([0x0fb0, 0x0fb1]);
const CMPXCHG8B = 0x0fc7;
const XLAT = 0xd7;
const BOUND = 0x62;

const EAX = 0;
const ECX = 1;
const EDX = 2;
const EBX = 3;

/** Bytes of an operand of the form. */
export function operandBytes(form: Form): number {
  return isByteForm(form) ? 1 : form.operandSize / 8;
}

/** Appends the immediate that a form has. @param value where it matters */
export function appendImmediate(draft: Draft, form: Form, value: number): void {
  switch (form.entry.immediate) {
    case "i8":
    case "u8":
      draft.byte(value);
      break;
    case "u16":
      draft.word(value);
      break;
    case "iz":
      draft.immediate(value, form.operandSize / 8);
      break;
    case "u16u8":
      draft.word(value).byte(value >> 16);
      break;
    default:
  }
}

/** A draft with the prefixes for the form's operand size. */
export function draftFor(form: Form, random: Random): Draft {
  const draft = new NewDraft(random);
  return draft.operandSize(form.operandSize as Size);
}

/** Opcode and ModRM with a memory operand at a target that the form likes; returns the linear address. */
export function appendMemoryOperand(draft: Draft, form: Form, reg: number, bytes: number): number {
  const addressSize = draft.addressSize();
  draft.maybeOverride(8);
  const linear = draft.target(bytes);
  draft.opcode(form.opcode).modrmMemory(reg, linear, addressSize);
  return linear;
}

function bitString(draft: Draft, form: Form, reg: number): void {
  const { random } = draft;
  const offset = random.between(-380, 380);
  // ESP as the offset would be no stack pointer: harmless, nothing is pushed.
  draft.setLow(reg, offset, form.operandSize);
  if (form.operandSize === 16) draft.fix(reg);
  const addressSize = draft.addressSize();
  draft.maybeOverride(12);
  draft.opcode(form.opcode).modrmMemory(reg, 0x7ff0 + random.between(0, 0x20), addressSize);
}

function moffs(draft: Draft, form: Form): void {
  const addressSize = draft.addressSize();
  draft.maybeOverride();
  const linear = draft.target(operandBytes(form));
  const base = draft.override === 4 ? 0x7fc0 : draft.override === 5 ? 0x7000 : 0;
  draft
    .patchOperand(linear)
    .opcode(form.opcode)
    .immediate(linear - base, addressSize / 8);
}

function xlat(draft: Draft, form: Form): void {
  const { random } = draft;
  const addressSize = draft.addressSize();
  draft.maybeOverride();
  const linear = draft.target(1);
  const base = draft.override === 4 ? 0x7fc0 : draft.override === 5 ? 0x7000 : 0;
  draft.setLow(EAX, random.bits(), 8);
  draft.setLow(EBX, linear - base - (draft.registers[EAX] & 0xff), addressSize);
  draft.opcode(form.opcode);
}

/** Bounds around, below and above the index. */
function bound(draft: Draft, form: Form, reg: number): void {
  const { random } = draft;
  draft.fix(reg);
  const linear = appendMemoryOperand(draft, form, reg, form.operandSize / 4);
  // The address may have taken the register: what it holds now is the index.
  const index = draft.registers[reg];
  const lower = index - random.pick([0, 1, 5, -1]);
  const upper = index + random.pick([0, 1, 5, -1]);
  if (form.operandSize === 32) draft.patchOperand(linear, lower, upper);
  else draft.patch(linear, (lower & 0xffff) | (upper << 16));
}

function memoryForm(draft: Draft, form: Form): void {
  const { random } = draft;
  const reg = form.group >= 0 ? form.group : random.below(8);
  if (BIT_STRINGS.has(form.opcode)) bitString(draft, form, reg);
  else if (form.opcode === BOUND) bound(draft, form, reg);
  else plainMemory(draft, form, reg);
}

function plainMemory(draft: Draft, form: Form, reg: number): void {
  const { random } = draft;
  const bytes = operandBytes(form);
  if (CMPXCHG.has(form.opcode)) draft.fix(EAX);
  if (form.opcode === CMPXCHG8B) draft.fix(EAX).fix(EDX).fix(EBX).fix(ECX);
  const linear = appendMemoryOperand(draft, form, reg, form.opcode === CMPXCHG8B ? 8 : bytes);
  if (CMPXCHG.has(form.opcode) && random.oneIn(2)) draft.patchOperand(linear, draft.registers[EAX]);
  else if (form.opcode === CMPXCHG8B && random.oneIn(2)) {
    draft.patchOperand(linear, draft.registers[EAX], draft.registers[EDX]);
  } else draft.patchOperand(linear);
}

function registerForm(draft: Draft, form: Form): void {
  const { random } = draft;
  const { operands } = form.entry;
  if (operands === "opcode" || operands === "fixed") {
    draft.opcode(form.opcode);
    return;
  }
  const reg = form.group >= 0 ? form.group : random.below(8);
  const rm = random.below(8);
  if (CMPXCHG.has(form.opcode) && random.oneIn(2)) draft.set(rm, draft.registers[EAX]);
  draft.opcode(form.opcode).modrmRegister(reg, rm);
}

/** LOCK where it may be and, sometimes, where it may not; repeat prefixes where they mean nothing. */
function oddPrefixes(draft: Draft, form: Form): void {
  const { random } = draft;
  // To AMD's processors, LOCK MOV CR0 is MOV CR8.
  if (form.entry.registerOnly) return;
  if (random.oneIn(form.entry.lockable && form.isMemory ? 8 : 24)) draft.prefixes.push(0xf0);
  else if (form.opcode < 0x100 && form.opcode !== 0x90 && random.oneIn(30))
    draft.prefixes.push(random.pick([0xf2, 0xf3]));
}

function one(form: Form, random: Random): Vector {
  const draft = draftFor(form, random);
  draft.undefinedFlags = undefinedFlags(form.opcode, form.group);
  if (form.entry.immediate === "moffs") moffs(draft, form);
  else if (form.opcode === XLAT) xlat(draft, form);
  else if (form.isMemory) memoryForm(draft, form);
  else registerForm(draft, form);
  appendImmediate(draft, form, random.value());
  oddPrefixes(draft, form);
  return draft.finish();
}

export function generalVectors(form: Form, random: Random): Vector[] {
  // Register numbers in the opcode, and bytes whatever the operand size, have many forms that are alike.
  const alike = form.entry.operands === "opcode" || (isByteForm(form) && form.operandSize === 16);
  return Array.from({ length: alike ? VECTORS_PER_FORM / 3 : VECTORS_PER_FORM }, () => one(form, random));
}
