/**
 * The big kernel lock (include/asm-i386/smplock.h): whoever has it may sleep, and gives it up meanwhile. What needs it takes it:
 * terminals, ioctl, the opening of devices, positions of files, the reading of directories, flags of files, the end of a task.
 */
import { config_function, kernel_table } from "../../host/declarations.ts";
import { pointer } from "../../host/types.ts";
import { SPIN_LOCK_UNLOCKED, spinlock_t } from "./spinlock.ts";

export const kernel_flag = kernel_table("kernel_flag", [SPIN_LOCK_UNLOCKED], spinlock_t);

/** Takes it, as often as the task likes. May not be called with a spinlock held. */
export const lock_kernel = config_function("lock_kernel", [], "CONFIG_LOCKS");
export const unlock_kernel = config_function("unlock_kernel", [], "CONFIG_LOCKS");
/** What schedule() does with it, for the task that stops running and for the one that goes on. */
export const release_kernel_lock = config_function("release_kernel_lock", [pointer("task_struct")], "CONFIG_LOCKS");
export const reacquire_kernel_lock = config_function("reacquire_kernel_lock", [pointer("task_struct")], "CONFIG_LOCKS");
