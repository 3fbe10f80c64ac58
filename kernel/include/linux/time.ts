/** Parts of a second (include/linux/time.h). */
export const MSEC_PER_SEC = 1_000;
export const USEC_PER_SEC = 1_000_000;
export const NSEC_PER_SEC = 1_000_000_000;
