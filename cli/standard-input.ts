/** Standard input, read when a guest asks for it, and kept until it takes it. */

/** A stream of chunks that can be let go. */
export interface InputSource {
  readonly chunks: () => AsyncIterator<Uint8Array>;
  /** Stops reading, so that the process can end. */
  readonly release: () => void;
  /**
   * Milliseconds within which more comes if the source has it already: a guest that runs is held for so long, so that
   * what it gets does not depend on how the host's pipe cut it. 0, the default, for somebody who types.
   */
  readonly patience?: number;
  /**
   * Where somebody types at a terminal: from now on gives each key at once and unseen, Ctrl-C included; Ctrl-] interrupts in
   * its place. The returned function undoes it.
   */
  readonly takeKeys?: (() => () => void) | undefined;
}

const NEWLINE = 10;
/** Bytes of a line that are handed over together. */
export const LONGEST_LINE = 4096;

export class StandardInput {
  readonly #source: InputSource;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #reading: Promise<void> | undefined;
  #pending = new Uint8Array(0);
  #ended = false;
  /** Whether the source has not made anybody wait for longer than its patience since it last gave something. */
  #flows = true;
  #cancelled = false;
  readonly #cancel: Promise<void>;
  /** Makes those who wait go on, now and from now on. */
  cancel: () => void = () => {};

  constructor(source: InputSource) {
    this.#source = source;
    this.#cancel = new Promise((resolve) => {
      this.cancel = () => {
        this.#cancelled = true;
        resolve();
      };
    });
  }

  /** Whether all of it has been taken. */
  get ended(): boolean {
    return this.#ended && this.#pending.length === 0;
  }

  /** Whether there is a line, or the end of input. */
  get hasLine(): boolean {
    return this.#ended || this.#lineLength() > 0;
  }

  /** Whether there are so many bytes, or the end of input. */
  has(count: number): boolean {
    return this.#ended || this.#pending.length >= count;
  }

  /**
   * A line with its newline, or what there is at the end of input, but not more than `most` bytes and LONGEST_LINE;
   * undefined for none.
   */
  takeLine(most: number): Uint8Array | undefined {
    return this.take(Math.min(most, this.#lineLength()));
  }

  /** As many bytes as there are, but not more than `most`; undefined for none. */
  take(most: number): Uint8Array | undefined {
    const count = Math.min(most, this.#pending.length);
    if (count === 0) return undefined;
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }

  /** Waits until `isEnough`, or the source has no more to give for now. */
  async settle(isEnough: () => boolean): Promise<void> {
    const patience = this.#source.patience ?? 0;
    while (!isEnough() && !this.#cancelled) {
      this.#reading ??= this.#read();
      if (!this.#flows || patience === 0) return;
      if (patience === Number.POSITIVE_INFINITY) await Promise.race([this.#reading, this.#cancel]);
      else if (await isSooner(Promise.race([this.#reading, this.#cancel]), patience)) continue;
      else this.#flows = false;
    }
  }

  /** Waits until `isEnough`, or is cancelled. */
  async wait(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && !this.#cancelled) {
      this.#reading ??= this.#read();
      await Promise.race([this.#reading, this.#cancel]);
    }
  }

  /** Lets the source go, if anything was read from it. */
  close(): void {
    this.cancel();
    if (this.#chunks !== undefined) this.#source.release();
  }

  #lineLength(): number {
    const newline = this.#pending.indexOf(NEWLINE);
    if (newline >= 0) return Math.min(newline + 1, LONGEST_LINE);
    return this.#ended || this.#pending.length >= LONGEST_LINE ? Math.min(this.#pending.length, LONGEST_LINE) : 0;
  }

  async #read(): Promise<void> {
    try {
      this.#chunks ??= this.#source.chunks();
      const { done, value } = await this.#chunks.next();
      if (done === true) this.#ended = true;
      else this.#append(value);
    } catch {
      // Standard input was let go, or cannot be read: nothing more comes from it.
      this.#ended = true;
    }
    this.#flows = true;
    this.#reading = undefined;
  }

  #append(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#pending.length + chunk.length);
    joined.set(this.#pending);
    joined.set(chunk, this.#pending.length);
    this.#pending = joined;
  }
}

/** Whether something settles within so many milliseconds. */
async function isSooner(event: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
