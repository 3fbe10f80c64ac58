/** A conversation with GDB, as those see it who answer some of its packets. */
import type { DebugSession, Stop } from "../session/index.ts";

/** What comes of a packet beside its reply. */
export type Outcome = "detached" | "killed" | "no-ack";

export interface Conversation {
  readonly session: DebugSession;
  /** The core that registers and memory are read of. */
  core: number;
  /** What the last packet led to; the connection takes it. */
  outcome: Outcome | undefined;
  /** Carries out a line that the user gave to `monitor`, and returns what it prints. */
  readonly monitor: ((line: string) => string | Promise<string>) | undefined;

  /** Sends a packet that is no reply. */
  send(data: string): void;

  /** The core of a thread that a packet names; 0 and -1 stand for any. */
  coreOf(thread: string): number | undefined;

  /** Goes on with what `run` starts, until there is a stop to tell GDB of; gives the guest input that it waits for. */
  run(run: () => Promise<Stop>, isBackward?: boolean): Promise<string>;
}
