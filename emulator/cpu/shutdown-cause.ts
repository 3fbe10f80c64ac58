import type { Snapshot } from "../snapshot.ts";

/** An exception or interrupt on its way to a handler. */
export interface Delivery {
  /** 0 to 255. */
  readonly vector: number;
  /** EXTERNAL or EXCEPTION of interrupts.ts. */
  readonly kind: number;
  /** As it would have been pushed; -1 for none. */
  readonly errorCode: number;
  /** CR2 at that time, unsigned: of a page fault the address. */
  readonly cr2: number;
}

/** Numbers that a delivery takes in `#numbers`. */
const FIELDS = 4;
/** More than any shutdown has. */
const MOST_DELIVERIES = 32;

/**
 * Why a core shut down: what it was about to deliver, each on the way to the handler of the one before. The last came up on
 * the way to the handler of the double fault. Empty while the core runs.
 */
export class ShutdownCause {
  /** Vector, kind, error code + 1 and CR2 of each. */
  readonly #numbers: number[] = [];

  clear(): void {
    this.#numbers.length = 0;
  }

  add(vector: number, kind: number, errorCode: number, cr2: number): void {
    this.#numbers.push(vector, kind, errorCode + 1, cr2 >>> 0);
  }

  get deliveries(): readonly Delivery[] {
    const numbers = this.#numbers;
    return Array.from({ length: numbers.length / FIELDS }, (_, i) => ({
      vector: numbers[FIELDS * i],
      kind: numbers[FIELDS * i + 1],
      errorCode: numbers[FIELDS * i + 2] - 1,
      cr2: numbers[FIELDS * i + 3],
    }));
  }

  snapshot(s: Snapshot): void {
    s.list(this.#numbers, FIELDS * MOST_DELIVERIES, 0xffffffff);
    if (s.restoring) this.#numbers.length -= this.#numbers.length % FIELDS;
  }
}
