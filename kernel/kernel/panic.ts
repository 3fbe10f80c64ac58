/** The end of the kernel (kernel/panic.c). */

import { show_registers_of_core } from "../arch/i386/kernel/show.ts";
import { kernel_function, type Steps } from "../host/declarations.ts";
import { i32 } from "../host/types.ts";
import { local_irq_disable, outl } from "../include/asm/system.ts";
import { current } from "../include/linux/sched.ts";
import { smp_send_stop } from "../include/linux/smp.ts";
import { KERN_EMERG, printk } from "./printk.ts";
import { in_interrupt } from "./softirq.ts";

/** Port of the device that ends a run. */
const EXIT_PORT = 0xf4;
/** What panic() writes there; exit statuses are 0 to 255. */
export const EXIT_PANIC = 0x100;

/** Logs the reason with registers and back-trace and stops the machine. A macro: the reason is printed where it is used. */
export function* panic(reason: string): Steps<void> {
  local_irq_disable();
  printk(`${KERN_EMERG}Kernel panic: ${reason}\n`);
  yield* end_in_panic();
}

/** The rest of panic(): nothing runs after it. @context irqs_disabled */
export function* end_in_panic(): Steps<void> {
  yield* show_registers_of_core();
  if (in_interrupt()) printk(`${KERN_EMERG}In interrupt handler - not syncing\n`);
  else if (current().pid === 0) printk(`${KERN_EMERG}In idle task - not syncing\n`);
  yield* stop_machine(EXIT_PANIC);
}

/** Writes the run's result to the exit port; on a machine without one, spins with interrupts off. @context any */
export const stop_machine = kernel_function("stop_machine", [i32], undefined, function* (value) {
  local_irq_disable();
  yield* smp_send_stop();
  outl(value, EXIT_PORT);
  for (;;) yield; // an instruction that does nothing
});
