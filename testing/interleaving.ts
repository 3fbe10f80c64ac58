/** The same test in many orders: what happens between the instructions is varied by a seed, the same for the same seed. */
import { type Interleaver, RandomInterleaver } from "../emulator/index.ts";

/** Ticks a second that the kernel asks of the 8254. */
const HZ = 100;
/** Instructions between two ticks, so that one comes in the middle of nearly everything sooner or later. */
const SHORTEST_TICK = 3_000;
const LONGEST_TICK = 40_000;

/** A kernel whose run can be seen again. */
interface Reproducible {
  /** How, in a line or two. */
  reproduction(): string;
}

/**
 * One interleaving. Given to `bootKernel`, it sets how many instructions lie between two timer interrupts, and so where
 * interrupts arrive, time slices end and timers expire.
 */
export class Interleaving {
  readonly #kernels: Reproducible[] = [];

  /** @param seed any 32-bit integer */
  constructor(readonly seed: number) {
    if (!Number.isInteger(seed) || seed < -(2 ** 31) || seed >= 2 ** 32) {
      throw new RangeError(`seed ${seed}: expected a 32-bit integer`);
    }
  }

  /** Instructions a second of the machine's time. */
  get cpuHz(): number {
    return HZ * this.instructionsPerTick;
  }

  get instructionsPerTick(): number {
    return SHORTEST_TICK + (scramble(this.seed) % (LONGEST_TICK - SHORTEST_TICK));
  }

  /** Who runs when on a machine of several cores of one's own: `new Machine({ cpus: 2, interleaver: … })`. */
  interleaver(): Interleaver {
    return new RandomInterleaver(this.seed);
  }

  /** Remembers a kernel that was booted with it, for the message of a failure. */
  adopt(kernel: Reproducible): void {
    this.#kernels.push(kernel);
  }

  /** Which run failed, and how to see it again. */
  describe(): string {
    const lines = [`interleaving with seed ${this.seed}: a timer tick every ${this.instructionsPerTick} instructions`];
    for (const kernel of this.#kernels) lines.push(kernel.reproduction());
    return lines.join("\n");
  }
}

/** Two rounds of the mixing function of MurmurHash3. */
function scramble(seed: number): number {
  let mixed = Math.imul(seed + 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Runs `body` once for each seed; give what it gets to `bootKernel({ interleave })`. What it throws is thrown on, with
 * the seed in its message and the command that goes to the instruction where the run stood.
 * @param seeds the seeds, or a number of them: 0 to `seeds` - 1
 * @returns a promise when `body` returns one
 */
export function forEachInterleaving<R extends void | Promise<void>>(
  seeds: number | Iterable<number>,
  body: (interleaving: Interleaving) => R,
): R {
  const all = typeof seeds === "number" ? Array.from({ length: seeds }, (_, seed) => seed) : [...seeds];
  if (all.length === 0) throw new RangeError("forEachInterleaving without a seed would test nothing");
  const from = (index: number): void | Promise<void> => {
    for (let i = index; i < all.length; i++) {
      const interleaving = new Interleaving(all[i]);
      let result: void | Promise<void>;
      try {
        result = body(interleaving);
      } catch (error) {
        throw explained(error, interleaving);
      }
      if (result instanceof Promise) {
        return result.then(
          () => from(i + 1),
          (error: unknown) => {
            throw explained(error, interleaving);
          },
        );
      }
    }
  };
  return from(0) as R;
}

/** The same error, so that a test runner shows what it knows of it, with more in its message. */
function explained(error: unknown, interleaving: Interleaving): Error {
  const known = error instanceof Error ? error : new Error(String(error));
  known.message = `${known.message}\n\n${interleaving.describe()}`;
  return known;
}
