/** The structures that test/golden/cpu/record.c reads and writes. */
import { initialMemory, RECORDED_FLAGS, WINDOWS } from "./environment.ts";
import type { Outcome, Vector } from "./vectors.ts";

const PATCHES = 8;
const CODE_BYTES = 64;
const INPUT_WORDS = 4 + 8 + PATCHES * 2 + CODE_BYTES / 4;

/** Addresses of the doublewords of all windows, in order. */
export const WINDOW_ADDRESSES: readonly number[] = WINDOWS.flatMap(({ start, end }) =>
  Array.from({ length: (end - start) / 4 }, (_, i) => start + i * 4),
);

const OUTPUT_WORDS = 5 + 8 + 6 + WINDOW_ADDRESSES.length;

/** Vectors with an error code. */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
const PAGE_FAULT = 14;
/** Page-fault error code: an instruction fetch. Only processors with NX (and PAE) tell; ours is older. */
const INSTRUCTION_FETCH = 1 << 4;

/** @throws RangeError when a vector does not fit */
export function recorderInput(vectors: readonly Vector[]): Uint8Array {
  const words = new Int32Array(vectors.length * INPUT_WORDS);
  const bytes = new Uint8Array(words.buffer);
  vectors.forEach(({ mode, code, patches, eflags, registers }, n) => {
    if (code.length > CODE_BYTES - 1 || patches.length > PATCHES) throw new RangeError(`vector ${n} does not fit`);
    const start = n * INPUT_WORDS;
    words.set([mode, code.length, patches.length, eflags, ...registers, ...patches.flat()], start);
    bytes.set(code, (start + 12 + PATCHES * 2) * 4);
  });
  return bytes;
}

/** What the recorder says about `vectors`. @throws Error when it says less */
export function recorderOutput(vectors: readonly Vector[], output: Uint8Array): Outcome[] {
  if (output.length !== vectors.length * OUTPUT_WORDS * 4) throw new Error("the recorder did not run all vectors");
  const words = new Int32Array(output.buffer.slice(output.byteOffset, output.byteOffset + output.length));
  return vectors.map(({ patches }, n) => {
    const row = words.subarray(n * OUTPUT_WORDS, (n + 1) * OUTPUT_WORDS);
    const trap = row[0];
    const before = memoryBefore(patches);
    const after = row.subarray(19);
    return {
      trap,
      errorCode: !WITH_ERROR_CODE.has(trap) ? 0 : trap === PAGE_FAULT ? row[1] & ~INSTRUCTION_FETCH : row[1],
      cr2: trap === PAGE_FAULT ? row[2] : 0,
      eip: row[3],
      eflags: row[4] & RECORDED_FLAGS,
      registers: [...row.subarray(5, 13)],
      segments: [...row.subarray(13, 19)],
      memory: WINDOW_ADDRESSES.flatMap((address, i): [number, number][] =>
        after[i] === before[i] ? [] : [[address, after[i]]],
      ),
    };
  });
}

/** The windows, when a vector's patches have been made. */
export function memoryBefore(patches: Vector["patches"]): Int32Array {
  const bytes = new DataView(new ArrayBuffer(WINDOW_ADDRESSES.length * 4));
  WINDOW_ADDRESSES.forEach((address, i) => {
    bytes.setInt32(i * 4, initialMemory(address), true);
  });
  let first = 0;
  for (const { start, end } of WINDOWS) {
    for (const [address, value] of patches) {
      if (address >= start && address < end) bytes.setInt32(first + address - start, value, true);
    }
    first += end - start;
  }
  return new Int32Array(bytes.buffer);
}
