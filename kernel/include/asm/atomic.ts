/** Counts that several CPUs change, by lib/bitops.S (include/asm-i386/atomic.h). */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, u32 } from "../../host/types.ts";

/** `lock; incl` */
export const atomic_inc = asm_function("atomic_inc", [pointer("atomic_t")], undefined);
/** `lock; decl`; returns whether that made it 0. */
export const atomic_dec_and_test = asm_function("atomic_dec_and_test", [pointer("atomic_t")], i32);
/** `lock; orl` */
export const atomic_set_mask = asm_function("atomic_set_mask", [u32, pointer("atomic_t")], undefined);
