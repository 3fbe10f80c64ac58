/** Tasks as Linux 2.4 has them: one block for the PCB and the kernel stack (include/asm-i386/processor.h). */
import { kernel_function } from "../host/declarations.ts";
import { pointer, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { memcpy } from "../include/asm/string.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { task_has_cpu, task_struct } from "../include/linux/sched.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";

/** Pages of a task_union: 2^1. */
const TASK_UNION_ORDER = 1;

/** The PCB at the lower end of its stack, 8 KiB aligned. @context might_sleep */
export const dup_task_struct = kernel_function("dup_task_struct", [pointer("task_struct")], u32, function* (orig) {
  const task = yield* __get_free_pages(GFP_KERNEL, TASK_UNION_ORDER);
  if (task === 0) return 0;
  yield* memcpy(task, orig, task_struct.size);
  task_struct.at(task).thread.esp0 = task + THREAD_SIZE;
  return task;
});

export const free_task_struct = kernel_function(
  "free_task_struct",
  [pointer("task_struct")],
  undefined,
  function* (task) {
    if (task_has_cpu(task_struct.at(task))) throw new Error("free_task_struct: a CPU is on this stack");
    yield* free_pages(task, TASK_UNION_ORDER);
  },
);
