/**
 * Counts of one CPU's own, by lib/atomic.S (include/asm-i386/local.h, Linux 2.6): one instruction, so that an interrupt does not
 * come between, but without LOCK, so that another CPU may.
 */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, struct } from "../../host/types.ts";
import { FASTCALL } from "./linkage.ts";

export const local_t = struct("local_t", { counter: i32 });

/** `addl`: local_add(i, l) */
export const local_add = asm_function("local_add", [i32, pointer("local_t")], undefined, FASTCALL);
/** `subl`: local_sub(i, l) */
export const local_sub = asm_function("local_sub", [i32, pointer("local_t")], undefined, FASTCALL);
/** `incl` */
export const local_inc = asm_function("local_inc", [pointer("local_t")], undefined, FASTCALL);
/** `decl` */
export const local_dec = asm_function("local_dec", [pointer("local_t")], undefined, FASTCALL);

export function local_read(l: number): i32 {
  return local_t.at(l).counter;
}

export function local_set(l: number, i: number): void {
  local_t.at(l).counter = i;
}
