/** The interrupt controller pair (arch/i386/kernel/i8259.c). */
import { kernel_variable } from "../../../host/declarations.ts";
import { u32 } from "../../../host/types.ts";
import { inb, local_irq_restore, local_irq_save, outb } from "../../../include/asm/system.ts";
import { FIRST_EXTERNAL_VECTOR } from "../../../include/linux/interrupt.ts";
import { KERN_DEBUG, printk } from "../../../kernel/printk.ts";

const MASTER_COMMAND = 0x20;
const MASTER_MASK = 0x21;
const SLAVE_COMMAND = 0xa0;
const SLAVE_MASK = 0xa1;
const PIC_CASCADE_IR = 2;
const READ_ISR = 0x0b;
const READ_IRR = 0x0a;
const SPECIFIC_EOI = 0x60;

/** One bit a line, set when masked: what the two mask registers hold. */
export const cached_irq_mask = kernel_variable("cached_irq_mask", u32, 0xffff & ~(1 << PIC_CASCADE_IR));
/** Spurious interrupts seen. */
export const irq_err_count = kernel_variable("irq_err_count", u32);

function write_mask(irq: number): void {
  if (irq & 8) outb(cached_irq_mask.value >>> 8, SLAVE_MASK);
  else outb(cached_irq_mask.value, MASTER_MASK);
}

export function disable_8259A_irq(irq: number): void {
  const flags = local_irq_save();
  cached_irq_mask.value |= 1 << irq;
  write_mask(irq);
  local_irq_restore(flags);
}

export function enable_8259A_irq(irq: number): void {
  const flags = local_irq_save();
  cached_irq_mask.value &= ~(1 << irq);
  write_mask(irq);
  local_irq_restore(flags);
}

function in_service(irq: number): boolean {
  const port = irq & 8 ? SLAVE_COMMAND : MASTER_COMMAND;
  outb(READ_ISR, port);
  const value = inb(port);
  outb(READ_IRR, port);
  return (value & (1 << (irq & 7))) !== 0;
}

/** Masks the line and tells the controllers that its interrupt was taken. Spurious ones (IRQ 7, 15) are only counted. */
export function mask_and_ack_8259A(irq: number): void {
  const flags = local_irq_save();
  if ((irq & 7) === 7 && (cached_irq_mask.value & (1 << irq)) === 0 && !in_service(irq)) {
    printk(`${KERN_DEBUG}spurious 8259A interrupt: IRQ${irq}.\n`);
    irq_err_count.value++;
    // The cascade line of a spurious IRQ 15 was real.
    if (irq & 8) outb(SPECIFIC_EOI + PIC_CASCADE_IR, MASTER_COMMAND);
    local_irq_restore(flags);
    return;
  }
  cached_irq_mask.value |= 1 << irq;
  write_mask(irq);
  if (irq & 8) {
    outb(SPECIFIC_EOI + (irq & 7), SLAVE_COMMAND);
    outb(SPECIFIC_EOI + PIC_CASCADE_IR, MASTER_COMMAND);
  } else outb(SPECIFIC_EOI + irq, MASTER_COMMAND);
  local_irq_restore(flags);
}

/** Programs both controllers: lines 0-7 at vector 0x20, 8-15 at 0x28, everything but the cascade masked. */
export function init_8259A(): void {
  outb(0xff, MASTER_MASK);
  outb(0xff, SLAVE_MASK);
  outb(0x11, MASTER_COMMAND); // ICW1: cascade, ICW4 follows
  outb(FIRST_EXTERNAL_VECTOR, MASTER_MASK);
  outb(1 << PIC_CASCADE_IR, MASTER_MASK);
  outb(0x01, MASTER_MASK); // ICW4: 8086 mode, normal EOI
  outb(0x11, SLAVE_COMMAND);
  outb(FIRST_EXTERNAL_VECTOR + 8, SLAVE_MASK);
  outb(PIC_CASCADE_IR, SLAVE_MASK);
  outb(0x01, SLAVE_MASK);
  outb(cached_irq_mask.value, MASTER_MASK);
  outb(cached_irq_mask.value >>> 8, SLAVE_MASK);
}
