/** Bits of EFLAGS (include/asm-i386/processor.h). */

/** Trap: a debug exception after each instruction. */
export const EFLAGS_TF = 0x100;
/** Interrupt enable. */
export const EFLAGS_IF = 0x200;
/** Always 1. */
export const EFLAGS_FIXED = 0x2;
