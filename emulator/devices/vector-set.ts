import type { Snapshot } from "../snapshot.ts";

/** A set of interrupt vectors, 0 to 255: one of the 256-bit registers of a local APIC. */
export class VectorSet {
  readonly #words = new Int32Array(8);
  /** The highest vector in the set, -1 when it is empty. */
  highest = -1;

  /** Vectors 32 * `index` to 32 * `index` + 31 as bits, int32. */
  word(index: number): number {
    return this.#words[index];
  }

  has(vector: number): boolean {
    return (this.#words[vector >>> 5] & (1 << (vector & 31))) !== 0;
  }

  add(vector: number): void {
    this.#words[vector >>> 5] |= 1 << (vector & 31);
    if (vector > this.highest) this.highest = vector;
  }

  remove(vector: number): void {
    this.#words[vector >>> 5] &= ~(1 << (vector & 31));
    if (vector === this.highest) this.#findHighest();
  }

  clear(): void {
    this.#words.fill(0);
    this.highest = -1;
  }

  snapshot(s: Snapshot): void {
    s.bytes(new Uint8Array(this.#words.buffer));
    this.#findHighest();
  }

  #findHighest(): void {
    this.highest = -1;
    for (let index = this.#words.length - 1; index >= 0; index--) {
      const word = this.#words[index];
      if (word !== 0) {
        this.highest = 32 * index + 31 - Math.clz32(word);
        return;
      }
    }
  }
}
