/**
 * Decides which core runs next, and for how long. The machine asks when more than one core can run, and the one whose
 * turn it was has used it up or cannot go on. An interleaver must depend on nothing but what it is asked, so that runs can be
 * repeated; a seeded or scripted one makes other interleavings.
 */
export interface Interleaver {
  /** Instructions that the core named by the last `next` may run at most before `next` is asked again, at least 1. */
  readonly quantum: number;
  /**
   * @param runnable bit mask, not 0, of the cores that can run
   * @returns the number of one of them
   */
  next(runnable: number): number;
}

const DEFAULT_QUANTUM = 100;

/** Each runnable core in turn, by number, for the same number of instructions. */
export class RoundRobin implements Interleaver {
  #last = -1;

  /**
   * @param quantum instructions in a turn
   * @throws RangeError when it is not an integer from 1 up
   */
  constructor(readonly quantum = DEFAULT_QUANTUM) {
    if (!Number.isInteger(quantum) || quantum < 1) {
      throw new RangeError(`quantum ${quantum}: expected a number of instructions, 1 or more`);
    }
  }

  next(runnable: number): number {
    // Before the first turn the shift count is 31 modulo 32, which leaves no bit.
    const later = runnable & (-2 << this.#last);
    this.#last = 31 - Math.clz32(lowestBit(later !== 0 ? later : runnable));
    return this.#last;
  }
}

function lowestBit(mask: number): number {
  return mask & -mask;
}
