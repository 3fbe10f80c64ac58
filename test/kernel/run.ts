/** Runs programs on the kernel, for the scenario tests. */
import { initramfs } from "../../boot/index.ts";
import { tasks } from "../../debug/index.ts";
import { nr_lock_reports } from "../../kernel/include/linux/lockdep.ts";
import { idle_task } from "../../kernel/include/linux/sched.ts";
import { NR_CPUS } from "../../kernel/include/linux/threads.ts";
import {
  type BootOptions,
  configuration,
  type Kernel,
  type KernelStop,
  kernel_image,
  type RecordedEvent,
  read_configuration,
} from "../../kernel/index.ts";
import { mm_struct, nr_free_pages, nr_threads, slab_caches, task_list, task_struct } from "../../kernel/inspect.ts";
import { resetKernel, startKernel } from "../../testing/boot-states.ts";
import { assembleProgram } from "../../testing/index.ts";

/** A static ELF of a program in AT&T syntax, with system-call numbers and the macros SYSCALL, PRINT and EXIT at hand. */
export const program = (source: string): Uint8Array => assembleProgram(source, "test.S");

export interface Run {
  readonly kernel: Kernel;
  /** What programs wrote to standard output. */
  readonly output: () => string;
  readonly log: () => string;
  readonly events: RecordedEvent[];
  /** Runs on, to the end or to the limits. */
  readonly go: (limits?: Parameters<Kernel["run"]>[0]) => KernelStop;
  /** Free pages, objects in use of every slab cache, threads: what must balance. */
  readonly memory: () => Record<string, number>;
  /** "pid state" of every task but the migration threads that some kernels have. */
  readonly tasks: () => string[];
  /** What is left of those tasks' time slices, in ticks. */
  readonly counters: () => number[];
  readonly thread_count: () => number;
}

export type Options = Partial<BootOptions> & {
  readonly trace?: boolean;
  /** Begins at the reset, not where the boot has got to the program. */
  readonly fromReset?: boolean;
  readonly files?: Readonly<Record<string, Uint8Array>>;
};

/** ESP0_CPUS=N runs every scenario that does not ask for a number of CPUs on that many (`npm run test:matrix`). */
export const CPUS = Number(process.env.ESP0_CPUS ?? 1);
/** ESP0_CONFIG=KEY=VALUE,KEY=VALUE runs them on a kernel that is configured so. */
export const CONFIG = read_configuration((process.env.ESP0_CONFIG ?? "").split(",").filter((text) => text !== ""));
/** The scheduler of those kernels; `it.runIf(ON_GOODNESS)` is about Linux 2.4's alone. */
export const SCHEDULER = configuration(CONFIG).scheduler;
export const ON_GOODNESS = SCHEDULER === "goodness";
/** What is only so when tasks share a CPU: `it.runIf(ON_ONE_CPU)`. */
export const ON_ONE_CPU = CPUS === 1;
/** Where PCBs and stacks are, and whether interrupts have stacks of their own. */
export const { stack: STACK, irq_stacks: IRQ_STACKS } = configuration(CONFIG);
/** What is only so where a stack's address tells whose it is. */
export const STACKS_TELL_CURRENT = STACK !== "vmap";

/**
 * Address spaces whose processes have ended, and that idle CPUs still have loaded: each keeps the page directory of the last process
 * that ran there until it switches to another.
 */
function borrowed_directories(): number {
  // A kernel that has stopped the others has one CPU left.
  const idle = Array.from({ length: NR_CPUS }, (_, cpu) => idle_task(cpu)).filter((task) => task !== 0);
  const loaded = new Set(idle.map((task) => task_struct.at(task).active_mm).filter((mm) => mm !== 0));
  return [...loaded].filter((mm) => mm_struct.at(mm).mm_users === 0).length;
}

/** What idle CPUs only borrow counts as free. */
function memory_in_use(): Record<string, number> {
  const caches = Object.fromEntries(slab_caches().map(({ name, active }) => [name, active]));
  const borrowed = borrowed_directories();
  if ("mm_struct" in caches) caches.mm_struct -= borrowed;
  return { free_pages: nr_free_pages() + borrowed, threads: nr_threads.value, ...caches };
}

/** All tasks but the migration threads. */
export function program_tasks() {
  return task_list()
    .map((task) => task_struct.at(task))
    .filter(({ comm }) => !comm.startsWith("migration/"));
}

/** A kernel about to run `source` as pid 1: what the boot does before is done. */
export function boot(source: string | Uint8Array, options: Options = {}): Run {
  const init = typeof source === "string" ? program(source) : source;
  const { trace = false, fromReset = false, files, cpus = CPUS, ...others } = options;
  const events: RecordedEvent[] = [];
  const start = fromReset ? resetKernel : startKernel;
  const started = start({
    image: kernel_image({ smp: cpus > 1, ...CONFIG }),
    cpus,
    debug: true,
    memoryBytes: 8 << 20,
    initramfs: initramfs({ "/init": init, ...files }),
    ...others,
    ...(trace ? { on_event: (event: RecordedEvent) => events.push(event) } : {}),
  });
  const { kernel } = started;
  if (trace) events.push(...started.events);
  let output = "";
  let { log } = started;
  kernel.on_output = (byte) => (output += String.fromCharCode(byte));
  kernel.on_log = (byte) => (log += String.fromCharCode(byte));
  return {
    kernel,
    output: () => output,
    log: () => log,
    events,
    go: (limits = { maxInstructions: 50_000_000 }) => {
      const stop = kernel.run(limits);
      no_lock_reports(kernel, log);
      return stop;
    },
    memory: () => kernel.inspect(memory_in_use),
    tasks: () =>
      tasks(kernel).flatMap(({ pid, comm, state }) => (comm.startsWith("migration/") ? [] : [`${pid} ${state}`])),
    counters: () => kernel.inspect(() => program_tasks().map(({ counter }) => counter)),
    thread_count: () => kernel.inspect(() => nr_threads.value),
  };
}

/** @throws Error for what a kernel that checks locks has found; a test that means it to runs `kernel` itself */
export function no_lock_reports(kernel: Kernel, log: string): void {
  if (!kernel.image.configured.has("CONFIG_PROVE_LOCKING")) return;
  if (kernel.inspect(() => nr_lock_reports.value) > 0) throw new Error(`the kernel reports misuse of locks:\n${log}`);
}

/** Boots, runs to the end and returns everything seen. */
export function run(source: string | Uint8Array, options: Options = {}): Run & { readonly stop: KernelStop } {
  const started = boot(source, options);
  const stop = started.go();
  return { ...started, stop };
}
