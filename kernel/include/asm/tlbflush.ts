/** TLB flushes for what user mappings changed (include/asm-i386/pgalloc.h). */
import type { Steps } from "../../host/declarations.ts";
import type { u32 } from "../../host/types.ts";
import { vm_area_struct } from "../linux/mm.ts";
import { current } from "../linux/sched.ts";
import { FLUSH_ALL, flush_tlb_others } from "../linux/smp.ts";
import { __flush_tlb, __flush_tlb_one } from "./system.ts";

/** After many entries of an address space changed. Only what is loaded can be in the TLB. */
export function* flush_tlb_mm(mm: u32): Steps<void> {
  if (mm === current().active_mm) yield* __flush_tlb();
  yield* flush_tlb_others(mm, FLUSH_ALL);
}

/** After one entry changed. */
export function* flush_tlb_page(vma: u32, address: u32): Steps<void> {
  if (vm_area_struct.at(vma).vm_mm === current().active_mm) yield* __flush_tlb_one(address);
  yield* flush_tlb_others(vm_area_struct.at(vma).vm_mm, address);
}
