/** Standard input for a guest's serial port, taken as it comes. */
import type { InputSource } from "./input-lines.ts";

export class SerialInput {
  readonly #source: InputSource;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #pending: Uint8Array | undefined;
  #ended = false;
  /** Settles when something has come. */
  #reading: Promise<void>;

  /** Begins to read. */
  constructor(source: InputSource) {
    this.#source = source;
    this.#chunks = source.chunks();
    this.#reading = this.#read();
  }

  get ended(): boolean {
    return this.#ended && this.#pending === undefined;
  }

  /** What has come since it was last asked for, or undefined. */
  take(): Uint8Array | undefined {
    const chunk = this.#pending;
    if (chunk === undefined) return undefined;
    this.#pending = undefined;
    this.#reading = this.#read();
    return chunk;
  }

  /** Waits for input, or for the end of it. */
  wait(): Promise<void> {
    return this.#reading;
  }

  close(): void {
    this.#source.release();
  }

  async #read(): Promise<void> {
    try {
      const result = await this.#chunks.next();
      if (result.done) this.#ended = true;
      else this.#pending = result.value;
    } catch {
      // Standard input was let go, or cannot be read: nothing more comes from it.
      this.#ended = true;
    }
  }
}
