/**
 * What debug kernels check where a function begins: that it is called as its `@context` says (Linux's might_sleep(),
 * lockdep_assert_irqs_disabled(), assert_spin_locked() and their kin). A check is part of the function's first statement, of a plain
 * function's caller, and only looks: the guest has no more instructions for it, and memory, TLB and registers are as without it.
 */
import type { Core } from "../../emulator/index.ts";
import type { CompiledCode, StepFunction } from "../host/compiled-code.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import type { NeededContext, PlainContext } from "../host/needed-context.ts";
import { EFLAGS_IF } from "../include/asm/processor-flags.ts";
import { early_boot_irqs_disabled } from "../init/main.ts";
import { irq_stat } from "../kernel/softirq.ts";
import { address_of, lock_held_by, not_held } from "./held-locks.ts";
import { cpu_of, peek } from "./peek.ts";

/** What a CPU is in the middle of. */
interface ExecutionContext {
  /** EFLAGS.IF. */
  readonly irqs: boolean;
  /** Interrupt handlers, and bottom halves or sections that disable them, that have been entered and not left. */
  readonly irq_count: number;
  readonly bh_count: number;
  /** start_kernel has not enabled interrupts yet: nothing can ask for them to be on. */
  readonly early: boolean;
  /** A lock that the CPU holds and with which nobody may sleep, if that is known. */
  readonly spinlock: string | undefined;
}

const LOCAL_IRQ_COUNT = irq_stat.type.offset("local_irq_count");
const LOCAL_BH_COUNT = irq_stat.type.offset("local_bh_count");

const irqs_enabled = ({ irqs, early }: ExecutionContext) => irqs || early;
const in_interrupt = ({ irq_count, bh_count }: ExecutionContext) => irq_count + bh_count !== 0;

/** The words of `@context`, and whether they hold. */
export const context_words: Readonly<Record<string, (now: ExecutionContext) => boolean>> = {
  any: () => true,
  might_sleep: (now) => irqs_enabled(now) && !in_interrupt(now) && now.spinlock === undefined,
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
export function entry_check(code: CompiledCode, image: KernelImage): StepFunction | undefined {
  const { file, context } = code.table;
  if (context === undefined) return undefined;
  return (core, ebp) => check(core, image, file, context, (at) => peek(core, ebp + at));
}

/** The same for a plain function, with what it was called with. */
export function plain_check(image: KernelImage) {
  return (core: Core, { file, context }: PlainContext, values: readonly unknown[]): void =>
    check(core, image, file, context, (number) => word_of(values[number]));
}

/** A number, or where a view is. */
function word_of(value: unknown): number {
  if (typeof value === "object" && value !== null && "address" in value) return Number(value.address);
  return Number(value ?? 0);
}

function check(
  core: Core,
  image: KernelImage,
  file: string,
  { needs, at, holds, when }: NeededContext,
  parameter: (at: number) => number,
): void {
  if (when !== undefined && (parameter(when[0]) & when[1]) === 0) return;
  const wanted = holds !== undefined && image.configured.has("CONFIG_LOCKS") ? holds : [];
  const locks = wanted.map((lock) => ({ lock, address: address_of(image, file, lock, parameter) }));
  if (needs.length > 0) {
    // What it needs held it gives up before it sleeps.
    const now = context_of(
      core,
      image,
      locks.map(({ address }) => address),
    );
    const broken = needs.find((word) => !context_words[word](now));
    if (broken !== undefined) wrong(`${broken} (${file}:${at.join(":")})`, describe(now));
  }
  // Until interrupts are enabled first, there is nobody to lock out.
  if (locks.length === 0 || is_early(core)) return;
  for (const { lock, address } of locks) {
    const why = not_held(core, image, lock, address);
    if (why !== undefined) wrong(`${why.lock} (${file}:${at.join(":")})`, why.found);
  }
}

function wrong(needed: string, found: string): never {
  throw new WrongContext(`needs ${needed}, but ${found}`);
}

function is_early(core: Core): boolean {
  return peek(core, early_boot_irqs_disabled.address) !== 0;
}

function context_of(core: Core, image: KernelImage, given_up: readonly number[]): ExecutionContext {
  const cpu = cpu_of(core, image);
  const stat = irq_stat.address_of(cpu);
  return {
    irqs: (core.getEflags() & EFLAGS_IF) !== 0,
    irq_count: peek(core, stat + LOCAL_IRQ_COUNT),
    bh_count: peek(core, stat + LOCAL_BH_COUNT),
    early: is_early(core),
    spinlock: lock_held_by(core, image, cpu, given_up),
  };
}

/** `EFLAGS.IF is 0, local_irq_count 1, local_bh_count 0` */
function describe({ irqs, irq_count, bh_count, spinlock }: ExecutionContext): string {
  const counts = `EFLAGS.IF is ${irqs ? 1 : 0}, local_irq_count ${irq_count}, local_bh_count ${bh_count}`;
  return spinlock === undefined ? counts : `${counts}, and ${spinlock} is held`;
}
