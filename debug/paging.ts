/** Bits of page-table entries and of the registers that turn them on (Intel SDM vol. 3, 2.5 and 4.3). */

export const PAGE_PRESENT = 0x001;
/** In a directory entry, with CR4.PSE: maps 4 MiB. */
export const PAGE_LARGE = 0x080;
export const FRAME_MASK = 0xfffff000;
export const LARGE_FRAME_MASK = 0xffc00000;

export const CR0_PG = 0x80000000;
export const CR4_PSE = 0x10;
