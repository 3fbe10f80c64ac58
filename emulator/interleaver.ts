import type { Snapshot } from "./snapshot.ts";

/**
 * Decides which core runs next, and for how long. The machine asks when more than one core can run, and the one whose
 * turn it was has used it up or cannot go on. An interleaver must depend on nothing but what it is asked, so that runs
 * can be repeated.
 */
export interface Interleaver {
  /** Instructions that the core named by the last `next` may run at most before `next` is asked again, at least 1. */
  readonly quantum: number;
  /**
   * @param runnable bit mask, not 0, of the cores that can run
   * @returns the number of one of them
   */
  next(runnable: number): number;
  /** Saves or restores what `next` remembers; an interleaver without it remembers nothing. */
  snapshot?(s: Snapshot): void;
  /** Another one that decides by the same rules, for `Machine.fork`; what this one remembers may be left out. */
  another?(): Interleaver;
}

const DEFAULT_QUANTUM = 100;
const MOST_CORE = 31;

/** Each runnable core in turn, by number, for the same number of instructions. */
export class RoundRobin implements Interleaver {
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

/** Any runnable core, for any number of instructions up to a maximum: the same choices for the same seed. */
export class RandomInterleaver implements Interleaver {
  quantum = 1;
  #state: number;

  /**
   * @param seed any 32-bit integer
   * @param maximum instructions in a turn at most
   * @throws RangeError when one of them is none
   */
  constructor(
    readonly seed: number,
    readonly maximum = 2 * DEFAULT_QUANTUM,
  ) {
    if (!Number.isInteger(seed) || seed < -(2 ** 31) || seed >= 2 ** 32) {
      throw new RangeError(`seed ${seed}: expected a 32-bit integer`);
    }
    checkInstructions("maximum", maximum);
    this.#state = seed | 0;
  }

  next(runnable: number): number {
    this.quantum = 1 + this.#below(this.maximum);
    let rest = runnable;
    for (let skip = this.#below(countCores(runnable)); skip > 0; skip--) rest &= rest - 1;
    return lowestCore(rest);
  }

  another(): RandomInterleaver {
    return new RandomInterleaver(this.seed, this.maximum);
  }

  snapshot(s: Snapshot): void {
    s.section("random interleaver");
    this.#state = s.integer(this.#state, -(2 ** 31), 2 ** 31 - 1);
    this.quantum = s.integer(this.quantum, 1, this.maximum);
  }

  /** A number from 0 to `limit` - 1. */
  #below(limit: number): number {
    // A Weyl sequence, and two rounds of the mixing function of MurmurHash3.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return Math.floor(((mixed ^ (mixed >>> 16)) >>> 0) * (limit / 2 ** 32));
  }
}

/** One turn of a script. */
export interface Turn {
  /** Core number. */
  readonly core: number;
  /** Instructions at most, 1 or more. */
  readonly instructions: number;
}

/** Turns written down beforehand. One whose core cannot run when it comes up is passed over. */
export class ScriptedInterleaver implements Interleaver {
  #position = 0;
  #quantum = 1;
  #ended = false;

  /**
   * @param turns in their order
   * @param afterwards who decides when the script is at its end
   * @throws RangeError when a turn is none
   */
  constructor(
    readonly turns: readonly Turn[],
    readonly afterwards: Interleaver = new RoundRobin(),
  ) {
    for (const { core, instructions } of turns) {
      if (!Number.isInteger(core) || core < 0 || core > MOST_CORE) throw new RangeError(`no core has number ${core}`);
      checkInstructions("turn", instructions);
    }
  }

  get quantum(): number {
    return this.#ended ? this.afterwards.quantum : this.#quantum;
  }

  next(runnable: number): number {
    while (this.#position < this.turns.length) {
      const turn = this.turns[this.#position++];
      if (((runnable >>> turn.core) & 1) !== 0) {
        this.#quantum = turn.instructions;
        return turn.core;
      }
    }
    this.#ended = true;
    return this.afterwards.next(runnable);
  }

  /** @throws Error when there is no other one of `afterwards` */
  another(): ScriptedInterleaver {
    return new ScriptedInterleaver(this.turns, anotherOf(this.afterwards));
  }

  snapshot(s: Snapshot): void {
    s.section("scripted interleaver");
    this.#position = s.integer(this.#position, 0, this.turns.length);
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

function checkInstructions(name: string, count: number): void {
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
