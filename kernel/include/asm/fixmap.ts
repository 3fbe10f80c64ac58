/** Linear addresses that are known when the kernel is built, for pages that are mapped at boot (include/asm-i386/fixmap.h). */
import type { u32 } from "../../host/types.ts";
import { PAGE_SHIFT } from "./page.ts";

/** The highest of them; they are numbered downwards. */
const FIXADDR_TOP = 0xffffe000;

/** The local APIC's registers: each CPU sees its own. */
export const FIX_APIC_BASE = 0;
/** The first I/O APIC's registers. */
export const FIX_IO_APIC_BASE_0 = 1;

/** The lowest of their pages: nothing else is mapped from here on. */
export const FIXADDR_START = FIXADDR_TOP - (FIX_IO_APIC_BASE_0 << PAGE_SHIFT);

export function fix_to_virt(index: number): u32 {
  return FIXADDR_TOP - (index << PAGE_SHIFT);
}
