/** The kernel's assembly sources. */
import type { ConfigurationSymbol } from "../../configuration.ts";
import current from "../../include/asm/current.h?raw";
import dwarf2 from "../../include/asm/dwarf2.h?raw";
import irq_stacks from "../../include/asm/irq_stacks.h?raw";
import lock from "../../include/asm/lock.h?raw";
import percpu from "../../include/asm/percpu.h?raw";
import linkage from "../../include/linux/linkage.h?raw";
import entry from "./kernel/entry.S?raw";
import head from "./kernel/head.S?raw";
import i387 from "./kernel/i387.S?raw";
import irq from "./kernel/irq.S?raw";
import kernel_thread from "./kernel/kernel_thread.S?raw";
import rewind from "./kernel/rewind.S?raw";
import switch_to from "./kernel/switch_to.S?raw";
import trampoline from "./kernel/trampoline.S?raw";
import apic from "./lib/apic.S?raw";
import atomic from "./lib/atomic.S?raw";
import bitops from "./lib/bitops.S?raw";
import getuser from "./lib/getuser.S?raw";
import mem from "./lib/mem.S?raw";
import rwsem from "./lib/rwsem.S?raw";
import sched from "./lib/sched.S?raw";
import semaphore from "./lib/semaphore.S?raw";
import spinlock from "./lib/spinlock.S?raw";
import system from "./lib/system.S?raw";
import usercopy from "./lib/usercopy.S?raw";

/** An assembly source, with the name that messages and line numbers give it. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** For kernels only that are configured so. */
  readonly configured_by?: ConfigurationSymbol;
}

export const sources: readonly Source[] = [
  { file: "kernel/arch/i386/kernel/head.S", text: head },
  { file: "kernel/arch/i386/kernel/entry.S", text: entry },
  { file: "kernel/arch/i386/kernel/switch_to.S", text: switch_to },
  { file: "kernel/arch/i386/kernel/kernel_thread.S", text: kernel_thread },
  { file: "kernel/arch/i386/kernel/i387.S", text: i387 },
  { file: "kernel/arch/i386/lib/system.S", text: system },
  { file: "kernel/arch/i386/lib/atomic.S", text: atomic },
  { file: "kernel/arch/i386/lib/bitops.S", text: bitops },
  { file: "kernel/arch/i386/lib/spinlock.S", text: spinlock },
  { file: "kernel/arch/i386/lib/semaphore.S", text: semaphore },
  { file: "kernel/arch/i386/lib/rwsem.S", text: rwsem },
  { file: "kernel/arch/i386/lib/mem.S", text: mem },
  { file: "kernel/arch/i386/lib/getuser.S", text: getuser },
  { file: "kernel/arch/i386/lib/usercopy.S", text: usercopy },
  { file: "kernel/arch/i386/kernel/irq.S", text: irq, configured_by: "CONFIG_IRQ_STACKS" },
  { file: "kernel/arch/i386/kernel/rewind.S", text: rewind, configured_by: "CONFIG_REWIND_STACK" },
  { file: "kernel/arch/i386/kernel/trampoline.S", text: trampoline, configured_by: "CONFIG_SMP" },
  { file: "kernel/arch/i386/lib/sched.S", text: sched, configured_by: "CONFIG_RUNQUEUE_PER_CPU" },
  { file: "kernel/arch/i386/lib/apic.S", text: apic, configured_by: "CONFIG_SMP" },
];

/** What they include, by the name in `#include <...>`. */
export const headers: Readonly<Record<string, { readonly file: string; readonly text: string }>> = {
  "asm/current.h": { file: "kernel/include/asm/current.h", text: current },
  "asm/dwarf2.h": { file: "kernel/include/asm/dwarf2.h", text: dwarf2 },
  "asm/irq_stacks.h": { file: "kernel/include/asm/irq_stacks.h", text: irq_stacks },
  "asm/lock.h": { file: "kernel/include/asm/lock.h", text: lock },
  "linux/linkage.h": { file: "kernel/include/linux/linkage.h", text: linkage },
  "asm/percpu.h": { file: "kernel/include/asm/percpu.h", text: percpu },
};
