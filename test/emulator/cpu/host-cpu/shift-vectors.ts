/** Shifts and rotates by every count from 0 to 33 and more, the count in the opcode, in an immediate or in CL. */
import { FLAG_AC } from "../../../../emulator/cpu/state-layout.ts";
import { type Form, isByteForm } from "./form.ts";
import { appendMemoryOperand, draftFor, operandBytes } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import { undefinedDoubleShiftFlags, undefinedShiftFlags } from "./undefined-flags.ts";
import type { Vector } from "./vectors.ts";

const ECX = 1;
const COUNTS: readonly number[] = [...Array.from({ length: 34 }, (_, n) => n), 63, 64, 0x80, 0xe1, 0xff];
const BY_ONE: ReadonlySet<number> = new Set([0xd0, 0xd1]);
const BY_CL: ReadonlySet<number> = new Set([0xd2, 0xd3, 0x0fa5, 0x0fad]);
const SHIFTS: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3]);
const DOUBLE_SHIFTS: ReadonlySet<number> = new Set([0x0fa4, 0x0fa5, 0x0fac, 0x0fad]);

function one(form: Form, random: Random, count: number): Vector {
  const draft = draftFor(form, random);
  const double = DOUBLE_SHIFTS.has(form.opcode);
  const reg = double ? random.below(8) : form.group;
  const size = isByteForm(form) ? 8 : form.operandSize;
  draft.undefinedFlags = double ? undefinedDoubleShiftFlags(count) : undefinedShiftFlags(reg, size, count);
  if (BY_CL.has(form.opcode)) draft.setLow(ECX, count, 8);
  if (form.isMemory) draft.patchOperand(appendMemoryOperand(draft, form, reg, operandBytes(form)));
  else draft.opcode(form.opcode).modrmRegister(reg, random.below(8));
  if (form.entry.immediate === "u8") draft.byte(count);
  // A count of 0 may or may not touch memory first: not for alignment to tell.
  if ((count & 31) === 0) draft.eflags &= ~FLAG_AC;
  return draft.finish();
}

/** The result of SHLD and SHRD is undefined when the count is above the operand size. */
function isDefined(form: Form, count: number): boolean {
  return !DOUBLE_SHIFTS.has(form.opcode) || form.operandSize === 32 || (count & 31) <= 16;
}

export function shiftVectors(form: Form, random: Random): Vector[] | null {
  if (!SHIFTS.has(form.opcode) && !DOUBLE_SHIFTS.has(form.opcode)) return null;
  if (BY_ONE.has(form.opcode)) return Array.from({ length: 24 }, () => one(form, random, 1));
  const rounds = isByteForm(form) && form.operandSize === 16 ? 1 : 2;
  return COUNTS.filter((count) => isDefined(form, count)).flatMap((count) =>
    Array.from({ length: rounds }, () => one(form, random, count)),
  );
}
