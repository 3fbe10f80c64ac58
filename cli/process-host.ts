/** The process that `esp0 run` runs in. */
import type { TerminalHost, TimedHost } from "./run-host.ts";

let outputClosed = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output has gone (`esp0 run | head`): an end, not an error.
  if (error.code !== "EPIPE") throw error;
  outputClosed = true;
});

export const processHost: TimedHost & TerminalHost = {
  isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
  stdin: {
    chunks: () => process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    release: () => {
      process.stdin.destroy();
    },
  },
  onInterrupt: (callback) => {
    process.on("SIGINT", callback);
    process.on("SIGTERM", callback);
    return () => {
      process.off("SIGINT", callback);
      process.off("SIGTERM", callback);
    };
  },
  now: () => performance.now() / 1000,
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  writeOutput: (bytes) => {
    process.stdout.write(bytes);
    return !outputClosed;
  },
};
