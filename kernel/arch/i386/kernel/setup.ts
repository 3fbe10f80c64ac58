/** What the boot loader said, and the descriptor tables' places (arch/i386/kernel/setup.c). */
import { kernel_function, kernel_variable, per_cpu_table, type Steps } from "../../../host/declarations.ts";
import { memory, read_cstring } from "../../../host/memory.ts";
import { array, chars, struct, u8, u16, u32 } from "../../../host/types.ts";
import {
  ALT_MEM_K,
  CMD_LINE_PTR,
  COMMAND_LINE_SIZE,
  RAMDISK_IMAGE,
  RAMDISK_SIZE,
} from "../../../include/asm/boot-params.ts";
import { __va, MAXMEM, PAGE_SHIFT, PAGE_SIZE } from "../../../include/asm/page.ts";
import { GDT_ENTRIES, GDT_ENTRY_CPU_NUMBER } from "../../../include/asm/segment.ts";
import { strlcpy, strnlen } from "../../../include/asm/string.ts";
import { hex8, KERN_ERR, KERN_INFO, printk } from "../../../kernel/printk.ts";
import { free_reserved_page, reserve_free_pages } from "../../../mm/page_alloc.ts";

/** Physical address of the boot parameters, with the command line in the same page; 0 when that has been given up. */
export const boot_params = kernel_variable("boot_params", u32);
export const saved_command_line = kernel_variable("saved_command_line", chars(COMMAND_LINE_SIZE));

/** Page frames of directly mapped RAM; linear addresses of the initramfs archive, 0 when there is none. */
export const max_low_pfn = kernel_variable("max_low_pfn", u32);
export const initrd_start = kernel_variable("initrd_start", u32);
export const initrd_end = kernel_variable("initrd_end", u32);

/** Frames the kernel maps at most. */
const MAXMEM_PFN = MAXMEM >>> PAGE_SHIFT;

function gdt(): number[] {
  const words = new Array<number>(GDT_ENTRIES * 2).fill(0);
  const set = (selector: number, low: number, high: number) => {
    words[(selector >> 3) * 2] = low;
    words[(selector >> 3) * 2 + 1] = high;
  };
  set(0x10, 0x0000ffff, 0x00cf9a00);
  set(0x18, 0x0000ffff, 0x00cf9200);
  set(0x23, 0x0000ffff, 0x00cffa00);
  set(0x2b, 0x0000ffff, 0x00cff200);
  set(GDT_ENTRY_CPU_NUMBER * 8, 0, 0x00409200);
  return words;
}

/**
 * The GDT of each CPU: null, unused, kernel code and data, user code and data, the thread's own segments, then the TSS, at the
 * same place on every CPU, the CPU's number (the limit of data that nobody uses), and the TSS of double faults.
 */
export const gdt_table = per_cpu_table("gdt_table", gdt());

/** An interrupt descriptor (Intel SDM vol. 3, 6.11). */
export const desc_struct = struct("desc_struct", { a: u32, b: u32 });
export const idt_table = kernel_variable("idt_table", array(desc_struct, 256), undefined, { alignment: 8 });

const segment_descriptor = struct("segment_descriptor", {
  limit: u16,
  base_low: u16,
  base_mid: u8,
  access: u8,
  flags: u8,
  base_high: u8,
});

/** Writes a system-segment descriptor into this CPU's GDT: byte granular, `limit` as the manual counts it (size - 1). */
export function set_system_descriptor(entry: number, base: number, limit: number, access: number): void {
  const descriptor = segment_descriptor.at(gdt_table.address + entry * 8);
  descriptor.limit = limit & 0xffff;
  descriptor.base_low = base & 0xffff;
  descriptor.base_mid = (base >>> 16) & 0xff;
  descriptor.access = access;
  descriptor.flags = (limit >>> 16) & 0x0f;
  descriptor.base_high = base >>> 24;
}

/** Writes the number of a CPU into its own GDT, before anything runs there. */
export function set_cpu_number(cpu: number): void {
  segment_descriptor.at(gdt_table.address_of(cpu) + GDT_ENTRY_CPU_NUMBER * 8).limit = cpu;
}

/** Base address of a system segment in this CPU's GDT. */
export function system_descriptor_base(entry: number): number {
  const descriptor = segment_descriptor.at(gdt_table.address + entry * 8);
  return (descriptor.base_low | (descriptor.base_mid << 16) | (descriptor.base_high << 24)) >>> 0;
}

function word(offset: number): u32 {
  return memory().read32(__va(boot_params.value) + offset) >>> 0;
}

/** Reads how much memory there is. */
export const setup_arch = kernel_function("setup_arch", [], undefined, function* () {
  max_low_pfn.value = Math.min(((1 << 20) >>> PAGE_SHIFT) + (word(ALT_MEM_K) >>> (PAGE_SHIFT - 10)), MAXMEM_PFN);
  printk(`${KERN_INFO}${max_low_pfn.value >>> (20 - PAGE_SHIFT)}MB LOWMEM available.\n`);
});

/** Keeps the frames of the initramfs, which must be free still, and notes where it is. */
function* reserve_initrd(): Steps<void> {
  const size = word(RAMDISK_SIZE);
  if (size === 0) return;
  const start = word(RAMDISK_IMAGE);
  const end: u32 = start + size;
  if (end > max_low_pfn.value * PAGE_SIZE) {
    printk(
      `${KERN_ERR}initrd extends beyond end of memory (0x${hex8(end)} > 0x${hex8(max_low_pfn.value * PAGE_SIZE)})\n` +
        "disabling initrd\n",
    );
    return;
  }
  if (!(yield* reserve_free_pages(start >>> PAGE_SHIFT, Math.ceil(end / PAGE_SIZE)))) {
    printk(`${KERN_ERR}initrd overwritten (0x${hex8(start)} - 0x${hex8(end)}) - disabling it\n`);
    return;
  }
  initrd_start.value = __va(start);
  initrd_end.value = __va(end);
}

/** Characters that a statement may print. */
const PRINTED_AT_ONCE = 200;

function* print_command_line(): Steps<void> {
  printk(`${KERN_INFO}Kernel command line: `);
  const end: u32 = saved_command_line.address + (yield* strnlen(saved_command_line.address, COMMAND_LINE_SIZE));
  for (let at: u32 = saved_command_line.address; at < end; at += PRINTED_AT_ONCE) print_part(at);
  printk("\n");
}

/** @bounded by PRINTED_AT_ONCE */
function print_part(at: number): void {
  printk(read_cstring(at, PRINTED_AT_ONCE));
}

/**
 * Takes over what the boot loader says is to be run: command line and initramfs. Until the first instruction of this
 * function nothing depends on either, so that a machine that stands there can be given others (kernel/running/boot-state.ts).
 */
export const read_boot_params = kernel_function("read_boot_params", [], undefined, function* () {
  const command_line = word(CMD_LINE_PTR);
  if (command_line !== 0) yield* strlcpy(saved_command_line.address, __va(command_line), COMMAND_LINE_SIZE);
  yield* print_command_line();
  yield* reserve_initrd();
  const params = boot_params.value;
  boot_params.value = 0;
  yield* free_reserved_page(params >>> PAGE_SHIFT);
});
