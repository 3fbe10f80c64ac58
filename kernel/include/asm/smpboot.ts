/** What the trampoline of a CPU that starts leaves at its beginning, for those who wait for the CPU. */
export const TRAMPOLINE_REACHED = 0xa5a5a5a5;
