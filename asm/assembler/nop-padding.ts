/**
 * The instructions that GNU as puts in the gap before an aligned place in code (`as --32`, no -march). One difference:
 * GNU as takes those of the mode at the end of the source, which in 16-bit code before a `.code32` destroy SI; here it
 * is the mode at the place itself.
 */

/** Entry n - 1 is an instruction of n bytes that does nothing. */
const NOPS_32: readonly (readonly number[])[] = [
  [0x90],
  [0x66, 0x90],
  [0x8d, 0x76, 0x00],
  [0x8d, 0x74, 0x26, 0x00],
  [0x8d, 0x74, 0x26, 0x00, 0x90],
  [0x8d, 0xb6, 0x00, 0x00, 0x00, 0x00],
  [0x8d, 0xb4, 0x26, 0x00, 0x00, 0x00, 0x00],
];

const NOPS_16: readonly (readonly number[])[] = [[0x90], [0x66, 0x90], [0x8d, 0x74, 0x00], [0x8d, 0xb4, 0x00, 0x00]];

/** With more full-size instructions than this a jump over the gap is cheaper. */
const MOST_NOPS = 2;

const patternsOf = (codeSize: 16 | 32): typeof NOPS_32 => (codeSize === 32 ? NOPS_32 : NOPS_16);

/** Bytes of the longest instruction used. */
export function largestNop(codeSize: 16 | 32): number {
  return patternsOf(codeSize).length;
}

/** Fills `target` with code that does nothing, in instructions of at most `largest` bytes. */
export function fillWithNops(target: Uint8Array, codeSize: 16 | 32, largest = largestNop(codeSize)): void {
  const patterns = patternsOf(codeSize);
  let at = Math.floor(target.length / largest) > MOST_NOPS ? writeJump(target, codeSize) : 0;
  while (at < target.length) {
    const pattern = patterns[Math.min(largest, target.length - at) - 1];
    target.set(pattern, at);
    at += pattern.length;
  }
}

/** Writes a jump from the start of `target` to its end and returns the jump's length. */
function writeJump(target: Uint8Array, codeSize: 16 | 32): number {
  const shortDistance = target.length - 2;
  if (shortDistance <= 127) {
    target.set([0xeb, shortDistance]);
    return 2;
  }
  const opcode = codeSize === 32 ? [0xe9] : [0x66, 0xe9];
  const length = opcode.length + 4;
  target.set(opcode);
  new DataView(target.buffer, target.byteOffset, length).setInt32(opcode.length, target.length - length, true);
  return length;
}
