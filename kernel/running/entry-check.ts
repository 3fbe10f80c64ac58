/**
 * What debug kernels check where a function begins: that it is called as its `@context` says (Linux's might_sleep(),
 * lockdep_assert_irqs_disabled() and their kin). A check is part of the function's first statement and only looks: the guest
 * has no more instructions for it, and memory, TLB and registers are as without it.
 */
import { type Core, ESP } from "../../emulator/index.ts";
import type { CompiledCode, StepFunction } from "../host/compiled-code.ts";
import { image } from "../host/context.ts";
import { cpu_number } from "../host/stack-layout.ts";
import { EFLAGS_IF } from "../include/asm/processor-flags.ts";
import { early_boot_irqs_disabled } from "../init/main.ts";
import { irq_stat } from "../kernel/softirq.ts";
import { kernel_physical } from "./kernel-physical.ts";

/** What a CPU is in the middle of. */
interface ExecutionContext {
  /** EFLAGS.IF. */
  readonly irqs: boolean;
  /** Interrupt handlers, and bottom halves or sections that disable them, that have been entered and not left. */
  readonly irq_count: number;
  readonly bh_count: number;
  /** start_kernel has not enabled interrupts yet: nothing can ask for them to be on. */
  readonly early: boolean;
}

const LOCAL_IRQ_COUNT = irq_stat.type.offset("local_irq_count");
const LOCAL_BH_COUNT = irq_stat.type.offset("local_bh_count");

const irqs_enabled = ({ irqs, early }: ExecutionContext) => irqs || early;
const in_interrupt = ({ irq_count, bh_count }: ExecutionContext) => irq_count + bh_count !== 0;

/** The words of `@context`, and whether they hold. */
export const context_words: Readonly<Record<string, (now: ExecutionContext) => boolean>> = {
  any: () => true,
  might_sleep: (now) => irqs_enabled(now) && !in_interrupt(now),
  in_task: (now) => !in_interrupt(now),
  in_irq: ({ irq_count }) => irq_count !== 0,
  in_softirq: ({ bh_count }) => bh_count !== 0,
  in_interrupt,
  irqs_disabled: ({ irqs }) => !irqs,
  irqs_enabled,
};

/** Why a function cannot run where it was called; its message becomes that of the oops. */
class WrongContext extends Error {
  override readonly name = "wrong context";
}

/** @throws WrongContext, from the check, for a call in another context than the function needs */
export function entry_check(code: CompiledCode): StepFunction | undefined {
  const { file, context } = code.table;
  if (context === undefined) return undefined;
  const { needs, at, when } = context;
  const holds = needs.map((word) => context_words[word]);
  return (core, ebp) => {
    if (when !== undefined && (read(core, ebp + when[0]) & when[1]) === 0) return;
    const now = context_of(core);
    const broken = holds.findIndex((is_so) => !is_so(now));
    if (broken < 0) return;
    throw new WrongContext(`needs ${needs[broken]} (${file}:${at.join(":")}), but ${describe(now)}`);
  };
}

function context_of(core: Core): ExecutionContext {
  const { stacks } = image();
  const number =
    stacks && cpu_number(stacks, { esp: core.r[ESP], gdt: core.gdtrBase }, { read32: (at) => read(core, at) });
  const stat = irq_stat.address_of(number ?? 0);
  return {
    irqs: (core.getEflags() & EFLAGS_IF) !== 0,
    irq_count: read(core, stat + LOCAL_IRQ_COUNT),
    bh_count: read(core, stat + LOCAL_BH_COUNT),
    early: read(core, early_boot_irqs_disabled.address) !== 0,
  };
}

/** `EFLAGS.IF is 0, local_irq_count 1, local_bh_count 0` */
function describe({ irqs, irq_count, bh_count }: ExecutionContext): string {
  return `EFLAGS.IF is ${irqs ? 1 : 0}, local_irq_count ${irq_count}, local_bh_count ${bh_count}`;
}

/** A word of the kernel's data or of its stack, without an effect on the TLB; 0 where nothing is mapped. */
function read(core: Core, linear: number): number {
  const at = kernel_physical(linear, core.memory.ramSize, core.cr3, (physical) => core.peekPhysical32(physical));
  return at < 0 ? 0 : core.peekPhysical32(at);
}
