/** Interrupts' set-up: controllers, gates, the timer chip (arch/i386/kernel/i8259.c, init_IRQ). */
import { image } from "../../../host/context.ts";
import { kernel_function } from "../../../host/declarations.ts";
import { FIRST_EXTERNAL_VECTOR, NR_IRQS } from "../../../include/linux/interrupt.ts";
import { smp_intr_init } from "../../../include/linux/smp.ts";
import { set_intr_gate } from "./gates.ts";
import { init_8259A } from "./i8259.ts";
import { init_IRQ_descriptors } from "./irq.ts";
import { init_pit } from "./time.ts";

/** Sets up the controllers, the sixteen interrupt gates and the timer chip. */
export const init_IRQ = kernel_function("init_IRQ", [], undefined, function* () {
  init_8259A();
  yield* init_IRQ_descriptors();
  for (let irq = 0; irq < NR_IRQS; irq++)
    set_intr_gate(FIRST_EXTERNAL_VECTOR + irq, image().symbol(`IRQ${irq}_interrupt`));
  yield* smp_intr_init();
  init_pit();
});
