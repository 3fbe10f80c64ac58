/**
 * Where a core's architectural state lies in its 4 KiB of the machine's memory.
 *
 * Every constant is an index into `Core.r`, the state seen as int32 slots, unless its name says otherwise. The layout
 * is shared with a compiled tier, which addresses the same bytes.
 */

/** General registers, in the order of their encoding. */
export const EAX = 0;
export const ECX = 1;
export const EDX = 2;
export const EBX = 3;
export const ESP = 4;
export const EBP = 5;
export const ESI = 6;
export const EDI = 7;

/** Always 0: the base or index register of a memory operand that has none. */
export const ZERO = 8;

/** Offset in CS of the next instruction; see `Op` for when it is up to date. */
export const EIP = 9;

/** Lazy arithmetic flags: see flags.ts. */
export const FLAG_RESULT = 10;
export const FLAG_AUX = 11;

/** EFLAGS without the arithmetic flags (those are lazy) and without the constant bit 1. */
export const CONTROL_FLAGS = 12;

/** Current privilege level, 0 to 3 (3 in virtual-8086 mode, 0 in real mode). */
export const CPL = 13;

export const CR0 = 16;
export const CR2 = 18;
export const CR3 = 19;
export const CR4 = 20;

/** DR0 to DR7 (DR4 and DR5 unused). */
export const DR = 24;

export const GDTR_BASE = 32;
export const GDTR_LIMIT = 33;
export const IDTR_BASE = 34;
export const IDTR_LIMIT = 35;

/** Whether the core executes instructions: one of the values below. */
export const HALTED = 36;
export const NOT_HALTED = 0;
/** Waits in HLT for an interrupt. */
export const IN_HLT = 1;
/** Waits for a start-up message, and for nothing else. */
export const WAIT_FOR_SIPI = 2;
/** 1 after a triple fault. */
export const SHUTDOWN = 37;
/** Whether the next instruction runs before any interrupt is taken: one of the values below. */
export const INTERRUPT_SHADOW = 38;
export const NO_SHADOW = 0;
/** After STI. */
export const STI_SHADOW = 1;
/** After MOV SS and POP SS: debug traps wait too. */
export const SS_SHADOW = 2;
/** Level of the INTR pin, 0 or 1. */
export const INTR = 39;
/** 1 when a non-maskable interrupt is pending. */
export const NMI = 40;
/** 1 from the delivery of an NMI to the next IRET: further NMIs wait. */
export const NMI_BLOCKED = 41;
/** DR6 bits of the debug trap that is due before the next instruction. */
export const DEBUG_TRAP = 42;
/**
 * A read-modify-write instruction whose read was made at the end of this core's turn (see split-access.ts): bytes of
 * its operand, 0 when there is none; its EIP; host offset of the operand; and what was read.
 */
export const SPLIT_SIZE = 43;
export const SPLIT_EIP = 44;
export const SPLIT_HOST = 45;
export const SPLIT_VALUE = 46;

/**
 * Segment registers: eight slots for each attribute, in the order ES CS SS DS FS GS LDTR TR. Limits are in bytes with
 * the granularity applied; SEG_ACCESS holds bits 8 to 23 of the descriptor's high dword.
 */
export const SEG_SELECTOR = 48;
export const SEG_BASE = 56;
export const SEG_LIMIT = 64;
export const SEG_ACCESS = 72;
/** 1 when the register holds a usable descriptor, 0 after a null selector was loaded. */
export const SEG_VALID = 80;
/** 1 when every access of either kind is within bounds and the base is 0, so that offsets are linear addresses. */
export const SEG_FLAT = 88;

/** Model-specific registers kept by system instructions: 64 slots. */
export const MSR = 128;

/** x87 control and status words, as stored by FNSTCW and FNSTSW. */
export const FPU_CONTROL = 320;
export const FPU_STATUS = 321;
/** Bit n is set when physical register n is not empty. */
export const FPU_OCCUPIED = 322;
/** The last instruction that was not a control one: opcode (11 bits), offset and selector of its first byte. */
export const FPU_OPCODE = 323;
export const FPU_IP = 324;
export const FPU_CS = 325;
/** Offset and selector of its memory operand. */
export const FPU_DP = 326;
export const FPU_DS = 327;
/** 1 while IGNNE# is asserted: pending x87 exceptions do not keep instructions from running (CR0.NE clear). */
export const FPU_IGNNE = 328;
/** The eight physical x87 registers: sign (bit 15) and exponent, upper and lower half of the significand. */
export const FPU_EXPONENT = 336;
export const FPU_HIGH = 344;
export const FPU_LOW = 352;

/** Index into `Core.f64`, the state seen as doubles: instructions retired since power-on, up to the last `run`. */
export const F64_INSTRUCTIONS = 128;
/** Index into `Core.f64`: what RDTSC adds to the machine cycle. */
export const F64_TSC_OFFSET = 129;

/** Segment register numbers. */
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;

/** Bits of SEG_ACCESS (Intel SDM 3A 3.4.5, shifted right by 8). */
export const ACCESS_ACCESSED = 0x01;
/** Data segments: writable. Code segments: readable. */
export const ACCESS_READ_WRITE = 0x02;
/** Data segments: expands down. Code segments: conforming. */
export const ACCESS_EXPAND_DOWN = 0x04;
export const ACCESS_CONFORMING = 0x04;
export const ACCESS_CODE = 0x08;
/** Code or data, as opposed to a system descriptor. */
export const ACCESS_SEGMENT = 0x10;
export const ACCESS_DPL_SHIFT = 5;
export const ACCESS_PRESENT = 0x80;
/** D/B: 32-bit code, stack or upper bound. */
export const ACCESS_BIG = 0x4000;
export const ACCESS_GRANULARITY = 0x8000;

/** EFLAGS bits. */
export const FLAG_CF = 1 << 0;
export const FLAG_FIXED = 1 << 1;
export const FLAG_PF = 1 << 2;
export const FLAG_AF = 1 << 4;
export const FLAG_ZF = 1 << 6;
export const FLAG_SF = 1 << 7;
export const FLAG_TF = 1 << 8;
export const FLAG_IF = 1 << 9;
export const FLAG_DF = 1 << 10;
export const FLAG_OF = 1 << 11;
export const FLAG_IOPL = 3 << 12;
export const FLAG_NT = 1 << 14;
export const FLAG_RF = 1 << 16;
export const FLAG_VM = 1 << 17;
export const FLAG_AC = 1 << 18;
export const FLAG_ID = 1 << 21;
/** The six flags that arithmetic instructions set. */
export const FLAGS_ARITHMETIC = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF;

/** CR0 bits. */
export const CR0_PE = 1 << 0;
export const CR0_MP = 1 << 1;
export const CR0_EM = 1 << 2;
export const CR0_TS = 1 << 3;
export const CR0_ET = 1 << 4;
export const CR0_NE = 1 << 5;
export const CR0_WP = 1 << 16;
export const CR0_AM = 1 << 18;
export const CR0_NW = 1 << 29;
export const CR0_CD = 1 << 30;
export const CR0_PG = 1 << 31;

/** EDX at reset, and EAX of CPUID leaf 1: family 6, model 3, stepping 3. */
export const CPU_SIGNATURE = 0x633;

/** Exception vectors. */
export const VECTOR_DE = 0;
export const VECTOR_DB = 1;
export const VECTOR_NMI = 2;
export const VECTOR_BP = 3;
export const VECTOR_OF = 4;
export const VECTOR_BR = 5;
export const VECTOR_UD = 6;
export const VECTOR_NM = 7;
export const VECTOR_DF = 8;
export const VECTOR_TS = 10;
export const VECTOR_NP = 11;
export const VECTOR_SS = 12;
export const VECTOR_GP = 13;
export const VECTOR_PF = 14;
export const VECTOR_MF = 16;
export const VECTOR_AC = 17;

/** TLB entry bits; the page part is (host page offset XOR linear page), or (physical page XOR linear page) for MMIO. */
export const TLB_VALID = 1;
/** Not for CPL 3. */
export const TLB_NO_USER = 2;
export const TLB_NO_WRITE_USER = 4;
/** Read-only with CR0.WP, or not yet dirty. */
export const TLB_NO_WRITE_SUPER = 8;
/** Not plain memory. */
export const TLB_MMIO = 16;
/** The page holds decoded instructions. */
export const TLB_CODE = 32;
export const TLB_GLOBAL = 64;
/** A host watchpoint lies in the page; no part of the machine's state. */
export const TLB_WATCHED = 128;
/** The page was not written since it was last captured; no part of the machine's state. See PageTracker. */
export const TLB_CLEAN = 256;
/** The core has a store buffer, which every access must pass; no part of the machine's state. */
export const TLB_BUFFERED = 512;

/** Value of `Core.runStop`: leave the block, and EIP is right already. */
export const EIP_REPLACED = -1;

/** What `Core.prepareAccess` came to: the TLB has the page now. */
export const PREPARED = 0;
/** There is a #PF to deliver. */
export const PAGE_FAULT = 1;
/** It is not the TLB that the access lacks, or to fill it may change the instruction itself or where it is. */
export const LEFT_ALONE = 2;
