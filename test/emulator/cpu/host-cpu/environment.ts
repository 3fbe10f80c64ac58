/**
 * The address space and the segments in which vectors run, the same on the real CPU (test/golden/cpu/record.c, which has
 * these numbers too) and in the replay. It is what a 32-bit process has under a 64-bit Linux, and a few segments more.
 */

/** Offset, and linear address, of a vector's first byte. The two pages of code hold INT3 elsewhere. */
export const CODE = 0x4800;
export const CODE_PAGES = { start: 0x4000, end: 0x6000 };

/** Pages of data: 7 and 8 may be written, A is read-only, B and C are the stack. 6, 9 and D are not there. */
export const DATA_PAGES = { start: 0x7000, end: 0x9000 };
export const READ_ONLY_PAGE = 0xa000;
export const STACK_PAGES = { start: 0xb000, end: 0xd000 };
export const ABSENT_PAGES: readonly number[] = [0x6000, 0x9000, 0xd000];

/**
 * The parts of data and stack that vectors may change: around a page boundary, before an absent page, the stack's
 * lowest bytes, and its middle.
 */
export const WINDOWS: readonly { start: number; end: number }[] = [
  { start: 0x7f80, end: 0x8080 },
  { start: 0x8fc0, end: 0x9000 },
  { start: 0xb000, end: 0xb040 },
  { start: 0xbfc0, end: 0xc0c0 },
];

/** Initial ESP of vectors that do not say otherwise. */
export const STACK = 0xc040;

/** What an aligned doubleword of data or stack holds before a vector, unless the vector says otherwise. */
export function initialMemory(address: number): number {
  return Math.imul(address ^ 0x5bd1e995, 0x9e3779b1);
}

/** A segment descriptor: limit in bytes, access byte, flags (granularity, D/B, L) as in the upper nibble. */
export interface Segment {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly access: number;
  readonly flags: number;
}

const DATA = 0xf3;
const READ_ONLY = 0xf1;
const EXPAND_DOWN = 0xf7;
const CODE_READABLE = 0xfb;
const EXECUTE_ONLY = 0xf9;
const CONFORMING_ABSENT = 0x7f;
const FLAT = 0xc;
const BYTES32 = 0x4;
const BYTES16 = 0;

export const USER_CS = 0x23;
export const USER_DS = 0x2b;
/** Data at 7FC0, 40 bytes (hexadecimal): limit faults. */
export const SMALL = 0x6b;
export const SMALL_BASE = 0x7fc0;
/** Expand-down data at 7000, valid from F80. */
export const DOWNWARDS = 0x73;
export const DOWNWARDS_BASE = 0x7000;
/** 16-bit code and data from 0 to FFFF. */
export const CODE16 = 0x07;
export const DATA16 = 0x0f;

/** Global descriptors of user mode. */
export const GLOBAL_SEGMENTS: readonly Segment[] = [
  { selector: USER_CS, base: 0, limit: 0xffffffff, access: CODE_READABLE, flags: FLAT },
  { selector: USER_DS, base: 0, limit: 0xffffffff, access: DATA, flags: FLAT },
  { selector: 0x33, base: 0, limit: 0xffffffff, access: CODE_READABLE, flags: 0xa },
  { selector: SMALL, base: SMALL_BASE, limit: 0x3f, access: DATA, flags: BYTES32 },
  { selector: DOWNWARDS, base: DOWNWARDS_BASE, limit: 0xf7f, access: EXPAND_DOWN, flags: BYTES32 },
];

/** The local descriptor table; entry 7 is empty. */
export const LOCAL_SEGMENTS: readonly Segment[] = [
  { selector: CODE16, base: 0, limit: 0xffff, access: CODE_READABLE, flags: BYTES16 },
  { selector: DATA16, base: 0, limit: 0xffff, access: DATA, flags: BYTES16 },
  { selector: 0x17, base: 0x7f80, limit: 0xff, access: READ_ONLY, flags: BYTES32 },
  { selector: 0x1f, base: 0, limit: 0xffffffff, access: EXECUTE_ONLY, flags: FLAT },
  { selector: 0x27, base: 0, limit: 0xffff, access: DATA & 0x7f, flags: BYTES32 },
  { selector: 0x2f, base: 0, limit: 0x7fff, access: EXPAND_DOWN, flags: BYTES16 },
  { selector: 0x37, base: 0, limit: 0xffffffff, access: CONFORMING_ABSENT, flags: FLAT },
  { selector: 0x47, base: 0, limit: 0xbfff, access: DATA, flags: BYTES32 },
];

/** Selectors of all kinds: usable, null, privileged, system, absent, empty, and beyond both tables. */
export const SELECTORS: readonly number[] = [
  0, 1, 3, 0x08, 0x10, 0x18, 0x1b, 0x20, 0x22, 0x23, 0x28, 0x29, 0x2b, 0x40, 0x50, 0x6b, 0x68, 0x73, 0x80, 0x83, 0x7ffb,
  0x07, 0x04, 0x0f, 0x0c, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x4c, 0xffff,
];

/** ES CS SS DS FS GS before a vector: 0 is flat 32-bit code, 1 is 16-bit code, data and stack. */
export const MODE_SELECTORS: readonly (readonly number[])[] = [
  [USER_DS, USER_CS, USER_DS, USER_DS, SMALL, DOWNWARDS],
  [DATA16, CODE16, DATA16, DATA16, SMALL, DOWNWARDS],
];

/** EFLAGS bits that are recorded: all that user mode can tell, RF apart. */
export const RECORDED_FLAGS = 0x247dd5;
