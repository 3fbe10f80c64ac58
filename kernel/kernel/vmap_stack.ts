/**
 * Tasks with kernel stacks that vmalloc maps, a page that is not mapped below each, and nothing on them but frames (kernel/fork.c,
 * CONFIG_VMAP_STACK and CONFIG_THREAD_INFO_IN_TASK of Linux 4.9): thread_info is in the PCB, and `current` a word of the CPU's.
 */

import { kernel_function, per_cpu_table } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { memcpy } from "../include/asm/string.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { task_has_cpu, task_stack_page, task_struct } from "../include/linux/sched.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";
import { __vmalloc, vfree } from "../mm/vmalloc.ts";
import { task_struct_cachep } from "./task_slab.ts";

/** PCB of the task that each CPU runs; switch_to changes it with ESP. */
export const current_task = per_cpu_table("current_task", ["init_task"]);

/** Of a CPU that has yet to start. */
export const set_cpu_current = kernel_function(
  "set_cpu_current",
  [i32, pointer("task_struct")],
  undefined,
  function* (cpu, task) {
    memory().write32(current_task.address_of(cpu), task);
  },
);

/** @context might_sleep */
export const dup_task_struct = kernel_function("dup_task_struct", [pointer("task_struct")], u32, function* (orig) {
  const task = yield* kmem_cache_alloc(task_struct_cachep.value, GFP_KERNEL);
  if (task === 0) return 0;
  // A multiple of its size, as every kernel stack: what masks ESP finds its ends, though not its task.
  const stack = yield* __vmalloc(THREAD_SIZE, THREAD_SIZE);
  if (stack === 0) {
    yield* kmem_cache_free(task_struct_cachep.value, task);
    return 0;
  }
  yield* memcpy(task, orig, task_struct.size);
  const p = task_struct.at(task);
  p.thread.esp0 = stack + THREAD_SIZE;
  p.thread_info.task = task;
  p.thread_info.status = 0;
  return task;
});

/** @context irqs_enabled */
export const free_task_struct = kernel_function(
  "free_task_struct",
  [pointer("task_struct")],
  undefined,
  function* (task) {
    const p = task_struct.at(task);
    if (task_has_cpu(p)) throw new Error("free_task_struct: a CPU is on this stack");
    yield* vfree(task_stack_page(p));
    yield* kmem_cache_free(task_struct_cachep.value, task);
  },
);
