/**
 * Kernel stacks that vmalloc maps, a page that is not mapped below each, and nothing on them but frames (kernel/fork.c,
 * CONFIG_VMAP_STACK and CONFIG_THREAD_INFO_IN_TASK of Linux 4.9): thread_info is in the PCB, and `current` a word of the CPU's.
 */

import { kernel_function, per_cpu_table } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { __vmalloc, vfree } from "../mm/vmalloc.ts";

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
export const alloc_thread_stack = kernel_function("alloc_thread_stack", [], u32, function* () {
  // A multiple of its size, as every kernel stack: what masks ESP finds its ends, though not its task.
  return yield* __vmalloc(THREAD_SIZE, THREAD_SIZE);
});

/** @context irqs_enabled */
export const free_thread_stack = kernel_function("free_thread_stack", [u32], undefined, function* (stack) {
  yield* vfree(stack);
});
