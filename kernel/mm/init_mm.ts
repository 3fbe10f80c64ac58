/** The kernel's own address space: what tasks without one start with (arch/i386/kernel/init_task.c). */
import { kernel_variable } from "../host/declarations.ts";
import { mm_struct } from "../include/linux/mm.ts";

/** Its page directory is swapper_pg_dir; start_kernel() fills it in. */
export const init_mm = kernel_variable("init_mm", mm_struct);
