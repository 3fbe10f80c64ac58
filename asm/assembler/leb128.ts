/** Integers of variable length, seven bits a byte, low ones first (DWARF 4, 7.6). */

/** The shortest encoding of a number; of an unsigned one, taken as 64 bits, if it is negative. */
export function leb128(value: bigint, isSigned: boolean): number[] {
  const bytes: number[] = [];
  let rest = isSigned || value >= 0n ? value : BigInt.asUintN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = isSigned ? rest === ((low & 0x40) === 0 ? 0n : -1n) : rest === 0n;
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}
