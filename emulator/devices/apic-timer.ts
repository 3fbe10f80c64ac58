import type { Clock, EventHandle } from "../clock.ts";
import { FURTHEST_EVENT, type Snapshot } from "../snapshot.ts";

/** Divide value at reset: 2. */
const DIVIDE_AT_RESET = 0;
const DIVIDE_WRITABLE = 0x0b;

/**
 * The timer of a local APIC (Intel SDM 3A 10.5.4): counts down from the initial count, once or periodically. Its bus
 * clock is the machine's cycle. A count of N with divisor D that is written in cycle t expires at t + N * D exactly.
 */
export class ApicTimer {
  readonly #clock: Clock;
  readonly #onExpire: () => void;
  readonly #expire = (): void => this.#expired();
  #initial = 0;
  #divide = DIVIDE_AT_RESET;
  #periodic = false;
  /** Whether expiring matters to anybody; a timer that nobody hears needs no events. */
  #heard = false;
  /** At cycle #base the counter changed to #count, and goes on from there. */
  #base = 0;
  #count = 0;
  #event: EventHandle | null = null;

  /** @param onExpire called at the cycle at which the count reaches zero, while somebody listens */
  constructor(clock: Clock, onExpire: () => void) {
    this.#clock = clock;
    this.#onExpire = onExpire;
  }

  reset(): void {
    this.#initial = 0;
    this.#count = 0;
    this.#divide = DIVIDE_AT_RESET;
    this.#periodic = false;
    this.#heard = false;
    this.#reschedule();
  }

  /** Whether the timer will expire with somebody listening. */
  get armed(): boolean {
    return this.#event?.pending === true;
  }

  /** Initial count register, int32. */
  get initialCount(): number {
    return this.#initial | 0;
  }

  /** Starts counting; 0 stops the timer. */
  set initialCount(value: number) {
    this.#initial = value >>> 0;
    this.#count = this.#initial;
    this.#base = this.#clock.now;
    this.#reschedule();
  }

  /** Current count register, int32; 0 when a one-shot timer has expired. */
  get currentCount(): number {
    this.#settle();
    return this.#count | 0;
  }

  /** Divide configuration register: bits 0, 1 and 3. */
  get divide(): number {
    return this.#divide;
  }

  /** A change takes effect on what is left of the count. */
  set divide(value: number) {
    this.#settle();
    this.#divide = value & DIVIDE_WRITABLE;
    this.#base = this.#clock.now;
    this.#reschedule();
  }

  /** @param heard whether expiring interrupts somebody */
  setMode(periodic: boolean, heard: boolean): void {
    this.#settle();
    this.#periodic = periodic;
    this.#heard = heard;
    this.#reschedule();
  }

  snapshot(s: Snapshot): void {
    this.#initial = s.integer(this.#initial, 0, 0xffffffff);
    this.#divide = s.integer(this.#divide, 0, DIVIDE_WRITABLE);
    this.#periodic = s.flag(this.#periodic);
    this.#heard = s.flag(this.#heard);
    this.#base = s.integer(this.#base, 0, FURTHEST_EVENT);
    this.#count = s.integer(this.#count, 0, this.#initial);
    this.#event = s.event(this.#event, this.#expire);
  }

  /** 1 to 128: the codes count up from 2, and the last one is 1. */
  get #divisor(): number {
    const code = ((this.#divide >>> 1) & 4) | (this.#divide & 3);
    return 1 << ((code + 1) & 7);
  }

  /** Brings #base and #count up to the current cycle. */
  #settle(): void {
    if (this.#count === 0) return;
    const divisor = this.#divisor;
    const ticks = Math.floor((this.#clock.now - this.#base) / divisor);
    this.#base += ticks * divisor;
    if (ticks < this.#count) this.#count -= ticks;
    else if (!this.#periodic) this.#count = 0;
    else this.#count = this.#initial - ((ticks - this.#count) % this.#initial);
  }

  #reschedule(): void {
    this.#clock.cancel(this.#event);
    this.#event = null;
    if (this.#count === 0 || !this.#heard) return;
    this.#event = this.#clock.schedule(this.#base + this.#count * this.#divisor, this.#expire);
  }

  #expired(): void {
    this.#settle();
    this.#reschedule();
    this.#onExpire();
  }
}
