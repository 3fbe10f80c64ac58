/** PCBs in a cache of their own, apart from the kernel stacks (kernel/fork.c, Linux 2.6). */
import { cstring, kernel_function, kernel_variable } from "../host/declarations.ts";
import { pointer } from "../host/types.ts";
import { task_struct } from "../include/linux/sched.ts";
import { kmem_cache_create } from "../mm/slab.ts";

/** The PCB of pid 0, whose stack init_task_union is. */
export const init_task_struct = kernel_variable("init_task", task_struct);

export const task_struct_cachep = kernel_variable("task_struct_cachep", pointer("kmem_cache_t"));
const name = cstring("task_struct");

/** @context might_sleep */
export const task_caches_init = kernel_function("task_caches_init", [], undefined, function* () {
  task_struct_cachep.value = yield* kmem_cache_create(name.address, task_struct.size, 4);
});
