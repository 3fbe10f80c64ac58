/** How many CPUs a kernel for several takes (include/linux/threads.h). */
export const NR_CPUS = 8;
