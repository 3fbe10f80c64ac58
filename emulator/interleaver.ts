import { SeededNumbers } from "./seeded-numbers.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Decides which core runs next, and for how long. The machine asks when more than one core can run, and the one whose
 * turn it was has used it up or cannot go on. An interleaver must depend on nothing but what it is asked, so that runs
 * can be repeated.
 */
export interface Interleaver {
  /** Instructions that the core named by the last `next` may run at most before `next` is asked again, at least 1. */
  readonly quantum: number;
  /** Whether `next` is asked, too, as soon as a core can run that could not when it was asked last. */
  readonly preemptive?: boolean;
  /**
   * Whether PAUSE ends the turn of the core that executes it while another could run, too: who waits for others lets them go
   * on. Without it PAUSE is an instruction like any other.
   */
  readonly endsTurnsAtPause?: boolean;
  /**
   * @param runnable bit mask, not 0, of the cores that can run
   * @param executed instructions that all cores have executed since power-on
   * @returns the number of one of them
   */
  next(runnable: number, executed: number): number;
  /**
   * With the memory model "tso", asked before `next`, again and again until it returns -1 or no core has a store left that
   * waits. Without it, the stores of a core reach memory when its own next turn begins.
   * @param buffered bit mask, not 0, of the cores whose store buffer is not empty
   * @param runnable, executed as for `next`
   * @returns the number of one of them, whose oldest store reaches memory now, or -1
   */
  drain?(buffered: number, runnable: number, executed: number): number;
  /** Saves or restores what `next` remembers; an interleaver without it remembers nothing. */
  snapshot?(s: Snapshot): void;
  /** Another one that decides by the same rules, for `Machine.fork`; what this one remembers may be left out. */
  another?(): Interleaver;
}

const DEFAULT_QUANTUM = 100;
const MOST_CORE = 31;

/** Each runnable core in turn, by number, for the same number of instructions, or up to a PAUSE. */
export class RoundRobin implements Interleaver {
  readonly endsTurnsAtPause = true;
  #last = -1;

  /**
   * @param quantum instructions in a turn
   * @throws RangeError when it is not an integer from 1 up
   */
  constructor(readonly quantum = DEFAULT_QUANTUM) {
    checkInstructions("quantum", quantum);
  }

  next(runnable: number): number {
    // Before the first turn the shift count is 31 modulo 32, which leaves no bit.
    const later = runnable & (-2 << this.#last);
    this.#last = lowestCore(later !== 0 ? later : runnable);
    return this.#last;
  }

  another(): RoundRobin {
    return new RoundRobin(this.quantum);
  }

  snapshot(s: Snapshot): void {
    s.section("round robin");
    this.#last = s.integer(this.#last, -1, MOST_CORE);
  }
}

/**
 * Any runnable core, for any number of instructions up to a maximum, and before that any stores of any core: the same choices
 * for the same seed.
 */
export class RandomInterleaver implements Interleaver {
  quantum = 1;
  readonly #numbers: SeededNumbers;

  /**
   * @param seed any 32-bit integer
   * @param maximum instructions in a turn at most
   * @throws RangeError when one of them is none
   */
  constructor(
    readonly seed: number,
    readonly maximum = 2 * DEFAULT_QUANTUM,
  ) {
    this.#numbers = new SeededNumbers(seed);
    checkInstructions("maximum", maximum);
  }

  next(runnable: number): number {
    this.quantum = 1 + this.#numbers.below(this.maximum);
    return this.#oneOf(runnable);
  }

  drain(buffered: number): number {
    return this.#numbers.below(2) === 0 ? -1 : this.#oneOf(buffered);
  }

  another(): RandomInterleaver {
    return new RandomInterleaver(this.seed, this.maximum);
  }

  snapshot(s: Snapshot): void {
    s.section("random interleaver");
    this.#numbers.snapshot(s);
    this.quantum = s.integer(this.quantum, 1, this.maximum);
  }

  #oneOf(cores: number): number {
    let rest = cores;
    for (let skip = this.#numbers.below(countCores(cores)); skip > 0; skip--) rest &= rest - 1;
    return lowestCore(rest);
  }
}

/** One turn of a script. */
export interface Turn {
  /** Core number. */
  readonly core: number;
  /** Instructions at most, 1 or more. */
  readonly instructions: number;
}

/** Stores that reach memory, between two turns of a script for the memory model "tso". */
export interface Drain {
  /** Core number. */
  readonly core: number;
  /** How many of its oldest stores, 1 or more; no more than there are. */
  readonly stores: number;
}

/** What a script is made of. */
export type ScriptStep = Turn | Drain;

/**
 * Turns written down beforehand, and what reaches memory between them. A turn whose core cannot run when it comes up is
 * passed over.
 */
export class ScriptedInterleaver implements Interleaver {
  #position = 0;
  /** Stores of the step at `#position` that have reached memory. */
  #drained = 0;
  #quantum = 1;
  #ended = false;

  /**
   * @param steps in their order
   * @param afterwards who decides when the script is at its end; if it has no `drain`, stores reach memory at the end of turns
   * @throws RangeError when a step is none
   */
  constructor(
    readonly steps: readonly ScriptStep[],
    readonly afterwards: Interleaver = new RoundRobin(),
  ) {
    for (const step of steps) {
      const { core } = step;
      if (!Number.isInteger(core) || core < 0 || core > MOST_CORE) throw new RangeError(`no core has number ${core}`);
      if (!("stores" in step)) checkInstructions("turn", step.instructions);
      else if (!Number.isInteger(step.stores) || step.stores < 1) {
        throw new RangeError(`${step.stores} stores of core ${core}: expected a number of stores, 1 or more`);
      }
    }
  }

  get quantum(): number {
    return this.#ended ? this.afterwards.quantum : this.#quantum;
  }

  /** Once the script is at its end, what `afterwards` wants. */
  get preemptive(): boolean {
    return this.#ended && this.afterwards.preemptive === true;
  }

  /** Once the script is at its end, what `afterwards` wants. */
  get endsTurnsAtPause(): boolean {
    return this.#ended && this.afterwards.endsTurnsAtPause === true;
  }

  next(runnable: number, executed = 0): number {
    while (this.#position < this.steps.length) {
      const step = this.steps[this.#position++];
      this.#drained = 0;
      if (!("stores" in step) && ((runnable >>> step.core) & 1) !== 0) {
        this.#quantum = step.instructions;
        return step.core;
      }
    }
    this.#ended = true;
    return this.afterwards.next(runnable, executed);
  }

  drain(buffered: number, runnable: number, executed: number): number {
    for (; this.#position < this.steps.length; this.#position++, this.#drained = 0) {
      const step = this.steps[this.#position];
      if (!("stores" in step)) {
        if (((runnable >>> step.core) & 1) !== 0) return -1;
      } else if (this.#drained < step.stores && ((buffered >>> step.core) & 1) !== 0) {
        this.#drained++;
        return step.core;
      }
    }
    return this.afterwards.drain === undefined
      ? lowestCore(buffered)
      : this.afterwards.drain(buffered, runnable, executed);
  }

  /** @throws Error when there is no other one of `afterwards` */
  another(): ScriptedInterleaver {
    return new ScriptedInterleaver(this.steps, anotherOf(this.afterwards));
  }

  snapshot(s: Snapshot): void {
    s.section("scripted interleaver");
    this.#position = s.integer(this.#position, 0, this.steps.length);
    this.#drained = s.integer(this.#drained, 0, Number.MAX_SAFE_INTEGER);
    this.#quantum = s.integer(this.#quantum, 1, Number.MAX_SAFE_INTEGER);
    this.#ended = s.flag(this.#ended);
    this.afterwards.snapshot?.(s);
  }
}

/** Another interleaver by the same rules. @throws Error when its kind has no `another` */
export function anotherOf(interleaver: Interleaver): Interleaver {
  if (interleaver.another === undefined) {
    throw new Error("this machine's interleaver has no method `another`: give the fork an interleaver of its own");
  }
  return interleaver.another();
}

/** @throws RangeError when it is no number of instructions from 1 up */
export function checkInstructions(name: string, count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`${name} ${count}: expected a number of instructions, 1 or more`);
  }
}

function lowestCore(mask: number): number {
  return MOST_CORE - Math.clz32(mask & -mask);
}

function countCores(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
