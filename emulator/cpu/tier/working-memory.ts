/**
 * What a core's compiled tier keeps in the machine's memory (`PhysicalMemory.tierOffset`): how regions hand the machine's
 * state on to each other, and where they find each other. None of it is part of the machine's state.
 */

/**
 * Byte offsets in a core's working memory: instructions left of the budget; the flags (see flags.ts); linear address of the
 * access for which a region was left.
 */
export const LEFT = 0;
export const KIND = 4;
export const RESULT = 8;
export const PAIR = 12;
export const LINEAR = 20;

/**
 * Two tables of entries into regions, the second for CPL 3. A slot has the entry's linear address; the TLB entry that its
 * page must have (page part and TLB_VALID); the number of the region's function; the number of the entry in the region.
 */
export const SLOTS = 2048;
export const SLOT_BYTES = 16;
const FIRST_SLOT = 4096;

/** Byte offset of the first slot for a privilege. */
export function slotsOffset(user: boolean): number {
  return FIRST_SLOT + (user ? SLOTS * SLOT_BYTES : 0);
}

/** Shift that is XORed into a linear address to find its slot. */
export const SLOT_SHIFT = 11;

/** Number of the slot of a linear address; regions compute the same. */
export function slotOf(linear: number): number {
  return (linear ^ (linear >>> SLOT_SHIFT)) & (SLOTS - 1);
}
