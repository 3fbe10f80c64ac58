/**
 * Bits in memory, by lib/bitops.S (include/asm-i386/bitops.h). A bit's number counts on into the words behind `addr`. Functions
 * that begin with two underscores are for words that nobody else changes meanwhile.
 */
import { asm_function } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { i32, pointer, u32 } from "../../host/types.ts";
import { FASTCALL } from "./linkage.ts";

/** `lock; btsl`: sets a bit. */
export const set_bit = asm_function("set_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `lock; btrl`: clears it. */
export const clear_bit = asm_function("clear_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `lock; btcl`: inverts it. */
export const change_bit = asm_function("change_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `lock; btsl`; returns whether the bit was set before, as the next two do. */
export const test_and_set_bit = asm_function("test_and_set_bit", [u32, pointer("u32")], i32, FASTCALL);

/** `lock; btrl` */
export const test_and_clear_bit = asm_function("test_and_clear_bit", [u32, pointer("u32")], i32, FASTCALL);

/** `lock; btcl` */
export const test_and_change_bit = asm_function("test_and_change_bit", [u32, pointer("u32")], i32, FASTCALL);

/** `btsl` */
export const __set_bit = asm_function("__set_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `btrl` */
export const __clear_bit = asm_function("__clear_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `btcl` */
export const __change_bit = asm_function("__change_bit", [u32, pointer("u32")], undefined, FASTCALL);

/** `btsl`; returns whether the bit was set before, as the next two do. */
export const __test_and_set_bit = asm_function("__test_and_set_bit", [u32, pointer("u32")], i32, FASTCALL);

/** `btrl` */
export const __test_and_clear_bit = asm_function("__test_and_clear_bit", [u32, pointer("u32")], i32, FASTCALL);

/** `btcl` */
export const __test_and_change_bit = asm_function("__test_and_change_bit", [u32, pointer("u32")], i32, FASTCALL);

/** Whether a bit is set: a load. */
export function test_bit(nr: number, addr: number): boolean {
  return (memory().read32(addr + 4 * (nr >>> 5)) & (1 << (nr & 31))) !== 0;
}

/** The lowest clear bit of a word that is not all ones. */
export const ffz = asm_function("ffz", [u32], u32, FASTCALL);

/** The lowest set bit of a word that is not 0. */
export const __ffs = asm_function("__ffs", [u32], u32, FASTCALL);

/** The lowest set bit counted from 1, 0 without any. */
export const ffs = asm_function("ffs", [u32], i32, FASTCALL);

/** The highest set bit counted from 1, 0 without any. */
export const fls = asm_function("fls", [u32], i32, FASTCALL);

/** The first set bit of `size` ones at `addr`; `size` when none is. find_first_bit(addr, size) */
export const find_first_bit = asm_function("find_first_bit", [pointer("u32"), u32], u32, FASTCALL);

/** The same from the bit `offset` on: find_next_bit(addr, size, offset) */
export const find_next_bit = asm_function("find_next_bit", [pointer("u32"), u32, u32], u32, FASTCALL);

/** The first clear bit of `size` ones at `addr`; `size` when none is. find_first_zero_bit(addr, size) */
export const find_first_zero_bit = asm_function("find_first_zero_bit", [pointer("u32"), u32], u32, FASTCALL);

/** The same from the bit `offset` on: find_next_zero_bit(addr, size, offset) */
export const find_next_zero_bit = asm_function("find_next_zero_bit", [pointer("u32"), u32, u32], u32, FASTCALL);

const BITS_PER_LONG = 32;

/** A bit's mask and the number of its word, for bits in words (include/linux/bitops.h). */
export function BIT_MASK(nr: number): u32 {
  return (1 << (nr % BITS_PER_LONG)) >>> 0;
}

export function BIT_WORD(nr: number): u32 {
  return Math.floor(nr / BITS_PER_LONG);
}

/** Words that hold so many bits. */
export function BITS_TO_LONGS(bits: number): u32 {
  return Math.ceil(bits / BITS_PER_LONG);
}
