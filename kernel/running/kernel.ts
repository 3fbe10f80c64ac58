/** A machine with the kernel on it: booting, running, looking. */

import { endOf, handOver, loadKernel } from "../../boot/index.ts";
import {
  Capture,
  type Core,
  checkLimits,
  DEFAULT_HZ,
  type Interleaver,
  Machine,
  type MachineOptions,
  RoundRobin,
  type RunLimits,
  SnapshotError,
  type StopReason,
} from "../../emulator/index.ts";
import { hosted_exception } from "../arch/i386/kernel/traps.ts";
import { tty_readers, tty_wants_input } from "../drivers/char/tty_io.ts";
import { Bridge } from "../host/bridge.ts";
import { ambient, type KernelHost, stepping, type TraceEvent, with_context } from "../host/context.ts";
import { HostedMemory } from "../host/hosted-memory.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { FIXADDR_START } from "../include/asm/fixmap.ts";
import { MAXMEM, PAGE_OFFSET } from "../include/asm/page.ts";
import { THREAD_SIZE } from "../include/asm/processor.ts";
import { thread_info } from "../include/asm/thread_info.ts";
import { kstat, task_struct } from "../include/linux/sched.ts";
import { nr_running } from "../include/linux/sched_class.ts";
import { NR_CPUS } from "../include/linux/threads.ts";
import { EXIT_PANIC } from "../kernel/panic.ts";
import { HZ, jiffies, nr_timers } from "../kernel/timer.ts";
import { kernel_image } from "../link.ts";
import { entry_check, plain_check } from "./entry-check.ts";
import { InspectMemory } from "./inspect-memory.ts";
import { KernelEntries } from "./kernel-entries.ts";
import { type EventOptions, KernelLocks } from "./kernel-locks.ts";
import { lock_name_at } from "./lock-names.ts";
import { type KernelStack, stack_at, task_on } from "./task-stacks.ts";

const USER_CPL = 3;
/** Bytes of a kernel stack that are left for saying that it is full, and for ending the task. */
const ROOM_FOR_OOPS = 1536;
/** The function that asks what is to be run; see arch/i386/kernel/setup.ts. */
const HAND_OVER = "read_boot_params";

/** The kernel that a machine is to boot. */
export interface LoadOptions
  extends Pick<MachineOptions, "memoryBytes" | "cpuHz" | "memoryModel" | "interleaver" | "log"> {
  /** CPUs: 1, the default, to 8. More than one take a kernel that is linked for several. */
  readonly cpus?: number;
  /** The linked kernel; by default linked from source, once for the process. */
  readonly image?: KernelImage;
  /** Checks that functions are called as their `@context` says. The run is the same, but for the oops of one that is not. */
  readonly debug?: boolean;
}

/** What a kernel is to run. */
export interface KernelProgram {
  /** A newc cpio archive that holds the first program. */
  readonly initramfs: Uint8Array;
  /** Path of the program that becomes pid 1, without spaces; /init by default. */
  readonly init?: string;
  /** Its arguments behind its name: at most 64. */
  readonly args?: readonly string[];
}

/** How to boot. */
export interface BootOptions extends LoadOptions, KernelProgram {}

/** How a run of the kernel ended. */
export type KernelStop =
  /** pid 1 ended: its exit status, or 128 + the signal that killed it. */
  | { readonly kind: "exit"; readonly status: number }
  /** The kernel stopped itself; the log says why. */
  | { readonly kind: "panic" }
  /** Everything sleeps and no timer and no input can wake it. */
  | { readonly kind: "asleep" }
  /** The same, but a task waits for input that the host can still give. */
  | { readonly kind: "input" }
  | Exclude<StopReason, { readonly kind: "exit" | "halted-forever" }>;

/** A recorded kernel event with its time and the number of the core it happened on. */
export type RecordedEvent = TraceEvent & {
  readonly instruction: number;
  readonly cycle: number;
  readonly cpu: number;
};

/** What has happened since boot, read from guest memory and the machine's counters. */
export interface KernelStatistics {
  readonly instructions: number;
  readonly ticks: number;
  readonly contextSwitches: number;
  /** Write faults on shared pages: those that copied the page, and those whose writer was the last user. */
  readonly cowCopies: number;
  readonly cowReuses: number;
  readonly syscalls: number;
  readonly forks: number;
  readonly pageFaults: number;
  /** Loads of CR3 by switches between address spaces. */
  readonly cr3Loads: number;
}

/** What a kernel is made with that goes on from a saved state. */
export interface ResumeOptions extends Pick<MachineOptions, "interleaver" | "log"> {
  /** The kernel that was saved; by default the one linked from source. */
  readonly image?: KernelImage;
  /** As for a boot. */
  readonly debug?: boolean;
  /** Hears every kernel event from there on, as `Kernel.on_event` sets it. */
  readonly on_event?: (event: RecordedEvent) => void;
}

/** The whole state of a kernel at one moment. It never changes; captures share what is the same in them. */
export interface KernelCapture {
  readonly machine: Capture;
  /** Whether the host has said that no more input will come. */
  readonly input_closed: boolean;
}

/** Instructions from one timer interrupt to the next with which the kernel gets anywhere. */
const LEAST_PER_TICK = 500;

/** Instructions that a CPU runs in its turn, when nobody says otherwise: turns that are shorter make a run slower. */
const LONGEST_TURN = 12_500;
/** Rounds of all CPUs' turns in a tick, at least: no CPU waits for the others so long that it misses one. */
const ROUNDS_IN_A_TICK = 2;

/** The turns of a kernel's CPUs. */
function turns_of(cpus: number, cpuHz: number, image: KernelImage): Interleaver {
  const tick = cpuHz / image.initial(HZ.symbol);
  return new RoundRobin(Math.max(1, Math.min(LONGEST_TURN, Math.floor(tick / ROUNDS_IN_A_TICK / cpus))));
}

/** @param hz instructions a second @param ticks timer interrupts a second */
function check_cpu_hz(hz: number | undefined, ticks: number): void {
  const least = ticks * LEAST_PER_TICK;
  if (hz === undefined || !(hz < least)) return;
  throw new RangeError(
    `a CPU of ${hz} Hz executes ${Math.floor(hz / ticks)} instructions between two timer interrupts, too few for the kernel ` +
      `to get anywhere; it takes ${least} Hz or more (10000000 is usual)`,
  );
}

function check_cpus(cpus: number, image: KernelImage): void {
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > NR_CPUS)
    throw new RangeError(`${cpus} CPUs: a kernel runs on 1 to ${NR_CPUS}`);
  if (cpus > image.cpus)
    throw new RangeError(`${cpus} CPUs: this kernel is linked for one; link it with { config: { smp: true } }`);
}

export class Kernel implements KernelHost {
  readonly machine: Machine;
  readonly image: KernelImage;
  readonly #bridge: Bridge;
  readonly #inspect: HostedMemory;
  readonly #entries: KernelEntries;
  readonly #locks: KernelLocks;
  readonly #debug: boolean;
  /** See KernelHost. */
  readonly entered: KernelHost["entered"];
  #listener: ((event: RecordedEvent) => void) | undefined;
  #wanted: EventOptions = {};
  #input_closed = false;

  /** Called with each byte the programs write to ttyS0. */
  on_output: ((byte: number) => void) | undefined;
  /** Called with each byte of the kernel log. */
  on_log: ((byte: number) => void) | undefined;

  /**
   * Builds a machine and loads the kernel, with what it is to run if that is given; nothing has run yet.
   * @throws RangeError when it does not fit in memory, for a `cpuHz` that is too low, and for more CPUs than it is for
   */
  constructor(options: BootOptions | LoadOptions);
  /** A kernel on a machine that has it loaded already. */
  constructor(options: ResumeOptions, machine: Machine);
  constructor(options: BootOptions | LoadOptions | ResumeOptions, machine?: Machine) {
    const cpus = machine?.cores.length ?? ("cpus" in options ? (options.cpus ?? 1) : 1);
    this.image = options.image ?? kernel_image({ smp: cpus > 1 });
    check_cpus(cpus, this.image);
    if ("cpuHz" in options) check_cpu_hz(options.cpuHz, this.image.initial(HZ.symbol));
    this.#debug = options.debug ?? false;
    this.entered = this.#debug ? plain_check(this.image) : undefined;
    this.machine = machine ?? this.#new_machine(options, cpus);
    this.#bridge = new Bridge({
      host: this,
      steps: this.#debug ? this.image.checked_steps(entry_check) : this.image.steps,
      lowest: PAGE_OFFSET,
      end: this.#end_of_memory(),
      stacks: { size: THREAD_SIZE, reserved: this.#stack_overhead() + ROOM_FOR_OOPS, end: this.#end_of_ram() },
      on_failure: (_core, eip, why) => this.#note_failure(eip, why),
    });
    this.#inspect = HostedMemory.of(new InspectMemory(this.machine));
    this.#entries = new KernelEntries(this.image, this.#inspect);
    this.#locks = new KernelLocks(this.image, this.#inspect, {
      name: (lock) => this.inspect(() => lock_name_at(this.image, lock)),
      record: (event, core) => this.#record(event, core),
    });
    this.machine.attachBridge(this.#bridge.hostcall);
    this.machine.onSerialOutput = (byte, port) => {
      if (port === 1) this.on_output?.(byte);
    };
    this.machine.onDebugOutput = (byte) => this.on_log?.(byte);
    if (machine === undefined) this.#load();
    if ("initramfs" in options) this.hand_over(options);
  }

  #end_of_ram(): number {
    return PAGE_OFFSET + Math.min(this.machine.memory.ramSize, MAXMEM);
  }

  /** Behind it are devices: what vmalloc maps is memory. */
  #end_of_memory(): number {
    return this.image.stacks?.kind === "vmap" ? FIXADDR_START : this.#end_of_ram();
  }

  /** Bytes at the lower end of a task's stack that are no stack. */
  #stack_overhead(): number {
    switch (this.image.stacks?.kind) {
      case "vmap":
        return 0;
      case "thread_info":
        return thread_info.size;
      default:
        return task_struct.size;
    }
  }

  /** A machine to load the kernel into. Its guest says when it is ready (RTS): input given before the driver is there waits. */
  #new_machine(options: BootOptions | LoadOptions | ResumeOptions, cpus: number): Machine {
    const cpuHz = "cpuHz" in options ? options.cpuHz : DEFAULT_HZ;
    const { interleaver = turns_of(cpus, cpuHz ?? DEFAULT_HZ, this.image) } = options;
    return new Machine({ ...options, interleaver, serial: { flowControl: "rts", strict: true } });
  }

  #load(): void {
    const { segments, entry } = this.image;
    this.machine.com1.setCarrier(true);
    loadKernel(this.machine, { segments, entry: entry - PAGE_OFFSET });
  }

  // ---- Booting ----

  /**
   * Says what a kernel that was loaded alone is to run, at its reset or where `run_to_hand_over` stops.
   * @param from physical address from which on memory is free for the archive
   * @throws RangeError when it does not fit in memory
   */
  hand_over({ initramfs, init = "/init", args = [] }: KernelProgram, from = endOf(this.image.segments)): void {
    const commandLine = `init=${init} -- ${args.map(quote).join(" ")}`.trimEnd();
    handOver(this.machine, { initramfs, commandLine }, from);
  }

  /** Runs from the reset to where the kernel looks for what it is to run. Returns false when it stops before. */
  run_to_hand_over(): boolean {
    this.machine.setBreakpoints([this.image.symbol(HAND_OVER)]);
    const stop = this.run();
    this.machine.setBreakpoints([]);
    return stop.kind === "breakpoint";
  }

  // ---- Saved states ----

  /** The whole state, for `restore`. It costs what was written since the last capture. @throws Error during a run */
  capture(): KernelCapture {
    return { machine: this.machine.capture(), input_closed: this.#input_closed };
  }

  /** The state as bytes, for another process. @throws Error during a run */
  save(): Uint8Array {
    const machine = this.machine.save();
    const bytes = new Uint8Array(machine.length + 1);
    bytes.set(machine);
    bytes[machine.length] = this.#input_closed ? 1 : 0;
    return bytes;
  }

  /**
   * Puts a state of this very kernel back; from there it goes on as it did, bit for bit, given the same input.
   * @throws SnapshotError when the bytes are no such state; nothing changes then
   * @throws Error during a run
   */
  restore(from: KernelCapture | Uint8Array): void {
    const state = state_of(from);
    this.machine.restore(state.machine);
    this.#locks.reset();
    this.#input_closed = state.input_closed;
  }

  /** A kernel, in this or another process, that goes on from a saved state. @throws SnapshotError as `restore` does */
  static resume(from: KernelCapture | Uint8Array, options: ResumeOptions = {}): Kernel {
    const { log } = options;
    const state = state_of(from);
    const capture = state.machine instanceof Capture ? state.machine : Capture.decode(state.machine, null);
    const { cpus, cpuHz } = capture.configuration;
    const { image = kernel_image({ smp: cpus > 1 }), interleaver = turns_of(cpus, cpuHz, image) } = options;
    const machine = Machine.restore(capture, { interleaver, ...(log === undefined ? {} : { log }) });
    const kernel = new Kernel(options, machine);
    if (options.on_event !== undefined) kernel.on_event(options.on_event);
    kernel.#input_closed = state.input_closed;
    return kernel;
  }

  /** A second kernel in the same state: neither notices what becomes of the other. @throws Error during a run */
  fork(): Kernel {
    const kernel = new Kernel({ image: this.image, debug: this.#debug }, this.machine.fork());
    kernel.#input_closed = this.#input_closed;
    return kernel;
  }

  // ---- Running ----

  /**
   * Runs on, until pid 1 ends or something else in KernelStop happens. A run can be continued unless it ended.
   * @throws as `Machine.run` does
   */
  run(limits: Omit<RunLimits, "until"> & { readonly until?: (kernel: Kernel) => boolean } = {}): KernelStop {
    checkLimits(limits);
    let asleep: KernelStop | undefined;
    this.machine.onHalt = () => {
      this.#drop_carrier();
      if (!this.#asleep()) return undefined;
      asleep = !this.#input_closed && this.inspect(tty_readers) > 0 ? { kind: "input" } : { kind: "asleep" };
      return "stop";
    };
    const { until, ...others } = limits;
    const stop = stepping(() =>
      this.machine.run(until === undefined ? others : { ...others, until: () => until(this) }),
    );
    switch (stop.kind) {
      case "exit":
        return stop.value === EXIT_PANIC ? { kind: "panic" } : { kind: "exit", status: stop.value & 0xff };
      case "stopped":
        return asleep ?? stop;
      case "power-off":
        return { kind: "exit", status: 0 };
      case "halted-forever":
        return { kind: "asleep" };
      default:
        return stop;
    }
  }

  /** Runs until a kernel event for which `matches` is true; stops after the instruction that caused it. */
  run_to_event(
    matches: (event: RecordedEvent) => boolean,
  ): KernelStop | { readonly kind: "event"; readonly event: RecordedEvent } {
    return this.#run_to(matches, true);
  }

  /** @param entries whether it may be an event that the CPU causes; it is told of them anyway if somebody listens */
  #run_to(
    matches: (event: RecordedEvent) => boolean,
    entries: boolean,
  ): KernelStop | { readonly kind: "event"; readonly event: RecordedEvent } {
    const listener = this.#listener;
    const wanted = this.#wanted;
    let found: RecordedEvent | undefined;
    const look = (event: RecordedEvent) => {
      listener?.(event);
      if (found === undefined && matches(event)) {
        found = event;
        this.machine.requestStop();
      }
    };
    if (entries || listener !== undefined) this.on_event(look, wanted);
    else this.#listener = look;
    try {
      const stop = this.run();
      return found === undefined ? stop : { kind: "event", event: found };
    } finally {
      this.on_event(listener, wanted);
    }
  }

  /** Runs from the reset vector to pid 1's first instruction in ring 3. @throws Error when the kernel does not get there */
  run_to_user(): void {
    const stop = this.#run_to(({ event }) => event === "exec", false);
    if (stop.kind !== "event") throw new Error(`the kernel did not get to user space: ${stop.kind}`);
    const core = this.machine.cores[stop.event.cpu];
    while (core.cpl !== USER_CPL) this.machine.step();
  }

  /** Whether a task wants input from ttyS0, nothing is on its way to it, and the host may still give some. */
  get wants_input(): boolean {
    if (this.#input_closed || this.machine.com1.pendingInput > 0) return false;
    return this.inspect(tty_wants_input);
  }

  /** Gives the programs input on ttyS0, at the speed of the line. */
  input(bytes: Uint8Array): void {
    this.machine.com1.receive(bytes);
  }

  /** No more input will come: once all of it has been received the carrier drops, and readers get end of file. */
  close_input(): void {
    this.#input_closed = true;
    this.#drop_carrier();
  }

  #drop_carrier(): void {
    if (this.#input_closed && this.machine.com1.pendingInput === 0) this.machine.com1.setCarrier(false);
  }

  /** Looks at the kernel's data with the kernel's own types: `kernel.inspect(() => jiffies.value)`. Changes nothing. */
  inspect<T>(look: () => T): T {
    return with_context(undefined, this, this.#inspect, look);
  }

  /**
   * Linear address of the PCB of the task that a core executes: by the stack that it is on, or that it goes to when it leaves
   * ring 3. undefined before there are tasks.
   * @throws RangeError when there is no such core
   */
  task_on(core = 0): number | undefined {
    const { cores } = this.machine;
    if (cores[core] === undefined)
      throw new RangeError(`core ${core}: this machine has cores 0 to ${cores.length - 1}`);
    return this.inspect(() => task_on(cores[core], this.image, this.#inspect));
  }

  /** Whose kernel stack an address is on: a task's or a CPU's; a stack's top counts. */
  stack_at(address: number): KernelStack | undefined {
    return this.inspect(() => stack_at(this.image, address));
  }

  /** Hears every kernel event from now on; costs nothing while nobody listens. With `locks` the machine's probes are its own. */
  on_event(listener: ((event: RecordedEvent) => void) | undefined, wanted: EventOptions = {}): void {
    this.#listener = listener;
    const probes = wanted.locks !== undefined || this.#wanted.locks !== undefined;
    this.#wanted = wanted;
    const tracing = listener !== undefined;
    for (const core of this.machine.cores) {
      core.onInterrupt = tracing ? this.#on_interrupt : null;
      core.onInterruptReturn = tracing ? this.#on_interrupt_return : null;
      core.onCr3Load = tracing ? this.#on_cr3_load : null;
    }
    if (probes) this.machine.setProbes(tracing ? this.#locks.probes(wanted) : new Map());
  }

  readonly #on_interrupt = (core: Core, vector: number): void => {
    const event = this.#entries.entered(core, vector);
    if (event !== undefined) this.#record(event, core);
  };

  readonly #on_interrupt_return = (core: Core, esp: number): void => {
    const event = this.#entries.returned(core, esp);
    if (event !== undefined) this.#record(event, core);
  };

  readonly #on_cr3_load = (core: Core, cr3: number): void => {
    this.#record({ event: "cr3_load", cr3: cr3 >>> 0 }, core);
  };

  get statistics(): KernelStatistics {
    return this.inspect(() => {
      const stats = Array.from({ length: this.image.cpus }, (_, cpu) => kstat.of(cpu));
      const sum = (count: (stat: (typeof stats)[number]) => number) =>
        stats.reduce((total, stat) => total + count(stat), 0);
      return {
        instructions: this.machine.instructions,
        ticks: jiffies.value,
        contextSwitches: sum(({ context_swtch }) => context_swtch),
        cowCopies: sum(({ cow_copies }) => cow_copies),
        cowReuses: sum(({ cow_reuses }) => cow_reuses),
        syscalls: sum(({ syscalls }) => syscalls),
        forks: sum(({ forks }) => forks),
        pageFaults: sum(({ pgfault }) => pgfault),
        cr3Loads: sum(({ cr3_loads }) => cr3_loads),
      };
    });
  }

  /** Leaves the reason why a step failed in the kernel's own memory, for its oops. */
  #note_failure(eip: number, what: string): void {
    const line = this.image.lines.findLast(({ address }) => address <= eip);
    const why = line === undefined ? what : `${what} (${line.file}:${line.line})`;
    const at = this.image.symbol("hosted_exception") - PAGE_OFFSET;
    const bytes = new Uint8Array(hosted_exception.type.size);
    new DataView(bytes.buffer).setUint32(0, eip, true);
    const text = hosted_exception.type.offset("text");
    for (let i = 0; i < why.length && text + i < bytes.length - 1; i++) bytes[text + i] = why.charCodeAt(i);
    this.machine.writePhysical(at, bytes);
  }

  get tracing(): boolean {
    return this.#listener !== undefined;
  }

  trace(event: TraceEvent): void {
    this.#record(event, ambient.core!);
  }

  #record(event: TraceEvent, core: Core): void {
    const { instructions, cycles } = this.machine;
    this.#listener?.({ instruction: instructions, cycle: cycles, cpu: core.id, ...event });
  }

  /** No task is runnable, no timer pending, no character on its way: only the host could change anything. */
  #asleep(): boolean {
    if (this.machine.com1.active) return false;
    return this.inspect(() => nr_running() === 0 && nr_timers.value === 0);
  }
}

/** A kernel's state, captured or as `save` wrote it: the machine's bytes, then whether the input is closed. */
type KernelState = Omit<KernelCapture, "machine"> & { readonly machine: Capture | Uint8Array };

/** @throws SnapshotError when there are no bytes */
function state_of(from: KernelCapture | Uint8Array): KernelState {
  if (!(from instanceof Uint8Array)) return from;
  if (from.length === 0) throw new SnapshotError("no bytes: this is no saved kernel");
  return { machine: from.subarray(0, -1), input_closed: from[from.length - 1] === 1 };
}

/** An argument as init/main.ts reads it from the command line. */
function quote(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&")}"`;
}
