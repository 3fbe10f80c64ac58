/** The life of an address space: allocation, counts, the end (kernel/fork.c, include/linux/sched.h). */
import { kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { pointer, u32 } from "../host/types.ts";
import { memset } from "../include/asm/string.ts";
import { GFP_KERNEL, mm_struct } from "../include/linux/mm.ts";
import { init_mm } from "../mm/init_mm.ts";
import { pgd_alloc, pgd_free } from "../mm/memory.ts";
import { exit_mmap } from "../mm/mmap.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";

export const mm_cachep = kernel_variable("mm_cachep", pointer("kmem_cache_t"));

/** Sets the counts and gives the mm its page directory. On failure frees the mm and returns 0. @context might_sleep */
export const mm_init = kernel_function("mm_init", [pointer("mm_struct")], u32, function* (address) {
  const mm = mm_struct.at(address);
  mm.mm_users = 1;
  mm.mm_count = 1;
  mm.pgd = yield* pgd_alloc(address);
  if (mm.pgd !== 0) return address;
  yield* kmem_cache_free(mm_cachep.value, address);
  return 0;
});

/** An empty address space, or 0. @context might_sleep */
export const mm_alloc = kernel_function("mm_alloc", [], u32, function* () {
  const mm = yield* kmem_cache_alloc(mm_cachep.value, GFP_KERNEL);
  if (mm === 0) return 0;
  yield* memset(mm, 0, mm_struct.size);
  return yield* mm_init(mm);
});

/** Nobody uses the mm, not even lazily: frees the page directory and the structure. */
const __mmdrop = kernel_function("__mmdrop", [pointer("mm_struct")], undefined, function* (address) {
  if (address === init_mm.address) throw new Error("the last user of init_mm is gone");
  yield* pgd_free(mm_struct.at(address).pgd);
  yield* kmem_cache_free(mm_cachep.value, address);
});

/** Drops a reference to the structure itself (lazy users, active_mm). */
export function* mmdrop(address: u32): Steps<void> {
  const mm = mm_struct.at(address);
  if (--mm.mm_count === 0) yield* __mmdrop(address);
}

/** Drops a user of the address space; the last one unmaps everything. @context in_task */
export const mmput = kernel_function("mmput", [pointer("mm_struct")], undefined, function* (address) {
  const mm = mm_struct.at(address);
  if (--mm.mm_users !== 0) return;
  yield* exit_mmap(address);
  yield* mmdrop(address);
});
