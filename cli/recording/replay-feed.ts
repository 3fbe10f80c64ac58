/** Input from a recording: each thing at its cycle, where the run is compared with what was recorded. */
import type { Action, Machine } from "../../emulator/index.ts";
import type { Feed } from "../feed.ts";
import { InputError } from "../io.ts";
import { Comparison } from "./comparison.ts";
import type { Recording } from "./recording.ts";
import { Witness } from "./witness.ts";

/** Instructions between two looks at the host's events. */
const SLICE = 1 << 18;

export class ReplayFeed implements Feed {
  readonly slice = SLICE;
  /** Whether the recording ends here, though the guest does not. */
  ended = false;
  readonly sent: (bytes: Uint8Array) => void;
  readonly #recording: Recording;
  readonly #machine: Machine;
  readonly #perform: (action: Action) => void;
  readonly #comparison: Comparison;
  #next = 0;

  /** @param kernel digest of what of esp0 itself takes part now */
  constructor(recording: Recording, kernel: string | undefined, machine: Machine, perform: (action: Action) => void) {
    this.#recording = recording;
    this.#machine = machine;
    this.#perform = perform;
    const witness = new Witness(() => machine);
    this.sent = witness.sent;
    this.#comparison = new Comparison(recording, kernel, witness);
  }

  get due(): number {
    const { events, end, endsFromOutside } = this.#recording;
    const event = events[this.#next]?.cycle ?? Number.POSITIVE_INFINITY;
    if (end === undefined) return event;
    return Math.min(event, endsFromOutside ? end.cycle : end.cycle + 1);
  }

  /** @throws Divergence */
  async look(): Promise<void> {
    const { cycles } = this.#machine;
    const { path, events, end, endsFromOutside } = this.#recording;
    for (let event = events[this.#next]; event !== undefined && event.cycle <= cycles; event = events[this.#next]) {
      this.#comparison.check(event);
      this.#next++;
      try {
        if (event.action !== undefined) this.#perform(event.action);
      } catch (error) {
        if (error instanceof RangeError) throw new InputError(`${path}: the recording is damaged: ${error.message}`);
        throw error;
      }
    }
    if (end === undefined) return;
    if (endsFromOutside) this.ended = cycles >= end.cycle;
    else if (cycles > end.cycle) this.#comparison.diverge(end, `as its end (${end.end}), it goes on`);
  }

  /** @throws Divergence */
  async rest(): Promise<boolean> {
    const before = this.#next;
    await this.look();
    if (this.#next > before) return true;
    const left = this.#recording.events[this.#next];
    if (left !== undefined) this.#comparison.diverge(left, `it rests, at ${this.#comparison.here()}`);
    this.ended ||= this.#recording.end === undefined;
    return false;
  }

  cancel(): void {}
  close(): void {}

  /** Compares the end. @throws Divergence */
  finish(kind: string, status: number): void {
    if (this.ended) {
      this.#comparison.checkEnd();
      return;
    }
    const left = this.#recording.events[this.#next];
    if (left !== undefined) this.#comparison.diverge(left, `it has ended (${kind}) at ${this.#comparison.here()}`);
    this.#comparison.checkNaturalEnd(kind, status);
  }
}
