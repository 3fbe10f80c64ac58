/**
 * Kernel page tables and the memory map at boot (arch/i386/mm/init.c).
 *
 * head.S has mapped the first 8 MiB at PAGE_OFFSET and at 0; from `paging_init` on all RAM is mapped at PAGE_OFFSET with
 * 4 KiB pages, and nothing below it. These are global pages: loading CR3 does not drop their translations.
 */
import { configured, image } from "../../../host/context.ts";
import { config_function, kernel_function } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { u32 } from "../../../host/types.ts";
import {
  __pa,
  PAGE_KERNEL,
  PAGE_KERNEL_RO,
  PAGE_SHIFT,
  PAGE_SIZE,
  PTRS_PER_PGD,
  PTRS_PER_PTE,
  USER_PTRS_PER_PGD,
} from "../../../include/asm/page.ts";
import { _KERNPG_TABLE } from "../../../include/asm/pgtable.ts";
import { clear_page, memset } from "../../../include/asm/string.ts";
import { load_cr3, set_in_cr4, X86_CR4_PGE } from "../../../include/asm/system.ts";
import { page } from "../../../include/linux/mm.ts";
import { find_smp_config, init_apic_mappings } from "../../../include/linux/smp.ts";
import { NR_CPUS } from "../../../include/linux/threads.ts";
import { KERN_INFO, printk } from "../../../kernel/printk.ts";
import {
  __alloc_bootmem_pages,
  free_all_bootmem,
  free_bootmem,
  init_bootmem,
  reserve_bootmem,
} from "../../../mm/bootmem.ts";
import { free_area_init } from "../../../mm/page_alloc.ts";
import "../../../mm/vmscan.ts"; // called by symbol when memory runs out
import { boot_params, max_low_pfn } from "../kernel/setup.ts";

/** Stacks of the CPUs (arch/i386/kernel/irq_stacks.ts). */
const irq_stacks_init = config_function("irq_stacks_init", [u32], "CONFIG_IRQ_STACKS");
/** Page tables of the area that vmalloc maps (mm/vmalloc.ts). */
const vmalloc_init = config_function("vmalloc_init", [u32], "CONFIG_VMAP_STACK");

/** The hole below 1 MiB: VGA memory and ROMs. */
const ISA_HOLE_START = 0xa0000;
const ISA_HOLE_END = 0x100000;

/** Starts bootmem: all RAM but the BIOS's page, the boot parameters, the ISA hole, the kernel image and the bitmap. */
const setup_bootmem_allocator = kernel_function("setup_bootmem_allocator", [], undefined, function* () {
  const end_pfn = max_low_pfn.value;
  const kernel_start = __pa(image().symbol("_text"));
  const kernel_end = __pa(image().symbol("_end"));
  const map_pfn = 1; // in low memory: the initramfs may begin right behind the kernel
  const map_size = yield* init_bootmem(map_pfn, end_pfn);
  yield* free_bootmem(0, end_pfn << PAGE_SHIFT);
  yield* reserve_bootmem(0, PAGE_SIZE);
  yield* reserve_bootmem(boot_params.value, PAGE_SIZE);
  yield* reserve_bootmem(ISA_HOLE_START, ISA_HOLE_END - ISA_HOLE_START);
  yield* reserve_bootmem(kernel_start, kernel_end - kernel_start);
  yield* reserve_bootmem(map_pfn << PAGE_SHIFT, map_size);
});

/**
 * Maps frames 0 to max_low_pfn at PAGE_OFFSET, a page table at a time: each is live before the next is needed. Code and
 * constants are read-only: a wild pointer, or a stack that has run into them, is a fault and not the end of the handlers.
 */
const pagetable_init = kernel_function("pagetable_init", [], undefined, function* () {
  const swapper_pg_dir = image().symbol("swapper_pg_dir");
  const end_pfn = max_low_pfn.value;
  const first_constant = __pa(image().symbol("_text")) >>> PAGE_SHIFT;
  const first_variable = __pa(image().symbol("_sdata")) >>> PAGE_SHIFT;
  for (let pfn = 0, entry = USER_PTRS_PER_PGD; pfn < end_pfn; pfn += PTRS_PER_PTE, entry++) {
    const table = yield* __alloc_bootmem_pages(PAGE_SIZE);
    const m = memory();
    const entries = Math.min(PTRS_PER_PTE, end_pfn - pfn);
    for (let i = 0; i < entries; i++) {
      const is_constant = pfn + i >= first_constant && pfn + i < first_variable;
      m.write32(table + 4 * i, ((pfn + i) << PAGE_SHIFT) | (is_constant ? PAGE_KERNEL_RO : PAGE_KERNEL));
    }
    m.write32(swapper_pg_dir + 4 * entry, __pa(table) | _KERNPG_TABLE);
  }
  // head.S mapped 8 MiB whatever there is.
  const mapped = USER_PTRS_PER_PGD + Math.ceil(end_pfn / PTRS_PER_PTE);
  yield* memset(swapper_pg_dir + 4 * mapped, 0, 4 * (PTRS_PER_PGD - mapped));
});

/** Takes away the identity mapping that boot code ran on. */
const zap_low_mappings = kernel_function("zap_low_mappings", [], undefined, function* () {
  yield* memset(image().symbol("swapper_pg_dir"), 0, 4 * USER_PTRS_PER_PGD);
});

/**
 * Sets up the kernel's page tables and mem_map, after setup_arch has said how much memory there is.
 */
export const paging_init = kernel_function("paging_init", [], undefined, function* () {
  yield* setup_bootmem_allocator();
  yield* find_smp_config();
  yield* pagetable_init();
  yield* zap_low_mappings();
  yield* load_cr3(__pa(image().symbol("swapper_pg_dir")));
  yield* set_in_cr4(X86_CR4_PGE);
  yield* init_apic_mappings();
  yield* vmalloc_init(max_low_pfn.value);
  yield* irq_stacks_init(configured("CONFIG_SMP") ? NR_CPUS : 1);
  const frames = max_low_pfn.value;
  yield* free_area_init(yield* __alloc_bootmem_pages(frames * page.size), frames);
});

function kilobytes(from: string, to: string): number {
  return (image().symbol(to) - image().symbol(from)) >>> 10;
}

/** Clears the page of zeros, gives all memory that is not reserved to the buddy allocator, and says how much there is. */
export const mem_init = kernel_function("mem_init", [], undefined, function* () {
  yield* clear_page(image().symbol("empty_zero_page"));
  const available = yield* free_all_bootmem();
  const total = max_low_pfn.value;
  const code = kilobytes("_text", "_etext");
  const data = kilobytes("_etext", "_end");
  printk(
    `${KERN_INFO}Memory: ${available << 2}k/${total << 2}k available ` +
      `(${code}k kernel code, ${(total - available) << 2}k reserved, ${data}k data)\n`,
  );
});
