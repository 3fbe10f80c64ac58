/** Bits in words that several CPUs change, by lib/bitops.S (include/asm-i386/bitops.h). */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, u32 } from "../../host/types.ts";

/** `lock; btsl` */
export const set_bit = asm_function("set_bit", [u32, pointer("u32")], undefined);
/** `lock; btrl` */
export const clear_bit = asm_function("clear_bit", [u32, pointer("u32")], undefined);
/** `lock; btsl`; returns whether the bit was set before. */
export const test_and_set_bit = asm_function("test_and_set_bit", [u32, pointer("u32")], i32);
