/** Switching address spaces (include/asm-i386/mmu_context.h). */
import { max_low_pfn } from "../../arch/i386/kernel/setup.ts";
import type { Steps } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import type { u32 } from "../../host/types.ts";
import { panic } from "../../kernel/panic.ts";
import { hex8 } from "../../kernel/printk.ts";
import { init_mm } from "../../mm/init_mm.ts";
import { mm_struct } from "../linux/mm.ts";
import { smp_switch_mm } from "../linux/smp.ts";
import { __pa, PAGE_MASK, PAGE_OFFSET, PAGE_SHIFT } from "./page.ts";
import { pgd_offset } from "./pgtable.ts";
import { load_cr3 } from "./system.ts";

/** Whether there is a page directory that maps the kernel: without, the CPU would not even find its IDT. */
function maps_kernel(pgd: number): boolean {
  if ((pgd & ~PAGE_MASK) !== 0 || pgd < PAGE_OFFSET || __pa(pgd) >>> PAGE_SHIFT >= max_low_pfn.value) return false;
  const m = memory();
  return m.read32(pgd_offset(pgd, PAGE_OFFSET)) === m.read32(pgd_offset(init_mm.value.pgd, PAGE_OFFSET));
}

/** CR3 is loaded only when the page tables differ. @inline */
export function* switch_mm(prev: u32, next: u32): Steps<void> {
  yield* smp_switch_mm(prev, next);
  if (prev === next) return;
  if (!maps_kernel(mm_struct.at(next).pgd))
    yield* panic(`switch_mm: no page directory at ${hex8(mm_struct.at(next).pgd)}, mm ${hex8(next)}`);
  yield* load_cr3(__pa(mm_struct.at(next).pgd));
}
