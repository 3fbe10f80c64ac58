/**
 * What is known of a task where its kernel stack is (include/asm-i386/thread_info.h, Linux 2.6): at the stack's lower end with
 * stack=thread_info, in the PCB with stack=vmap. With stack=task_union there is none: the PCB itself is at the stack's end.
 */
import { i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";

export const thread_info = struct("thread_info", {
  /** The PCB: `current` on this stack. */
  task: pointer("task_struct"),
  /** Bits below; only the task itself changes them. */
  status: u32,
  /** The CPU that runs it, or ran it last. */
  cpu: i32,
});
export type thread_info = ViewOf<typeof thread_info>;

/** The x87 holds this task's state: it used it since it was switched to. PF_USEDFPU where there is no thread_info. */
export const TS_USEDFPU = 0x0001;
