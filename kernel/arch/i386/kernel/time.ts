/** The 8254's ticks (arch/i386/kernel/time.c). */
import { cstring, kernel_function, kernel_variable } from "../../../host/declarations.ts";
import { i32, pointer, u32 } from "../../../host/types.ts";
import { outb } from "../../../include/asm/system.ts";
import { IRQ_HANDLED, irqaction, SA_INTERRUPT } from "../../../include/linux/interrupt.ts";
import { do_timer, HZ } from "../../../kernel/timer.ts";
import { setup_irq } from "./irq.ts";

export const CLOCK_TICK_RATE = 1193182;
export const PIT_CHANNEL_0 = 0x40;
export const PIT_MODE = 0x43;
const TIMER_IRQ = 0;
const timer_name = cstring("timer");

/** Counts of channel 0 from one tick to the next. */
export function LATCH(): number {
  return Math.floor((CLOCK_TICK_RATE + HZ.value / 2) / HZ.value);
}

/** Programs channel 0 as a rate generator at HZ. */
export function init_pit(): void {
  const latch = LATCH();
  outb(0x34, PIT_MODE); // channel 0, low byte then high byte, mode 2
  outb(latch & 0xff, PIT_CHANNEL_0);
  outb(latch >> 8, PIT_CHANNEL_0);
}

/** @context in_irq irqs_disabled */
export const do_timer_interrupt = kernel_function(
  "do_timer_interrupt",
  [i32, u32, pointer("pt_regs")],
  undefined,
  function* (_irq, _dev_id, regs) {
    yield* do_timer(regs);
  },
);

/** @context in_irq irqs_disabled */
export const timer_interrupt = kernel_function(
  "timer_interrupt",
  [i32, u32, pointer("pt_regs")],
  i32,
  function* (irq, dev_id, regs) {
    yield* do_timer_interrupt(irq, dev_id, regs);
    return IRQ_HANDLED;
  },
);

/** The timer's handler, there before anything can be allocated. */
const irq0 = kernel_variable("irq0", irqaction);

/** Takes IRQ 0: from here on, whenever interrupts are on, jiffies advance. */
export const time_init = kernel_function("time_init", [], undefined, function* () {
  const action = irq0.value;
  action.handler = timer_interrupt.address;
  action.flags = SA_INTERRUPT;
  action.name = timer_name.address;
  yield* setup_irq(TIMER_IRQ, action.address);
});
