/**
 * Page frames on their way out of an address space (include/asm-generic/tlb.h). A frame may not be used for anything else while
 * another CPU has a translation for it: so those that threads may use are gathered, a page table's at a time, and freed when
 * no CPU has one any more.
 */
import { kernel_function, per_cpu } from "../../host/declarations.ts";
import { array, pointer, struct, u32 } from "../../host/types.ts";
import { put_page } from "../../mm/page_alloc.ts";
import type { mm_struct } from "../linux/mm.ts";
import { smp_num_cpus } from "../linux/sched.ts";
import { PTRS_PER_PTE } from "./page.ts";
import { flush_tlb_mm } from "./tlbflush.ts";

const mmu_gather = struct("mmu_gather", { nr: u32, pages: array(pointer("page"), PTRS_PER_PTE) });

/** Each CPU's frames. They are put there and freed with a page_table_lock held, so that the task stays on its CPU. */
const mmu_gathers = per_cpu("mmu_gathers", mmu_gather);

/** Whether frames of an address space have to be gathered: not while only one task uses it, or nobody any more. */
export function tlb_gathers(mm: mm_struct): boolean {
  return mm.mm_users > 1 && smp_num_cpus.value > 1;
}

/** Gathers a frame whose entry is clear now. Needs page_table_lock. */
export function tlb_remove_page(page_struct: number): void {
  const gather = mmu_gathers.value;
  gather.pages.set(gather.nr, page_struct);
  gather.nr++;
}

/** Has all CPUs forget what they knew of an address space, and frees what was gathered. Needs page_table_lock. */
export const tlb_free_gathered = kernel_function(
  "tlb_free_gathered",
  [pointer("mm_struct")],
  undefined,
  function* (mm) {
    const gather = mmu_gathers.value;
    if (gather.nr === 0) return;
    yield* flush_tlb_mm(mm);
    while (gather.nr > 0) {
      gather.nr--;
      yield* put_page(gather.pages.get(gather.nr));
    }
  },
);
