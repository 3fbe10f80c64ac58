/** The I/O APIC: device interrupts of a machine with several CPUs (arch/i386/kernel/io_apic.c). */
import { kernel_function, kernel_table, kernel_variable, type Steps } from "../../../host/declarations.ts";
import { u32 } from "../../../host/types.ts";
import {
  APIC_DEST_LOGICAL,
  APIC_DEST_SHIFT,
  APIC_DM_LOWEST,
  APIC_LVT_MASKED,
  IO_APIC_REDIRECTION,
  IO_APIC_REG_VERSION,
  io_apic_read,
  io_apic_write,
} from "../../../include/asm/apic.ts";
import { SPIN_LOCK_UNLOCKED, spin_lock, spin_unlock, spinlock_t } from "../../../include/asm/spinlock.ts";
import {
  FIRST_EXTERNAL_VECTOR,
  hw_interrupt_type,
  IRQ_DISABLED,
  IRQ_PENDING,
  NR_IRQS,
} from "../../../include/linux/interrupt.ts";
import { KERN_INFO, printk } from "../../../kernel/printk.ts";
import { ack_APIC_irq } from "./apic.ts";
import { disable_8259A_irq } from "./i8259.ts";
import { irq_desc } from "./irq.ts";
import { IO_APIC_irq_pin } from "./mpparse.ts";

/** One bit a CPU that device interrupts may go to (TARGET_CPUS): whichever is least busy takes them, of equals each in turn. */
export const io_apic_target_cpus = kernel_variable("io_apic_target_cpus", u32, 0xff);

/** Held while a register is chosen and accessed: there is one window for all of them. */
const ioapic_lock = kernel_table("ioapic_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/** Lines of the ISA bus are edges, active high. */
function entry_of(irq: number): u32 {
  return (FIRST_EXTERNAL_VECTOR + irq) | APIC_DM_LOWEST | APIC_DEST_LOGICAL;
}

/** @context irqs_disabled */
function* write_entry(irq: u32, masked: boolean): Steps<void> {
  const register = IO_APIC_REDIRECTION(IO_APIC_irq_pin(irq));
  yield* spin_lock(ioapic_lock.address);
  yield* io_apic_write(register + 1, io_apic_target_cpus.value << APIC_DEST_SHIFT);
  yield* io_apic_write(register, entry_of(irq) | (masked ? APIC_LVT_MASKED : 0));
  yield* spin_unlock(ioapic_lock.address);
}

/** @context irqs_disabled */
kernel_function("unmask_IO_APIC_irq", [u32], undefined, function* (irq) {
  yield* write_entry(irq, false);
});

/** @context irqs_disabled */
kernel_function("mask_IO_APIC_irq", [u32], undefined, function* (irq) {
  yield* write_entry(irq, true);
});

/**
 * The next edge may come: what comes while the handlers run is remembered in IRQ_PENDING. A line that nobody listens to is
 * masked at its second edge.
 * @context irqs_disabled
 */
const ack_edge_ioapic_irq = kernel_function("ack_edge_ioapic_irq", [u32], undefined, function* (irq) {
  const ignored = IRQ_PENDING | IRQ_DISABLED;
  if ((irq_desc.value.get(irq).status & ignored) === ignored) yield* write_entry(irq, true);
  yield* ack_APIC_irq();
});

/** Edges are done with when they are acknowledged. */
kernel_function("end_edge_ioapic_irq", [u32], undefined, function* (_irq) {});

/** Operations of the I/O APIC's edge triggered lines: struct hw_interrupt_type. */
const ioapic_edge_irq_type = kernel_table(
  "ioapic_edge_irq_type",
  ["unmask_IO_APIC_irq", "mask_IO_APIC_irq", ack_edge_ioapic_irq.symbol, "end_edge_ioapic_irq"],
  hw_interrupt_type,
);

/**
 * Takes an ISA interrupt from the 8259A to the I/O APIC, if that has a pin for it.
 * @context irqs_disabled
 */
function* setup_IO_APIC_irq(irq: u32): Steps<void> {
  if (IO_APIC_irq_pin(irq) < 0) return;
  const desc = irq_desc.value.get(irq);
  disable_8259A_irq(irq);
  desc.handler = ioapic_edge_irq_type.address;
  yield* write_entry(irq, (desc.status & IRQ_DISABLED) !== 0);
}

/** Device interrupts go by the I/O APIC from here on. @context irqs_disabled */
export const setup_IO_APIC = kernel_function("setup_IO_APIC", [], undefined, function* () {
  printk(`${KERN_INFO}ENABLING IO-APIC IRQs\n`);
  const pins = (((yield* io_apic_read(IO_APIC_REG_VERSION)) >>> 16) & 0xff) + 1;
  for (let pin: u32 = 0; pin < pins; pin++) yield* io_apic_write(IO_APIC_REDIRECTION(pin), APIC_LVT_MASKED);
  for (let irq: u32 = 0; irq < NR_IRQS; irq++) yield* setup_IO_APIC_irq(irq);
});
