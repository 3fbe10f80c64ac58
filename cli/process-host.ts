/** The process that `esp0 run` runs in. */
import { fstatSync } from "node:fs";
import { standardOutput } from "./process-io.ts";
import { allowsColors, type TerminalHost, type TimedHost } from "./run-host.ts";
import { type KeyStream, openKeys } from "./terminal-keys.ts";

/** Milliseconds for which a pipe may have nothing to give, and yet soon have more. */
const PIPE_PATIENCE = 250;

/** A file always has all of it; somebody who types takes their time. */
function patienceOfInput(): number {
  if (process.stdin.isTTY === true) return 0;
  try {
    return fstatSync(0).isFile() ? Number.POSITIVE_INFINITY : PIPE_PATIENCE;
  } catch {
    return 0;
  }
}

let keys: KeyStream | undefined;

export const processHost: TimedHost & TerminalHost = {
  isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
  hasColors: allowsColors(process.env),
  get columns() {
    return process.stdout.columns;
  },
  stdin: {
    get patience() {
      return patienceOfInput();
    },
    chunks: () => keys?.chunks() ?? (process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>),
    takeKeys:
      process.stdin.isTTY === true
        ? () => {
            keys = openKeys(process.stdin, () => process.emit("SIGINT", "SIGINT"));
            return keys.close;
          }
        : undefined,
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
  writeOutput: (bytes) => standardOutput.write(bytes),
  onOutputLost: (callback) => standardOutput.onLost(callback),
};
