/**
 * A program on the kernel, stopped where something is about to be done to it: interrupts, failures, wild writes. Every
 * trial begins in a captured state, and what becomes of it is compared with what becomes of it undisturbed.
 */
import { initramfs } from "../../../boot/index.ts";
import { container_of } from "../../../kernel/host/types.ts";
import { PAGE_OFFSET } from "../../../kernel/include/asm/page.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { nr_running } from "../../../kernel/include/linux/sched_class.ts";
import { type Kernel, type KernelCapture, type KernelStop, kernel_image } from "../../../kernel/index.ts";
import { nr_threads } from "../../../kernel/kernel/fork.ts";
import { irq_stat } from "../../../kernel/kernel/softirq.ts";
import { nr_timers } from "../../../kernel/kernel/timer.ts";
import { nr_free_pages } from "../../../kernel/mm/page_alloc.ts";
import { cache_chain, kmem_cache_t, slab_t } from "../../../kernel/mm/slab.ts";
import { startKernel } from "../../../testing/boot-states.ts";
import type { Program } from "../../../testing/program.ts";

/** Milliseconds for tests that may be asked to try everything. */
export const LONG = process.env.ANYWHERE === "all" ? 12 * 3600_000 : 300_000;

const MEMORY = 8 << 20;
/** More than any program here takes to its end. */
const BUDGET = 20_000_000;
const BAD_LOG = /Oops|BUG|Kernel panic|general protection|invalid operand|Aiee/;

/** How a trial ended. */
export interface Outcome {
  readonly stop: KernelStop;
  readonly output: string;
  /** Lines of the kernel log that tell of a mistake of the kernel's. */
  readonly complaints: readonly string[];
  readonly memory: Readonly<Record<string, number>>;
}

/** Memory in use, whatever the slab allocator keeps for later: a slab without objects counts as free. */
function accounting(): Record<string, number> {
  const result: Record<string, number> = {
    threads: nr_threads.value,
    timers: nr_timers.value,
    running: nr_running(),
    interrupts: irq_stat.value.local_irq_count,
    "bottom halves": irq_stat.value.local_bh_count,
  };
  let pages = nr_free_pages();
  const descriptors: number[] = [];
  for (const entry of list_for_each(cache_chain.address)) {
    const cache = kmem_cache_t.at(container_of(entry, kmem_cache_t, "next"));
    result[cache.name] = cache.num_active;
    pages += cache.num_slabs << cache.gfporder;
    if (cache.offset === 0) for (let i = 0; i < cache.num_slabs; i++) descriptors.push(slab_t.size + 4 * cache.num);
  }
  // Descriptors that lie in a kmalloc cache belong to their slabs.
  for (const bytes of descriptors) {
    let size = 32;
    while (size < bytes) size *= 2;
    result[`size-${size}`]--;
  }
  return { ...result, pages };
}

export class Lab {
  readonly kernel: Kernel;
  #output = "";
  #log = "";

  constructor(readonly program: Program) {
    this.kernel = startKernel({
      image: kernel_image(),
      memoryBytes: MEMORY,
      initramfs: initramfs({ "/bin/init": program.elf }),
      init: "/bin/init",
    }).kernel;
    this.kernel.on_output = (byte) => (this.#output += String.fromCharCode(byte));
    this.kernel.on_log = (byte) => (this.#log += String.fromCharCode(byte));
    this.kernel.run_to_user();
  }

  get output(): string {
    return this.#output;
  }

  get log(): string {
    return this.#log;
  }

  get position(): number {
    return this.kernel.machine.instructions;
  }

  /** The address of a symbol of the program, or else of the kernel. */
  symbol(name: string): number {
    return this.program.symbol(name) ?? this.kernel.image.symbol(name);
  }

  /** Runs, at least an instruction, until one of these symbols is next; gives its name, or how the run ended instead. */
  to(...names: readonly string[]): string | KernelStop {
    const { kernel } = this;
    const addresses = names.map((name) => this.symbol(name));
    const first = kernel.run({ maxInstructions: 1 });
    if (first.kind !== "budget") return first;
    kernel.machine.setBreakpoints(addresses);
    const stop = kernel.run({ maxInstructions: BUDGET });
    kernel.machine.setBreakpoints([]);
    return stop.kind === "breakpoint" ? names[addresses.indexOf(stop.linear)] : stop;
  }

  /** The same for one symbol that has to be reached. @throws Error when it is not */
  must(name: string): void {
    const reached = this.to(name);
    if (reached !== name)
      throw new Error(`${name} was not reached: ${JSON.stringify(reached)}\n${this.#output}\n${this.#log}`);
  }

  restore(state: KernelCapture): void {
    this.kernel.restore(state);
    this.#output = "";
    this.#log = "";
  }

  memory(): Record<string, number> {
    return this.kernel.inspect(accounting);
  }

  /** Runs on to the end, and tells what came of it since the last `restore`. */
  finish(maxInstructions = BUDGET): Outcome {
    const stop = this.kernel.run({ maxInstructions });
    return this.outcome(stop);
  }

  /** What the kernel log has to say of mistakes. */
  complaints(): string[] {
    return this.#log.split("\n").filter((line) => BAD_LOG.test(line));
  }

  outcome(stop: KernelStop): Outcome {
    return { stop, output: this.#output, complaints: this.complaints(), memory: this.memory() };
  }

  /** A word of kernel memory. */
  peek(linear: number): number {
    const bytes = this.kernel.machine.readPhysical(linear - PAGE_OFFSET, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  poke(linear: number, value: number): void {
    this.kernel.machine.writePhysical(linear - PAGE_OFFSET, new Uint8Array(Uint32Array.of(value).buffer));
  }
}
