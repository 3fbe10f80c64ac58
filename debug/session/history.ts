/** Captures of a run, kept within a limit of memory: dense around the place where one stands, sparse far from it. */
import type { TargetCapture } from "./target.ts";

/** A place in time. */
export interface Moment {
  readonly cycle: number;
  /** By all cores. */
  readonly instructions: number;
  /** Instructions by core number. */
  readonly cores: readonly number[];
}

/** A moment that one can return to. */
export interface Remembered extends Moment {
  readonly capture: TargetCapture;
  /** Entries of the journal that had been done. */
  readonly done: number;
  readonly onlyCore: number | null;
}

interface Kept {
  readonly remembered: Remembered;
  /** Bytes that it takes beyond what it shares with the one before it. */
  bytes: number;
}

export class History {
  /** By cycle, each later than the one before. */
  readonly #kept: Kept[] = [];
  readonly #limit: number;
  #bytes = 0;

  /** @param limit bytes that the captures may take together; the first and the last one are kept whatever they take */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that the captures take; pages of memory that several share count once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** By cycle. */
  get moments(): readonly Remembered[] {
    return this.#kept.map(({ remembered }) => remembered);
  }

  /** The latest for which `accepts` holds. */
  findLast(accepts: (moment: Remembered) => boolean): Remembered | undefined {
    return this.#kept.findLast(({ remembered }) => accepts(remembered))?.remembered;
  }

  /**
   * Keeps a moment, unless there is one of the same cycle.
   * @returns the bytes that it takes beyond what it shares with the one before it
   */
  add(remembered: Remembered): number {
    const index = this.#kept.findLastIndex((kept) => kept.remembered.cycle <= remembered.cycle) + 1;
    if (this.#kept[index - 1]?.remembered.cycle === remembered.cycle) return 0;
    const kept: Kept = { remembered, bytes: 0 };
    this.#kept.splice(index, 0, kept);
    this.#measure(index);
    this.#measure(index + 1);
    const { bytes } = kept;
    while (this.#bytes > this.#limit && this.#kept.length > 2) this.#remove(this.#leastUseful(remembered.instructions));
    return bytes;
  }

  /** Forgets what is later than a cycle. */
  forgetAfter(cycle: number): void {
    while ((this.#kept.at(-1)?.remembered.cycle ?? 0) > cycle) this.#bytes -= this.#kept.pop()!.bytes;
  }

  #measure(index: number): void {
    const kept = this.#kept[index];
    if (kept === undefined) return;
    const before = this.#kept[index - 1]?.remembered.capture.machine ?? null;
    const bytes = kept.remembered.capture.machine.bytesBeyond(before);
    this.#bytes += bytes - kept.bytes;
    kept.bytes = bytes;
  }

  #remove(index: number): void {
    const [removed] = this.#kept.splice(index, 1);
    this.#bytes -= removed.bytes;
    this.#measure(index);
  }

  /** The one whose going leaves the smallest gap, measured by how far from `here` it is. */
  #leastUseful(here: number): number {
    let found = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 1; index < this.#kept.length - 1; index++) {
      const before = this.#kept[index - 1].remembered.instructions;
      const after = this.#kept[index + 1].remembered.instructions;
      const distance = Math.abs(here - this.#kept[index].remembered.instructions);
      const use = (after - before) / (distance + 1);
      if (use < least) {
        least = use;
        found = index;
      }
    }
    return found;
  }
}
