import type { Core } from "./core.ts";
import {
  ACCESS_ACCESSED,
  ACCESS_BIG,
  ACCESS_CODE,
  ACCESS_CONFORMING,
  ACCESS_DPL_SHIFT,
  ACCESS_EXPAND_DOWN,
  ACCESS_READ_WRITE,
  ACCESS_SEGMENT,
  LDTR,
} from "./state-layout.ts";

/**
 * Segment and gate descriptors and selectors (Intel SDM vol. 3, 3.4.5, 3.5 and 5.8.3). A descriptor is handled as its
 * two doublewords, `low` and `high`; `access` is bits 8 to 23 of the high one: access byte in bits 0 to 7, flags
 * (AVL, L, D/B, G) in bits 12 to 15, and 0 in bits 8 to 11, where the descriptor has limit 19:16.
 */

/** Types of system segments and gates (bits 0 to 3 of `access` when ACCESS_SEGMENT is 0). */
export const TYPE_TSS16 = 1;
export const TYPE_LDT = 2;
export const TYPE_TSS16_BUSY = 3;
export const TYPE_CALL_GATE16 = 4;
export const TYPE_TASK_GATE = 5;
export const TYPE_INTERRUPT_GATE16 = 6;
export const TYPE_TRAP_GATE16 = 7;
export const TYPE_TSS32 = 9;
export const TYPE_TSS32_BUSY = 11;
export const TYPE_CALL_GATE32 = 12;
export const TYPE_INTERRUPT_GATE32 = 14;
export const TYPE_TRAP_GATE32 = 15;
/** Set in the type of a busy TSS. */
export const TSS_BUSY = 2;
/** Set in the type of a 386 TSS or gate, clear in a 286 one. */
export const TYPE_32 = 8;

/** Bit of a selector that chooses the LDT. */
export const SELECTOR_LDT = 4;

export function descriptorBase(low: number, high: number): number {
  return (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000);
}

/** The limit in bytes (granularity applied), as an unsigned number: the last valid offset, or for expand-down data the last invalid one. */
export function descriptorLimit(low: number, high: number): number {
  const limit = (low & 0xffff) | (high & 0xf0000);
  return (high & 0x800000) !== 0 ? ((limit << 12) | 0xfff) >>> 0 : limit;
}

export function descriptorAccess(high: number): number {
  return (high >>> 8) & 0xf0ff;
}

/** Descriptor privilege level. */
export function accessDpl(access: number): number {
  return (access >>> ACCESS_DPL_SHIFT) & 3;
}

/** The system type (0 to 15), or -1 for code and data segments. */
export function systemType(access: number): number {
  return (access & ACCESS_SEGMENT) !== 0 ? -1 : access & 0xf;
}

export function isCode(access: number): boolean {
  return (access & (ACCESS_SEGMENT | ACCESS_CODE)) === (ACCESS_SEGMENT | ACCESS_CODE);
}

export function isConformingCode(access: number): boolean {
  const bits = ACCESS_SEGMENT | ACCESS_CODE | ACCESS_CONFORMING;
  return (access & bits) === bits;
}

export function isWritableData(access: number): boolean {
  return (access & (ACCESS_SEGMENT | ACCESS_CODE | ACCESS_READ_WRITE)) === (ACCESS_SEGMENT | ACCESS_READ_WRITE);
}

/** Data of any kind, or readable code: what DS, ES, FS and GS may hold. */
export function isReadable(access: number): boolean {
  return (access & ACCESS_SEGMENT) !== 0 && (access & (ACCESS_CODE | ACCESS_READ_WRITE)) !== ACCESS_CODE;
}

export function isExpandDown(access: number): boolean {
  return (access & (ACCESS_SEGMENT | ACCESS_CODE | ACCESS_EXPAND_DOWN)) === (ACCESS_SEGMENT | ACCESS_EXPAND_DOWN);
}

/** Whether `size` bytes at `offset` (any int32, taken unsigned) lie inside a segment; an access never wraps round. */
export function withinLimit(offset: number, size: number, limit: number, access: number): boolean {
  const first = offset >>> 0;
  const last = first + size - 1;
  if (!isExpandDown(access)) return last <= limit >>> 0;
  return first > limit >>> 0 && last <= ((access & ACCESS_BIG) !== 0 ? 0xffffffff : 0xffff);
}

/** A selector that refers to no descriptor: GDT entry 0, whatever its RPL. */
export function isNullSelector(selector: number): boolean {
  return (selector & 0xfffc) === 0;
}

/**
 * Linear address of the descriptor that a selector names, as an unsigned number, or -1 when it lies outside its table
 * (or in the LDT while LDTR is null). Does not reject null selectors.
 */
export function descriptorAddress(cpu: Core, selector: number): number {
  const offset = selector & 0xfff8;
  if ((selector & SELECTOR_LDT) === 0) return offset + 7 > cpu.gdtrLimit ? -1 : (cpu.gdtrBase + offset) >>> 0;
  if (!cpu.segValid(LDTR) || offset + 7 > cpu.segLimit(LDTR) >>> 0) return -1;
  return (cpu.segBase(LDTR) + offset) >>> 0;
}

/** Linear address of a descriptor; raises `vector` with the selector as error code when there is none, or the selector is null. */
export function requireDescriptor(cpu: Core, selector: number, vector: number): number {
  const address = isNullSelector(selector) ? -1 : descriptorAddress(cpu, selector);
  if (address < 0) return cpu.raise(vector, selector & 0xfffc);
  return address;
}

/**
 * Sets the accessed bit of a code or data descriptor in its table, if it is not set yet. May raise #PF: an instruction
 * that loads several segments does this for all of them before it changes any register.
 */
export function markAccessed(cpu: Core, address: number): void {
  const access = cpu.systemRead8(address + 5);
  if ((access & ACCESS_ACCESSED) === 0) lockedSystemWrite8(cpu, address + 5, access | ACCESS_ACCESSED);
}

/** Writes a byte of a descriptor as the CPU itself does, locked (Intel SDM 3A 8.1.2.1): in memory at once, after all stores. */
export function lockedSystemWrite8(cpu: Core, linear: number, value: number): void {
  cpu.systemWrite8(linear, value);
  cpu.drainStores();
}
