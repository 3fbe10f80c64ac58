/** PCBs in a cache of their own, apart from the kernel stacks (kernel/fork.c, Linux 2.6). */
import { asm_function, cstring, kernel_function, kernel_variable } from "../host/declarations.ts";
import { pointer, u32 } from "../host/types.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { memcpy } from "../include/asm/string.ts";
import { GFP_KERNEL } from "../include/linux/mm.ts";
import { task_has_cpu, task_stack_page, task_struct, task_thread_info } from "../include/linux/sched.ts";
import { kmem_cache_alloc, kmem_cache_create, kmem_cache_free } from "../mm/slab.ts";

// By the configuration: thread_info.ts or vmap_stack.ts.

/** A kernel stack, a multiple of its size as every one: its lower end; 0 when out of memory. */
const alloc_thread_stack = asm_function("alloc_thread_stack", [], u32);
const free_thread_stack = asm_function("free_thread_stack", [u32], undefined);

/** The PCB of pid 0, whose stack init_task_union is. */
export const init_task_struct = kernel_variable("init_task", task_struct);

const task_struct_cachep = kernel_variable("task_struct_cachep", pointer("kmem_cache_t"));
const name = cstring("task_struct");

/** @context might_sleep */
export const task_caches_init = kernel_function("task_caches_init", [], undefined, function* () {
  task_struct_cachep.value = yield* kmem_cache_create(name.address, task_struct.size, 4);
});

/** @context might_sleep */
export const dup_task_struct = kernel_function("dup_task_struct", [pointer("task_struct")], u32, function* (orig) {
  const task = yield* kmem_cache_alloc(task_struct_cachep.value, GFP_KERNEL);
  if (task === 0) return 0;
  const stack = yield* alloc_thread_stack();
  if (stack === 0) {
    yield* kmem_cache_free(task_struct_cachep.value, task);
    return 0;
  }
  yield* memcpy(task, orig, task_struct.size);
  const p = task_struct.at(task);
  p.thread.esp0 = stack + THREAD_SIZE;
  init_thread_info(p);
  return task;
});

function init_thread_info(p: task_struct): void {
  const info = task_thread_info(p);
  if (info === undefined) return;
  info.task = p.address;
  info.status = 0;
  info.cpu = p.processor;
}

export const free_task_struct = kernel_function(
  "free_task_struct",
  [pointer("task_struct")],
  undefined,
  function* (task) {
    const p = task_struct.at(task);
    if (task_has_cpu(p)) throw new Error("free_task_struct: a CPU is on this stack");
    yield* free_thread_stack(task_stack_page(p));
    yield* kmem_cache_free(task_struct_cachep.value, task);
  },
);
