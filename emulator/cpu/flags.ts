/**
 * Lazy arithmetic flags.
 *
 * An instruction that sets all arithmetic flags stores two numbers instead of six flags:
 * - `FLAG_RESULT`: its result, sign-extended to 32 bits;
 * - `FLAG_AUX`: bit 31 = CF; bit 30 = CF XOR OF (the carry into the sign bit, when an addition or subtraction made
 *   it); bit 3 = AF; bits 8 to 15 are XORed into the result's low byte before its parity is taken; bit 0 is XORed
 *   into its sign. The last two are 0 unless flags were set to a combination that no result has (POPF, SAHF).
 *
 * An addition's vector of carries out of each bit has CF, CF XOR OF and AF at the right places by itself. For 8- and
 * 16-bit operands its top two bits are moved up to bits 31 and 30.
 */
import {
  CONTROL_FLAGS,
  FLAG_AF,
  FLAG_AUX,
  FLAG_CF,
  FLAG_FIXED,
  FLAG_OF,
  FLAG_PF,
  FLAG_RESULT,
  FLAG_SF,
  FLAG_ZF,
} from "./state-layout.ts";

/** Who has flags: a core, by the words of its state. */
export interface FlagRegisters {
  readonly r: Int32Array;
}

/** Bits of a 32-bit carry vector that FLAG_AUX keeps. */
export const AUX_CARRIES = 0xc0000008 | 0;
/** CF in FLAG_AUX. */
export const AUX_CF = 1 << 31;
/** CF XOR OF in FLAG_AUX. */
export const AUX_CF_XOR_OF = 1 << 30;
/** AF in FLAG_AUX. */
export const AUX_AF = 1 << 3;

/** A result that is not zero, is positive and has even parity in its low byte. */
const NEUTRAL_RESULT = 0x100;
const AUX_ODD_PARITY = 0x100;

/** 1 at each byte value with an even number of bits set. */
const EVEN_PARITY = Uint8Array.from({ length: 256 }, (_, value) => {
  let bits = 0;
  for (let rest = value; rest !== 0; rest >>= 1) bits += rest & 1;
  return (bits & 1) ^ 1;
});

/** CF, 0 or 1. */
export function getCf(cpu: FlagRegisters): number {
  return cpu.r[FLAG_AUX] >>> 31;
}

/** PF, 0 or 1. */
export function getPf(cpu: FlagRegisters): number {
  return EVEN_PARITY[(cpu.r[FLAG_RESULT] ^ (cpu.r[FLAG_AUX] >> 8)) & 0xff];
}

/** AF, 0 or 1. */
export function getAf(cpu: FlagRegisters): number {
  return (cpu.r[FLAG_AUX] >>> 3) & 1;
}

/** ZF. */
export function isZero(cpu: FlagRegisters): boolean {
  return cpu.r[FLAG_RESULT] === 0;
}

/** SF, 0 or 1. */
export function getSf(cpu: FlagRegisters): number {
  return (cpu.r[FLAG_RESULT] ^ (cpu.r[FLAG_AUX] << 31)) >>> 31;
}

/** OF, 0 or 1. */
export function getOf(cpu: FlagRegisters): number {
  const aux = cpu.r[FLAG_AUX];
  return (aux ^ (aux << 1)) >>> 31;
}

/** SF differs from OF: "less" for signed numbers. */
export function isLess(cpu: FlagRegisters): boolean {
  const aux = cpu.r[FLAG_AUX];
  return (cpu.r[FLAG_RESULT] ^ (aux << 31) ^ aux ^ (aux << 1)) < 0;
}

/** CF: "below" for unsigned numbers. */
export function isBelow(cpu: FlagRegisters): boolean {
  return cpu.r[FLAG_AUX] < 0;
}

/** CF or ZF. */
export function isBelowOrEqual(cpu: FlagRegisters): boolean {
  return cpu.r[FLAG_AUX] < 0 || cpu.r[FLAG_RESULT] === 0;
}

/** ZF, or SF differs from OF. */
export function isLessOrEqual(cpu: FlagRegisters): boolean {
  return cpu.r[FLAG_RESULT] === 0 || isLess(cpu);
}

/** Sets CF and keeps the other flags. */
export function setCf(cpu: FlagRegisters, carry: number): void {
  const aux = cpu.r[FLAG_AUX];
  const change = (aux ^ (carry << 31)) & AUX_CF;
  cpu.r[FLAG_AUX] = aux ^ change ^ (change >>> 1);
}

/** Sets CF and OF, 0 or 1 each, and keeps the other flags. */
export function setCfOf(cpu: FlagRegisters, carry: number, overflow: number): void {
  cpu.r[FLAG_AUX] = (cpu.r[FLAG_AUX] & ~(AUX_CF | AUX_CF_XOR_OF)) | (carry << 31) | ((carry ^ overflow) << 30);
}

/** Sets ZF and keeps the other flags. */
export function setZf(cpu: FlagRegisters, zero: boolean): void {
  writeArithmeticFlags(cpu, (readEflags(cpu) & ~FLAG_ZF) | (zero ? FLAG_ZF : 0));
}

/** EFLAGS with every flag worked out. */
export function readEflags(cpu: FlagRegisters): number {
  return (
    cpu.r[CONTROL_FLAGS] |
    FLAG_FIXED |
    getCf(cpu) |
    (getPf(cpu) << 2) |
    (getAf(cpu) << 4) |
    (isZero(cpu) ? FLAG_ZF : 0) |
    (getSf(cpu) << 7) |
    (getOf(cpu) << 11)
  );
}

/** Sets the six arithmetic flags from EFLAGS bits; any combination. */
export function writeArithmeticFlags(cpu: FlagRegisters, flags: number): void {
  const carry = flags & FLAG_CF;
  const overflow = (flags & FLAG_OF) >>> 11;
  const sign = (flags & FLAG_SF) >>> 7;
  cpu.r[FLAG_RESULT] = (flags & FLAG_ZF) !== 0 ? 0 : NEUTRAL_RESULT;
  cpu.r[FLAG_AUX] =
    (carry << 31) |
    ((carry ^ overflow) << 30) |
    ((flags & FLAG_PF) !== 0 ? 0 : AUX_ODD_PARITY) |
    ((flags & FLAG_AF) !== 0 ? AUX_AF : 0) |
    sign;
}
