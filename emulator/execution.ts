/** How a machine runs: turns of the cores, events in between, waiting, and why a run ends. */
import type { Clock } from "./clock.ts";
import type { Core } from "./cpu/core.ts";
import { completeSplitAccess, splitNextAccess } from "./cpu/split-access.ts";
import type { Interleaver } from "./interleaver.ts";
import type { InterruptSystem } from "./interrupt-system.ts";
import { type MachineCounters, sumUp } from "./machine-counters.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StopReason } from "./stop-reason.ts";
import { MOST_CYCLES_BUFFERED, StoreDraining } from "./store-draining.ts";

/** Instructions between two looks at `until`, at most. */
export const UNTIL_INTERVAL = 1024;
/** The longest time that a core runs without coming back here, in instructions. */
const LONGEST_SLICE = 1 << 20;

/** Reasons to end a run that the host has and the guest knows nothing of. */
const GOES_ON: ReadonlySet<StopReason["kind"]> = new Set(["stopped", "breakpoint", "watchpoint"]);

/** What the guest ends a run with by itself. */
const IS_FINAL: ReadonlySet<StopReason["kind"]> = new Set(["exit", "power-off"]);

/** How far `run` goes; see `RunLimits`. */
interface ExecutionLimits {
  readonly maxInstructions: number;
  readonly untilCycle: number;
  readonly until: (() => boolean) | undefined;
  /** The core whose instructions count for `maxInstructions`; null for all. */
  readonly counted: Core | null;
}

/** What of the machine takes part in running. */
interface Parts {
  readonly clock: Clock;
  readonly cores: readonly Core[];
  readonly interleaver: Interleaver;
  readonly interruptSystem: InterruptSystem;
  /** All cores are halted; "stop" ends the run. */
  readonly onHalt: () => "stop" | undefined;
  /** A reset was asked for: resets the machine. */
  readonly onReset: () => void;
  /** The guest is done. */
  readonly onEnd: () => void;
}

export class Execution {
  readonly #parts: Parts;
  /** See `Machine.onlyCore`. */
  onlyCore: number | null = null;
  readonly #instructions: number[];
  /** One for each core: its idea of the current cycle, made once so that running allocates nothing. */
  readonly #coreClocks: readonly (() => number)[];
  #idleCycles = 0;
  /** Whose turn it is, and for how many instructions more; Infinity while there is no other core that can run. */
  #turnCore = 0;
  #turnLeft = 0;
  /** The cores that could run when the interleaver was asked last, and have been able to since. */
  #turnRunnable = 0;
  /** Instructions of all cores since power-on. */
  #executed = 0;
  /** When stores reach memory; null where they are there at once. */
  readonly #draining: StoreDraining | null;
  /** The core that executes right now. */
  #running: Core | null = null;
  #inRun = false;
  #stop: StopReason | null = null;
  #resetRequested = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#coreClocks = parts.cores.map((core) => () => core.now());
    this.#instructions = parts.cores.map(() => 0);
    this.#draining = StoreDraining.of(parts.cores, parts.interleaver);
    parts.clock.onEarlierEvent = () => this.#running?.requestStop();
    for (const core of parts.cores) core.onPause = () => this.#endTurnAtPause();
  }

  /** Whether `run` has not returned yet. */
  get inRun(): boolean {
    return this.#inRun;
  }

  /** Whether a core is in the middle of an instruction: what asks is a callback of it. */
  get isInInstruction(): boolean {
    return this.#running !== null;
  }

  /** The number of the core whose turn it is. */
  get turnCore(): number {
    return this.#turnCore;
  }

  get counters(): MachineCounters {
    const running = this.#running;
    const cores = this.#parts.cores.map((core) => ({
      instructions: this.#instructions[core.id] + (core === running ? core.now() - core.sliceStart : 0),
      interrupts: this.#parts.interruptSystem.delivered(core.id),
      halts: core.halts,
    }));
    return sumUp(cores, this.#idleCycles);
  }

  /** The machine has been reset: nobody need ask for it any more. */
  reset(): void {
    this.#resetRequested = false;
  }

  snapshot(s: Snapshot): void {
    for (const core of this.#parts.cores) {
      this.#instructions[core.id] = s.integer(this.#instructions[core.id], 0, Number.MAX_SAFE_INTEGER);
      core.halts = s.integer(core.halts, 0, Number.MAX_SAFE_INTEGER);
    }
    this.#idleCycles = s.integer(this.#idleCycles, 0, Number.MAX_SAFE_INTEGER);
    this.#turnCore = s.integer(this.#turnCore, 0, this.#parts.cores.length - 1);
    this.#turnLeft = s.time(this.#turnLeft, 0, Number.MAX_SAFE_INTEGER);
    this.#turnRunnable = s.integer(this.#turnRunnable, 0, 2 ** this.#parts.cores.length - 1);
    this.#executed = this.#instructions.reduce((sum, count) => sum + count, 0);
    this.#resetRequested = s.flag(this.#resetRequested);
  }

  /** Another core that runs meanwhile must stop, as there may be two now that want to run. */
  attendTo(core: Core): void {
    if (this.#running !== core) this.#running?.requestStop();
  }

  /** See `Machine.run`. */
  run(limits: ExecutionLimits): StopReason {
    checkLimit("maxInstructions", limits.maxInstructions);
    checkLimit("untilCycle", limits.untilCycle);
    if (this.#inRun) throw new Error("the machine is running already: run and step cannot be called from a callback");
    this.#inRun = true;
    this.#stop = null;
    try {
      return this.#loop(limits);
    } finally {
      this.#inRun = false;
    }
  }

  #loop({ maxInstructions, untilCycle, until, counted }: ExecutionLimits): StopReason {
    const clock = this.#parts.clock;
    let left = maxInstructions;
    for (;;) {
      if (clock.nextEvent <= clock.now) clock.advanceTo(clock.now);
      if (this.#resetRequested) this.#parts.onReset();
      this.#draining?.drainDue(clock.now);
      const down = this.#parts.cores.find((core) => core.shutdown);
      if (this.#stop !== null) return this.#finish(this.#stop);
      if (down !== undefined) return this.#finish({ kind: "triple-fault", core: down.id });
      if (until?.() === true) return { kind: "condition" };
      if (left <= 0 || clock.now >= untilCycle) return { kind: "budget" };

      const runnable = this.#runnable();
      if (runnable === 0) {
        const reason = this.#idle(untilCycle);
        if (reason !== null) return reason;
        left--;
        continue;
      }
      const core = this.#choose(runnable);
      const longest = this.#draining === null ? LONGEST_SLICE : MOST_CYCLES_BUFFERED;
      const patience = until === undefined ? longest : UNTIL_INTERVAL;
      const due = this.#draining === null ? Number.POSITIVE_INFINITY : this.#draining.nextDue;
      const horizon = Math.min(clock.nextEvent, untilCycle, due) - clock.now;
      const counts = counted === null || core === counted;
      const executed = this.#runCore(core, Math.min(counts ? left : patience, this.#turnLeft, patience, horizon));
      if (counts) left -= executed;
      this.#turnLeft = Math.max(0, this.#turnLeft - executed);
    }
  }

  /**
   * The core that runs next. A core keeps its turn over events and ends of runs, so that it makes no difference where
   * those fall; one that is alone has no turn to end. Where stores wait in buffers, what a plain read-modify-write stores does
   * so too: nothing need be split.
   */
  #choose(runnable: number): Core {
    const previous = this.#turnCore;
    this.#chooseTurn(runnable);
    const core = this.#parts.cores[this.#turnCore];
    if (this.#turnCore !== previous && this.#draining === null) {
      if (has(runnable, previous)) splitNextAccess(this.#parts.cores[previous]);
      completeSplitAccess(core);
    }
    return core;
  }

  #chooseTurn(runnable: number): void {
    if (this.onlyCore !== null && has(runnable, this.onlyCore)) {
      this.#turnCore = this.onlyCore;
      this.#turnLeft = Number.POSITIVE_INFINITY;
    } else if ((runnable & (runnable - 1)) === 0) {
      this.#turnCore = 31 - Math.clz32(runnable);
      this.#turnLeft = Number.POSITIVE_INFINITY;
    } else if (this.#turnEnds(runnable)) {
      const { interleaver } = this.#parts;
      this.#draining?.betweenTurns(runnable, this.#executed);
      this.#turnCore = interleaver.next(runnable, this.#executed);
      this.#turnLeft = interleaver.quantum;
      this.#turnRunnable = runnable;
      this.#draining?.turnBegins(this.#turnCore);
      if (!has(runnable, this.#turnCore) || !(this.#turnLeft >= 1)) {
        throw new Error(
          `the interleaver chose core ${this.#turnCore} for ${this.#turnLeft} instructions; ` +
            `the cores that can run are those of the bit mask 0b${runnable.toString(2)}`,
        );
      }
    }
  }

  /** Whether it is for the interleaver to say who runs next, while several cores can run. */
  #turnEnds(runnable: number): boolean {
    if (this.#turnLeft <= 0 || this.#turnLeft === Number.POSITIVE_INFINITY || !has(runnable, this.#turnCore))
      return true;
    const isNew = (runnable & ~this.#turnRunnable) !== 0;
    this.#turnRunnable &= runnable;
    return isNew && this.#parts.interleaver.preemptive === true;
  }

  /** The core whose turn it is has executed PAUSE. A core that is alone has nobody to wait for. */
  #endTurnAtPause(): void {
    if (this.#turnLeft === Number.POSITIVE_INFINITY || this.#parts.interleaver.endsTurnsAtPause !== true) return;
    this.#turnLeft = 0;
    this.#running?.requestStop();
  }

  /** Runs a core up to `budget` instructions, and the clock with it. Returns how many it executed. */
  #runCore(core: Core, budget: number): number {
    const clock = this.#parts.clock;
    const start = clock.now;
    const before = core.instructions;
    let executed = 0;
    core.sliceStart = start;
    this.#running = core;
    clock.runOn(this.#coreClocks[core.id]);
    try {
      core.run(budget);
    } finally {
      clock.runOn(null);
      this.#running = null;
      executed = core.instructions - before;
      this.#instructions[core.id] += executed;
      this.#executed += executed;
      clock.advanceTo(start + executed);
    }
    return executed;
  }

  /** All cores are halted: lets time jump to the next event. Returns why to end the run, or null to go on. */
  #idle(untilCycle: number): StopReason | null {
    if (this.#parts.onHalt() === "stop") return { kind: "stopped" };
    if (this.#stop !== null) return this.#finish(this.#stop);
    if (this.#runnable() !== 0) return null;
    const clock = this.#parts.clock;
    if (clock.nextEvent === Number.POSITIVE_INFINITY || !this.#parts.interruptSystem.canWake)
      return this.#finish({ kind: "halted-forever" });
    const before = clock.now;
    const target = Math.max(before, Math.min(clock.nextEvent, untilCycle));
    this.#idleCycles += target - before;
    clock.advanceTo(target);
    return null;
  }

  /** Bit mask of the cores that are not halted, or have a reason to wake. */
  #runnable(): number {
    let mask = 0;
    for (const core of this.#parts.cores) {
      if (!core.halted || this.#parts.interruptSystem.isInterrupted(core)) mask |= 1 << core.id;
    }
    return mask;
  }

  /** When the guest is done, what it handed to its serial ports before is not lost. */
  #finish(reason: StopReason): StopReason {
    if (!GOES_ON.has(reason.kind)) this.#parts.onEnd();
    return reason;
  }

  /** Ends the run after the current instruction; an exit outdoes what came before. */
  end(reason: StopReason): void {
    if (this.#stop === null || IS_FINAL.has(reason.kind)) this.#stop = reason;
    this.#running?.requestStop();
  }

  /** Has the machine reset after the current instruction. */
  requestReset(): void {
    this.#resetRequested = true;
    this.#running?.requestStop();
  }
}

function has(mask: number, bit: number): boolean {
  return ((mask >>> bit) & 1) !== 0;
}

function checkLimit(name: string, value: number): void {
  if (value !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(value) || value < 0)) {
    throw new RangeError(`${name} = ${value}: expected an integer, 0 or more`);
  }
}
