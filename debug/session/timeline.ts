/**
 * The time of a session: what has happened, and how to be there again.
 *
 * A run is the same every time, so a moment is named by its cycle, and being there again means running there. What came
 * from outside (input, changes made by the user, a core run alone) is kept in a journal and done again at its cycle. A
 * bare machine leaves checkpoints behind, from which to run; a hosted kernel, half of whose state is generators, is run
 * from its reset.
 *
 * The horizon is the furthest moment reached. Up to there the guest only repeats itself, and nobody hears it.
 */
import type { RegisterName } from "../../emulator/index.ts";
import type { Target, TargetStop } from "./target.ts";

/** Cycles between two looks at the outside world. */
const SLICE = 1 << 18;
/** Instructions between checkpoints at first, and the most checkpoints; when there are more, every other one goes. */
export const CHECKPOINT_INTERVAL = 4_000_000;
const MOST_CHECKPOINTS = 24;

/** Instructions that other cores may execute while one waits for a core that sleeps. */
const PATIENCE = 1 << 24;

/** Something done to the guest from outside. */
export type Action =
  | { readonly kind: "input"; readonly bytes: Uint8Array }
  | { readonly kind: "close-input" }
  /** The serial ports send what they hold, as they do at the end of a run. */
  | { readonly kind: "drain" }
  | { readonly kind: "only-core"; readonly core: number | null }
  | { readonly kind: "register"; readonly name: RegisterName; readonly value: number; readonly core: number }
  | { readonly kind: "memory"; readonly physical: number; readonly bytes: Uint8Array };

interface Entry {
  readonly cycle: number;
  readonly action: Action;
}

/** A place in time. */
export interface Moment {
  readonly cycle: number;
  /** By all cores. */
  readonly instructions: number;
  /** Instructions by core number. */
  readonly cores: readonly number[];
}

interface Checkpoint extends Moment {
  readonly onlyCore: number | null;
  readonly state: Uint8Array;
}

/** How far `advance` goes: to whatever comes first. */
export interface Goal {
  readonly cycle?: number | undefined;
  /** Instructions since reset, of all cores or of `core`. */
  readonly instructions?: number | undefined;
  readonly core?: number | undefined;
}

export type Advance = TargetStop | { readonly kind: "interrupted" };

/** After these, nothing goes on. */
const ENDS: ReadonlySet<Advance["kind"]> = new Set(["exit", "panic", "triple-fault"]);

export class Timeline {
  target: Target;
  /** Called when `target` is another object. */
  onReplaced: () => void = () => {};
  /** Called with each byte of output that is new. */
  onOutput: (stream: "serial1" | "serial2" | "log", byte: number) => void = () => {};
  /** Whether the guest repeats what it has done before: true while `advance` is behind the horizon. */
  muted = false;

  readonly #make: () => Target;
  readonly #journal: Entry[] = [];
  /** The first entry that has not been done yet. */
  #next = 0;
  #horizon = 0;
  #end: TargetStop | null = null;
  #interrupted = false;
  #checkpoints: Checkpoint[] = [];
  #interval: number;
  #canSave: boolean;

  /** @param interval instructions between checkpoints, to begin with */
  constructor(make: () => Target, interval = CHECKPOINT_INTERVAL) {
    this.#make = make;
    this.#interval = interval;
    this.target = this.#build();
    this.#canSave = this.target.kernel === undefined;
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

  /** Does something to the guest now. If it stands in the past, what came after is forgotten. */
  act(action: Action): void {
    const cycle = this.cycle;
    if (cycle < this.#horizon) {
      this.#horizon = cycle;
      this.#journal.length = this.#next;
    }
    // A checkpoint of this very moment has not seen the action.
    this.#checkpoints = this.#checkpoints.filter((checkpoint) => checkpoint.cycle < cycle);
    this.#perform(action);
    this.#journal.push({ cycle, action });
    this.#next = this.#journal.length;
  }

  /** Runs on. Yields after each slice, so that the caller can let the host do something else. */
  *advance(goal: Goal): Generator<void, Advance> {
    const { cycle: goalCycle = Number.POSITIVE_INFINITY, instructions = Number.POSITIVE_INFINITY, core } = goal;
    this.#interrupted = false;
    let counted = this.#count(core);
    let others = this.#count(undefined);
    for (;;) {
      if (this.#end !== null) return this.#end;
      const left = instructions - this.#count(core);
      if (left <= 0 || this.cycle >= goalCycle) return { kind: "budget" };
      const stop = this.#slice(goalCycle, left, core);
      if (ENDS.has(stop.kind)) this.#end = stop;
      if (this.#interrupted && (stop.kind === "budget" || stop.kind === "stopped")) {
        this.#interrupted = false;
        return { kind: "interrupted" };
      }
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
   * @param isEarly whether a moment is not too late
   */
  rewind(isEarly: (moment: Moment) => boolean): void {
    const { now } = this;
    const checkpoint = this.#checkpoints.findLast(isEarly);
    if (isEarly(now) && (checkpoint === undefined || checkpoint.cycle <= now.cycle)) return;
    this.#end = null;
    if (checkpoint === undefined) this.#rebuild();
    else this.#restore(checkpoint);
  }

  /** Moments from which to run again, in order: the reset, and checkpoints. */
  starts(): readonly number[] {
    return [0, ...this.#checkpoints.map(({ cycle }) => cycle)];
  }

  #count(core: number | undefined): number {
    const { machine } = this.target;
    return core === undefined ? machine.instructions : machine.cores[core]!.instructions;
  }

  #slice(goalCycle: number, left: number, core: number | undefined): TargetStop {
    const { cycle } = this;
    const behind = cycle < this.#horizon;
    const entry = this.#journal[this.#next]?.cycle ?? Number.POSITIVE_INFINITY;
    const untilCycle = Math.min(goalCycle, cycle + SLICE, entry, behind ? this.#horizon : Number.POSITIVE_INFINITY);
    this.muted = behind;
    try {
      return this.target.run({
        untilCycle,
        ...(left === Number.POSITIVE_INFINITY ? {} : { maxInstructions: left }),
        ...(core === undefined ? {} : { core }),
      });
    } finally {
      this.muted = false;
      if (this.cycle > this.#horizon) this.#horizon = this.cycle;
      this.#performDue();
      this.#checkpoint();
    }
  }

  /** At rest nothing is left to send; noted down, since on the way through the same moment it must be done too. */
  #drain(): void {
    const last = this.#journal[this.#next - 1];
    if (last?.cycle === this.cycle && last.action.kind === "drain") return;
    if (this.cycle === this.#horizon) this.act({ kind: "drain" });
  }

  #performDue(): void {
    for (let entry = this.#journal[this.#next]; entry?.cycle === this.cycle; entry = this.#journal[++this.#next]) {
      this.#perform(entry.action);
    }
  }

  #perform(action: Action): void {
    const { machine } = this.target;
    switch (action.kind) {
      case "input":
        this.target.input(action.bytes);
        break;
      case "close-input":
        this.target.closeInput();
        break;
      case "drain":
        machine.com1.drain();
        machine.com2.drain();
        break;
      case "only-core":
        machine.onlyCore = action.core;
        break;
      case "register":
        machine.setRegister(action.name, action.value, action.core);
        break;
      case "memory":
        machine.writePhysical(action.physical, action.bytes);
        break;
    }
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
    this.#next = 0;
    this.onReplaced();
    this.#performAtReset();
  }

  #performAtReset(): void {
    this.muted = true;
    this.#performDue();
    this.muted = false;
  }

  #checkpoint(): void {
    if (!this.#canSave || this.#end !== null) return;
    const { now } = this;
    const last = this.#checkpoints.at(-1);
    if (now.instructions < (last?.instructions ?? 0) + this.#interval) return;
    let state: Uint8Array;
    try {
      state = this.target.machine.save();
    } catch {
      // Something of the host's is in the machine: it is run again from its reset, as a kernel is.
      this.#canSave = false;
      return;
    }
    this.#checkpoints.push({ ...now, onlyCore: this.target.machine.onlyCore, state });
    if (this.#checkpoints.length > MOST_CHECKPOINTS) {
      this.#checkpoints = this.#checkpoints.filter((_, index) => index % 2 === 1);
      this.#interval *= 2;
    }
  }

  #restore({ cycle, onlyCore, state }: Checkpoint): void {
    const { machine } = this.target;
    machine.restore(state);
    machine.onlyCore = onlyCore;
    this.#next = this.#journal.findIndex((entry) => entry.cycle > cycle);
    if (this.#next < 0) this.#next = this.#journal.length;
  }
}
