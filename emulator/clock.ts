import type { EventHandle } from "./event-handle.ts";
import type { Snapshot } from "./snapshot.ts";

/** Cycles in a second unless a machine says otherwise: a CPU that executes ten million instructions a second. */
export const DEFAULT_HZ = 10_000_000;

/** The latest cycle that a snapshot may be of; leaves room for events after it. */
const LATEST_CYCLE = 2 ** 51;

export type { EventHandle };

class ScheduledEvent implements EventHandle {
  /** Index in the heap, -1 when not in it. */
  slot = -1;

  constructor(
    readonly at: number,
    readonly order: number,
    readonly callback: () => void,
  ) {}

  get pending(): boolean {
    return this.slot >= 0;
  }

  isBefore(other: ScheduledEvent): boolean {
    return this.at < other.at || (this.at === other.at && this.order < other.order);
  }
}

/**
 * The machine-wide time, in cycles, and the queue of what is to happen.
 *
 * One instruction by any core is one cycle. Cycles are doubles, exact up to 2^53. Events for the same cycle run in
 * the order in which they were scheduled, so a run is the same every time.
 */
export class Clock {
  /** Cycle of the earliest event, Infinity when there is none. A plain field: the run loop reads it often. */
  nextEvent = Number.POSITIVE_INFINITY;
  /** Called when a newly scheduled event became the earliest: whoever runs up to the old `nextEvent` must stop short. */
  onEarlierEvent: (() => void) | null = null;
  /** Cycles in a second of the machine's time. */
  readonly hz: number;

  #now = 0;
  #order = 0;
  #nowSource: (() => number) | null = null;
  readonly #heap: ScheduledEvent[] = [];

  /**
   * @param hz cycles in a second, an integer from 1 up to 2^32 - 1
   * @throws RangeError for another number
   */
  constructor(hz = DEFAULT_HZ) {
    if (!Number.isInteger(hz) || hz < 1 || hz > 0xffffffff) {
      throw new RangeError(`${hz} cycles a second: expected an integer from 1 to ${0xffffffff}`);
    }
    this.hz = hz;
  }

  /**
   * Current cycle. While a core executes, this is the cycle of its current instruction, so that a device sees the
   * exact time of an access.
   */
  get now(): number {
    return this.#nowSource === null ? this.#now : this.#nowSource();
  }

  /** Events that wait. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Has `now` computed by `source` while a core executes; `null` ends that, and time stands still at what
   * `advanceTo` set.
   */
  runOn(source: (() => number) | null): void {
    this.#nowSource = source;
  }

  /**
   * Schedules a callback.
   * @param at cycle, now or later. During an instruction, an event for the current cycle runs after the instruction.
   * @throws RangeError when `at` is in the past, or not an integer up to 2^53
   */
  schedule(at: number, callback: () => void): EventHandle {
    if (!Number.isSafeInteger(at) || at < this.now) {
      throw new RangeError(`event at cycle ${at}: expected an integer not below the current cycle ${this.now}`);
    }
    const event = new ScheduledEvent(at, this.#order++, callback);
    this.#heap.push(event);
    this.#siftUp(event, this.#heap.length - 1);
    if (at < this.nextEvent) {
      this.nextEvent = at;
      this.onEarlierEvent?.();
    }
    return event;
  }

  /** Removes an event from the queue. Null and events that ran or were cancelled already are ignored. */
  cancel(handle: EventHandle | null): void {
    if (!(handle instanceof ScheduledEvent) || this.#heap[handle.slot] !== handle) return;
    this.#remove(handle);
  }

  /**
   * Sets the time and runs, in order, every event due at or before it, each with `now` at its own cycle. Events
   * scheduled meanwhile for that time or before run too.
   * @throws RangeError when `cycle` is in the past
   */
  advanceTo(cycle: number): void {
    if (cycle < this.#now) throw new RangeError(`cannot set the clock back from cycle ${this.#now} to ${cycle}`);
    while (this.nextEvent <= cycle) {
      const event = this.#heap[0];
      this.#remove(event);
      this.#now = event.at;
      event.callback();
    }
    this.#now = cycle;
  }

  /**
   * The time and the order of events to come. Restoring empties the queue: each device then puts its own events back,
   * through `requeue`.
   */
  snapshot(s: Snapshot): void {
    s.section("clock");
    this.#now = s.integer(this.#now, 0, LATEST_CYCLE);
    this.#order = s.integer(this.#order, 0, LATEST_CYCLE);
    if (!s.restoring) return;
    for (const event of this.#heap) event.slot = -1;
    this.#heap.length = 0;
    this.nextEvent = Number.POSITIVE_INFINITY;
  }

  /** Puts an event of a snapshot back into the queue, at its old place among others for the same cycle. */
  requeue(at: number, order: number, callback: () => void): EventHandle {
    const event = new ScheduledEvent(at, order, callback);
    this.#heap.push(event);
    this.#siftUp(event, this.#heap.length - 1);
    this.nextEvent = this.#heap[0].at;
    return event;
  }

  #remove(event: ScheduledEvent): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (last !== event) {
      const slot = event.slot;
      this.#siftUp(last, slot);
      this.#siftDown(last, last.slot);
    }
    event.slot = -1;
    this.nextEvent = heap.length === 0 ? Number.POSITIVE_INFINITY : heap[0].at;
  }

  #siftUp(event: ScheduledEvent, from: number): void {
    const heap = this.#heap;
    let slot = from;
    while (slot > 0) {
      const parentSlot = (slot - 1) >> 1;
      const parent = heap[parentSlot];
      if (!event.isBefore(parent)) break;
      heap[slot] = parent;
      parent.slot = slot;
      slot = parentSlot;
    }
    heap[slot] = event;
    event.slot = slot;
  }

  #siftDown(event: ScheduledEvent, from: number): void {
    const heap = this.#heap;
    let slot = from;
    for (let childSlot = 2 * slot + 1; childSlot < heap.length; childSlot = 2 * slot + 1) {
      if (heap[childSlot + 1]?.isBefore(heap[childSlot])) childSlot++;
      const child = heap[childSlot];
      if (!child.isBefore(event)) break;
      heap[slot] = child;
      child.slot = slot;
      slot = childSlot;
    }
    heap[slot] = event;
    event.slot = slot;
  }
}
