/** How many CPUs a kernel for several takes (include/linux/threads.h). */
import { configured } from "../../host/context.ts";

export const NR_CPUS = 8;

/** How many CPUs a kernel may have. */
export function possible_cpus(): number {
  return configured("CONFIG_SMP") ? NR_CPUS : 1;
}
