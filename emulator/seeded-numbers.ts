import type { Snapshot } from "./snapshot.ts";

/** Numbers that look random, the same for the same seed. */
export class SeededNumbers {
  #state: number;

  /**
   * @param seed any 32-bit integer
   * @throws RangeError for another
   */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < -(2 ** 31) || seed >= 2 ** 32) {
      throw new RangeError(`seed ${seed}: expected a 32-bit integer`);
    }
    this.#state = seed | 0;
  }

  /** A number from 0 to `limit` - 1. */
  below(limit: number): number {
    // A Weyl sequence, and two rounds of the mixing function of MurmurHash3.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return Math.floor(((mixed ^ (mixed >>> 16)) >>> 0) * (limit / 2 ** 32));
  }

  snapshot(s: Snapshot): void {
    this.#state = s.integer(this.#state, -(2 ** 31), 2 ** 31 - 1);
  }
}
