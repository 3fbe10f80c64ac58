/** How a guest that runs gets what comes from outside: now and then the run stops, and looks whether there is something. */
import type { Action } from "../emulator/index.ts";
import { type InputSource, StandardInput } from "./standard-input.ts";

/**
 * Instructions between two looks: few after something has come, since then more of it may be wanted soon, twice as many
 * each time until a look costs nothing to speak of.
 */
const SHORTEST_SLICE = 1 << 14;
const LONGEST_SLICE = 1 << 18;

/** Where a run's input comes from. The run asks it after every slice, and does nothing else in between. */
export interface Feed {
  /** Instructions until the next look. */
  readonly slice: number;
  /** Cycle at which the next look must be. */
  readonly due: number;
  /** Whether the run is to end here. */
  readonly ended: boolean;
  /** Hears what the guest has sent on its first serial port. */
  readonly sent: (bytes: Uint8Array) => void;
  /** Gives what is to be given now. */
  look(): Promise<void>;
  /** The guest rests until something comes; false when nothing does. */
  rest(): Promise<boolean>;
  /** Ends a wait. */
  cancel(): void;
  close(): void;
}

/** Whom input is given to. */
export interface FeedTarget {
  /** How many bytes it would take now. */
  readonly wants: () => number;
  /** The same while it rests: how many of those that would wake it. */
  readonly wantsAtRest: () => number;
  /** Whether part of a line is of no use to it: only the end of input makes it do with that. */
  readonly takesLines: boolean;
  readonly perform: (action: Action) => void;
}

/** Who follows a run. */
export interface FeedObserver {
  /** At each look, before anything is given. */
  readonly look: () => void;
  /** Bytes that the guest has sent. */
  readonly sent: (bytes: Uint8Array) => void;
}

const NO_INPUT: InputSource = { chunks: async function* () {}, release: () => {} };

/**
 * Standard input. Whether the guest gets something depends on the guest alone, as far as the source has its bytes when
 * they are wanted; in the end the carrier drops.
 */
export class LiveFeed implements Feed {
  slice = SHORTEST_SLICE;
  readonly due = Number.POSITIVE_INFINITY;
  readonly ended = false;
  readonly sent: (bytes: Uint8Array) => void;
  readonly #input: StandardInput;
  readonly #target: FeedTarget;
  readonly #observer: FeedObserver | undefined;
  #closed: boolean;

  /** @param source none: no input, and no end of it either */
  constructor(source: InputSource | undefined, target: FeedTarget, observer?: FeedObserver) {
    this.#input = new StandardInput(source ?? NO_INPUT);
    this.#closed = source === undefined;
    this.#target = target;
    this.#observer = observer;
    this.sent = observer?.sent ?? (() => {});
  }

  async look(): Promise<void> {
    this.#observer?.look();
    this.slice = Math.min(2 * this.slice, LONGEST_SLICE);
    const wanted = this.#closed ? 0 : this.#target.wants();
    if (wanted === 0) return;
    await this.#input.settle(() => this.#has(wanted));
    this.#give(wanted);
  }

  async rest(): Promise<boolean> {
    if (!(await this.wait())) return false;
    return this.give();
  }

  /** Waits for what would wake the guest; false when nothing will come. */
  async wait(): Promise<boolean> {
    const wanted = this.#closed ? 0 : this.#target.wantsAtRest();
    if (wanted === 0) return false;
    await this.#input.settle(() => this.#has(wanted));
    await this.#input.wait(() => this.#has(this.#target.takesLines ? wanted : 1));
    return true;
  }

  /** Gives a guest that rests what has come; false for nothing. */
  give(): boolean {
    const wanted = this.#closed ? 0 : this.#target.wantsAtRest();
    return wanted !== 0 && this.#give(wanted);
  }

  cancel(): void {
    this.#input.cancel();
  }

  close(): void {
    this.#input.close();
  }

  #has(wanted: number): boolean {
    return this.#input.hasLine || this.#input.has(wanted);
  }

  /** A line at a time, so that it makes no difference how the source was cut. */
  #give(wanted: number): boolean {
    const bytes = this.#input.takeLine(wanted) ?? (this.#target.takesLines ? undefined : this.#input.take(wanted));
    if (bytes !== undefined) this.#target.perform({ kind: "input", bytes: bytes.slice() });
    else if (this.#input.ended) {
      this.#closed = true;
      this.#target.perform({ kind: "close-input" });
    } else return false;
    this.slice = SHORTEST_SLICE;
    return true;
  }
}
