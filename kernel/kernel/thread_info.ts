/** Tasks as Linux 2.6 has them: a stack with a thread_info at its lower end, which leads to the PCB (include/asm-i386/thread_info.h). */
import { kernel_function } from "../host/declarations.ts";
import { pointer, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { memcpy } from "../include/asm/string.ts";
import { thread_info } from "../include/asm/thread_info.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { task_has_cpu, task_stack_page, task_struct } from "../include/linux/sched.ts";
import { __get_free_pages, free_pages } from "../mm/page_alloc.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";
import { task_struct_cachep } from "./task_slab.ts";

/** Pages of a stack: 2^1. */
const THREAD_ORDER = 1;

/** @context might_sleep */
export const dup_task_struct = kernel_function("dup_task_struct", [pointer("task_struct")], u32, function* (orig) {
  const task = yield* kmem_cache_alloc(task_struct_cachep.value, GFP_KERNEL);
  if (task === 0) return 0;
  const stack = yield* __get_free_pages(GFP_KERNEL, THREAD_ORDER);
  if (stack === 0) {
    yield* kmem_cache_free(task_struct_cachep.value, task);
    return 0;
  }
  yield* memcpy(task, orig, task_struct.size);
  task_struct.at(task).thread.esp0 = stack + THREAD_SIZE;
  const info = thread_info.at(stack);
  info.task = task;
  info.status = 0;
  info.cpu = task_struct.at(orig).processor;
  return task;
});

export const free_task_struct = kernel_function(
  "free_task_struct",
  [pointer("task_struct")],
  undefined,
  function* (task) {
    const p = task_struct.at(task);
    if (task_has_cpu(p)) throw new Error("free_task_struct: a CPU is on this stack");
    yield* free_pages(task_stack_page(p), THREAD_ORDER);
    yield* kmem_cache_free(task_struct_cachep.value, task);
  },
);
