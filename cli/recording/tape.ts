/** `--record` and `--replay`: what they make of a command that runs a guest. */
import type { Command } from "commander";
import type { DebugSession } from "../../debug/session/index.ts";
import type { Action, Machine } from "../../emulator/index.ts";
import { type Feed, type FeedTarget, LiveFeed } from "../feed.ts";
import { type CommandIo, InputError } from "../io.ts";
import { STATUS_INTERRUPTED } from "../run-status.ts";
import type { InputSource } from "../standard-input.ts";
import { Comparison } from "./comparison.ts";
import type { Call, Event, RecordedCommand } from "./format.ts";
import { Recorder } from "./recorder.ts";
import { type Recording, readRecording } from "./recording.ts";
import { ReplayFeed } from "./replay-feed.ts";
import { recordSession, replaySession, witnessOf } from "./session-tape.ts";
import { Witness } from "./witness.ts";

export interface TapeOptions {
  readonly record?: string;
  readonly replay?: string;
}

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

/**
 * @param options commands whose recordings can be replayed too; whether commands of the debugger are recorded, and so not
 *   what they do to the guest
 * @throws InputError for recordings that cannot be written or read
 */
export function openTape(
  command: RecordedCommand,
  call: Call,
  { record, replay }: TapeOptions,
  io: CommandIo,
  { others = [], isScript = false }: { others?: readonly RecordedCommand[]; isScript?: boolean } = {},
): Tape {
  if (record !== undefined && replay !== undefined) throw new InputError("esp0: either --record or --replay, not both");
  if (replay !== undefined) return new ReplayTape(readRecording(io, replay, [command, ...others]), call.kernel, io);
  return record === undefined
    ? new NoTape(call, io)
    : new RecordingTape(new Recorder(io, record, command, call), call, isScript);
}

class NoTape implements Tape {
  readonly replays = undefined;
  readonly begins = Number.POSITIVE_INFINITY;
  perform: (action: Action) => void = () => {};

  constructor(
    readonly call: Call,
    readonly io: CommandIo,
  ) {}

  feed(guest: TapedGuest): Feed {
    this.perform = guest.perform;
    return new LiveFeed(guest.source, guest);
  }

  async follow(): Promise<void> {}

  command(): void {}

  end(_kind: string, status: number): number {
    return status;
  }
}

class RecordingTape implements Tape {
  readonly replays = undefined;
  readonly begins = Number.POSITIVE_INFINITY;
  readonly io: CommandIo;
  perform: (action: Action) => void = () => {};
  #witness: Witness | undefined;

  readonly #isScript: boolean;

  /** @param isScript commands of the debugger are recorded, and so not what they do to the guest */
  constructor(
    readonly recorder: Recorder,
    readonly call: Call,
    isScript: boolean,
  ) {
    this.io = recorder.io;
    this.#isScript = isScript;
  }

  feed({ machine, source, now, perform, ...guest }: TapedGuest): Feed {
    const { recorder } = this;
    const witness = new Witness(() => machine);
    this.#witness = witness;
    this.perform = (action) => {
      recorder.action(action, witness.point());
      perform(action);
    };
    const target: FeedTarget = { ...guest, perform: this.perform };
    return new LiveFeed(source, target, { look: () => recorder.mark(now(), witness), sent: witness.sent });
  }

  async follow(session: DebugSession): Promise<void> {
    this.#witness = witnessOf(session);
    if (this.#isScript) return;
    recordSession(session, this.recorder, this.#witness);
  }

  command(line: string, interrupted: boolean): void {
    this.recorder.command(line, interrupted, this.#witness!.point());
  }

  end(kind: string, status: number): number {
    if (this.#witness !== undefined) this.recorder.end(kind, status, this.#witness);
    return status;
  }
}

class ReplayTape implements Tape {
  readonly replays: RecordedCommand;
  readonly begins: number;
  readonly call: Call;
  readonly io: CommandIo;
  #feed: ReplayFeed | undefined;

  constructor(
    readonly recording: Recording,
    readonly kernel: string | undefined,
    io: CommandIo,
  ) {
    this.call = recording.header;
    this.replays = recording.header.command;
    this.begins = recording.events[0]?.cycle ?? recording.end?.cycle ?? Number.POSITIVE_INFINITY;
    this.io = replayIo(recording, io);
  }

  feed({ machine, perform }: TapedGuest): Feed {
    this.#feed = new ReplayFeed(this.recording, this.kernel, machine, perform);
    return this.#feed;
  }

  async follow(session: DebugSession, execute: Execute = async () => {}): Promise<void> {
    const comparison = new Comparison(this.recording, this.kernel, witnessOf(session));
    await replaySession(session, this.recording, comparison, execute);
  }

  perform(): void {}

  command(): void {}

  end(kind: string, status: number): number {
    if (this.#feed === undefined) return status;
    const { end, path } = this.recording;
    this.#feed.finish(kind, status);
    if (!this.#feed.ended) return status;
    this.io.stderr(`esp0: the recording ${path} ${end === undefined ? "breaks off" : `ends (${end.end})`} here\n`);
    return end?.status ?? STATUS_INTERRUPTED;
  }
}

/** Reads the files of a recording, and nothing else. */
export function replayIo(recording: Recording, io: CommandIo): CommandIo {
  return {
    stdout: (text) => io.stdout(text),
    stderr: (text) => io.stderr(text),
    writeFile: (path, contents, mode) => io.writeFile(path, contents, mode),
    openFile: (path) => io.openFile(path),
    makeDirectory: (path) => io.makeDirectory(path),
    exitStatus: (status) => io.exitStatus(status),
    readFile: (path) => {
      const contents = recording.files.get(path);
      if (contents === undefined) throw new Error(`the recording ${recording.path} has no copy of it`);
      return contents;
    },
  };
}

/** Adds `--record` and `--replay`. */
export function addTapeOptions(command: Command): Command {
  return command
    .option("--record <FILE>", "record the run in FILE: what is run, all input, where it ended")
    .option("--replay <FILE>", "do a recorded run again, and compare it; takes no other input, and no other options");
}

/**
 * Of the options given, the ones that a replay does not have from its recording and may take.
 * @param allowed names of those that only look on
 * @throws InputError for others
 */
export function refuseWithReplay(command: Command, words: readonly string[], allowed: readonly string[]): void {
  const replay = command.opts<TapeOptions>().replay;
  if (replay === undefined) return;
  if (words.length > 0) throw new InputError(`esp0: ${words[0]} does not go with --replay: ${replay} has what was run`);
  for (const { attributeName, long } of command.options.map((option) => ({
    attributeName: option.attributeName(),
    long: option.long,
  }))) {
    if (command.getOptionValueSource(attributeName) !== "cli") continue;
    if (attributeName === "replay" || attributeName === "record" || allowed.includes(attributeName)) continue;
    throw new InputError(`esp0: ${long} does not go with --replay: ${replay} has the options it was recorded with`);
  }
}
