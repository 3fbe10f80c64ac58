/** How long locks are waited for and held, followed event by event, for those who draw or add up. */
import type { RecordedEvent } from "../../kernel/index.ts";

/** What is told while following: times in cycles, which are instructions of all CPUs here, since nobody halts meanwhile. */
interface Listener {
  /** @param end the cycle at which it was over */
  waited(name: string, cycles: number, end: number): void;
  held(name: string, cycles: number, end: number): void;
}

export class LockTimes {
  readonly #listener: Listener;
  /** By CPU and lock, when its waits and holds began, the innermost last: readers may take a lock in an interrupt again. */
  readonly #waits = new Map<string, number[]>();
  readonly #holds = new Map<string, number[]>();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  event(event: RecordedEvent): void {
    switch (event.event) {
      case "contention_begin":
        begin(this.#waits, event);
        break;
      case "contention_end": {
        const cycles = end(this.#waits, event);
        if (cycles !== undefined) this.#listener.waited(String(event["name"]), cycles, event.cycle);
        break;
      }
      case "lock_acquired":
        begin(this.#holds, event);
        break;
      case "lock_release": {
        const cycles = end(this.#holds, event);
        if (cycles !== undefined) this.#listener.held(String(event["name"]), cycles, event.cycle);
      }
    }
  }
}

function keyOf(event: RecordedEvent): string {
  return `${event.cpu} ${event["lock"]}`;
}

function begin(begun: Map<string, number[]>, event: RecordedEvent): void {
  const key = keyOf(event);
  const cycles = begun.get(key);
  if (cycles === undefined) begun.set(key, [event.cycle]);
  else cycles.push(event.cycle);
}

/** How long it was; undefined for what began before the trace. */
function end(begun: Map<string, number[]>, event: RecordedEvent): number | undefined {
  const since = begun.get(keyOf(event))?.pop();
  return since === undefined ? undefined : event.cycle - since;
}
