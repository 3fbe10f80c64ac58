import type { Clock, EventHandle } from "../clock.ts";
import type { Snapshot } from "../snapshot.ts";
import { KEY_NAMES, type KeyName, keyNamed } from "./keyboard-keys.ts";

/** A key that goes down or comes up. */
export interface KeyEvent {
  readonly name: KeyName;
  readonly down: boolean;
}

/** The keyboard on which a queue plays. */
export interface KeyQueueTarget {
  /** Whether a key that goes down now would be noticed. When that changes, `play` is to be called. */
  canPress(): boolean;
  keyDown(name: KeyName): void;
  keyUp(name: KeyName): void;
}

/** The fingers on a keyboard: plays the host's key events one after the other, at their own pace. */
export class KeyQueue {
  readonly #clock: Clock;
  readonly #target: KeyQueueTarget;
  readonly #interval: number;
  #events: KeyEvent[] = [];
  #next = 0;
  /** Cycle before which the next event does not happen. */
  #earliest = 0;
  #wait: EventHandle | null = null;

  /** @param interval cycles between two events */
  constructor(clock: Clock, interval: number, target: KeyQueueTarget) {
    this.#clock = clock;
    this.#interval = interval;
    this.#target = target;
  }

  /** Events that wait. */
  get length(): number {
    return this.#events.length - this.#next;
  }

  /** @throws RangeError, before anything is queued, for a name that no key has */
  add(events: readonly KeyEvent[]): void {
    for (const { name } of events) keyNamed(name);
    for (const event of events) this.#events.push(event);
    this.play();
  }

  /** Lets happen what is due. */
  play(): void {
    while (this.#wait === null && this.length > 0) {
      const { name, down } = this.#events[this.#next];
      if (down && !this.#target.canPress()) return;
      const now = this.#clock.now;
      if (now < this.#earliest) {
        this.#wait = this.#clock.schedule(this.#earliest, this.#onDue);
        return;
      }
      this.#earliest = now + this.#interval;
      if (++this.#next === this.#events.length) {
        this.#events = [];
        this.#next = 0;
      }
      if (down) this.#target.keyDown(name);
      else this.#target.keyUp(name);
    }
  }

  snapshot(s: Snapshot): void {
    const events = this.#events.slice(this.#next).map(({ name, down }) => KEY_NAMES.indexOf(name) * 2 + (down ? 1 : 0));
    s.list(events, Number.MAX_SAFE_INTEGER, KEY_NAMES.length * 2 - 1);
    this.#earliest = s.integer(this.#earliest, 0, Number.MAX_SAFE_INTEGER);
    this.#wait = s.event(this.#wait, this.#onDue);
    if (!s.restoring) return;
    this.#events = events.map((event) => ({ name: KEY_NAMES[event >>> 1], down: (event & 1) !== 0 }));
    this.#next = 0;
  }

  readonly #onDue = (): void => {
    this.#wait = null;
    this.play();
  };
}
