/** A running kernel to drive from a test: `bootKernel`. */
import { DebugSession } from "../debug/session/index.ts";
import { type BootOptions, Kernel, type KernelStop, type RecordedEvent } from "../kernel/index.ts";
import { PAGE_OFFSET } from "../kernel/inspect.ts";
import { resetKernel, startKernel } from "./boot-states.ts";
import {
  type BootedState,
  type BootPlan,
  bootedBefore,
  type Intervention,
  keepBooted,
  planOf,
} from "./booted-state.ts";
import { diagnosis, withDiagnosis } from "./diagnosis.ts";
import { doubtOf, type EventFilter, formatFilter, matches } from "./events.ts";
import { formatStop, KernelStoppedError } from "./kernel-stopped.ts";
import type { BootKernelOptions } from "./options.ts";
import { lineAddresses, lineOf } from "./places.ts";
import { isMistake, type Program } from "./program.ts";
import type { CalleeSaved } from "./registers.ts";
import { describeKernel } from "./report.ts";
import { reproductionOf } from "./reproduction.ts";
import type { Switch } from "./views.ts";
import { ownerOf, VisibleKernel } from "./visible-kernel.ts";

const SYSCALL_TABLE = "sys_call_table";

/** The kernel that registers, a TSS, a page, a task or the list of events came from. */
export function kernelOf(view: unknown): BootedKernel | undefined {
  if (view instanceof BootedKernel) return view;
  const owner = ownerOf(view);
  return owner instanceof BootedKernel ? owner : undefined;
}

/** A kernel under test. Every view it gives is of the moment it was asked for. */
export class BootedKernel extends VisibleKernel {
  override readonly kernel: Kernel;
  override readonly program: Program;
  readonly options: BootKernelOptions;
  /** Everything traced since reset, in order. */
  readonly events: RecordedEvent[] = [];
  /** The options of its boot, for those who boot another like it. */
  readonly bootOptions: BootOptions;
  /** Instructions after which a run that was to get somewhere is given up. */
  readonly budget: number;
  readonly #plan: BootPlan;
  readonly #interventions: Intervention[] = [];
  #output = "";
  #log = "";
  #wanted: EventFilter | undefined;
  #found: RecordedEvent | undefined;

  /** Use `bootKernel`. @param state where it goes on; without one it is about to run its program */
  constructor(plan: BootPlan, state?: BootedState) {
    super();
    this.#plan = plan;
    this.program = plan.program;
    this.options = plan.options;
    this.bootOptions = plan.boot;
    this.budget = plan.budget;
    const { image, debug } = plan.boot;
    if (state === undefined) {
      this.kernel = this.#start(plan);
    } else {
      this.kernel = Kernel.resume(state.capture, { image, debug: debug ?? false, on_event: this.#hear });
      for (const event of state.events) this.events.push(event);
      this.#output = state.output;
      this.#log = state.log;
      this.#interventions.push(...state.interventions);
    }
    this.kernel.on_output = (byte) => (this.#output += String.fromCharCode(byte));
    this.kernel.on_log = (byte) => (this.#log += String.fromCharCode(byte));
    this.own(this.events);
    plan.interleave?.adopt(this);
    if (state !== undefined) return;
    for (const [number, name] of Object.entries(plan.options.syscalls ?? {})) this.#setSyscall(Number(number), name);
  }

  /** A kernel that has not run its first program, at its reset if that is asked for. */
  #start({ boot, options }: BootPlan): Kernel {
    const start = options.at === "reset" ? resetKernel : startKernel;
    const { kernel, events, log } = start({ ...boot, on_event: this.#hear });
    for (const event of events) this.events.push(event);
    this.#log = log;
    return kernel;
  }

  readonly #hear = (event: RecordedEvent): void => {
    this.events.push(event);
    if (this.#wanted !== undefined && this.#found === undefined && matches(this.#wanted, event)) {
      this.#found = event;
      this.machine.requestStop();
    }
  };

  /** Boots to pid 1's first instruction in ring 3. @throws Error with the kernel's own word when it does not get there */
  static boot(options: BootKernelOptions): BootedKernel {
    const plan = planOf(options);
    if (options.at === "reset") return new BootedKernel(plan);
    const before = bootedBefore(plan);
    if (before !== undefined) return new BootedKernel(plan, before);
    const booted = new BootedKernel(plan);
    booted.#runToUser();
    keepBooted(plan, booted.#state());
    return booted;
  }

  #runToUser(): void {
    try {
      this.kernel.run_to_user();
    } catch (error) {
      const headline = withDiagnosis((error as Error).message, diagnosis(this));
      throw new Error(`${headline}\n\n${this.describe()}`, { cause: error });
    }
  }

  /**
   * A second, independent kernel in the same state, with what has happened so far: events, output, log. Neither notices
   * what becomes of the other.
   */
  fork(): BootedKernel {
    return new BootedKernel(this.#plan, this.#state());
  }

  #state(): BootedState {
    return {
      capture: this.kernel.capture(),
      events: this.events.slice(),
      output: this.#output,
      log: this.#log,
      interventions: this.#interventions.slice(),
    };
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
  run(maxInstructions = this.budget): KernelStop {
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
      throw this.#stopped(`waiting for ${formatFilter(filter)}${doubtOf(filter)}`, stop);
    } finally {
      this.#wanted = undefined;
    }
  }

  /**
   * Runs until a predicate is true, asked before every instruction: exact, and slower than the other ways.
   * @throws KernelStoppedError as `runUntil`
   */
  runUntilTrue(predicate: (kernel: BootedKernel) => boolean): void {
    for (let left = this.budget; !predicate(this); left--) {
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
    this.runToAny([this.symbol(name)], `running to ${name}`);
  }

  /** Runs until the instruction at a linear address is the next, at least one instruction. */
  runToAddress(address: number): void {
    this.runToAny([address], `running to 0x${(address >>> 0).toString(16)}`);
  }

  /** The error of a run that has used up its budget. */
  givenUp(doing: string): KernelStoppedError {
    return this.#stopped(doing, { kind: "budget" });
  }

  /** The same for several addresses. @param doing what for, as the error of a run that gets to none says it */
  runToAny(addresses: readonly number[], doing: string): void {
    const first = this.kernel.run({ maxInstructions: 1 });
    if (first.kind !== "budget") throw this.#stopped(doing, first);
    this.machine.setBreakpoints([...new Set(addresses.map((address) => address >>> 0))]);
    try {
      const stop = this.run();
      if (stop.kind !== "breakpoint") throw this.#stopped(doing, stop);
    } finally {
      this.machine.setBreakpoints([]);
    }
  }

  /**
   * Runs until a core is about to execute the instruction at a place, and has an interrupt come there; it has been taken, if
   * interrupts were enabled, and else stays pending.
   * @param where an address, a symbol, or a line of the kernel as `sched.ts:214`
   * @param irq the line: 0, the timer, by default
   */
  interruptAt(where: number | string, irq = 0): void {
    this.runToAny(this.#places(where), `running to ${where}`);
    // An edge, whatever the level was; the timer's line is high between its ticks, and others' are low.
    this.#drive(irq, false);
    this.#drive(irq, true);
    this.step();
    if (irq !== 0) this.#drive(irq, false);
  }

  /**
   * Runs until a core is about to execute the instruction at a place, then has another run alone, for a number of
   * instructions; from there on it is the interleaver's word again.
   * @param where as for `interruptAt`
   * @throws RangeError when there is no such core
   */
  switchCoreAt(
    where: number | string,
    { to, instructions }: { readonly to: number; readonly instructions: number },
  ): void {
    const { machine } = this;
    if (machine.cores[to] === undefined) {
      throw new RangeError(`core ${to}: this machine has cores 0 to ${machine.cores.length - 1}`);
    }
    this.runToAny(this.#places(where), `running to ${where}`);
    this.#alone(to);
    try {
      this.step(instructions);
    } finally {
      this.#alone(null);
    }
  }

  #places(where: number | string): number[] {
    const line = typeof where === "string" ? lineOf(where) : undefined;
    if (line === undefined) return [this.address(where)];
    return lineAddresses(this.kernel.image.lines, line.file, line.line);
  }

  #drive(irq: number, level: boolean): void {
    this.#intervene("interrupts", (session) => session.act({ kind: "irq", irq, level }));
    this.machine.setIrq(irq, level);
  }

  #alone(core: number | null): void {
    this.#intervene("switches of cores", (session) => session.act({ kind: "only-core", core }));
    this.machine.onlyCore = core;
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
    const address = this.address(where);
    if (address < PAGE_OFFSET) throw new RangeError(`0x${address.toString(16)} is not an address of kernel memory`);
    const contents = Uint8Array.from(bytes);
    const physical = address - PAGE_OFFSET;
    this.#intervene("patch", (session) => session.writePhysical(physical, contents));
    this.machine.writePhysical(physical, contents);
  }

  /** Gives a CPU's register that functions preserve another value. @throws RangeError when there is no such CPU */
  setRegister(name: keyof CalleeSaved, value: number, cpu = this.cpu): void {
    this.#intervene("registers", (session) => session.setRegister(name, value, cpu));
    this.machine.setRegister(name, value, cpu);
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
  async debugSession(): Promise<DebugSession> {
    const session = DebugSession.forKernel({ ...this.bootOptions, program: this.program.elf });
    for (const { position, again } of this.#interventions) {
      await session.goto(position);
      again(session);
    }
    await session.goto(this.position);
    return session;
  }

  #intervene(kind: string, again: (session: DebugSession) => void): void {
    this.#interventions.push({ position: this.position, kind, again });
  }

  #stopped(doing: string, stop: KernelStop): KernelStoppedError {
    const headline = withDiagnosis(`the kernel stopped while ${doing}: ${formatStop(stop)}`, diagnosis(this));
    return new KernelStoppedError(`${headline}\n\n${this.describe()}`, stop);
  }
}

/**
 * Boots a kernel with a program as pid 1, up to the first instruction of that program. The same options give the same
 * run, instruction for instruction; kernels in one process know nothing of each other. What was booted before in this
 * process is not booted again: its state is restored, which makes no difference but in time.
 * @throws RangeError for options that cannot be; AssemblyError, LinkError, ElfError, ProgramError for the program; Error
 *   with the end of the kernel log when the kernel cannot start it
 */
export function bootKernel(options: BootKernelOptions): BootedKernel {
  try {
    return BootedKernel.boot(options);
  } catch (error) {
    // What is wrong with a program is shown where the caller gives it, not where it was found out.
    if (isMistake(error)) Error.captureStackTrace(error, bootKernel);
    throw error;
  }
}
