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
import { mm_struct, task_struct } from "../../kernel/inspect.ts";
import { type BreakpointRecord, Breakpoints } from "./breakpoints.ts";
import { type CommandHost, Commands, type Running } from "./commands.ts";
import { HistoryCommands } from "./history-commands.ts";
import { linearEip } from "./instruction.ts";
import { LineCommands } from "./line-commands.ts";
import { type AddressSpace, addressSpaceOf, type Piece, piecesOf } from "./page-tables.ts";
import { DebugPrograms } from "./programs.ts";
import type { ReturnPlace } from "./return-place.ts";
import { SymbolTable } from "./symbol-table.ts";
import { kernelTarget, machineTarget } from "./target.ts";
import { type Action, Timeline } from "./timeline.ts";
import type { CatchRequest, SessionOutput, Stop, WatchRequest } from "./types.ts";
import type { Goalpost } from "./watcher.ts";

/** How to boot a kernel for debugging. */
export interface KernelSessionOptions extends BootOptions, HistoryOptions {
  /** The ELF file of pid 1, for its symbols. */
  readonly program?: Uint8Array | undefined;
}

export interface MachineSessionOptions extends HistoryOptions {
  /** Symbols of the program on the machine. */
  readonly symbols?: SymbolTable | undefined;
}

export interface HistoryOptions {
  /** Bytes of memory for the captures it goes back by, 256 MiB by default; with less, going far back takes longer. */
  readonly historyBytes?: number | undefined;
}

export interface RunOptions {
  /** Instructions to execute at most, by all cores together. */
  readonly maxInstructions?: number | undefined;
}

export interface StepOptions {
  /** Only this core executes; it is selected. Without it all do, until the selected one has executed the instructions. */
  readonly core?: number | undefined;
}

export interface ReadOptions {
  /** Whose page tables and mode to use; the selected core's without it. */
  readonly core?: number | undefined;
  /** Address of a `task_struct`, whose address space to use instead. */
  readonly task?: number | undefined;
}

/** Page tables of the kernel itself, for tasks that have none. */
const KERNEL_PAGE_DIRECTORY = "swapper_pg_dir";
const PAGE_OFFSET = 0xc0000000;
const CR0_PG = 0x80000000;

/**
 * A guest being debugged: it goes forwards and backwards, stops where it is told to, and shows what it is made of.
 *
 * The guest notices nothing of it, and the same commands find the same states every time. While it stands in its past
 * it hears and says nothing new; input given there, and changes made there, end the future that had been.
 *
 * Every command that moves it returns where it stopped and why. Those whose name ends in `Async` do the same, and let
 * the event loop of the host run meanwhile, so that `interrupt` can be called.
 */
export class DebugSession {
  readonly symbols: SymbolTable;
  /** What the ELF files of the kernel and its program tell. */
  readonly programs = new DebugPrograms();
  readonly breakpoints = new Breakpoints();

  readonly #timeline: Timeline;
  readonly #commands: Commands;
  readonly #lines: LineCommands;
  readonly #past: HistoryCommands;
  readonly #host: CommandHost;
  readonly #onReplaced: (() => void)[] = [];
  readonly #onOutput: ((output: SessionOutput) => void)[] = [];
  readonly #onAction: ((entry: Entry) => () => void)[] = [];
  #eventListener: ((event: RecordedEvent) => void) | undefined;
  #core = 0;
  #stop: Stop = { reason: "start", core: 0, position: 0 };
  #busy = false;
  /**
   * Called between two parts of a command whose name ends in Async, in the present: what it does to the guest is done
   * there.
   */
  onPause: (() => Promise<void>) | undefined;
  readonly #waiting: Action[] = [];

  private constructor(timeline: Timeline, symbols: SymbolTable) {
    const session = this;
    this.symbols = symbols;
    symbols.blocks = this.programs;
    this.#timeline = timeline;
    this.#host = {
      timeline,
      symbols,
      breakpoints: this.breakpoints,
      get core() {
        return session.#core;
      },
      set core(core) {
        session.#core = core;
      },
      get eventListener() {
        return session.#eventListener;
      },
      holds: (record, core) => this.#holds(record, core),
    };
    this.#commands = new Commands(this.#host);
    this.#lines = new LineCommands(this.#host, this.#commands);
    this.#past = new HistoryCommands(this.#host, this.#commands);
    timeline.onReplaced = () => {
      for (const listener of this.#onReplaced) listener();
    };
    timeline.onOutput = (stream, byte) => {
      for (const listener of this.#onOutput) listener({ stream, byte, position: this.position });
    };
  }

  /** A kernel at its reset. @throws as `new Kernel` does */
  static forKernel({ program, historyBytes, ...options }: KernelSessionOptions): DebugSession {
    const image = options.image ?? kernel_image();
    const log = options.log;
    let timeline: Timeline | undefined;
    const boot: BootOptions = { ...options, image };
    const quiet: BootOptions =
      log === undefined ? boot : { ...boot, log: (line) => timeline?.muted !== true && log(line) };
    timeline = new Timeline(() => kernelTarget(new Kernel(quiet)), historyBytes);
    const session = new DebugSession(timeline, SymbolTable.forImage(image));
    session.programs.addLater({ start: PAGE_OFFSET, end: 2 ** 32 }, () => readElf(image.elf()));
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

  /** The machine of this moment; going back may make it another object. */
  get machine(): Machine {
    return this.#timeline.target.machine;
  }

  /** The kernel of this moment; undefined on a bare machine. */
  get kernel(): Kernel | undefined {
    return this.#timeline.target.kernel;
  }

  /** Instructions executed by all cores since the reset. */
  get position(): number {
    return this.machine.instructions;
  }

  /** Bytes that the captures it goes back by take. */
  get historyBytes(): number {
    return this.#timeline.historyBytes;
  }

  /** The last stop. */
  get stop(): Stop {
    return this.#stop;
  }

  /** Number of the selected core. Stops select the core that stopped. @throws RangeError when there is none such */
  get core(): number {
    return this.#core;
  }
  set core(core: number) {
    this.#coreOf(core);
    this.#core = core;
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
    this.#onAction.push(listener);
  }

  /** Hears the kernel's events from now on, new ones only. The kernel's own `on_event` belongs to the session. */
  onEvent(listener: ((event: RecordedEvent) => void) | undefined): void {
    this.#eventListener = listener;
  }

  // ---- Going ---------------------------------------------------------------------------------------------------------

  /** Executes `n` instructions of the selected core; a core that sleeps counts those of all. */
  step(n = 1, options: StepOptions = {}): Stop {
    return this.#finish(this.#step(n, options));
  }

  stepAsync(n = 1, options: StepOptions = {}): Promise<Stop> {
    return this.#finishLater(this.#step(n, options));
  }

  /** Executes an instruction with everything that it calls, and passes over interrupts and exceptions. */
  next(): Stop {
    return this.#finish(this.#commands.next());
  }

  nextAsync(): Promise<Stop> {
    return this.#finishLater(this.#commands.next());
  }

  /**
   * Goes to the beginning of another line of the source, `n` times: into what is called, where its lines are known.
   * @throws Error when neither a line nor a function is known where it stands
   */
  stepLine(n = 1): Stop {
    return this.#finish(this.#times(n, () => this.#lines.step(false)));
  }

  stepLineAsync(n = 1): Promise<Stop> {
    return this.#finishLater(this.#times(n, () => this.#lines.step(false)));
  }

  /** The same, over what is called. */
  nextLine(n = 1): Stop {
    return this.#finish(this.#times(n, () => this.#lines.step(true)));
  }

  nextLineAsync(n = 1): Promise<Stop> {
    return this.#finishLater(this.#times(n, () => this.#lines.step(true)));
  }

  /** The same, but not back within the function: from the end of a loop to behind it. */
  untilLineAsync(): Promise<Stop> {
    return this.#finishLater(this.#lines.until());
  }

  /** Goes back to the beginning of the line that was executed last, `n` times: into what had been called. */
  reverseStepLine(n = 1): Stop {
    return this.#finish(this.#times(n, () => this.#lines.reverse(false)));
  }

  reverseStepLineAsync(n = 1): Promise<Stop> {
    return this.#finishLater(this.#times(n, () => this.#lines.reverse(false)));
  }

  /** The same, over what had been called. */
  reverseNextLine(n = 1): Stop {
    return this.#finish(this.#times(n, () => this.#lines.reverse(true)));
  }

  reverseNextLineAsync(n = 1): Promise<Stop> {
    return this.#finishLater(this.#times(n, () => this.#lines.reverse(true)));
  }

  /**
   * Runs to where the current function has returned.
   * @param place where it, or a function further out, returns to; found from the stack without it
   * @throws Error when it cannot be told where that is
   */
  finish(place?: ReturnPlace): Stop {
    return this.#finish(this.#commands.finish(place));
  }

  finishAsync(place?: ReturnPlace): Promise<Stop> {
    return this.#finishLater(this.#commands.finish(place));
  }

  /** Runs until a core comes to one of several places, and something of it holds there. */
  runToAsync(goalposts: readonly Goalpost[]): Promise<Stop> {
    return this.#finishLater(this.#commands.runTo(goalposts));
  }

  /** Runs until a core is about to execute the instruction at a linear address. */
  until(linear: number): Stop {
    return this.#finish(this.#commands.until(linear));
  }

  untilAsync(linear: number): Promise<Stop> {
    return this.#finishLater(this.#commands.until(linear));
  }

  continue({ maxInstructions = Number.POSITIVE_INFINITY }: RunOptions = {}): Stop {
    return this.#finish(this.#commands.continue(maxInstructions));
  }

  continueAsync({ maxInstructions = Number.POSITIVE_INFINITY }: RunOptions = {}): Promise<Stop> {
    return this.#finishLater(this.#commands.continue(maxInstructions));
  }

  /** Goes to before the last `n` instructions of the selected core; to the reset when there were fewer. */
  reverseStep(n = 1): Stop {
    return this.#finish(this.#commands.reverseStep(n));
  }

  reverseStepAsync(n = 1): Promise<Stop> {
    return this.#finishLater(this.#commands.reverseStep(n));
  }

  /** Goes to before the last instruction of this function, a call being one instruction. */
  reverseNext(): Stop {
    return this.#finish(this.#commands.reverseNext());
  }

  reverseNextAsync(): Promise<Stop> {
    return this.#finishLater(this.#commands.reverseNext());
  }

  /** Goes to before the call of the current function. @throws Error when it cannot be told where that returns to */
  reverseFinish(): Stop {
    return this.#finish(this.#commands.reverseFinish());
  }

  reverseFinishAsync(): Promise<Stop> {
    return this.#finishLater(this.#commands.reverseFinish());
  }

  /**
   * Goes back to before the instruction that last accessed memory as a request says, or that last caused an event. The
   * stop has the reason and what was done, as if it stood behind it; "start" when there was none.
   */
  lastAsync(request: WatchRequest | CatchRequest): Promise<Stop> {
    return this.#finishLater(this.#past.last(request));
  }

  /** Goes to the last place before this one where `continue` would have stopped; ignore counts do not matter. */
  reverseContinue(): Stop {
    return this.#finish(this.#reverseContinue());
  }

  reverseContinueAsync(): Promise<Stop> {
    return this.#finishLater(this.#reverseContinue());
  }

  /** A core that shuts down has done so at the moment of the exceptions that led to it: those lie before the stop. */
  #reverseContinue(): Generator<void, Stop> {
    return this.#commands.reverseContinue(undefined, this.#stop.reason === "triple-fault");
  }

  /** Goes to where all cores together have executed `position` instructions, forwards or backwards. */
  goto(position: number): Stop {
    return this.#finish(this.#goto(position));
  }

  gotoAsync(position: number): Promise<Stop> {
    return this.#finishLater(this.#goto(position));
  }

  /** Goes to a cycle of the machine's time, forwards or backwards. */
  gotoCycleAsync(cycle: number): Promise<Stop> {
    checkCount("cycle", cycle);
    return this.#finishLater(this.#commands.gotoCycle(cycle));
  }

  /** Ends the command under way, at its next look at the outside; from a callback, after the current instruction. */
  interrupt(): void {
    if (this.#busy) this.#timeline.interrupt();
  }

  // ---- Changing ------------------------------------------------------------------------------------------------------

  // While a command runs through the past, what is done here waits until it has come out of it.

  /** Does something to the guest. In the past it ends the future that had been. @throws RangeError as what it does */
  act(action: Action): void {
    this.#waiting.push(action);
    this.#actOnWaiting();
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
  setRegister(name: RegisterName, value: number, core = this.#core): void {
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

  /** Physical address behind a linear one; undefined where none is mapped. */
  physicalAddress(linear: number, options: ReadOptions = {}): number | undefined {
    try {
      return this.#pieces(linear, 1, options)[0]?.physical;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  // ---- Reading -------------------------------------------------------------------------------------------------------

  /**
   * A copy of memory as a core or a task sees it, without side effects; of a kernel's, before it has turned paging on, as
   * it will see it.
   * @throws RangeError when it is not mapped
   */
  readLinear(address: number, length: number, options: ReadOptions = {}): Uint8Array {
    const result = new Uint8Array(length);
    for (const { physical, start, end } of this.#pieces(address, length, options)) {
      result.set(this.machine.readPhysical(physical, end - start), start);
    }
    return result;
  }

  /** A copy of physical memory, without side effects. @throws RangeError when it leaves the address space */
  readPhysical(address: number, length: number): Uint8Array {
    return this.machine.readPhysical(address, length);
  }

  /** Every register by name, unsigned. */
  registers(core = this.#core): Record<RegisterName, number> {
    const { machine } = this;
    return Object.fromEntries(REGISTER_NAMES.map((name) => [name, machine.getRegister(name, core)])) as Record<
      RegisterName,
      number
    >;
  }

  /** Linear address of the next instruction, unsigned. */
  linearEip(core = this.#core): number {
    return linearEip(this.#coreOf(core));
  }

  // ---- Parts of it ---------------------------------------------------------------------------------------------------

  #coreOf(number: number): Core {
    const core = this.machine.cores[number];
    if (core === undefined) {
      throw new RangeError(`core ${number}: this machine has cores 0 to ${this.machine.cores.length - 1}`);
    }
    return core;
  }

  #step(n: number, { core }: StepOptions): Running {
    checkCount("steps", n);
    if (core !== undefined) this.#coreOf(core);
    return core === undefined ? this.#commands.step(n) : this.#commands.stepAlone(n, core);
  }

  *#times(n: number, command: () => Running): Running {
    checkCount("lines", n);
    let stop = this.#stop;
    for (let i = 0; i < n; i++) {
      stop = yield* command();
      if (stop.reason !== "step") break;
    }
    return stop;
  }

  #goto(position: number): Running {
    checkCount("position", position);
    return this.#commands.goto(position);
  }

  #finish(command: Running): Stop {
    this.#begin();
    try {
      let result = command.next();
      while (result.done !== true) result = command.next();
      return this.#settle(result.value);
    } finally {
      this.#busy = false;
      this.#actOnWaiting();
    }
  }

  async #finishLater(command: Running): Promise<Stop> {
    this.#begin();
    try {
      let result = command.next();
      while (result.done !== true) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#actOnWaiting();
        if (this.#timeline.cycle >= this.#timeline.horizon && !this.#timeline.isCut) await this.onPause?.();
        result = command.next();
      }
      return this.#settle(result.value);
    } finally {
      this.#busy = false;
      this.#actOnWaiting();
    }
  }

  #actOnWaiting(): void {
    if (this.#busy && this.#timeline.cycle < this.#timeline.horizon) return;
    for (let action = this.#waiting.shift(); action !== undefined; action = this.#waiting.shift()) {
      const entry = { cycle: this.#timeline.cycle, action };
      const done = this.#onAction.map((listener) => listener(entry));
      this.#timeline.act(action);
      for (const listener of done) listener();
    }
  }

  #begin(): void {
    if (this.#busy) throw new Error("the session is running: wait for its command, or interrupt it");
    this.#busy = true;
  }

  #settle(stop: Stop): Stop {
    this.#core = stop.core;
    this.#stop = stop;
    return stop;
  }

  /** Conditions look at the core that met the request, whichever is selected. */
  #holds({ request: { condition } }: BreakpointRecord, core: Core): boolean {
    if (condition === undefined) return true;
    const selected = this.#core;
    this.#core = core.id;
    try {
      return condition(this);
    } finally {
      this.#core = selected;
    }
  }

  #pieces(address: number, length: number, { core = this.#core, task }: ReadOptions): Piece[] {
    const offset = (address >>> 0) - PAGE_OFFSET;
    const isPaged = (this.#coreOf(core).cr0 & CR0_PG) !== 0;
    // Before paging is on, the kernel's symbols lie where it was loaded.
    if (this.kernel !== undefined && !isPaged && offset >= 0 && offset + length <= this.machine.memory.ramSize) {
      return [{ physical: offset, start: 0, end: length }];
    }
    const space = task === undefined ? addressSpaceOf(this.machine, this.#coreOf(core).id) : this.#spaceOfTask(task);
    return piecesOf(this.machine, space, address, length);
  }

  /** A task without an address space of its own, a kernel thread, has the kernel's. */
  #spaceOfTask(task: number): AddressSpace {
    const { kernel } = this;
    if (kernel === undefined) throw new RangeError("a bare machine has no tasks that are known");
    const directory = kernel.inspect(() => {
      const { mm, active_mm } = task_struct.at(task);
      const own = mm !== 0 ? mm : active_mm;
      return own === 0 ? kernel.image.symbol(KERNEL_PAGE_DIRECTORY) : mm_struct.at(own).pgd;
    });
    return { directory: (directory - PAGE_OFFSET) >>> 0, largePages: true };
  }
}

function checkCount(what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`${what} ${count}: expected an integer, 0 or more`);
}
