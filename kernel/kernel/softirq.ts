/** Bottom halves (kernel/softirq.c): what interrupt handlers put off until the way out of the kernel. */
import { configured, trace, tracing } from "../host/context.ts";
import {
  call_pointer,
  config_function,
  kernel_function,
  kernel_table,
  kernel_variable,
  per_cpu,
} from "../host/declarations.ts";
import { array, i32, pointer, struct, u32 } from "../host/types.ts";
import { SPIN_LOCK_UNLOCKED, spin_trylock, spin_unlock, spinlock_t } from "../include/asm/spinlock.ts";
import { local_irq_disable, local_irq_enable } from "../include/asm/system.ts";

/** Nesting of interrupt handlers and of bottom halves on each CPU (include/asm-i386/hardirq.h). */
const irq_cpustat_t = struct("irq_cpustat_t", { local_irq_count: i32, local_bh_count: i32 });
export const irq_stat = per_cpu("irq_stat", irq_cpustat_t);

/** One bit a bottom half: asked for on this CPU; and installed and not disabled. entry.S tests them on every way out. */
export const bh_active = per_cpu("bh_active", u32);
export const bh_mask = kernel_variable("bh_mask", u32);
export const bh_base = kernel_variable("bh_base", array(pointer("bottom half"), 32));

export function irq_enter(): void {
  irq_stat.value.local_irq_count++;
}

export function irq_exit(): void {
  irq_stat.value.local_irq_count--;
}

export function in_irq(): boolean {
  return irq_stat.value.local_irq_count !== 0;
}

export function in_interrupt(): boolean {
  const stat = irq_stat.value;
  return stat.local_irq_count + stat.local_bh_count !== 0;
}

export function local_bh_disable(): void {
  irq_stat.value.local_bh_count++;
}

export function local_bh_enable(): void {
  irq_stat.value.local_bh_count--;
}

/** Installs a bottom half: a guest function without arguments. */
export function init_bh(nr: number, routine: number): void {
  bh_base.value.set(nr, routine);
  bh_mask.value |= 1 << nr;
}

/** Asks for a bottom half; several requests before it runs are one. */
export function mark_bh(nr: number): void {
  bh_active.value |= 1 << nr;
}

/** do_bottom_half() on the stack that the kernel has for it: arch/i386/kernel/irq.S. */
const do_softirq = config_function("do_softirq", [], "CONFIG_IRQ_STACKS");

/** Address of what carries out bottom halves. */
export function bottom_half_routine(): u32 {
  return configured("CONFIG_IRQ_STACKS") ? do_softirq.address : do_bottom_half.address;
}

/** Held by the CPU that runs bottom halves: no two run at a time. */
export const global_bh_lock = kernel_table("global_bh_lock", [SPIN_LOCK_UNLOCKED], spinlock_t);

/**
 * Runs what was marked, lowest number first, with interrupts on. Entered with interrupts off and returns so; does nothing
 * when it would nest in an interrupt handler or in another bottom half, which will see the marks when it is done, nor while
 * another CPU runs some: the next way out of the kernel tries again.
 * @context irqs_disabled
 */
export const do_bottom_half = kernel_function("do_bottom_half", [], undefined, function* () {
  if (in_interrupt()) return;
  if ((yield* spin_trylock(global_bh_lock.address)) === 0) return;
  local_bh_disable();
  for (;;) {
    const active = (bh_active.value & bh_mask.value) >>> 0;
    if (active === 0) break;
    bh_active.value &= ~active;
    local_irq_enable();
    for (let nr = 0; nr < 32; nr++) {
      if ((active & (1 << nr)) === 0) continue;
      if (tracing()) trace({ event: "bh_entry", nr });
      yield* call_pointer(bh_base.value.get(nr), undefined);
      if (tracing()) trace({ event: "bh_exit", nr });
    }
    local_irq_disable();
  }
  local_bh_enable();
  yield* spin_unlock(global_bh_lock.address);
});
