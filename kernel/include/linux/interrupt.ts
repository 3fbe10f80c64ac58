/** Interrupt handlers' structures and flags (include/linux/interrupt.h, irq.h). */
import { i32, pointer, struct, u32, type ViewOf } from "../../host/types.ts";
import { spinlock_t } from "../asm/spinlock.ts";

/** Run the handler with interrupts off; the line may be shared; IRQ_NONE/IRQ_HANDLED results. */
export const SA_INTERRUPT = 0x20000000;
export const SA_SHIRQ = 0x04000000;
export const IRQ_NONE = 0;
export const IRQ_HANDLED = 1;

export const irqaction = struct("irqaction", {
  /** Guest function (irq, dev_id, regs). */
  handler: pointer("handler"),
  flags: u32,
  name: pointer("char"),
  dev_id: u32,
  next: pointer("irqaction"),
});

export const IRQ_INPROGRESS = 1;
export const IRQ_DISABLED = 2;
export const IRQ_PENDING = 4;

/** An interrupt controller's operations: guest functions of a line's number (include/linux/irq.h). */
export const hw_interrupt_type = struct("hw_interrupt_type", {
  enable: pointer("function"),
  disable: pointer("function"),
  ack: pointer("function"),
  end: pointer("function"),
});

export const irq_desc_t = struct("irq_desc_t", {
  status: u32,
  action: pointer("irqaction"),
  depth: u32,
  unhandled: i32,
  /** Held while the line's state or handlers change, not while handlers run. */
  lock: spinlock_t,
  /** The line's controller; 0 for the 8259A pair, whose operations are part of the statement that needs them. */
  handler: pointer("hw_interrupt_type"),
});
export type irq_desc_t = ViewOf<typeof irq_desc_t>;

export const NR_IRQS = 16;
export const FIRST_EXTERNAL_VECTOR = 0x20;

/** Old bottom halves, in order of priority (include/linux/interrupt.h). */
export const TIMER_BH = 0;
export const TQUEUE_BH = 1;
export const SERIAL_BH = 8;
export const IMMEDIATE_BH = 10;
