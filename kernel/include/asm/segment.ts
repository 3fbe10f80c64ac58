/** Selectors and the GDT's layout as Linux 2.4 has them (include/asm-i386/segment.h, desc.h). */
export const __KERNEL_CS = 0x10;
export const __KERNEL_DS = 0x18;
export const __USER_CS = 0x23;
export const __USER_DS = 0x2b;
/** GDT indexes of the current thread's own segments (thread-local storage), as Linux 2.6 has them. */
export const GDT_ENTRY_TLS_MIN = 6;
export const GDT_ENTRY_TLS_ENTRIES = 3;
/** GDT index of the CPU's TSS. */
export const FIRST_TSS_ENTRY = 12;
export const FIRST_LDT_ENTRY = FIRST_TSS_ENTRY + 1;
/** GDT index of a segment that is there for its limit: the number of the CPU whose GDT it is. `lsl` reads it. */
export const GDT_ENTRY_CPU_NUMBER = 27;
export const GDT_ENTRIES = 12 + 8 * 4;
