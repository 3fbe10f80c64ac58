/**
 * Standard input, a line at a time, read only when the guest waits for it. Whole lines make what the guest sees depend on
 * the input alone, not on how the host's pipe cut it.
 */

/** A stream of chunks that can be let go. */
export interface InputSource {
  readonly chunks: () => AsyncIterator<Uint8Array>;
  /** Stops reading, so that the process can end. */
  readonly release: () => void;
}

const NEWLINE = 10;
const LONGEST_LINE = 4096;

export class InputLines {
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #pending = new Uint8Array(0);
  #ended = false;
  #cancel: (() => void) | undefined;

  constructor(private readonly source: InputSource) {}

  /** The next line with its newline (or the first LONGEST_LINE bytes of a longer one); undefined at the end of input. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const newline = this.#pending.indexOf(NEWLINE);
      const length = newline >= 0 ? newline + 1 : this.#ended ? this.#pending.length : 0;
      if (length > 0 || this.#pending.length >= LONGEST_LINE)
        return this.#take(Math.min(length || LONGEST_LINE, LONGEST_LINE));
      if (this.#ended) return undefined;
      await this.#read();
    }
  }

  /** Makes a waiting `next()` return as if the input had ended. */
  cancel(): void {
    this.#cancel?.();
  }

  close(): void {
    if (this.#chunks !== undefined) this.source.release();
  }

  #take(length: number): Uint8Array {
    const line = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return line;
  }

  async #read(): Promise<void> {
    this.#chunks ??= this.source.chunks();
    const cancelled = new Promise<undefined>((resolve) => {
      this.#cancel = () => resolve(undefined);
    });
    const result = await Promise.race([this.#chunks.next(), cancelled]);
    this.#cancel = undefined;
    if (result === undefined || result.done) {
      this.#ended = true;
      return;
    }
    const joined = new Uint8Array(this.#pending.length + result.value.length);
    joined.set(this.#pending);
    joined.set(result.value, this.#pending.length);
    this.#pending = joined;
  }
}
