/** Vectors of what the local APICs deliver (include/asm-i386/hw_irq.h); IRQ n is vector 0x20 + n with either controller. */

export const LOCAL_TIMER_VECTOR = 0xef;
/** Stops the CPU for good (REBOOT_VECTOR of later kernels). */
export const STOP_VECTOR = 0xf8;
export const CALL_FUNCTION_VECTOR = 0xfb;
export const RESCHEDULE_VECTOR = 0xfc;
export const INVALIDATE_TLB_VECTOR = 0xfd;
export const ERROR_APIC_VECTOR = 0xfe;
/** Its low four bits are ones: local APICs older than the Pentium Pro's have no others. */
export const SPURIOUS_APIC_VECTOR = 0xff;
