/** `--record` and `--replay`: what they make of a command that runs a guest. What carries them out is loaded when asked for. */
import type { Command } from "commander";
import type { Action } from "../../emulator/index.ts";
import { type Feed, LiveFeed } from "../feed.ts";
import { type CommandIo, InputError } from "../io.ts";
import type { Call, RecordedCommand } from "./format.ts";
import type { Tape, TapedGuest } from "./tape.ts";

export interface TapeOptions {
  readonly record?: string;
  readonly replay?: string;
}

/**
 * @param options commands whose recordings can be replayed too; whether commands of the debugger are recorded, and so not
 *   what they do to the guest
 * @throws InputError for recordings that cannot be written or read
 */
export async function openTape(
  command: RecordedCommand,
  call: Call,
  { record, replay }: TapeOptions,
  io: CommandIo,
  { others = [], isScript = false }: { others?: readonly RecordedCommand[]; isScript?: boolean } = {},
): Promise<Tape> {
  if (record !== undefined && replay !== undefined) throw new InputError("esp0: either --record or --replay, not both");
  if (record === undefined && replay === undefined) return new NoTape(call, io);
  const { RecordingTape, Recorder, readRecording, ReplayTape } = await import("./tapes.ts");
  if (replay !== undefined) return new ReplayTape(readRecording(io, replay, [command, ...others]), call.kernel, io);
  return new RecordingTape(new Recorder(io, record!, command, call), call, isScript);
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
