/** Block operations of arch/i386/lib/mem.S (include/asm-i386/string.h, page.h). */
import { asm_function } from "../../host/declarations.ts";
import { i32, u32 } from "../../host/types.ts";

/** Copies a page; both addresses are page aligned. */
export const copy_page = asm_function("copy_page", [u32, u32], undefined);
/** Fills a page with zeros. */
export const clear_page = asm_function("clear_page", [u32], undefined);
/** Copies bytes between kernel addresses; the ranges must not overlap. */
export const memcpy = asm_function("memcpy", [u32, u32, u32], undefined);
/** Fills bytes with a value. */
export const memset = asm_function("memset", [u32, i32, u32], undefined);
/** Index of the first of `words` words that is not 0; `words` if there is none. */
export const find_nonzero = asm_function("find_nonzero", [u32, u32], u32);
/** The lower of two NUL-terminated strings is the first: negative, 0 or positive. */
export const strcmp = asm_function("strcmp", [u32, u32], i32);
/** Bytes before the NUL of a string, at most `size`. */
export const strnlen = asm_function("strnlen", [u32, u32], u32);
/** Copies a string with its NUL, cut to `size` bytes with it (strlcpy). */
export const strlcpy = asm_function("strlcpy", [u32, u32, u32], undefined);
