import type { PhysicalMemory } from "../memory/physical-memory.ts";
import { guestPages, PAGE_SIZE } from "../memory/physical-memory.ts";
import type { Snapshot } from "../snapshot.ts";
import type { CodeCache } from "./block-cache.ts";

/** Stores that a core's buffer holds at most; one more has the oldest reach memory first. */
export const STORE_BUFFER_ENTRIES = 16;
/** Bytes that a processor of the time stores at once, when they are aligned. */
const ATOMIC_BYTES = 8;
const LATEST_CYCLE = Number.MAX_SAFE_INTEGER;

/** A store that has not reached memory yet. */
export interface BufferedStore {
  /** Physical address of its first byte; one in a ROM's page is that of the RAM under it. */
  readonly physical: number;
  /** 1, 2 or 4 bytes. */
  readonly size: number;
  /** Unsigned. */
  readonly value: number;
  /** Machine cycle of the instruction that made it. */
  readonly cycle: number;
}

/**
 * The store buffer of a core, as x86-TSO has it (Sewell, Sarkar, Owens, Zappa Nardelli, Myreen: "x86-TSO: A Rigorous and
 * Usable Programmer's Model for x86 Multiprocessors", CACM 53, 2010): stores to plain memory wait in their order, the core's
 * own loads see them, other cores do not until they reached memory. It holds host offsets, so that all that maps to the same
 * memory is the same.
 */
export class StoreBuffer {
  readonly #memory: PhysicalMemory;
  readonly #codeCache: CodeCache;
  // A ring: entry `(first + i) % STORE_BUFFER_ENTRIES` is the i-th oldest.
  readonly #hosts = new Int32Array(STORE_BUFFER_ENTRIES);
  readonly #sizes = new Int32Array(STORE_BUFFER_ENTRIES);
  readonly #values = new Int32Array(STORE_BUFFER_ENTRIES);
  readonly #cycles = new Float64Array(STORE_BUFFER_ENTRIES);
  #first = 0;
  #length = 0;

  constructor(memory: PhysicalMemory, codeCache: CodeCache) {
    this.#memory = memory;
    this.#codeCache = codeCache;
  }

  get length(): number {
    return this.#length;
  }

  /** Machine cycle of the oldest store; Infinity when there is none. */
  get oldestCycle(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.#cycles[this.#first];
  }

  /**
   * Takes in a store.
   * @param host offset of its first byte; all lie in one page, of plain memory that may be written
   */
  push(host: number, size: number, value: number, cycle: number): void {
    if (this.#length === STORE_BUFFER_ENTRIES) this.drainOldest();
    const at = this.#place(this.#length++);
    this.#hosts[at] = host;
    this.#sizes[at] = size;
    this.#values[at] = value;
    this.#cycles[at] = cycle;
  }

  /** What a load of the core finds at a host offset where memory has `value`: byte by byte the youngest store's. */
  forward(host: number, size: number, value: number): number {
    let result = value;
    for (let i = 0; i < this.#length; i++) {
      const at = this.#place(i);
      const distance = this.#hosts[at] - host;
      if (distance >= size || distance <= -this.#sizes[at]) continue;
      const from = Math.max(0, distance);
      const end = Math.min(size, distance + this.#sizes[at]);
      for (let byte = from; byte < end; byte++) {
        const stored = (this.#values[at] >> (8 * (byte - distance))) & 0xff;
        result = (result & ~(0xff << (8 * byte))) | (stored << (8 * byte));
      }
    }
    return result;
  }

  /** Whether a store to one of these bytes is waiting. */
  holds(host: number, size: number): boolean {
    for (let i = 0; i < this.#length; i++) {
      const at = this.#place(i);
      if (this.#hosts[at] < host + size && this.#hosts[at] + this.#sizes[at] > host) return true;
    }
    return false;
  }

  /** All stores reach memory. */
  drain(): void {
    while (this.#length > 0) this.drainOldest();
  }

  /**
   * The oldest store reaches memory. With it goes what follows it and makes up, with it, an aligned quadword that one
   * instruction stored: that is atomic (Intel SDM 3A 8.1.1).
   */
  drainOldest(): void {
    let { host, cycle, size } = this.#take();
    while (this.#length > 0) {
      const next = this.#first;
      const isSame = this.#cycles[next] === cycle && this.#hosts[next] === host + size;
      if (!isSame || ((host ^ (this.#hosts[next] + this.#sizes[next] - 1)) & -ATOMIC_BYTES) !== 0) return;
      ({ host, cycle, size } = this.#take());
    }
  }

  /** The stores in it, the oldest first. */
  get stores(): BufferedStore[] {
    return Array.from({ length: this.#length }, (_, i) => {
      const at = this.#place(i);
      const size = this.#sizes[at];
      const value = size === 4 ? this.#values[at] >>> 0 : this.#values[at] & (2 ** (8 * size) - 1);
      return { physical: this.#hosts[at] - this.#memory.ramOffset, size, value, cycle: this.#cycles[at] };
    });
  }

  /** Puts what the buffer holds over a copy of physical memory. */
  overlay(bytes: Uint8Array, physical: number): void {
    for (const store of this.stores) {
      for (let byte = 0; byte < store.size; byte++) {
        const at = store.physical + byte - physical;
        if (at >= 0 && at < bytes.length) bytes[at] = store.value >>> (8 * byte);
      }
    }
  }

  snapshot(s: Snapshot): void {
    const { ramOffset, ramSize } = this.#memory;
    const lowest = ramOffset + ramSize - guestPages(ramSize) * PAGE_SIZE;
    if (s.restoring) this.#first = 0;
    this.#length = s.integer(this.#length, 0, STORE_BUFFER_ENTRIES);
    for (let i = 0; i < this.#length; i++) {
      const at = this.#place(i);
      this.#sizes[at] = s.integer(this.#sizes[at], 1, 4);
      this.#hosts[at] = s.integer(this.#hosts[at], lowest, ramOffset + ramSize - this.#sizes[at]);
      this.#values[at] = s.integer(this.#values[at], -(2 ** 31), 2 ** 31 - 1);
      this.#cycles[at] = s.integer(this.#cycles[at], 0, LATEST_CYCLE);
    }
  }

  #place(index: number): number {
    return (this.#first + index) % STORE_BUFFER_ENTRIES;
  }

  /** The oldest store reaches memory. */
  #take(): { host: number; size: number; cycle: number } {
    const at = this.#first;
    const host = this.#hosts[at];
    const size = this.#sizes[at];
    const value = this.#values[at];
    this.#first = this.#place(1);
    this.#length--;
    const { tracker, view, bytes } = this.#memory;
    tracker.note(host >>> 12);
    if (this.#codeCache.hasCode(host >>> 12)) this.#codeCache.bytesWritten(host, size);
    if (size === 4) view.setInt32(host, value, true);
    else if (size === 2) view.setInt16(host, value, true);
    else bytes[host] = value;
    return { host, size, cycle: this.#cycles[at] };
  }
}
