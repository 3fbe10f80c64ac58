/**
 * Counts that several CPUs change, by lib/atomic.S (include/asm-i386/atomic.h). An atomic_t is a word; functions take its address
 * where Linux has them take it.
 */
import { asm_function, type Steps } from "../../host/declarations.ts";
import { i32, pointer, struct, u32 } from "../../host/types.ts";
import { FASTCALL } from "./linkage.ts";

export const atomic_t = struct("atomic_t", { counter: i32 });

/** What the count is: a load. */
export function atomic_read(v: number): i32 {
  return atomic_t.at(v).counter;
}

/** Makes it `i`: a store. */
export function atomic_set(v: number, i: number): void {
  atomic_t.at(v).counter = i;
}

/** `lock; addl`: atomic_add(i, v) */
export const atomic_add = asm_function("atomic_add", [i32, pointer("atomic_t")], undefined, FASTCALL);

/** `lock; subl`: atomic_sub(i, v) */
export const atomic_sub = asm_function("atomic_sub", [i32, pointer("atomic_t")], undefined, FASTCALL);

/** `lock; incl` */
export const atomic_inc = asm_function("atomic_inc", [pointer("atomic_t")], undefined, FASTCALL);

/** `lock; decl` */
export const atomic_dec = asm_function("atomic_dec", [pointer("atomic_t")], undefined, FASTCALL);

/** `lock; subl`; returns whether that made it 0: atomic_sub_and_test(i, v) */
export const atomic_sub_and_test = asm_function("atomic_sub_and_test", [i32, pointer("atomic_t")], i32, FASTCALL);

/** `lock; decl`; returns whether that made it 0. */
export const atomic_dec_and_test = asm_function("atomic_dec_and_test", [pointer("atomic_t")], i32, FASTCALL);

/** `lock; incl`; returns whether that made it 0. */
export const atomic_inc_and_test = asm_function("atomic_inc_and_test", [pointer("atomic_t")], i32, FASTCALL);

/** `lock; addl`; returns whether it is below 0 now: atomic_add_negative(i, v) */
export const atomic_add_negative = asm_function("atomic_add_negative", [i32, pointer("atomic_t")], i32, FASTCALL);

/** `lock; xaddl`; returns what it is now, as the next three do: atomic_add_return(i, v) */
export const atomic_add_return = asm_function("atomic_add_return", [i32, pointer("atomic_t")], i32, FASTCALL);

/** atomic_sub_return(i, v) */
export const atomic_sub_return = asm_function("atomic_sub_return", [i32, pointer("atomic_t")], i32, FASTCALL);

/** `lock; xaddl` */
export const atomic_inc_return = asm_function("atomic_inc_return", [pointer("atomic_t")], i32, FASTCALL);

/** `lock; xaddl` */
export const atomic_dec_return = asm_function("atomic_dec_return", [pointer("atomic_t")], i32, FASTCALL);

/** Adds `a` unless the count is `u`; returns whether it did, by `lock; cmpxchgl`: atomic_add_unless(v, a, u) */
export const atomic_add_unless = asm_function("atomic_add_unless", [pointer("atomic_t"), i32, i32], i32, FASTCALL);

/** `lock; orl`: atomic_set_mask(mask, v) */
export const atomic_set_mask = asm_function("atomic_set_mask", [u32, pointer("atomic_t")], undefined, FASTCALL);

/** `lock; andl` with the inverted mask: atomic_clear_mask(mask, v) */
export const atomic_clear_mask = asm_function("atomic_clear_mask", [u32, pointer("atomic_t")], undefined, FASTCALL);

/** Counts one more user of what has users still: returns whether it had. @inline */
export function* atomic_inc_not_zero(v: u32): Steps<i32> {
  return yield* atomic_add_unless(v, 1, 0);
}

/** `xchgl`: puts a word there and returns what was there. */
export const xchg = asm_function("xchg", [pointer("u32"), u32], u32, FASTCALL);

/** `lock; cmpxchgl`: cmpxchg(ptr, old, new) puts `new` there if `old` is there; returns what was there. */
export const cmpxchg = asm_function("cmpxchg", [pointer("u32"), u32, u32], u32, FASTCALL);
