/** Seeded random numbers, and the values that operands are made of. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits, as int32 (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return t ^ (t >>> 14);
  }

  /** 0 to `count` - 1. */
  below(count: number): number {
    return (this.bits() >>> 1) % count;
  }

  /** `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }

  /** An operand: an edge, a value of the pool, now and then any other. */
  value(): number {
    const choice = this.below(16);
    if (choice < 7) return this.pick(EDGES);
    return choice < 15 ? this.pick(VALUE_POOL) : this.bits();
  }
}

const EDGES: readonly number[] = [
  0, 1, 2, 3, 4, 7, 8, 0xf, 0x10, 0x1f, 0x20, 0x21, 0x7f, 0x80, 0x81, 0x99, 0x9a, 0xfe, 0xff, 0x100, 0x7ffe, 0x7fff,
  0x8000, 0x8001, 0xff00, 0xfffe, 0xffff, 0x10000, 0x7fff7fff, 0x7ffffffe, 0x7fffffff, -0x80000000, -0x7fffffff,
  0x55555555, -0x55555556, 0x80808080, -0x8000, -0x7f, -0x80, -3, -2, -1,
].map((value) => value | 0);

/** EDGES, and random ones of all widths. */
export const VALUE_POOL: readonly number[] = [
  ...new Set([...EDGES, ...Array.from({ length: 400 }, (_, i) => new Random(i).bits() >> ((i & 3) * 8))]),
].slice(0, 254);
