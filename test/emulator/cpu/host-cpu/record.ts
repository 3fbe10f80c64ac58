/** Records the vectors: run by test/golden/cpu/record.mjs, on the CPU to record. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";
import { CODE, MODE_SELECTORS } from "./environment.ts";
import { generateVectors } from "./generate.ts";
import { VALUE_POOL } from "./random.ts";
import { recorderInput, recorderOutput } from "./recorder-format.ts";
import { pack } from "./vectors.ts";

/**
 * @param recorder the program made of test/golden/cpu/record.c
 * @param file where the vectors go
 */
export function recordVectors(recorder: string, file: string): void {
  const vectors = generateVectors();
  const output = execFileSync(recorder, { input: recorderInput(vectors), maxBuffer: 1 << 30 });
  const outcomes = recorderOutput(vectors, output);
  const recorded = vectors.map((vector, n) => ({ ...vector, outcome: outcomes[n]! }));
  const packed = pack(recorded, VALUE_POOL, CODE, MODE_SELECTORS);
  const parameters = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 };
  const compressed = brotliCompressSync(packed, { params: parameters });
  writeFileSync(file, compressed);
  console.log(`${vectors.length} vectors, ${packed.length} bytes, ${compressed.length} compressed`);
}
