/** What CPUs, APICs and interrupts there are, by the tables of Intel's MultiProcessor Specification (arch/i386/kernel/mpparse.c). */
import { image } from "../../../host/context.ts";
import { kernel_function, kernel_variable, type Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import { array, i32, u32 } from "../../../host/types.ts";
import { APIC_DEFAULT_PHYS_BASE, APIC_DEST_SHIFT, APIC_ID, apic_read } from "../../../include/asm/apic.ts";
import { FIX_APIC_BASE, FIX_IO_APIC_BASE_0, fix_to_virt } from "../../../include/asm/fixmap.ts";
import {
  CPU_BOOTPROCESSOR,
  CPU_ENABLED,
  MP_BUS,
  MP_INT,
  MP_INTSRC,
  MP_IOAPIC,
  MP_PROCESSOR,
  MPC_APIC_USABLE,
  MPC_ENTRY_SIZE,
  MPC_SIGNATURE,
  MPF_IMCR_PRESENT,
  MPF_SIGNATURE,
  mp_config_table,
  mpc_config_bus,
  mpc_config_intsrc,
  mpc_config_ioapic,
  mpc_config_processor,
  mpf_intel,
} from "../../../include/asm/mpspec.ts";
import { __pa, __va, _PAGE_PCD, PAGE_KERNEL, PAGE_SIZE } from "../../../include/asm/page.ts";
import { _KERNPG_TABLE, pgd_none, pgd_offset, pte_offset } from "../../../include/asm/pgtable.ts";
import { __flush_tlb_one } from "../../../include/asm/system.ts";
import { NR_IRQS } from "../../../include/linux/interrupt.ts";
import { NR_CPUS } from "../../../include/linux/threads.ts";
import { hex8, KERN_ERR, KERN_INFO, KERN_WARNING, printk } from "../../../kernel/printk.ts";
import { __alloc_bootmem_pages, reserve_bootmem } from "../../../mm/bootmem.ts";

/** The floating pointer structure; 0 when none was found, or what it leads to is of no use. */
const mpf_found = kernel_variable("mpf_found", u32);
/** Whether there is a configuration with more than one CPU: then interrupts go by the APICs. */
export const smp_found_config = kernel_variable("smp_found_config", u32);

/** One bit a local APIC of a CPU, by its ID. */
export const phys_cpu_present_map = kernel_variable("phys_cpu_present_map", u32);
const num_processors = kernel_variable("num_processors", i32);
export const boot_cpu_physical_apicid = kernel_variable("boot_cpu_physical_apicid", i32);
/** The board comes up with the 8259A's interrupts past the APICs, and has a switch for that. */
export const pic_mode = kernel_variable("pic_mode", u32);

const mp_lapic_addr = kernel_variable("mp_lapic_addr", u32);
const mp_ioapic_addr = kernel_variable("mp_ioapic_addr", u32);
const mp_ioapic_id = kernel_variable("mp_ioapic_id", i32);
const nr_ioapics = kernel_variable("nr_ioapics", i32);
/** Number of the ISA bus. */
const mp_isa_bus = kernel_variable("mp_isa_bus", i32, -1);
const NO_PIN = -1;
/** Pin of the I/O APIC for each ISA interrupt, or NO_PIN. */
const mp_irq_pin = kernel_variable("mp_irq_pin", array(i32, NR_IRQS));

/** A page below 640 KiB from which further CPUs start; 0 for none. */
export const trampoline_base = kernel_variable("trampoline_base", u32);

/** Pin of the I/O APIC that an ISA interrupt comes to; negative for none. */
export function IO_APIC_irq_pin(irq: number): i32 {
  return mp_irq_pin.value.get(irq);
}

/** Sum of bytes; 0 for a table that is whole. */
function* mpf_checksum(at: u32, length: u32): Steps<u32> {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < length; i++) sum += memory().read8(at + i);
  return sum & 0xff;
}

/** Looks for the floating pointer structure in physical memory, at multiples of 16 bytes. */
function* smp_scan_config(base: u32, length: u32): Steps<boolean> {
  const end: u32 = __va(base) + length;
  for (let at: u32 = __va(base); at < end; at += 16) {
    if (memory().read32(at) !== MPF_SIGNATURE || mpf_intel.at(at).mpf_length !== 1) continue;
    if ((yield* mpf_checksum(at, 16)) !== 0) continue;
    const { mpf_physptr } = mpf_intel.at(at);
    mpf_found.value = at;
    printk(`${KERN_INFO}found SMP MP-table at ${hex8(__pa(at))}\n`);
    yield* reserve_bootmem(__pa(at), PAGE_SIZE);
    if (mpf_physptr !== 0) yield* reserve_bootmem(mpf_physptr, PAGE_SIZE);
    return true;
  }
  return false;
}

/** Where the BIOS data area has the segment of the extended one. */
const EBDA_SEGMENT = 0x40e;

/** The places where the specification says that it may be: the last KiB of base memory, the BIOS's ROM, its extended area. */
function* scan_all(): Steps<boolean> {
  if (yield* smp_scan_config(0, 0x400)) return true;
  if (yield* smp_scan_config(639 * 0x400, 0x400)) return true;
  if (yield* smp_scan_config(0xf0000, 0x10000)) return true;
  const ebda = memory().read16(__va(EBDA_SEGMENT)) << 4;
  return ebda !== 0 && (yield* smp_scan_config(ebda, 0x400));
}

export const find_smp_config = kernel_function("find_smp_config", [], undefined, function* () {
  if (yield* scan_all()) trampoline_base.value = yield* __alloc_bootmem_pages(PAGE_SIZE);
});

/** @bounded by the lines of the ISA bus */
function no_pins(): void {
  for (let irq = 0; irq < NR_IRQS; irq++) mp_irq_pin.value.set(irq, NO_PIN);
}

function MP_processor_info(at: number): void {
  const { mpc_apicid, mpc_apicver, mpc_cpuflag } = mpc_config_processor.at(at);
  if ((mpc_cpuflag & CPU_ENABLED) === 0) return;
  printk(`${KERN_INFO}Processor #${mpc_apicid} APIC version ${mpc_apicver}\n`);
  if (num_processors.value >= NR_CPUS || mpc_apicid >= 32) {
    printk(`${KERN_WARNING}Processor #${mpc_apicid} is one more than this kernel is for (${NR_CPUS})\n`);
    return;
  }
  num_processors.value++;
  phys_cpu_present_map.value |= 1 << mpc_apicid;
  if (mpc_cpuflag & CPU_BOOTPROCESSOR) boot_cpu_physical_apicid.value = mpc_apicid;
}

function MP_bus_info(at: number): void {
  const { mpc_busid, mpc_bustype } = mpc_config_bus.at(at);
  if (mpc_bustype.startsWith("ISA")) mp_isa_bus.value = mpc_busid;
}

function MP_ioapic_info(at: number): void {
  const { mpc_apicid, mpc_apicver, mpc_flags, mpc_apicaddr } = mpc_config_ioapic.at(at);
  if ((mpc_flags & MPC_APIC_USABLE) === 0 || nr_ioapics.value > 0) return;
  printk(`${KERN_INFO}I/O APIC #${mpc_apicid} Version ${mpc_apicver} at 0x${hex8(mpc_apicaddr)}.\n`);
  nr_ioapics.value = 1;
  mp_ioapic_id.value = mpc_apicid;
  mp_ioapic_addr.value = mpc_apicaddr;
}

const ALL_IOAPICS = 0xff;

function MP_intsrc_info(at: number): void {
  const { mpc_irqtype, mpc_srcbus, mpc_srcbusirq, mpc_dstapic, mpc_dstirq } = mpc_config_intsrc.at(at);
  if (mpc_irqtype !== MP_INT || mpc_srcbus !== mp_isa_bus.value || mpc_srcbusirq >= NR_IRQS) return;
  if (mpc_dstapic === mp_ioapic_id.value || mpc_dstapic === ALL_IOAPICS)
    mp_irq_pin.value.set(mpc_srcbusirq, mpc_dstirq);
}

/** One entry of the configuration table. Returns its size. */
function MP_entry(at: number): u32 {
  switch (memory().read8(at)) {
    case MP_PROCESSOR:
      MP_processor_info(at);
      return mpc_config_processor.size;
    case MP_BUS:
      MP_bus_info(at);
      break;
    case MP_IOAPIC:
      MP_ioapic_info(at);
      break;
    case MP_INTSRC:
      MP_intsrc_info(at);
      break;
  }
  return MPC_ENTRY_SIZE;
}

/** Reads the configuration table. Returns whether it is one. */
function* smp_read_mpc(at: u32): Steps<boolean> {
  const table = mp_config_table.at(at);
  if (table.mpc_signature !== MPC_SIGNATURE) {
    printk(`${KERN_ERR}SMP mptable: bad signature [${hex8(table.mpc_signature)}]!\n`);
    return false;
  }
  if ((yield* mpf_checksum(at, table.mpc_length)) !== 0) {
    printk(`${KERN_ERR}SMP mptable: checksum error!\n`);
    return false;
  }
  printk(
    `${KERN_INFO}OEM ID: ${table.mpc_oem} Product ID: ${table.mpc_productid} APIC at: 0x${hex8(table.mpc_lapic)}\n`,
  );
  mp_lapic_addr.value = table.mpc_lapic;
  const end: u32 = at + table.mpc_length;
  for (let entry: u32 = at + mp_config_table.size; entry < end; ) entry += MP_entry(entry);
  return true;
}

/** What the floating pointer structure leads to. */
function* get_smp_config(): Steps<void> {
  no_pins();
  mp_lapic_addr.value = APIC_DEFAULT_PHYS_BASE;
  if (mpf_found.value === 0) return;
  const mpf = mpf_intel.at(mpf_found.value);
  printk(`${KERN_INFO}Intel MultiProcessor Specification v1.${mpf.mpf_specification}\n`);
  pic_mode.value = mpf.mpf_feature2 & MPF_IMCR_PRESENT ? 1 : 0;
  printk(
    `${KERN_INFO}    ${pic_mode.value ? "IMCR and PIC compatibility mode" : "Virtual Wire compatibility mode"}.\n`,
  );
  if (mpf.mpf_physptr === 0) {
    printk(`${KERN_ERR}SMP mptable: a default configuration (${mpf.mpf_feature1}) is not one this kernel knows\n`);
    return;
  }
  if (!(yield* smp_read_mpc(__va(mpf.mpf_physptr)))) return;
  printk(`${KERN_INFO}Processors: ${num_processors.value}\n`);
  smp_found_config.value = num_processors.value > 1 && nr_ioapics.value > 0 ? 1 : 0;
}

/** Maps a page of device registers, uncached, at a fixed address, in the page directory that all others are copied from. */
function* set_fixmap_nocache(index: u32, physical: u32): Steps<void> {
  const address = fix_to_virt(index);
  const entry = pgd_offset(image().symbol("swapper_pg_dir"), address);
  if (pgd_none(entry)) {
    const table = yield* __alloc_bootmem_pages(PAGE_SIZE);
    memory().write32(entry, __pa(table) | _KERNPG_TABLE);
  }
  memory().write32(pte_offset(entry, address), physical | PAGE_KERNEL | _PAGE_PCD);
  yield* __flush_tlb_one(address);
}

export const init_apic_mappings = kernel_function("init_apic_mappings", [], undefined, function* () {
  yield* get_smp_config();
  if (smp_found_config.value === 0) return;
  yield* set_fixmap_nocache(FIX_APIC_BASE, mp_lapic_addr.value);
  yield* set_fixmap_nocache(FIX_IO_APIC_BASE_0, mp_ioapic_addr.value);
  boot_cpu_physical_apicid.value = (yield* apic_read(APIC_ID)) >>> APIC_DEST_SHIFT;
});
