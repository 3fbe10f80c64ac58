/** The life of an address space: allocation, copies for children, counts, the end (kernel/fork.c, include/linux/sched.h). */

import { get_file } from "../fs/file_table.ts";
import { kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { i32, pointer, u32 } from "../host/types.ts";
import { atomic_dec_and_test, atomic_inc } from "../include/asm/atomic.ts";
import { spin_lock_init } from "../include/asm/spinlock.ts";
import { memcpy, memset } from "../include/asm/string.ts";
import { __flush_tlb } from "../include/asm/system.ts";
import { ENOMEM } from "../include/linux/errno.ts";
import { GFP_KERNEL, mm_struct, vm_area_struct } from "../include/linux/mm.ts";
import { down_write, init_rwsem, up_write } from "../include/linux/rwsem.ts";
import { CLONE_VM, current, task_struct } from "../include/linux/sched.ts";
import { FLUSH_ALL, flush_tlb_others } from "../include/linux/smp.ts";
import { init_mm } from "../mm/init_mm.ts";
import { copy_page_range, pgd_alloc, pgd_free } from "../mm/memory.ts";
import { exit_mmap } from "../mm/mmap.ts";
import { kmem_cache_alloc, kmem_cache_free } from "../mm/slab.ts";
import { vm_area_cachep } from "../mm/vma.ts";

const MM_USERS = mm_struct.offset("mm_users");

export const mm_cachep = kernel_variable("mm_cachep", pointer("kmem_cache_t"));

function be_first_user(mm: mm_struct): void {
  mm.mm_users = 1;
  mm.cpu_vm_mask = 0;
  init_rwsem(mm.mmap_sem.address);
  spin_lock_init(mm.page_table_lock.address);
}

/** Sets the counts and gives the mm its page directory. On failure frees the mm and returns 0. @context might_sleep */
export const mm_init = kernel_function("mm_init", [pointer("mm_struct")], u32, function* (address) {
  const mm = mm_struct.at(address);
  be_first_user(mm);
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
  if ((yield* atomic_dec_and_test(address + mm_struct.offset("mm_count"))) !== 0) yield* __mmdrop(address);
}

/** Drops a user of the address space; the last one unmaps everything. @context in_task */
export const mmput = kernel_function("mmput", [pointer("mm_struct")], undefined, function* (address) {
  if ((yield* atomic_dec_and_test(address + MM_USERS)) === 0) return;
  yield* exit_mmap(address);
  yield* mmdrop(address);
});

/**
 * Copies every area of the current address space, its pages shared copy-on-write. Needs the latter's mmap_sem for writing.
 * @context might_sleep
 */
const dup_mmap = kernel_function("dup_mmap", [pointer("mm_struct")], i32, function* (address) {
  const mm = mm_struct.at(address);
  const oldmm = mm_struct.at(current().mm);
  mm.mmap = 0;
  mm.mmap_cache = 0;
  mm.map_count = 0;
  mm.rss = 0;
  let previous: u32 = 0;
  for (let at: u32 = oldmm.mmap; at !== 0; at = vm_area_struct.at(at).vm_next) {
    const copy = yield* kmem_cache_alloc(vm_area_cachep.value, GFP_KERNEL);
    if (copy === 0) return -ENOMEM;
    yield* memcpy(copy, at, vm_area_struct.size);
    const area = vm_area_struct.at(copy);
    area.vm_mm = address;
    area.vm_next = 0;
    if (area.vm_file !== 0) yield* get_file(area.vm_file);
    // Linked before its pages are copied, so that a failure on the way is undone by exit_mmap.
    if (previous === 0) mm.mmap = copy;
    else vm_area_struct.at(previous).vm_next = copy;
    previous = copy;
    mm.map_count++;
    const error = yield* copy_page_range(address, oldmm.address, at);
    if (error !== 0) return error;
  }
  return 0;
});

/**
 * Makes a copy of an address space of a new structure; on failure nothing is left of that. Needs mmap_sem of the old one for
 * writing. @inline
 */
function* copy_contents(mm: u32, oldmm: u32): Steps<i32> {
  yield* memcpy(mm, oldmm, mm_struct.size);
  if ((yield* mm_init(mm)) === 0) return -ENOMEM;
  const error = yield* dup_mmap(mm);
  // The parent's writable pages are read-only now: no stale permission may survive in its TLB, nor in those of its threads.
  yield* __flush_tlb();
  yield* flush_tlb_others(oldmm, FLUSH_ALL);
  if (error !== 0) yield* mmput(mm);
  return error;
}

/** Gives the child its address space: shared, copied, or none for kernel threads. @context might_sleep */
export const copy_mm = kernel_function("copy_mm", [u32, pointer("task_struct")], i32, function* (clone_flags, task) {
  const tsk = task_struct.at(task);
  tsk.mm = 0;
  tsk.active_mm = 0;
  const oldmm = current().mm;
  if (oldmm === 0) return 0;
  if (clone_flags & CLONE_VM) {
    yield* atomic_inc(oldmm + MM_USERS);
    tsk.mm = oldmm;
    tsk.active_mm = oldmm;
    return 0;
  }
  const mm = yield* kmem_cache_alloc(mm_cachep.value, GFP_KERNEL);
  if (mm === 0) return -ENOMEM;
  const sem = mm_struct.at(oldmm).mmap_sem.address;
  yield* down_write(sem);
  const error = yield* copy_contents(mm, oldmm);
  yield* up_write(sem);
  if (error !== 0) return error;
  tsk.mm = mm;
  tsk.active_mm = mm;
  return 0;
});
