/** The local APIC of each CPU, and its timer (arch/i386/kernel/apic.c). */
import { trace, tracing } from "../../../host/context.ts";
import { by_value, kernel_function, kernel_variable, per_cpu, type Steps } from "../../../host/declarations.ts";
import { u32 } from "../../../host/types.ts";
import {
  APIC_DEST_SHIFT,
  APIC_DFR,
  APIC_DFR_FLAT,
  APIC_DM_EXTINT,
  APIC_DM_NMI,
  APIC_EOI,
  APIC_ESR,
  APIC_LDR,
  APIC_LVT_MASKED,
  APIC_LVT_TIMER_PERIODIC,
  APIC_LVT0,
  APIC_LVT1,
  APIC_LVTERR,
  APIC_LVTT,
  APIC_SPIV,
  APIC_SPIV_APIC_ENABLED,
  APIC_SPIV_FOCUS_DISABLED,
  APIC_TASKPRI,
  APIC_TDCR,
  APIC_TDR_DIV_16,
  APIC_TMCCT,
  APIC_TMICT,
  apic_read,
  apic_write,
} from "../../../include/asm/apic.ts";
import { ERROR_APIC_VECTOR, LOCAL_TIMER_VECTOR, SPURIOUS_APIC_VECTOR } from "../../../include/asm/hw_irq.ts";
import { pt_regs, user_mode } from "../../../include/asm/ptrace.ts";
import { local_irq_disable, local_irq_enable, outb } from "../../../include/asm/system.ts";
import { smp_processor_id } from "../../../include/linux/sched.ts";
import { hex8, KERN_DEBUG, KERN_INFO, printk } from "../../../kernel/printk.ts";
import { irq_enter, irq_exit } from "../../../kernel/softirq.ts";
import { HZ, update_process_times, using_apic_timer } from "../../../kernel/timer.ts";
import { wait_for_ticks } from "../lib/delay.ts";
import { pic_mode } from "./mpparse.ts";

/** Ticks of this CPU's own timer. */
export const apic_timer_irqs = per_cpu("apic_timer_irqs", u32);

/** Counts of the APIC's timer, which counts one in sixteen of its clock, from one tick to the next. */
const calibration_result = kernel_variable("calibration_result", u32);

/** Interrupt mode configuration register: what the 8259A's INTR leads to. */
const IMCR_SELECT = 0x22;
const IMCR_DATA = 0x23;
const IMCR = 0x70;
const IMCR_THROUGH_APIC = 1;

/** Has interrupts of the 8259A go to the boot CPU's local APIC, on boards that lead them past it. */
export function connect_bsp_APIC(): void {
  if (pic_mode.value === 0) return;
  printk(`${KERN_INFO}leaving PIC mode, enabling symmetric I/O mode.\n`);
  outb(IMCR, IMCR_SELECT);
  outb(IMCR_THROUGH_APIC, IMCR_DATA);
}

/** The next interrupt of the same or a lower priority may come. */
export function* ack_APIC_irq(): Steps<void> {
  yield* apic_write(APIC_EOI, 0);
}

/**
 * Sets up this CPU's local APIC: it takes what is sent to its bit of a logical destination. The 8259A's interrupts and NMIs go
 * to the boot CPU.
 * @context irqs_disabled
 */
export const setup_local_APIC = kernel_function("setup_local_APIC", [], undefined, function* () {
  const is_boot_cpu = smp_processor_id() === 0;
  yield* apic_write(APIC_DFR, APIC_DFR_FLAT);
  yield* apic_write(APIC_LDR, 1 << (APIC_DEST_SHIFT + smp_processor_id()));
  yield* apic_write(APIC_TASKPRI, 0);
  yield* apic_write(APIC_SPIV, APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED | SPURIOUS_APIC_VECTOR);
  yield* apic_write(APIC_LVT0, is_boot_cpu ? APIC_DM_EXTINT : APIC_DM_EXTINT | APIC_LVT_MASKED);
  yield* apic_write(APIC_LVT1, is_boot_cpu ? APIC_DM_NMI : APIC_DM_NMI | APIC_LVT_MASKED);
  yield* apic_write(APIC_ESR, 0);
  yield* apic_write(APIC_LVTERR, ERROR_APIC_VECTOR);
  yield* apic_write(APIC_ESR, 0);
});

/** It takes nothing any more but INIT, NMI and startup. */
export function* disable_local_APIC(): Steps<void> {
  yield* apic_write(APIC_SPIV, SPURIOUS_APIC_VECTOR);
}

/** Ticks that the calibration takes. */
function calibration_ticks(): u32 {
  return Math.max(1, Math.floor(HZ.value / 10));
}

/** Finds out how fast the APIC's timer counts, by the ticks of the 8254. @context might_sleep */
const calibrate_APIC_clock = kernel_function("calibrate_APIC_clock", [], undefined, function* () {
  yield* apic_write(APIC_LVTT, APIC_LVT_MASKED | LOCAL_TIMER_VECTOR);
  yield* apic_write(APIC_TDCR, APIC_TDR_DIV_16);
  yield* apic_write(APIC_TMICT, 0xffffffff);
  yield* wait_for_ticks(1);
  const before = yield* apic_read(APIC_TMCCT);
  yield* wait_for_ticks(calibration_ticks());
  const after = yield* apic_read(APIC_TMCCT);
  calibration_result.value = Math.round((before - after) / calibration_ticks());
  printk(
    `${KERN_INFO}..... host bus clock speed is ${Math.round((calibration_result.value * 16 * HZ.value) / 1000)} kHz.\n`,
  );
});

/** Starts this CPU's timer, at HZ. @context irqs_disabled */
export const setup_APIC_timer = kernel_function("setup_APIC_timer", [], undefined, function* () {
  yield* apic_write(APIC_TDCR, APIC_TDR_DIV_16);
  yield* apic_write(APIC_LVTT, APIC_LVT_TIMER_PERIODIC | LOCAL_TIMER_VECTOR);
  yield* apic_write(APIC_TMICT, calibration_result.value);
});

/** From here on each CPU charges its own time, and the 8254 only counts jiffies. @context might_sleep */
export const setup_boot_APIC_clock = kernel_function("setup_boot_APIC_clock", [], undefined, function* () {
  printk(`${KERN_INFO}Using local APIC timer interrupts.\n`);
  yield* calibrate_APIC_clock();
  local_irq_disable();
  using_apic_timer.value = 1;
  yield* setup_APIC_timer();
  local_irq_enable();
});

/** This CPU's tick. @context irqs_disabled */
kernel_function("smp_apic_timer_interrupt", [by_value(pt_regs)], undefined, function* (regs) {
  apic_timer_irqs.value++;
  yield* ack_APIC_irq();
  irq_enter();
  if (tracing()) trace({ event: "local_timer_entry", vector: LOCAL_TIMER_VECTOR });
  yield* update_process_times(user_mode(regs));
  irq_exit();
});

/** Nobody knows who sent it; there is nothing to acknowledge. @context irqs_disabled */
kernel_function("smp_spurious_interrupt", [by_value(pt_regs)], undefined, function* () {
  printk(`${KERN_INFO}spurious APIC interrupt on CPU#${smp_processor_id()}, should never happen.\n`);
});

/** The local APIC found something wrong with a message or an access. @context irqs_disabled */
kernel_function("smp_error_interrupt", [by_value(pt_regs)], undefined, function* () {
  yield* apic_write(APIC_ESR, 0);
  const error = yield* apic_read(APIC_ESR);
  yield* ack_APIC_irq();
  printk(`${KERN_DEBUG}APIC error on CPU${smp_processor_id()}: ${hex8(error)}\n`);
});
