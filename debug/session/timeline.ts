/**
 * The time of a session: what has happened, and how to be there again.
 *
 * A run is the same every time, so a moment is named by its cycle, and being there again means running there from a
 * capture that lies before it. What came from outside (input, changes made by the user, a core run alone) is kept in a
 * journal and done again at its cycle.
 *
 * Running on leaves a capture behind every so many instructions. Going to a moment leaves more of them, after three
 * quarters of what is left of the way each time, so that going back a little from there takes little.
 *
 * The horizon is the furthest moment reached. Up to there the guest only repeats itself, and nobody hears it.
 */
import { type Action, Journal, perform } from "../../emulator/index.ts";
import { History, type Moment, type Remembered } from "./history.ts";
import { outOfPatience } from "./patience.ts";
import type { Target, TargetStop } from "./target.ts";

export type { Action, Moment };

/** Cycles between two looks at the outside world. */
const SLICE = 1 << 18;
/** Instructions between two captures when little memory is written: some 5 to 10 ms of running for 0.3 ms. */
const INTERVAL = 1 << 18;
/** Instructions more for each page written in between, which costs as much as some 100 instructions to capture. */
const INTERVAL_PER_PAGE = 1 << 10;
const PAGE_SIZE = 4096;
/** Captures on the way to a moment are at least as many instructions apart. */
const SHORTEST_INTERVAL = 1 << 12;
/** Bytes that captures may take, when nothing else is said. */
export const DEFAULT_HISTORY_BYTES = 256 << 20;

/** Instructions that other cores may execute while one waits for a core that sleeps. */
const PATIENCE = 1 << 24;

/** How far `advance` goes: to whatever comes first. */
export interface Goal {
  readonly cycle?: number | undefined;
  /** Instructions since reset, of all cores or of `core`. */
  readonly instructions?: number | undefined;
  readonly core?: number | undefined;
}

export type Advance = TargetStop | { readonly kind: "interrupted" };

/** After these, nothing goes on. */
export const ENDS: ReadonlySet<Advance["kind"]> = new Set(["exit", "power-off", "panic", "triple-fault"]);

export class Timeline {
  target: Target;
  /** Called when `target` is another object. */
  onReplaced: () => void = () => {};
  /** Called with each byte of output that is new. */
  onOutput: (stream: "serial1" | "serial2" | "log", byte: number) => void = () => {};
  /** Whether the guest repeats what it has done before: true while `advance` is behind the horizon. */
  muted = false;

  readonly #make: () => Target;
  readonly #journal = new Journal();
  #horizon = 0;
  #end: TargetStop | null = null;
  #interrupted = false;
  readonly #history: History;
  /** Cycle up to which the present slice goes, whatever cuts it. */
  #sliceEnd = 0;
  /** Where the next capture is due, in instructions. */
  #due = 0;

  /** @param historyBytes memory that captures may take */
  constructor(make: () => Target, historyBytes = DEFAULT_HISTORY_BYTES) {
    this.#make = make;
    this.#history = new History(historyBytes);
    this.target = this.#build();
    this.#capture();
  }

  get cycle(): number {
    return this.target.machine.cycles;
  }

  get now(): Moment {
    const { machine } = this.target;
    const cores = machine.counters.instructions;
    return { cycle: machine.cycles, instructions: cores.reduce((sum, count) => sum + count, 0), cores };
  }

  /** The furthest cycle reached. */
  get horizon(): number {
    return this.#horizon;
  }

  /** How the guest ended, when it stands at its end. */
  get end(): TargetStop | null {
    return this.#end;
  }

  /** Ends `advance` at its next look, or after the current instruction when called from inside a run. */
  interrupt(): void {
    this.#interrupted = true;
    this.target.machine.requestStop();
  }

  /** Bytes that the captures take. */
  get historyBytes(): number {
    return this.#history.bytes;
  }

  /** Does something to the guest now. If it stands in the past, what came after is forgotten. */
  act(action: Action): void {
    const { cycle } = this;
    if (cycle < this.#horizon) {
      this.#horizon = cycle;
      this.#history.forgetAfter(cycle);
    }
    perform(this.target, action);
    this.#journal.add(cycle, action);
  }

  /** Runs on. Yields after each slice, so that the caller can let the host do something else. */
  advance(goal: Goal): Generator<void, Advance> {
    return this.#run(goal, false);
  }

  /** The same to a goal in the past, from whose neighbourhood one will want to go on in small steps. */
  approach(goal: Goal): Generator<void, Advance> {
    return this.#run(goal, true);
  }

  *#run(goal: Goal, closingIn: boolean): Generator<void, Advance> {
    const { cycle: goalCycle = Number.POSITIVE_INFINITY, instructions = Number.POSITIVE_INFINITY, core } = goal;
    this.#interrupted = false;
    let counted = this.#count(core);
    let others = this.#count(undefined);
    for (;;) {
      if (this.#end !== null) return this.#end;
      if (this.#interrupted) {
        this.#interrupted = false;
        return { kind: "interrupted" };
      }
      const left = instructions - this.#count(core);
      const leftCycles = goalCycle - this.cycle;
      if (left <= 0 || leftCycles <= 0) return { kind: "budget" };
      const stop = closingIn
        ? this.#slice(this.cycle + mostOf(leftCycles), mostOf(left), core)
        : this.#slice(goalCycle, left, core);
      this.#captureWhenDue(closingIn ? SHORTEST_INTERVAL : INTERVAL);
      if (ENDS.has(stop.kind)) this.#end = stop;
      if (this.#interrupted && (stop.kind === "budget" || stop.kind === "stopped")) continue;
      if (stop.kind === "asleep") this.#drain();
      if (stop.kind !== "budget") return stop;
      yield;
      if (this.#count(core) !== counted) {
        counted = this.#count(core);
        others = this.#count(undefined);
      } else if (this.#count(undefined) > others + PATIENCE) return { kind: "interrupted" };
    }
  }

  /**
   * Goes back to the latest moment from which `advance` can reach what is wanted; perhaps that is where it stands.
   * @param isEarly whether a moment is not too late; the reset never is
   */
  rewind(isEarly: (moment: Moment) => boolean): void {
    const { now } = this;
    const remembered = this.#history.findLast((moment) => moment.cycle === 0 || isEarly(moment));
    if (isEarly(now) && (remembered === undefined || remembered.cycle <= now.cycle)) return;
    this.#end = null;
    if (remembered === undefined) this.#rebuild();
    else this.#restore(remembered);
  }

  /** Moments from which to run again, in order; the first is the reset. */
  starts(): readonly Moment[] {
    const { moments } = this.#history;
    return moments[0]?.cycle === 0 ? moments : [RESET, ...moments];
  }

  #count(core: number | undefined): number {
    const { machine } = this.target;
    return core === undefined ? machine.instructions : machine.cores[core].instructions;
  }

  /** Whether the last slice was cut because it took the host long: not a moment to give the guest something. */
  get isCut(): boolean {
    return this.#sliceEnd > this.cycle;
  }

  #slice(goalCycle: number, left: number, core: number | undefined): TargetStop {
    const { cycle } = this;
    const behind = cycle < this.#horizon;
    if (this.#sliceEnd <= cycle || this.#sliceEnd > cycle + SLICE) this.#sliceEnd = cycle + SLICE;
    const untilCycle = Math.min(
      goalCycle,
      this.#sliceEnd,
      this.#journal.due,
      behind ? this.#horizon : Number.POSITIVE_INFINITY,
    );
    this.muted = behind;
    let isCut = false;
    try {
      const stop = this.target.run({
        untilCycle,
        until: outOfPatience(() => performance.now() / 1000),
        ...(left === Number.POSITIVE_INFINITY ? {} : { maxInstructions: left }),
        ...(core === undefined ? {} : { core }),
      });
      isCut = stop.kind === "condition";
      return isCut ? { kind: "budget" } : stop;
    } finally {
      if (!isCut) this.#sliceEnd = this.cycle;
      this.muted = false;
      if (this.cycle > this.#horizon) this.#horizon = this.cycle;
      this.#journal.performDue(this.target);
    }
  }

  /** At rest nothing is left to send; noted down, since on the way through the same moment it must be done too. */
  #drain(): void {
    const { last } = this.#journal;
    if (last?.cycle === this.cycle && last.action.kind === "drain") return;
    if (this.cycle === this.#horizon) this.act({ kind: "drain" });
  }

  #build(): Target {
    const target = this.#make();
    target.onOutput((stream, byte) => {
      if (!this.muted) this.onOutput(stream, byte);
    });
    return target;
  }

  #rebuild(): void {
    this.target = this.#build();
    this.#journal.rewind();
    this.onReplaced();
    this.#performMuted();
  }

  #performMuted(): void {
    this.muted = true;
    this.#journal.performDue(this.target);
    this.muted = false;
  }

  /** @param interval instructions since the last capture at least */
  #captureWhenDue(interval: number): void {
    if (this.#end !== null) return;
    const { instructions } = this.target.machine;
    const last = this.#history.findLast(({ cycle }) => cycle <= this.cycle);
    if (last !== undefined && instructions - last.instructions < interval) return;
    if (interval === INTERVAL && instructions < this.#due) return;
    this.#capture();
  }

  #capture(): void {
    const { now } = this;
    const capture = this.target.capture();
    if (capture === null) return;
    const { onlyCore } = this.target.machine;
    const bytes = this.#history.add({ ...now, capture, done: this.#journal.done, onlyCore });
    this.#due = now.instructions + INTERVAL + (bytes / PAGE_SIZE) * INTERVAL_PER_PAGE;
  }

  #restore({ capture, done, onlyCore, instructions }: Remembered): void {
    this.target.restore(capture);
    this.target.machine.onlyCore = onlyCore;
    this.#journal.rewind(done);
    this.#due = instructions + INTERVAL;
    this.#performMuted();
  }
}

const RESET: Moment = { cycle: 0, instructions: 0, cores: [] };

/** Three quarters of what is left; all of it when it is short, or endless. */
function mostOf(left: number): number {
  return left > 2 * SHORTEST_INTERVAL && left !== Number.POSITIVE_INFINITY ? Math.ceil(left * 0.75) : left;
}
