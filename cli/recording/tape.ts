/** What follows a run: nothing, a recording, or a replay. */
import type { DebugSession } from "../../debug/session/index.ts";
import type { Action, Machine } from "../../emulator/index.ts";
import type { Feed, FeedTarget } from "../feed.ts";
import type { CommandIo } from "../io.ts";
import type { InputSource } from "../standard-input.ts";
import type { Call, Event, RecordedCommand } from "./format.ts";

/** A guest that has been made and is about to run. */
export interface TapedGuest extends FeedTarget {
  readonly machine: Machine;
  /** Standard input, unless it is not the guest's. */
  readonly source: InputSource | undefined;
  /** Seconds of the host's time. */
  readonly now: () => number;
}

/** Follows one run. */
export interface Tape {
  /** What to run: as called, or as recorded. */
  readonly call: Call;
  /** Reads files: those of the recording, when there is one to replay. */
  readonly io: CommandIo;
  /** Whose recording is replayed, if one is. */
  readonly replays: RecordedCommand | undefined;
  /** Cycle of the first thing that a replay does or compares; without one none comes. */
  readonly begins: number;
  /** The guest's input from now on. */
  feed(guest: TapedGuest): Feed;
  /**
   * In place of `feed`, for a guest that a debugger has. A replay takes it to where the recording ends.
   * @param execute carries out a command of the debugger that was recorded
   */
  follow(session: DebugSession, execute?: Execute): Promise<void>;
  /** A command of the debugger has been carried out. */
  command(line: string, interrupted: boolean): void;
  /** Does something else than input to the guest; a replay does it by itself. */
  perform(action: Action): void;
  /** The run is over. Returns the exit status. @throws Divergence when a replay ended otherwise than its recording */
  end(kind: string, status: number): number;
}

/** Carries out a command of the debugger. */
export type Execute = (event: Event & { readonly command: string }) => Promise<void>;
