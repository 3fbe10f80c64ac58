import type { EventHandle } from "./event-handle.ts";

/** The furthest that an event, or a device's own time, lies in the future, in cycles or ticks. */
export const FURTHEST_EVENT = 2 ** 50;

/**
 * Bytes that are no snapshot, or not one that fits; the machine is as it was before the attempt to restore them. Or a
 * machine whose clock holds events of the host's, which cannot be saved.
 */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/**
 * One pass over a machine's state. A device describes its state once, in a method `snapshot(s)` that hands every value
 * to `s` and takes back what `s` returns:
 *
 *     this.#count = s.integer(this.#count, 0, 0xffff);
 *
 * While saving, `s` returns what it is given; while restoring, it returns the saved value, within the given bounds. So
 * the two directions cannot disagree.
 */
export interface Snapshot {
  /** Whether values come from a snapshot. What is derived from them is to be recomputed then. */
  readonly restoring: boolean;
  /** Begins a part. A snapshot that does not have this part here is refused. */
  section(name: string): void;
  /** @param least, most bounds, inclusive */
  integer(value: number, least: number, most: number): number;
  /** A number of any kind but NaN. */
  double(value: number): number;
  flag(value: boolean): boolean;
  /** One of a few words. */
  choice<Choice extends string>(value: Choice, choices: readonly Choice[]): Choice;
  /** The elements of an array of fixed length, in place. */
  bytes(array: Uint8Array): void;
  /**
   * The elements of an array whose length changes, in place: integers from 0 to `mostValue`.
   * @param mostLength longest that it may be
   */
  list(array: number[], mostLength: number, mostValue: number): void;
  /** A time on a device's own clock: an integer from `least` to `most`, or Infinity for never. */
  time(value: number, least: number, most: number): number;
  /**
   * A callback that waits in the clock's queue, or none. While restoring, it is queued again, for the same cycle and
   * in the same order among others for that cycle.
   */
  event(handle: EventHandle | null, callback: () => void): EventHandle | null;
}
