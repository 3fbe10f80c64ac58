/** A running kernel to drive from a test: `bootKernel`. */

import { nearNames } from "../asm/index.ts";
import { initramfs } from "../boot/index.ts";
import { DebugSession } from "../debug/session/index.ts";
import type { Machine } from "../emulator/index.ts";
import { type BootOptions, Kernel, type KernelStop, type RecordedEvent } from "../kernel/index.ts";
import { init_tss, nr_free_pages, nr_threads, PAGE_OFFSET, slab_caches } from "../kernel/inspect.ts";
import { type EventFilter, formatFilter, matches } from "./events.ts";
import { testImage } from "./image.ts";
import { Interleaving } from "./interleaving.ts";
import { type BootKernelOptions, PRESETS } from "./options.ts";
import { frameCount, kernelWord, type PageView, pageOf, pageTableOf, readTask } from "./pages.ts";
import { type Program, programOf } from "./program.ts";
import { type Registers, readRegisters } from "./registers.ts";
import { describeKernel } from "./report.ts";
import { reproductionOf } from "./reproduction.ts";
import { annotateStack, type StackWord } from "./stack.ts";
import { currentTask, type TaskView, viewTask, viewTasks } from "./tasks.ts";
import type { MemoryAccounting, Switch, TssView } from "./views.ts";

const MIB = 1 << 20;
const DEFAULT_MEMORY = 8;
/** Instructions after which a run that was to get somewhere is given up. */
const DEFAULT_BUDGET = 50_000_000;
const SYSCALL_TABLE = "sys_call_table";

/** The kernel did not get where the test wanted it. The message says how it stopped, and where. */
export class KernelStoppedError extends Error {
  constructor(
    message: string,
    readonly stop: KernelStop,
  ) {
    super(message);
    this.name = "KernelStoppedError";
  }
}

/** Kernels by the views and events taken from them, for matchers that are given only those. */
const owners = new WeakMap<object, BootedKernel>();

/** The kernel that registers, a TSS, a page, a task or the list of events came from. */
export function kernelOf(view: unknown): BootedKernel | undefined {
  if (view instanceof BootedKernel) return view;
  return typeof view === "object" && view !== null ? owners.get(view) : undefined;
}

/** A kernel under test. Every view it gives is of the moment it was asked for. */
export class BootedKernel {
  readonly kernel: Kernel;
  readonly program: Program;
  /** Everything traced since reset, in order. */
  readonly events: RecordedEvent[] = [];
  /** The options of its boot, for those who boot another like it. */
  readonly bootOptions: BootOptions;
  readonly #budget: number;
  readonly #interventions: { readonly position: number; readonly kind: string; again(session: DebugSession): void }[] =
    [];
  #output = "";
  #log = "";
  #wanted: EventFilter | undefined;
  #found: RecordedEvent | undefined;

  /** Use `bootKernel`. */
  constructor(readonly options: BootKernelOptions) {
    const { init, args = [], memory = DEFAULT_MEMORY, cpus = 1, preset = "2.4", files = {} } = options;
    const interleave = interleavingOf(options.interleave);
    if (cpus !== 1) throw new RangeError(`cpus: ${cpus}: this kernel runs on one CPU; it is not an SMP kernel yet`);
    if (!PRESETS.includes(preset)) throw new RangeError(`preset: "${preset}": there is ${PRESETS.join(", ")}`);
    this.program = programOf(init);
    this.#budget = options.maxInstructions ?? DEFAULT_BUDGET;
    const path = `/bin/${this.program.name}`;
    const cpuHz = interleave?.cpuHz ?? options.cpuHz;
    this.bootOptions = {
      image: testImage(options.modules),
      memoryBytes: memory * MIB,
      initramfs: initramfs({ ...files, [path]: this.program.elf }),
      init: path,
      args,
      ...(cpuHz === undefined ? {} : { cpuHz }),
    };
    this.kernel = new Kernel(this.bootOptions);
    this.kernel.on_output = (byte) => (this.#output += String.fromCharCode(byte));
    this.kernel.on_log = (byte) => (this.#log += String.fromCharCode(byte));
    this.kernel.on_event((event) => {
      this.events.push(event);
      if (this.#wanted !== undefined && this.#found === undefined && matches(this.#wanted, event)) {
        this.#found = event;
        this.machine.requestStop();
      }
    });
    owners.set(this.events, this);
    interleave?.adopt(this);
    for (const [number, name] of Object.entries(options.syscalls ?? {})) this.#setSyscall(Number(number), name);
    if (options.at !== "reset") this.#runToUser();
  }

  #runToUser(): void {
    try {
      this.kernel.run_to_user();
    } catch (error) {
      throw new Error(`${(error as Error).message}\n\n${this.describe()}`, { cause: error });
    }
  }

  get machine(): Machine {
    return this.kernel.machine;
  }

  /** Instructions executed since reset: what the debugger's `goto` takes. */
  get position(): number {
    return this.machine.instructions;
  }

  /** What programs wrote to the console, ttyS0. */
  get output(): string {
    return this.#output;
  }

  /** The kernel log. */
  get log(): string {
    return this.#log;
  }

  // ---- Going ---------------------------------------------------------------------------------------------------------

  /** Runs on until the kernel ends or the budget is used up; for tests of how it ends. */
  run(maxInstructions = this.#budget): KernelStop {
    return this.kernel.run({ maxInstructions });
  }

  /**
   * Runs until an event, and stops after the instruction that caused it. Events that were before do not count.
   * @throws KernelStoppedError when the kernel ends, sleeps or uses up its budget before
   */
  runUntil(filter: EventFilter): RecordedEvent {
    this.#wanted = filter;
    this.#found = undefined;
    try {
      const stop = this.run();
      if (this.#found !== undefined) return this.#found;
      throw this.#stopped(`waiting for ${formatFilter(filter)}`, stop);
    } finally {
      this.#wanted = undefined;
    }
  }

  /**
   * Runs until a predicate is true, asked before every instruction: exact, and slower than the other ways.
   * @throws KernelStoppedError as `runUntil`
   */
  runUntilTrue(predicate: (kernel: BootedKernel) => boolean): void {
    for (let left = this.#budget; !predicate(this); left--) {
      const stop = left === 0 ? ({ kind: "budget" } as const) : this.kernel.run({ maxInstructions: 1 });
      if (left === 0 || stop.kind !== "budget") throw this.#stopped("waiting for a predicate", stop);
    }
  }

  /**
   * Runs through the next context switch between these tasks, any without them, to the first instruction that the new
   * task executes: behind `jmp __switch_to`, or ret_from_fork when it is new.
   * @throws KernelStoppedError as `runUntil`
   */
  runUntilSwitch({ from, to }: { readonly from?: number; readonly to?: number } = {}): Switch {
    const event = this.runUntil({
      event: "sched_switch",
      ...(from === undefined ? {} : { prev: from }),
      ...(to === undefined ? {} : { next: to }),
    });
    this.runToAddress(this.symbol("switch_to"));
    const before = this.registers();
    this.runToAddress(Number(event.eip));
    return { from: Number(event.prev), to: Number(event.next), event, before, after: this.registers() };
  }

  /** Runs until pid 1 ends; returns its exit status, or 128 + the signal that killed it. @throws KernelStoppedError */
  runUntilExit(): number {
    const stop = this.run();
    if (stop.kind !== "exit") throw this.#stopped("waiting for pid 1 to exit", stop);
    return stop.status;
  }

  /** Executes `count` instructions; while the CPU is halted, a wait for the next event is one. */
  step(count = 1): void {
    const stop = this.kernel.run({ maxInstructions: count });
    if (stop.kind !== "budget") throw this.#stopped(`executing ${count} instruction(s)`, stop);
  }

  /** Runs until the instruction at a symbol of the kernel, or of pid 1's program, is the next. At least one is executed. */
  runToSymbol(name: string): void {
    this.#runTo([this.symbol(name)], name);
  }

  /** Runs until the instruction at a linear address is the next, at least one instruction. */
  runToAddress(address: number): void {
    this.#runTo([address >>> 0], `0x${(address >>> 0).toString(16)}`);
  }

  /** Runs until `reached` is true before the instruction at `address`. @throws KernelStoppedError as `runUntil` */
  runToAddressWhen(address: number, reached: () => boolean): void {
    const end = this.position + this.#budget;
    do {
      if (this.position > end) throw this.#stopped(`running to 0x${address.toString(16)}`, { kind: "budget" });
      this.runToAddress(address);
    } while (!reached());
  }

  #runTo(addresses: readonly number[], what: string): void {
    const first = this.kernel.run({ maxInstructions: 1 });
    if (first.kind !== "budget") throw this.#stopped(`running to ${what}`, first);
    this.machine.setBreakpoints(addresses);
    try {
      const stop = this.run();
      if (stop.kind !== "breakpoint") throw this.#stopped(`running to ${what}`, stop);
    } finally {
      this.machine.setBreakpoints([]);
    }
  }

  // ---- Looking -------------------------------------------------------------------------------------------------------

  registers(): Registers {
    return this.#own(readRegisters(this.machine));
  }

  /** The CPU's TSS. */
  tss(): TssView {
    return this.#own(
      this.kernel.inspect(() => {
        const { address, esp0, ss0 } = init_tss.value;
        return { address, esp0, ss0 };
      }),
    );
  }

  /** Every task, the idle one first. */
  tasks(): TaskView[] {
    return viewTasks(this.kernel, this.#current()).map((task) => this.#own(task));
  }

  /** @throws RangeError when no task has this pid; the message names those that there are */
  task(pid: number): TaskView {
    const all = this.tasks();
    const found = all.find((task) => task.pid === pid);
    if (found !== undefined) return found;
    const there = all.map((task) => `${task.pid} (${task.comm})`).join(", ");
    throw new RangeError(`there is no task with pid ${pid}; there are ${there}`);
  }

  /** The task that the CPU executes; undefined early in the boot. */
  current(): TaskView | undefined {
    const address = this.#current();
    return address === undefined ? undefined : this.#own(viewTask(this.kernel, address, true));
  }

  /** A task's kernel stack, from its ESP to its top, each word with what it is. Empty while the task is in user mode. */
  stack(pid: number): StackWord[] {
    const task = this.task(pid);
    return annotateStack(this.kernel, task, task.running ? this.machine.getRegister("esp") : task.thread.esp);
  }

  /** The page of a task in which an address, or a symbol of the program, lies. @throws RangeError */
  page(pid: number, where: number | string): PageView {
    return this.#own(pageOf(this.kernel, this.task(pid).address, this.#address(where)));
  }

  /** Physical address of the frame behind an address of a task; undefined when no page is present there. */
  frameOf(pid: number, where: number | string): number | undefined {
    return this.page(pid, where).frame;
  }

  /** Users of the frame at a physical address, as struct page counts them. */
  frameCount(frame: number): number | undefined {
    return frameCount(this.kernel, frame);
  }

  /** Every page present in user space of a task, by address. */
  pageTable(pid: number): PageView[] {
    return pageTableOf(this.kernel, this.task(pid).address).map((page) => this.#own(page));
  }

  /** Bytes of a task's memory. @throws RangeError when a page of it is not present */
  read(pid: number, where: number | string, length: number): Uint8Array {
    return readTask(this.kernel, this.task(pid).address, this.#address(where), length);
  }

  /** A 32-bit word of kernel memory, at an address or a symbol, unsigned. */
  word(where: number | string): number {
    return kernelWord(this.kernel, this.#address(where));
  }

  /** What is free and what is in use: keep it as a mark for `toHaveBalancedMemory`. */
  memory(): MemoryAccounting {
    return this.kernel.inspect(() => ({
      free_pages: nr_free_pages(),
      threads: nr_threads.value,
      ...Object.fromEntries(slab_caches().map(({ name, active }) => [name, active])),
    }));
  }

  /** Looks at the kernel's own variables and structs, with what `esp0/kernel` exports. Changes nothing. */
  inspect<T>(look: () => T): T {
    return this.kernel.inspect(look);
  }

  /** Linear address of a symbol, the program's before the kernel's. @throws RangeError that suggests near names */
  symbol(name: string): number {
    const own = this.program.symbol(name);
    if (own !== undefined) return own;
    const { symbols } = this.kernel.image;
    const found = symbols.find((symbol) => symbol.name === name);
    if (found !== undefined) return found.address;
    const near = nearNames(name, [...this.program.symbolNames, ...symbols.map((symbol) => symbol.name)]);
    const hint = near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`;
    throw new RangeError(`neither the program nor the kernel has a symbol ${name}${hint}`);
  }

  // ---- Changing ------------------------------------------------------------------------------------------------------

  /** Gives the programs input on ttyS0. */
  input(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text.slice();
    this.#intervene("input", (session) => session.input(bytes));
    this.kernel.input(bytes);
  }

  /** No more input will come: readers get end of file. */
  closeInput(): void {
    this.#intervene("end of input", (session) => session.closeInput());
    this.kernel.close_input();
  }

  /** Overwrites kernel memory, code too, at an address or a symbol: to plant a bug and see it found. */
  patch(where: number | string, bytes: Uint8Array | readonly number[]): void {
    const address = this.#address(where);
    if (address < PAGE_OFFSET) throw new RangeError(`0x${address.toString(16)} is not an address of kernel memory`);
    const contents = Uint8Array.from(bytes);
    const physical = address - PAGE_OFFSET;
    this.#intervene("patch", (session) => session.writePhysical(physical, contents));
    this.machine.writePhysical(physical, contents);
  }

  #setSyscall(number: number, name: string): void {
    const [least, most] = [0, 511];
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new RangeError(`system call ${number}: numbers go from ${least} to ${most}`);
    }
    const address = this.symbol(name);
    this.patch(this.symbol(SYSCALL_TABLE) + 4 * number, new Uint8Array(Uint32Array.of(address).buffer));
  }

  // ---- Telling -------------------------------------------------------------------------------------------------------

  /** Where it stands, in plain text: task, registers, stack, the last events. What failing matchers show. */
  describe(): string {
    return describeKernel(this);
  }

  /** How to be at this instruction in `esp0 debug`. Writes a program without a file to the temporary directory. */
  reproduction(): string {
    return reproductionOf(
      this,
      this.#interventions.map(({ kind }) => kind),
    );
  }

  /** A debugging session of the same run, at the same instruction: it can go backwards. */
  debugSession(): DebugSession {
    const session = DebugSession.forKernel({ ...this.bootOptions, program: this.program.elf });
    for (const { position, again } of this.#interventions) {
      session.goto(position);
      again(session);
    }
    session.goto(this.position);
    return session;
  }

  #intervene(kind: string, again: (session: DebugSession) => void): void {
    this.#interventions.push({ position: this.position, kind, again });
  }

  #current(): number | undefined {
    return currentTask(this.kernel, this.tss().esp0);
  }

  #address(where: number | string): number {
    return typeof where === "string" ? this.symbol(where) : where >>> 0;
  }

  #own<T extends object>(view: T): T {
    owners.set(view, this);
    return view;
  }

  #stopped(doing: string, stop: KernelStop): KernelStoppedError {
    return new KernelStoppedError(`the kernel stopped while ${doing}: ${formatStop(stop)}\n\n${this.describe()}`, stop);
  }
}

function interleavingOf(given: Interleaving | number | undefined): Interleaving | undefined {
  return typeof given === "number" ? new Interleaving(given) : given;
}

function formatStop(stop: KernelStop): string {
  switch (stop.kind) {
    case "exit":
      return `pid 1 ended with status ${stop.status}`;
    case "panic":
      return "it panicked; `log` says why";
    case "asleep":
      return "everything is asleep, and nothing could wake it";
    case "input":
      return "a task waits for input; give it some with input() or closeInput()";
    case "budget":
      return "the instructions it may use are used up (maxInstructions)";
    default:
      return stop.kind;
  }
}

/**
 * Boots a kernel with a program as pid 1, up to the first instruction of that program. The same options give the same
 * run, instruction for instruction; kernels in one process know nothing of each other.
 * @throws RangeError for options that cannot be; AssemblyError, LinkError, ElfError for the program; Error with the end of
 *   the kernel log when the kernel cannot start it
 */
export function bootKernel(options: BootKernelOptions): BootedKernel {
  return new BootedKernel(options);
}
