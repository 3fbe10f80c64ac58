/** A run that is recorded, and one that is done again. */
import type { DebugSession } from "../../debug/session/index.ts";
import type { Action } from "../../emulator/index.ts";
import { type Feed, type FeedTarget, LiveFeed } from "../feed.ts";
import type { CommandIo } from "../io.ts";
import { STATUS_INTERRUPTED } from "../run-status.ts";
import { Comparison } from "./comparison.ts";
import type { Call, RecordedCommand } from "./format.ts";
import { Recorder } from "./recorder.ts";
import { type Recording, readRecording } from "./recording.ts";
import { ReplayFeed } from "./replay-feed.ts";
import { recordSession, replaySession, witnessOf } from "./session-tape.ts";
import type { Execute, Tape, TapedGuest } from "./tape.ts";
import { Witness } from "./witness.ts";

export { Recorder, readRecording };

export class RecordingTape implements Tape {
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

export class ReplayTape implements Tape {
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
