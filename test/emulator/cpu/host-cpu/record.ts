/** Records the vectors: run by test/golden/cpu/record.mjs, on the CPU to record. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import { CODE, MODE_SELECTORS } from "./environment.ts";
import { generateVectors } from "./generate.ts";
import { VALUE_POOL } from "./random.ts";
import { recorderInput, recorderOutput } from "./recorder-format.ts";
import { Replay } from "./replay.ts";
import { pack, type RecordedVector } from "./vectors.ts";

/** Of the vectors that are kept. */
const SEED = 386;

function run(recorder: string, seed: number): RecordedVector[] {
  const vectors = generateVectors(seed);
  const output = execFileSync(recorder, { input: recorderInput(vectors), maxBuffer: 1 << 30 });
  const outcomes = recorderOutput(vectors, output);
  return vectors.map((vector, n) => ({ ...vector, outcome: outcomes[n] }));
}

/**
 * Records the vectors that are kept.
 * @param recorder the program made of test/golden/cpu/record.c
 * @param file where the vectors go
 */
export function recordVectors(recorder: string, file: string): void {
  const recorded = run(recorder, SEED);
  const packed = pack(recorded, VALUE_POOL, CODE, MODE_SELECTORS);
  const parameters = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 };
  const compressed = brotliCompressSync(packed, { params: parameters });
  writeFileSync(file, compressed);
  console.log(`${recorded.length} vectors, ${packed.length} bytes, ${compressed.length} compressed`);
}

/** Runs vectors of another seed on the CPU and on the emulator, and prints where they differ. Nothing is kept. */
export function compareVectors(recorder: string, seed: number): void {
  const replay = new Replay();
  const recorded = run(recorder, seed);
  for (const vector of recorded) {
    const difference = replay.difference(vector);
    if (difference !== null) console.log(`${difference}\n    ${JSON.stringify(vector)}`);
  }
  console.log(`seed ${seed}: ${recorded.length} vectors`);
}
