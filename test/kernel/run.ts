/** Runs programs on the kernel, for the scenario tests. */
import { assemble, link, writeExecutable } from "../../asm/index.ts";
import { initramfs } from "../../boot/index.ts";
import { TraceRecorder, tasks } from "../../debug/index.ts";
import { type BootOptions, Kernel, type KernelStop, type RecordedEvent } from "../../kernel/index.ts";
import { nr_free_pages, nr_threads, slab_caches, task_list, task_struct } from "../../kernel/inspect.ts";

const PRELUDE = `
.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_read, 3
.set SYS_write, 4
.set SYS_open, 5
.set SYS_close, 6
.set SYS_waitpid, 7
.set SYS_execve, 11
.set SYS_getpid, 20
.set SYS_pause, 29
.set SYS_kill, 37
.set SYS_brk, 45
.set SYS_getppid, 64
.set SYS_wait4, 114
.set SYS_clone, 120
.set SYS_uname, 122
.set SYS_sched_yield, 158
.set SYS_nanosleep, 162
.macro SYSCALL name, ebx=, ecx=, edx=, esi=
.ifnb \\ebx
	movl \\ebx, %ebx
.endif
.ifnb \\ecx
	movl \\ecx, %ecx
.endif
.ifnb \\edx
	movl \\edx, %edx
.endif
.ifnb \\esi
	movl \\esi, %esi
.endif
	movl $SYS_\\name, %eax
	int $0x80
.endm
.macro PRINT text
	.pushsection .rodata
771:	.ascii "\\text"
772:
	.popsection
	SYSCALL write, $1, $771b, $(772b-771b)
.endm
.macro EXIT status=$0
	SYSCALL exit, \\status
.endm
`;

/** A static ELF of a program in AT&T syntax, with system-call numbers and the macros SYSCALL, PRINT and EXIT at hand. */
export function program(source: string): Uint8Array {
  const file = "test.S";
  return writeExecutable(
    link(
      [assemble(`.include "prelude"\n${source}`, { file, include: () => ({ file: "prelude", text: PRELUDE }) })],
      {},
    ),
  );
}

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
