/** Standard input as keys: each at once, where somebody types at a terminal. */
import { on } from "node:events";
import type { ReadStream } from "node:tty";

/** Ctrl-]: a key that PCs' software has no use for, as telnet has it. */
const LEAVE_KEY = 0x1d;

export interface KeyStream {
  /** What is typed from when the stream was opened on. */
  readonly chunks: () => AsyncIterator<Uint8Array>;
  /** Makes the terminal what it was. */
  readonly close: () => void;
}

/**
 * Takes keys off a terminal one by one, not shown, and without an effect of their own: Ctrl-C is a key.
 * @param onLeave called at LEAVE_KEY, whether or not anybody takes what was typed before it
 */
export function openKeys(terminal: ReadStream, onLeave: () => void): KeyStream {
  terminal.setRawMode(true);
  const typed = on(terminal, "data") as AsyncIterableIterator<[Uint8Array]>;
  const look = (chunk: Uint8Array): void => {
    if (chunk.includes(LEAVE_KEY)) onLeave();
  };
  terminal.on("data", look);
  return {
    async *chunks() {
      for await (const [chunk] of typed) yield chunk;
    },
    close: () => {
      terminal.off("data", look);
      terminal.setRawMode(false);
    },
  };
}
