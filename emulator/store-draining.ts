import type { Core } from "./cpu/core.ts";
import type { StoreBuffer } from "./cpu/store-buffer.ts";
import type { Interleaver } from "./interleaver.ts";

/**
 * Cycles after which a store reaches memory whatever the interleaver says: no core and no host waits for it in vain. A run's
 * slices are no longer, so that it happens at exactly its cycle.
 */
export const MOST_CYCLES_BUFFERED = 1000;

/** When the stores that wait in the cores' buffers reach memory, where no instruction sees to it. */
export class StoreDraining {
  readonly #cores: readonly Core[];
  readonly #buffers: readonly StoreBuffer[];
  readonly #interleaver: Interleaver;

  private constructor(cores: readonly Core[], buffers: readonly StoreBuffer[], interleaver: Interleaver) {
    this.#cores = cores;
    this.#buffers = buffers;
    this.#interleaver = interleaver;
  }

  /** @returns null when the cores have no store buffers */
  static of(cores: readonly Core[], interleaver: Interleaver): StoreDraining | null {
    const buffers = cores.flatMap(({ storeBuffer }) => storeBuffer ?? []);
    return buffers.length < cores.length ? null : new StoreDraining(cores, buffers, interleaver);
  }

  /** The cycle by which `drainDue` must be called again, Infinity when nothing waits. */
  get nextDue(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const buffer of this.#buffers) oldest = Math.min(oldest, buffer.oldestCycle);
    return oldest + MOST_CYCLES_BUFFERED;
  }

  /** What has waited long enough, and what a core has stored that sleeps or is shut down. */
  drainDue(now: number): void {
    for (let id = 0; id < this.#buffers.length; id++) {
      const buffer = this.#buffers[id];
      if (buffer.length === 0) continue;
      if (this.#cores[id].halted || this.#cores[id].shutdown) buffer.drain();
      while (buffer.oldestCycle + MOST_CYCLES_BUFFERED <= now) buffer.drainOldest();
    }
  }

  /** What the interleaver wants to reach memory before it is asked who runs next. */
  betweenTurns(runnable: number, executed: number): void {
    if (this.#interleaver.drain === undefined) return;
    for (let buffered = this.#buffered; buffered !== 0; buffered = this.#buffered) {
      const core = this.#interleaver.drain(buffered, runnable, executed);
      if (core === -1) return;
      if (((buffered >>> core) & 1) === 0) {
        throw new Error(
          `the interleaver had a store of core ${core} reach memory; ` +
            `the cores that have one are those of the bit mask 0b${buffered.toString(2)}`,
        );
      }
      this.#buffers[core].drainOldest();
    }
  }

  /** A turn begins: without a word of the interleaver's, the core's stores of its turn before reach memory. */
  turnBegins(core: number): void {
    if (this.#interleaver.drain === undefined) this.#buffers[core]?.drain();
  }

  get #buffered(): number {
    let mask = 0;
    for (let id = 0; id < this.#buffers.length; id++) if (this.#buffers[id].length > 0) mask |= 1 << id;
    return mask;
  }
}
