/** Bits of EFLAGS (include/asm-i386/processor.h). */

/** Trap: a debug exception after each instruction. */
export const EFLAGS_TF = 0x100;
/** Interrupt enable. */
export const EFLAGS_IF = 0x200;
