import { Board } from "./board.ts";
import { Capture } from "./capture.ts";
import { Clock, DEFAULT_HZ } from "./clock.ts";
import { CodeCache } from "./cpu/block-cache.ts";
import { Core } from "./cpu/core.ts";
import { snapshotCore } from "./cpu/core-snapshot.ts";
import { HostBreakpoints } from "./cpu/host-breakpoints.ts";
import { HostWatchpoints, type WatchedAccess, type WatchedRange } from "./cpu/host-watchpoints.ts";
import { readLinear } from "./cpu/paging.ts";
import { StoreBuffer } from "./cpu/store-buffer.ts";
import { tierSettings } from "./cpu/tier/settings.ts";
import type { TierStatistics } from "./cpu/tier/statistics.ts";
import type { Disk } from "./devices/disk.ts";
import type { I8254 } from "./devices/i8254.ts";
import type { I8259APair } from "./devices/i8259a.ts";
import type { IoApic } from "./devices/io-apic.ts";
import type { Keyboard } from "./devices/keyboard.ts";
import type { LocalApic } from "./devices/local-apic.ts";
import { PortBus } from "./devices/ports.ts";
import type { Rtc } from "./devices/rtc.ts";
import type { Uart16550 } from "./devices/uart16550.ts";
import type { VgaText } from "./devices/vga-text.ts";
import { Execution } from "./execution.ts";
import { anotherOf, type Interleaver, RoundRobin } from "./interleaver.ts";
import type { InterruptSystem } from "./interrupt-system.ts";
import type { MachineCounters } from "./machine-counters.ts";
import type { MachineOptions } from "./machine-options.ts";
import { configurationOf, MEMORY_MODELS, type RestoreOptions, SavedState, savedOptions } from "./machine-snapshot.ts";
import { DEFAULT_RAM, PhysicalMemory } from "./memory/physical-memory.ts";
import { getRegister, type RegisterName, setRegister } from "./named-registers.ts";
import type { Notice } from "./notices.ts";
import { checkLimits, type LimitsOf } from "./run-limits.ts";
import { type Snapshot, SnapshotError } from "./snapshot.ts";
import type { StopReason } from "./stop-reason.ts";

/** How far `Machine.run` goes. */
export type RunLimits = LimitsOf<Machine>;

/**
 * An i386 PC: cores, memory, devices and the clock that drives them.
 *
 * The machine runs only inside `run` and `step`, on virtual time: one instruction by any core takes one cycle, and
 * when all cores are halted time jumps to the next event. Events happen at exactly their cycle, so the same inputs
 * give the same run.
 */
export class Machine {
  readonly memory: PhysicalMemory;
  readonly ports = new PortBus();
  readonly clock: Clock;
  readonly cores: readonly Core[];
  readonly interleaver: Interleaver;

  readonly interruptSystem: InterruptSystem;
  readonly pit: I8254;
  readonly rtc: Rtc;
  readonly com1: Uart16550;
  readonly com2: Uart16550;
  readonly keyboard: Keyboard;
  readonly vga: VgaText;
  /** The disks by place, as in the options; null where there is none. */
  readonly disks: readonly (Disk | null)[];
  /** Diskettes by drive, as in the options; null where there is none. */
  readonly diskettes: readonly (Disk | null)[];
  readonly #board: Board;

  /** Called with each byte that a serial port (1 or 2) has sent, at its time. */
  onSerialOutput: ((byte: number, port: 1 | 2) => void) | null = null;
  /** Called with each byte written to the debug console, port 0xE9. */
  onDebugOutput: ((byte: number) => void) | null = null;
  /** Called with each byte written to the POST port. */
  onPostCode: ((code: number) => void) | null = null;
  /** Called when all cores are halted, before time jumps; "stop" ends the run. It may supply input. */
  onHalt: ((machine: Machine) => "stop" | undefined) | null = null;

  /** Called after every reset: for a host that stands in for firmware and starts the program again. */
  onReset: (() => void) | null = null;

  readonly #state: SavedState;
  readonly #options: MachineOptions;
  readonly #execution: Execution;
  #breakpoints: ReadonlySet<number> = new Set();
  #stops: (core: Core, linear: number) => boolean = () => true;
  #probes: ReadonlyMap<number, (core: Core) => void> = new Map();

  /** @throws RangeError when an option is out of range */
  constructor(options: MachineOptions = {}) {
    const cpus = options.cpus ?? 1;
    this.memory = new PhysicalMemory(options.memoryBytes ?? DEFAULT_RAM, cpus);
    const clock = new Clock(options.cpuHz ?? DEFAULT_HZ);
    this.clock = clock;
    this.interleaver = options.interleaver ?? new RoundRobin();

    const memoryModel = options.memoryModel ?? "sc";
    if (!MEMORY_MODELS.includes(memoryModel)) {
      throw new RangeError(`memory model ${JSON.stringify(memoryModel)}: expected "sc" or "tso"`);
    }
    const hasBuffers = memoryModel === "tso";
    const codeCache = new CodeCache(this.memory, tierSettings(hasBuffers ? { ...options, tier: "off" } : options));
    this.#options = options;
    this.#state = new SavedState(configurationOf(options, this.memory.ramSize, cpus, clock), clock, (s) =>
      this.#snapshot(s),
    );
    this.cores = Array.from({ length: cpus }, (_, id) => {
      const storeBuffer = hasBuffers ? new StoreBuffer(this.memory, codeCache) : null;
      return new Core(id, this.memory, this.ports, codeCache, storeBuffer);
    });

    const board = (this.#board = new Board(
      {
        clock,
        memory: this.memory,
        ports: this.ports,
        cores: this.cores,
        onAttention: (core) => this.#execution.attendTo(core),
        onReset: () => this.#execution.requestReset(),
        onExit: (value) => this.#execution.end({ kind: "exit", value }),
        onPowerOff: () => this.#execution.end({ kind: "power-off" }),
        outputs: this,
      },
      options,
    ));
    ({ interruptSystem: this.interruptSystem, pit: this.pit, rtc: this.rtc, com1: this.com1, com2: this.com2 } = board);
    ({ keyboard: this.keyboard, vga: this.vga, disks: this.disks, diskettes: this.diskettes } = board);
    this.#execution = new Execution({
      clock,
      cores: this.cores,
      interleaver: this.interleaver,
      interruptSystem: board.interruptSystem,
      onHalt: () => this.onHalt?.(this),
      onReset: () => this.reset(),
      onEnd: () => board.drain(),
    });
    this.reset();
  }

  // ---- State ---------------------------------------------------------------------------------------------------------

  /** Current cycle, counted from power-on. Exact inside callbacks too. */
  get cycles(): number {
    return this.clock.now;
  }

  /** The 8259A pair; to drive an IRQ line as a device does, use `setIrq`. */
  get pic(): I8259APair {
    return this.interruptSystem.pic;
  }

  get ioApic(): IoApic {
    return this.interruptSystem.ioApic;
  }

  /** The local APICs, by core number. */
  get localApics(): readonly LocalApic[] {
    return this.interruptSystem.localApics;
  }

  /** What was told to the `log` of the options, each thing once, and how often it happened. */
  get notices(): readonly Notice[] {
    return this.#board.notices;
  }

  /** Instructions executed by all cores since power-on. */
  get instructions(): number {
    return this.counters.instructions.reduce((sum, count) => sum + count, 0);
  }

  /** What the compiled tier of each core has done; null for a core of which nothing was run often enough. */
  get tierStatistics(): readonly (TierStatistics | null)[] {
    return this.cores.map((core) => core.tierStatistics);
  }

  /** A copy of the counters. */
  get counters(): MachineCounters {
    return this.#execution.counters;
  }

  /**
   * The reset button: CPUs and devices start afresh, memory keeps its contents, and time goes on. During an
   * instruction it takes effect after it.
   */
  reset(): void {
    if (this.#execution.isInInstruction) {
      this.#execution.requestReset();
      return;
    }
    this.#execution.reset();
    for (const core of this.cores) core.reset();
    this.#board.reset();
    this.onReset?.();
  }

  /**
   * Drives an IRQ line, which leads to the 8259A pair and the I/O APIC.
   * @throws RangeError for 2 (the cascade) and for numbers outside 0 to 15
   */
  setIrq(irq: number, level: boolean): void {
    this.interruptSystem.driveIrq(irq, level);
  }

  /**
   * Pulses the NMI line: to the bootstrap processor, or after a switch of the IMCR to LINT1 of all local APICs. Nothing
   * happens while the program masks NMI by bit 7 of port 0x70.
   */
  nmi(): void {
    if (!this.rtc.nmiMasked) this.interruptSystem.nmi();
  }

  /** Copies bytes into guest RAM at a physical address. @throws RangeError when part of the range is not RAM */
  load(bytes: Uint8Array, physical: number): void {
    this.memory.load(bytes, physical);
  }

  /**
   * Puts a ROM at a physical address; see `PhysicalMemory.loadRom` for its aliases.
   * @throws RangeError when it does not fit
   */
  loadRom(bytes: Uint8Array, physical: number): void {
    this.memory.loadRom(bytes, physical);
  }

  /** The number of the core whose turn it is: that which has executed last, or at a breakpoint is about to; 0 at first. */
  get turnCore(): number {
    return this.#execution.turnCore;
  }

  /** Value of a register, unsigned. @throws RangeError for an unknown name or core */
  getRegister(name: RegisterName, core = 0): number {
    return getRegister(this.#core(core), name);
  }

  /**
   * Sets a register, with what follows from it; see `setRegister` in named-registers.ts.
   * @throws RangeError for an unknown name or core, or a selector whose descriptor cannot be read
   */
  setRegister(name: RegisterName, value: number, core = 0): void {
    setRegister(this.#core(core), name, value);
  }

  /**
   * A copy of physical memory, read without side effects: what is not RAM or ROM reads as ones. Under the memory model "tso"
   * stores that are still in a core's buffer are not in memory; `readLinear` sees those of its core.
   * @throws RangeError when the range leaves the address space
   */
  readPhysical(address: number, length: number): Uint8Array {
    return this.memory.peek(address, length);
  }

  /**
   * The same with the stores that wait in the cores' buffers done, those of core 0 first: what memory has once the cores
   * stand still.
   */
  readSettled(address: number, length: number): Uint8Array {
    const bytes = this.memory.peek(address, length);
    for (const { storeBuffer } of this.cores) storeBuffer?.overlay(bytes, address);
    return bytes;
  }

  /** Changes guest RAM, after all that the cores have stored. @throws RangeError when part of the range is not RAM */
  writePhysical(address: number, bytes: Uint8Array): void {
    for (const core of this.cores) core.drainStores();
    this.memory.load(bytes, address);
  }

  /**
   * A copy of memory as a core sees it through its page tables, read without side effects.
   * @param address linear, 0 to 2^32 - 1; wraps round at 4 GiB
   * @throws RangeError when a page is not mapped
   */
  readLinear(address: number, length: number, core = 0): Uint8Array {
    return readLinear(this.#core(core), address, length);
  }

  /**
   * Attaches the bridge: the instruction 0F 3F imm16 at CPL 0 calls `handler` with its number. Null takes it away, and
   * the instruction is undefined again.
   */
  attachBridge(handler: ((core: Core, id: number) => void) | null): void {
    for (const core of this.cores) core.hostcall = handler;
  }

  // ---- The host's breakpoints ----------------------------------------------------------------------------------------

  /**
   * Sets breakpoints on the execution of linear addresses, in place of those set before; none cost nothing. The guest
   * notices nothing of them.
   * @param stops asked before a core executes the instruction at one of them; the run ends when it returns true
   */
  setBreakpoints(addresses: Iterable<number>, stops: (core: Core, linear: number) => boolean = () => true): void {
    this.#breakpoints = new Set(Array.from(addresses, (linear) => linear | 0));
    this.#stops = stops;
    this.#placeBreakpoints();
  }

  /**
   * Calls functions before cores execute the instructions at linear addresses, in place of those set before. Nothing stops
   * there, and the guest notices nothing of it.
   */
  setProbes(probes: ReadonlyMap<number, (core: Core) => void>): void {
    this.#probes = new Map([...probes].map(([linear, probe]) => [linear | 0, probe]));
    this.#placeBreakpoints();
  }

  #placeBreakpoints(): void {
    const probes = this.#probes;
    const addresses = [...this.#breakpoints, ...probes.keys()];
    /** Instructions that each core had executed when a probe was called last: a core may come by again before it goes on. */
    const probed = this.cores.map(() => -1);
    const placed = new HostBreakpoints(addresses, (core, linear) => {
      const probe = probes.get(linear);
      if (probe !== undefined && probed[core.id] !== core.instructions) {
        probed[core.id] = core.instructions;
        probe(core);
      }
      if (!this.#breakpoints.has(linear) || !this.#stops(core, linear)) return false;
      this.#execution.end({ kind: "breakpoint", core: core.id, linear: linear >>> 0 });
      return true;
    });
    for (const core of this.cores) core.hostBreakpoints = addresses.length === 0 ? null : placed;
  }

  /**
   * Watches memory, in place of what was watched before. The guest notices nothing of it.
   * @param stops asked at each access; the run ends after the instruction when it returns true
   */
  setWatchpoints(
    ranges: readonly WatchedRange[],
    stops: (core: Core, range: number, access: WatchedAccess) => boolean = () => true,
  ): void {
    const watchpoints = new HostWatchpoints(ranges, (id, range, access) => {
      if (stops(this.cores[id], range, access)) this.#execution.end({ kind: "watchpoint", core: id, range, access });
    });
    for (const core of this.cores) core.hostWatchpoints = ranges.length === 0 ? null : watchpoints;
  }

  // ---- Snapshots -----------------------------------------------------------------------------------------------------

  /**
   * The whole state, disks' changes and queued input included, as an object for `restore`. It costs what was written to
   * memory since the last capture. Not part of it are the callbacks, the bridge, and the images under the disks.
   * @throws Error during a run
   * @throws SnapshotError when the clock holds events that are the host's
   */
  capture(): Capture {
    this.#checkIdle("saved");
    const state = this.#state.save();
    const pages = this.memory.capturePages();
    for (const core of this.cores) core.markPagesClean();
    return new Capture(state, pages);
  }

  /**
   * `capture` as bytes, for another process.
   * @param base a capture that whoever restores the bytes has too: what both share is left out
   * @throws Error as `capture` does
   */
  save(base: Capture | null = null): Uint8Array {
    return this.capture().encode(base);
  }

  /**
   * Puts a state back, of this machine or of one with the same options. From there it runs on as the other would have,
   * bit for bit, given the same input.
   * @param base the one that bytes were saved with
   * @throws SnapshotError when the bytes are no snapshot, are damaged, or do not fit this machine, or when the clock holds
   *   events that are the host's; nothing changes then
   * @throws Error during a run
   */
  restore(from: Capture | Uint8Array, base: Capture | null = null): void {
    this.#checkIdle("restored");
    this.#restore(from instanceof Capture ? from : Capture.decode(from, base), this.#state.save());
  }

  /** @param before the state to go back to when the other is malformed; undefined when nobody wants the machine then */
  #restore(capture: Capture, before: Uint8Array | undefined): void {
    try {
      this.#state.restore(capture.state);
    } catch (error) {
      if (before !== undefined) this.#state.restore(before);
      throw error instanceof RangeError ? new SnapshotError(`malformed snapshot: ${error.message}`) : error;
    }
    this.memory.restorePages(capture.pages);
    for (const core of this.cores) {
      core.passedBreakpoint = -1;
      core.markPagesClean();
    }
  }

  /**
   * A new machine with a saved state.
   * @param options what the snapshot does not have: the interleaver and the disks must be as they were
   * @throws SnapshotError as the other `restore` does
   */
  static restore(from: Capture | Uint8Array, options: RestoreOptions = {}, base: Capture | null = null): Machine {
    const capture = from instanceof Capture ? from : Capture.decode(from, base);
    const machine = new Machine({ ...options, ...savedOptions(capture.configuration) });
    machine.#restore(capture, undefined);
    return machine;
  }

  /**
   * A second machine in the same state, with the same options: neither notices what becomes of the other. Callbacks and
   * the bridge are not set in it.
   * @param interleaver needed when that of this machine is of a kind without `another`
   * @throws Error as `capture` does
   */
  fork(interleaver: Interleaver = anotherOf(this.interleaver)): Machine {
    const machine = new Machine({ ...this.#options, interleaver });
    machine.#restore(this.capture(), undefined);
    return machine;
  }

  /** Everything but the contents of memory, in the order in which it is saved. */
  #snapshot(s: Snapshot): void {
    this.clock.snapshot(s);
    this.memory.snapshot(s);
    for (const core of this.cores) snapshotCore(core, s);
    s.section("machine");
    this.#execution.snapshot(s);
    this.interleaver.snapshot?.(s);
    this.#board.snapshot(s);
  }

  #checkIdle(done: string): void {
    if (this.#execution.inRun) throw new Error(`the machine cannot be ${done} from a callback while it runs`);
  }

  // ---- Running -------------------------------------------------------------------------------------------------------

  /**
   * Runs the machine until something of what `StopReason` names happens. A run that ended can be continued by
   * another; only after a triple fault `reset` is needed first.
   * @throws RangeError when a limit is not a number of instructions or cycles; TypeError for limits that are no object
   * @throws Error when called from inside a run; and what a callback or the bridge throws
   */
  run(limits: RunLimits = {}): StopReason {
    checkLimits(limits);
    const { maxInstructions = Number.POSITIVE_INFINITY, untilCycle = Number.POSITIVE_INFINITY, until, core } = limits;
    return this.#execution.run({
      maxInstructions,
      untilCycle,
      until: until && (() => until(this)),
      counted: core === undefined ? null : this.#core(core),
    });
  }

  /**
   * Executes exactly `count` instructions, unless the run ends before. While all cores are halted, the wait for one
   * event is one step.
   */
  step(count = 1): StopReason {
    return this.run({ maxInstructions: count });
  }

  /**
   * While this is the number of a core that can run, no other core does: for a debugger that steps one of several. What
   * happens then is no longer what the interleaver would have decided. Null for all of them.
   */
  get onlyCore(): number | null {
    return this.#execution.onlyCore;
  }
  set onlyCore(core: number | null) {
    this.#execution.onlyCore = core;
  }

  /** From a callback: ends the run after the current instruction. Does nothing when the machine is not running. */
  requestStop(): void {
    if (this.#execution.inRun) this.#execution.end({ kind: "stopped" });
  }

  // ---- Wiring --------------------------------------------------------------------------------------------------------

  #core(id: number): Core {
    const core = this.cores[id];
    if (core === undefined) throw new RangeError(`core ${id}: this machine has cores 0 to ${this.cores.length - 1}`);
    return core;
  }
}
