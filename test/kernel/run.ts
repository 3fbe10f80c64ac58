/** Runs programs on the kernel, for the scenario tests. */
import { initramfs } from "../../boot/index.ts";
import { TraceRecorder, tasks } from "../../debug/index.ts";
import { type BootOptions, Kernel, type KernelStop, type RecordedEvent } from "../../kernel/index.ts";
import { nr_free_pages, nr_threads, slab_caches, task_list, task_struct } from "../../kernel/inspect.ts";
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
  /** "pid state" of every task. */
  readonly tasks: () => string[];
  /** What is left of every task's time slice, in ticks. */
  readonly counters: () => number[];
  readonly thread_count: () => number;
}

export type Options = Partial<BootOptions> & {
  readonly trace?: boolean;
  readonly files?: Readonly<Record<string, Uint8Array>>;
};

function memory_in_use(): Record<string, number> {
  const caches = Object.fromEntries(slab_caches().map(({ name, active }) => [name, active]));
  return { free_pages: nr_free_pages(), threads: nr_threads.value, ...caches };
}

/** A kernel about to run `source` as pid 1. */
export function boot(source: string | Uint8Array, options: Options = {}): Run {
  const init = typeof source === "string" ? program(source) : source;
  const kernel = new Kernel({
    memoryBytes: 8 << 20,
    initramfs: initramfs({ "/init": init, ...options.files }),
    ...options,
  });
  let output = "";
  let log = "";
  kernel.on_output = (byte) => (output += String.fromCharCode(byte));
  kernel.on_log = (byte) => (log += String.fromCharCode(byte));
  const events = options.trace ? new TraceRecorder(kernel).events : [];
  return {
    kernel,
    output: () => output,
    log: () => log,
    events,
    go: (limits = { maxInstructions: 50_000_000 }) => kernel.run(limits),
    memory: () => kernel.inspect(memory_in_use),
    tasks: () => tasks(kernel).map(({ pid, state }) => `${pid} ${state}`),
    counters: () => kernel.inspect(() => task_list().map((task) => task_struct.at(task).counter)),
    thread_count: () => kernel.inspect(() => nr_threads.value),
  };
}

/** Boots, runs to the end and returns everything seen. */
export function run(source: string | Uint8Array, options: Options = {}): Run & { readonly stop: KernelStop } {
  const started = boot(source, options);
  const stop = started.go();
  return { ...started, stop };
}
