import { type ElfFile, readElf } from "../../asm/index.ts";
import {
  type Core,
  copyBytes,
  type Entry,
  type Machine,
  REGISTER_NAMES,
  type RegisterName,
} from "../../emulator/index.ts";
import { type BootOptions, Kernel, kernel_image, type RecordedEvent } from "../../kernel/index.ts";
import { BackwardCommands } from "./backward-commands.ts";
import { type BreakpointRecord, Breakpoints } from "./breakpoints.ts";
import { type CommandHost, coreOf } from "./command-host.ts";
import { Driver } from "./driver.ts";
import { ForwardCommands } from "./forward-commands.ts";
import { memoryPieces } from "./guest-memory.ts";
import { linearEip } from "./instruction.ts";
import { LineCommands } from "./line-commands.ts";
import type { KernelSessionOptions, MachineSessionOptions, ReadOptions, RunOptions, StepOptions } from "./options.ts";
import type { Piece } from "./page-tables.ts";
import { DebugPrograms } from "./programs.ts";
import type { ReturnPlace } from "./return-place.ts";
import { SymbolTable } from "./symbol-table.ts";
import { kernelTarget, machineTarget } from "./target.ts";
import { type Action, Timeline } from "./timeline.ts";
import type { CatchRequest, SessionOutput, Stop, WatchRequest } from "./types.ts";
import type { SessionView } from "./view.ts";
import type { Goalpost } from "./watcher.ts";

const KERNEL_ADDRESSES = { start: 0xc0000000, end: 2 ** 32 };

/**
 * A guest being debugged: it goes forwards and backwards, stops where it is told to, and shows what it is made of.
 *
 * The guest notices nothing of it, and the same commands find the same states every time. While it stands in its past
 * it hears and says nothing new; input given there, and changes made there, end the future that had been.
 *
 * Every command that moves it gives where it stopped and why. The event loop of the host runs meanwhile, so that
 * `interrupt` can be called. One command runs at a time.
 */
export class DebugSession implements SessionView {
  readonly symbols: SymbolTable;
  /** What the ELF files of the kernel and its program tell. */
  readonly programs = new DebugPrograms();
  readonly breakpoints = new Breakpoints();

  readonly #timeline: Timeline;
  readonly #host: CommandHost;
  readonly #driver: Driver;
  readonly #forward: ForwardCommands;
  readonly #backward: BackwardCommands;
  readonly #lines: LineCommands;
  readonly #onReplaced: (() => void)[] = [];
  readonly #onOutput: ((output: SessionOutput) => void)[] = [];

  private constructor(timeline: Timeline, symbols: SymbolTable) {
    this.symbols = symbols;
    symbols.blocks = this.programs;
    this.#timeline = timeline;
    this.#host = {
      timeline,
      symbols,
      breakpoints: this.breakpoints,
      core: 0,
      stop: { reason: "start", core: 0, position: 0 },
      eventListener: undefined,
      holds: (record, core) => this.#holds(record, core),
    };
    this.#driver = new Driver(this.#host);
    this.#forward = new ForwardCommands(this.#host);
    this.#backward = new BackwardCommands(this.#host);
    this.#lines = new LineCommands(this.#host, this.#forward, this.#backward);
    timeline.onReplaced = () => {
      for (const listener of this.#onReplaced) listener();
    };
    timeline.onOutput = (stream, byte) => {
      for (const listener of this.#onOutput) listener({ stream, byte, position: this.position });
    };
  }

  /** A kernel at its reset. @throws as `new Kernel` does */
  static forKernel({ program, historyBytes, ...options }: KernelSessionOptions): DebugSession {
    const image = options.image ?? kernel_image({ smp: (options.cpus ?? 1) > 1 });
    const log = options.log;
    let timeline: Timeline | undefined;
    const boot: BootOptions = { ...options, image };
    const quiet: BootOptions =
      log === undefined ? boot : { ...boot, log: (line) => timeline?.muted !== true && log(line) };
    timeline = new Timeline(() => kernelTarget(new Kernel(quiet)), historyBytes);
    const session = new DebugSession(timeline, SymbolTable.forImage(image));
    session.programs.addLater(KERNEL_ADDRESSES, () => readElf(image.elf()));
    if (program !== undefined) session.addProgram(readElf(program));
    return session;
  }

  /**
   * A machine without a hosted kernel.
   * @param make makes the machine, loaded and ready to run, the same one every time. Its `onSerialOutput` and
   *   `onDebugOutput` are the session's: see `onOutput`.
   */
  static forMachine(make: () => Machine, options: MachineSessionOptions = {}): DebugSession {
    const { symbols = new SymbolTable(), historyBytes } = options;
    return new DebugSession(new Timeline(() => machineTarget(make()), historyBytes), symbols);
  }

  /** Adds the symbols, lines and other debugging information of a program. */
  addProgram(elf: ElfFile): void {
    this.symbols.addElf(elf);
    this.programs.add(elf);
  }

  // ---- Where it stands -----------------------------------------------------------------------------------------------

  get machine(): Machine {
    return this.#timeline.target.machine;
  }

  get kernel(): Kernel | undefined {
    return this.#timeline.target.kernel;
  }

  get position(): number {
    return this.machine.instructions;
  }

  /** Bytes that the captures it goes back by take. */
  get historyBytes(): number {
    return this.#timeline.historyBytes;
  }

  /** The last stop. */
  get stop(): Stop {
    return this.#host.stop;
  }

  /** Number of the selected core. Stops select the core that stopped. @throws RangeError when there is none such */
  get core(): number {
    return this.#host.core;
  }
  set core(core: number) {
    this.#host.core = coreOf(this.machine, core).id;
  }

  /** Hears that `machine` and `kernel` are other objects now. */
  onReplaced(listener: () => void): void {
    this.#onReplaced.push(listener);
  }

  /** Hears each byte that the guest sends; one time only, however often it goes back and forth over it. */
  onOutput(listener: (output: SessionOutput) => void): void {
    this.#onOutput.push(listener);
  }

  /**
   * Hears what is about to be done to the guest from outside, and the cycle at which it is; see `act`.
   * @param listener may look at the guest as it is before; what it returns is called when it has been done
   */
  onAction(listener: (entry: Entry) => () => void): void {
    this.#driver.onAction.push(listener);
  }

  /** Hears the kernel's events from now on, new ones only. The kernel's own `on_event` belongs to the session. */
  onEvent(listener: ((event: RecordedEvent) => void) | undefined): void {
    this.#host.eventListener = listener;
  }

  /**
   * What is called between two parts of a command, in the present: what it does to the guest is done there. One only.
   */
  set onPause(listener: (() => Promise<void>) | undefined) {
    this.#driver.onPause = listener;
  }

  // ---- Going ---------------------------------------------------------------------------------------------------------

  /**
   * Executes `n` instructions of the selected core; a core that sleeps counts those of all.
   * @throws RangeError for a number or core that is none
   */
  step(n = 1, { core }: StepOptions = {}): Promise<Stop> {
    return this.#driver.run(this.#forward.step(n, core));
  }

  /** Executes an instruction with everything that it calls, and passes over interrupts and exceptions. */
  next(): Promise<Stop> {
    return this.#driver.run(this.#forward.instruction(true));
  }

  /**
   * Goes to the beginning of another line of the source, `n` times: into what is called, where its lines are known.
   * @throws Error when neither a line nor a function is known where it stands
   */
  stepLine(n = 1): Promise<Stop> {
    return this.#driver.run(this.#lines.step(n, false));
  }

  /** The same, over what is called. */
  nextLine(n = 1): Promise<Stop> {
    return this.#driver.run(this.#lines.step(n, true));
  }

  /** The same, but not back within the function: from the end of a loop to behind it. */
  untilLine(): Promise<Stop> {
    return this.#driver.run(this.#lines.until());
  }

  /** Goes back to the beginning of the line that was executed last, `n` times: into what had been called. */
  reverseStepLine(n = 1): Promise<Stop> {
    return this.#driver.run(this.#lines.reverse(n, false));
  }

  /** The same, over what had been called. */
  reverseNextLine(n = 1): Promise<Stop> {
    return this.#driver.run(this.#lines.reverse(n, true));
  }

  /**
   * Runs to where the current function has returned.
   * @param place where it, or a function further out, returns to; found from the stack without it
   * @throws Error when it cannot be told where that is
   */
  finish(place?: ReturnPlace): Promise<Stop> {
    return this.#driver.run(this.#forward.finish(place));
  }

  /** Runs until a core comes to one of several places, and something of it holds there. */
  runTo(goalposts: readonly Goalpost[]): Promise<Stop> {
    return this.#driver.run(this.#forward.runTo(goalposts));
  }

  /** Runs until a core is about to execute the instruction at a linear address. */
  until(linear: number): Promise<Stop> {
    return this.#driver.run(this.#forward.until(linear));
  }

  continue({ maxInstructions = Number.POSITIVE_INFINITY }: RunOptions = {}): Promise<Stop> {
    return this.#driver.run(this.#forward.continue(maxInstructions));
  }

  /** Goes to before the last `n` instructions of the selected core; to the reset when there were fewer. */
  reverseStep(n = 1): Promise<Stop> {
    return this.#driver.run(this.#backward.reverseStep(n));
  }

  /** Goes to before the last instruction of this function, a call being one instruction. */
  reverseNext(): Promise<Stop> {
    return this.#driver.run(this.#backward.reverseNext());
  }

  /** Goes to before the call of the current function. @throws Error when it cannot be told where that returns to */
  reverseFinish(): Promise<Stop> {
    return this.#driver.run(this.#backward.reverseFinish());
  }

  /** Goes to the last place before this one where `continue` would have stopped; ignore counts do not matter. */
  reverseContinue(): Promise<Stop> {
    return this.#driver.run(this.#backward.reverseContinue());
  }

  /**
   * Goes back to before the instruction that last accessed memory as a request says, or that last caused an event. The
   * stop has the reason and what was done, as if it stood behind it; "start" when there was none.
   */
  last(request: WatchRequest | CatchRequest): Promise<Stop> {
    return this.#driver.run(this.#backward.last(request));
  }

  /**
   * Goes to where all cores together have executed `position` instructions, forwards or backwards.
   * @throws RangeError for a number that is none
   */
  goto(position: number): Promise<Stop> {
    return this.#driver.run(this.#backward.goto(position));
  }

  /** Goes to a cycle of the machine's time, forwards or backwards. @throws RangeError for a number that is none */
  gotoCycle(cycle: number): Promise<Stop> {
    return this.#driver.run(this.#backward.gotoCycle(cycle));
  }

  /** Ends the command under way, at its next look at the outside; from a callback, after the current instruction. */
  interrupt(): void {
    this.#driver.interrupt();
  }

  // ---- Changing ------------------------------------------------------------------------------------------------------

  // While a command runs through the past, what is done here waits until it has come out of it.

  /** Does something to the guest. In the past it ends the future that had been. @throws RangeError as what it does */
  act(action: Action): void {
    this.#driver.act(action);
  }

  /** Gives the guest input on its first serial port. */
  input(bytes: Uint8Array): void {
    this.act({ kind: "input", bytes: copyBytes(bytes) });
  }

  /** No more input will come. */
  closeInput(): void {
    this.act({ kind: "close-input" });
  }

  /** @throws as `Machine.setRegister` does */
  setRegister(name: RegisterName, value: number, core = this.core): void {
    this.act({ kind: "register", name, value, core });
  }

  /** @throws RangeError when part of it is no RAM */
  writePhysical(physical: number, bytes: Uint8Array): void {
    this.act({ kind: "memory", physical, bytes: copyBytes(bytes) });
  }

  /** @throws RangeError when part of it is not mapped, or no RAM */
  writeLinear(address: number, bytes: Uint8Array, options: ReadOptions = {}): void {
    const pieces = this.#pieces(address, bytes.length, options);
    for (const { physical, start, end } of pieces) this.machine.readPhysical(physical, end - start);
    for (const { physical, start, end } of pieces) this.writePhysical(physical, bytes.subarray(start, end));
  }

  // ---- Reading -------------------------------------------------------------------------------------------------------

  readLinear(address: number, length: number, options: ReadOptions = {}): Uint8Array {
    const result = new Uint8Array(length);
    for (const { physical, start, end } of this.#pieces(address, length, options)) {
      result.set(this.machine.readPhysical(physical, end - start), start);
    }
    return result;
  }

  readPhysical(address: number, length: number): Uint8Array {
    return this.machine.readPhysical(address, length);
  }

  physicalAddress(linear: number, options: ReadOptions = {}): number | undefined {
    try {
      return this.#pieces(linear, 1, options)[0]?.physical;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  registers(core = this.core): Record<RegisterName, number> {
    const { machine } = this;
    return Object.fromEntries(REGISTER_NAMES.map((name) => [name, machine.getRegister(name, core)])) as Record<
      RegisterName,
      number
    >;
  }

  linearEip(core = this.core): number {
    return linearEip(coreOf(this.machine, core));
  }

  #pieces(address: number, length: number, { core = this.core, task }: ReadOptions): Piece[] {
    return memoryPieces(this.#timeline.target, address, length, coreOf(this.machine, core).id, task);
  }

  /** Conditions look at the core that met the request, whichever is selected. */
  #holds({ request: { condition } }: BreakpointRecord, core: Core): boolean {
    if (condition === undefined) return true;
    const host = this.#host;
    const selected = host.core;
    host.core = core.id;
    try {
      return condition(this);
    } finally {
      host.core = selected;
    }
  }
}
