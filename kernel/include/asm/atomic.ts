/** Counts that several CPUs change, by lib/bitops.S (include/asm-i386/atomic.h). A kernel for one CPU has them not. */
import { asm_function } from "../../host/declarations.ts";
import { pointer, u32 } from "../../host/types.ts";

/** `lock; incl` */
export const atomic_inc = asm_function("atomic_inc", [pointer("atomic_t")], undefined);
/** `lock; orl` */
export const atomic_set_mask = asm_function("atomic_set_mask", [u32, pointer("atomic_t")], undefined);
