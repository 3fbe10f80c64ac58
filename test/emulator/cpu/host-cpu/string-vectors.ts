/** String instructions: both directions, all repeat prefixes, counts of 0, 1 and more, faults in the middle. */
import { FLAG_DF } from "../../../../emulator/cpu/state-layout.ts";
import type { Draft } from "./draft.ts";
import { DOWNWARDS_BASE, SMALL_BASE } from "./environment.ts";
import { type Form, isByteForm } from "./form.ts";
import { draftFor } from "./general-vectors.ts";
import type { Random } from "./random.ts";
import type { Vector } from "./vectors.ts";

const ECX = 1;
const ESI = 6;
const EDI = 7;
const FS = 4;
const GS = 5;

const FIRST = 0xa4;
const LAST = 0xaf;
const TEST = [0xa8, 0xa9];
const CMPS = [0xa6, 0xa7];
const SCAS = [0xae, 0xaf];

/** Where an operand starts, so that the elements lie in a window. */
function start(draft: Draft, bytes: number, length: number): number {
  const { random } = draft;
  const down = (draft.eflags & FLAG_DF) !== 0;
  const place = random.below(10);
  if (place === 0) return down ? 0x8ff8 : 0x9000 - random.between(1, length + bytes);
  if (place === 1) return 0x8000 - random.between(0, bytes);
  return random.between(0x7fe0, 0x8010);
}

function one(form: Form, random: Random): Vector {
  const { opcode } = form;
  const draft = draftFor(form, random);
  const bytes = isByteForm(form) ? 1 : form.operandSize / 8;
  draft.eflags = random.oneIn(2) ? draft.eflags | FLAG_DF : draft.eflags & ~FLAG_DF;
  const addressSize = draft.addressSize();
  draft.maybeOverride();
  const count = random.pick([0, 1, 2, 3, 5, 8, 14]);
  const repeat = random.below(5);
  if (repeat > 0) draft.prefixes.push(...[[0xf3], [0xf2], [0xf3], [0xf2]][repeat - 1]);
  const length = repeat === 0 ? bytes : count * bytes;
  let source = start(draft, bytes, length);
  const destination = start(draft, bytes, length);
  if (CMPS.includes(opcode) && random.oneIn(2)) source = destination;
  // Close together: what is copied first is what is copied next.
  else if (random.oneIn(4)) source = destination + random.between(-bytes - 1, bytes + 1);
  if (draft.override === FS) source = SMALL_BASE + random.between(0, 0x3f);
  const base = draft.override === FS ? SMALL_BASE : draft.override === GS ? DOWNWARDS_BASE : 0;
  draft.setLow(ESI, source - base, addressSize);
  draft.setLow(EDI, destination, addressSize);
  draft.setLow(ECX, count, addressSize);
  if (SCAS.includes(opcode) && random.oneIn(2)) {
    // A run of what is looked for.
    const value = draft.registers[0];
    const low = bytes === 1 ? (value & 0xff) * 0x01010101 : bytes === 2 ? (value & 0xffff) * 0x00010001 : value;
    for (let i = -8; i < 8; i += 4) draft.patch(destination + i, low);
  } else if (CMPS.includes(opcode) && random.oneIn(2)) {
    draft.patch(destination + random.between(-8, 8), 0);
  }
  return draft.opcode(opcode).finish();
}

export function stringVectors(form: Form, random: Random): Vector[] | null {
  if (form.opcode < FIRST || form.opcode > LAST || TEST.includes(form.opcode)) return null;
  return Array.from({ length: isByteForm(form) && form.operandSize === 16 ? 40 : 120 }, () => one(form, random));
}
