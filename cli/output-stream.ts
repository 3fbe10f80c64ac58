/** Standard output and standard error, which may be full, or closed at the other end, while the process goes on. */
import type { Writable } from "node:stream";
import { reasonOf } from "./io.ts";

/** What became of a stream: nothing reaches anybody unless it is open. */
export type OutputState =
  | "open"
  /** Whoever read it has gone (`esp0 run | head`). */
  | "closed"
  /** It cannot be written: the device is full, or broken. */
  | "failed";

export class OutputStream {
  #state: OutputState = "open";
  readonly #stream: Writable;
  readonly #listeners = new Set<() => void>();

  /** @param onFailed told once, in words, why nothing can be written any more; not when the reader has gone */
  constructor(stream: Writable, onFailed: (reason: string) => void = () => {}) {
    this.#stream = stream;
    // Also writes of others to the stream end here, as those of a library.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#state !== "open") return;
      this.#state = error.code === "EPIPE" ? "closed" : "failed";
      if (this.#state === "failed") onFailed(reasonOf(error));
      for (const listener of this.#listeners) listener();
    });
  }

  get state(): OutputState {
    return this.#state;
  }

  /** Calls back when the stream is lost, until the returned function is called. */
  onLost(callback: () => void): () => void {
    this.#listeners.add(callback);
    if (this.#state !== "open") callback();
    return () => this.#listeners.delete(callback);
  }

  /** Returns whether it is open as far as one knows; that a write fails is known only at the host's next events. */
  write(data: string | Uint8Array): boolean {
    if (this.#state === "open") this.#stream.write(data);
    return this.#state === "open";
  }
}
