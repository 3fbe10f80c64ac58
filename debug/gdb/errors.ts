/** Errors by their numbers in Linux's errno.h; GDB only shows them. */
export const NO_THREAD = "E03";
/** Memory that is not there. */
export const NO_MEMORY = "E14";
export const BAD_PACKET = "E22";
