/** Makes the vectors: for each instruction form, operands and operand places that bring out what it does. */

import { decimalVectors, multiplyDivideVectors } from "./arithmetic-vectors.ts";
import { branchVectors } from "./branch-vectors.ts";
import { farVectors } from "./far-vectors.ts";
import { allForms, type Form, whyWithoutVectors } from "./form.ts";
import { generalVectors } from "./general-vectors.ts";
import { Random } from "./random.ts";
import { segmentVectors } from "./segment-vectors.ts";
import { sequenceVectors } from "./sequence-vectors.ts";
import { shiftVectors } from "./shift-vectors.ts";
import { stackVectors } from "./stack-vectors.ts";
import { stringVectors } from "./string-vectors.ts";
import type { Vector } from "./vectors.ts";

/** Makes the vectors of one form, or returns null when the form is not of its family. */
export type Family = (form: Form, random: Random) => Vector[] | null;

/** The first family that knows a form makes its vectors. */
const FAMILIES: readonly Family[] = [
  shiftVectors,
  decimalVectors,
  multiplyDivideVectors,
  stringVectors,
  branchVectors,
  stackVectors,
  farVectors,
  segmentVectors,
  generalVectors,
];

/** All vectors, for the same seed always the same. */
export function generateVectors(seed: number): Vector[] {
  const random = new Random(seed);
  const vectors: Vector[] = [];
  for (const form of allForms()) {
    if (whyWithoutVectors(form) !== null) continue;
    for (const family of FAMILIES) {
      const made = family(form, random);
      if (made === null) continue;
      for (const vector of made) vectors.push(vector);
      break;
    }
  }
  for (const vector of sequenceVectors(random)) vectors.push(vector);
  return vectors;
}
