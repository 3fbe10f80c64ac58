/** Telling other CPUs something (include/linux/smp.h): arch/i386/kernel/smp.ts does it. With one CPU there is nobody to tell. */
import { smp_function } from "../../host/declarations.ts";
import { i32 } from "../../host/types.ts";

/** Has a CPU look at need_resched; a negative number is nobody. */
export const smp_send_reschedule = smp_function("smp_send_reschedule", [i32]);
