/** Reading recordings. */
import { inflateRawSync } from "node:zlib";
import { type CommandIo, InputError, readInput } from "../io.ts";
import {
  COMMANDS,
  count,
  decodeAction,
  decodePoint,
  type End,
  type Event,
  type Fields,
  FORMAT,
  FormatError,
  type Header,
  type RecordedCommand,
  text,
} from "./format.ts";
import { checkOptions } from "./options.ts";
import { digestOf } from "./witness.ts";

const NEWLINE = 10;
/** Ends to which the guest does not come by itself. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set(["interrupted", "output-closed", "killed", "left"]);

/** A recording in full. */
export interface Recording {
  readonly path: string;
  readonly header: Header;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly events: readonly Event[];
  /** Undefined when the recording was cut off. */
  readonly end: End | undefined;
  /** Whether somebody ended it: the guest would have gone on. */
  readonly endsFromOutside: boolean;
}

/**
 * @param commands those whose recordings are wanted
 * @throws InputError for files that cannot be read, are no recordings, or are damaged
 */
export function readRecording(io: CommandIo, path: string, commands: readonly RecordedCommand[]): Recording {
  const lines = linesOf(readInput(io, path), path);
  const header = headerOf(lines.next().value, path, commands);
  const reader = new Reader();
  for (const { fields, number } of lines) {
    try {
      reader.read(fields);
    } catch (error) {
      throw error instanceof FormatError ? damaged(path, number, error.message) : error;
    }
  }
  try {
    reader.endFile();
  } catch (error) {
    throw error instanceof FormatError ? new InputError(`${path}: damaged: ${error.message}`) : error;
  }
  const { files, events, end } = reader;
  return { path, header, files, events, end, endsFromOutside: end !== undefined && FROM_OUTSIDE.has(end.end) };
}

interface Line {
  readonly fields: Fields;
  readonly number: number;
}

/** The lines; a last one that was cut off is none. */
function* linesOf(bytes: Uint8Array, path: string): Generator<Line, undefined> {
  const decoder = new TextDecoder();
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    number++;
    let fields: unknown;
    try {
      fields = JSON.parse(decoder.decode(bytes.subarray(at, end)));
    } catch {
      if (number === 1) throw notOne(path);
      if (newline < 0) return undefined;
      throw damaged(path, number, "this line is not JSON");
    }
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
      throw number === 1 ? notOne(path) : damaged(path, number, "this line is no JSON object");
    }
    yield { fields: fields as Fields, number };
    at = end + 1;
  }
  return undefined;
}

function notOne(path: string): InputError {
  return new InputError(`${path}: not a recording of esp0 (--record writes them)`);
}

function damaged(path: string, line: number, what: string): InputError {
  return new InputError(`${path}:${line}: the recording is damaged: ${what}`);
}

function headerOf(line: Line | undefined, path: string, commands: readonly RecordedCommand[]): Header {
  const fields = line?.fields;
  if (fields?.["esp0"] !== "recording") throw notOne(path);
  if (fields["format"] !== FORMAT) {
    throw new InputError(
      `${path}: a recording in format ${JSON.stringify(fields["format"])}, of esp0 ${String(fields["version"])}; ` +
        `this esp0 reads format ${FORMAT}`,
    );
  }
  const command = COMMANDS.find((known) => known === fields["command"]);
  const { options, args = [], file, kernel } = fields;
  if (
    command === undefined ||
    typeof options !== "object" ||
    options === null ||
    !Array.isArray(args) ||
    !args.every((word) => typeof word === "string") ||
    !(file === undefined || typeof file === "string") ||
    !(kernel === undefined || typeof kernel === "string")
  ) {
    throw damaged(path, 1, "it does not say what was run");
  }
  try {
    checkOptions(options as Fields);
  } catch (error) {
    throw error instanceof FormatError ? damaged(path, 1, error.message) : error;
  }
  if (!commands.includes(command)) {
    throw new InputError(`${path}: a recording of \`esp0 ${command}\`: use esp0 ${command} --replay ${path}`);
  }
  const version = String(fields["version"]);
  return {
    esp0: "recording",
    format: FORMAT,
    version,
    command,
    options: options as Fields,
    args: args as string[],
    file,
    kernel,
  };
}

/** Takes lines one after the other. */
class Reader {
  readonly files = new Map<string, Uint8Array>();
  readonly events: Event[] = [];
  end: End | undefined;
  #file: { readonly path: string; readonly size: number; readonly sha256: string } | undefined;
  #parts: Uint8Array[] = [];
  #left = 0;

  /** @throws FormatError */
  read(line: Fields): void {
    if (line["part"] !== undefined) {
      this.#part(text(line, "part"));
      return;
    }
    this.endFile();
    if (this.end !== undefined) throw new FormatError("something follows the end");
    if (line["file"] !== undefined) {
      this.#file = { path: text(line, "file"), size: count(line, "size"), sha256: text(line, "sha256") };
      this.#left = this.#file.size;
      return;
    }
    const point = decodePoint(line);
    if (line["end"] !== undefined) {
      this.end = { end: text(line, "end"), status: count(line, "status"), memory: text(line, "memory"), ...point };
      return;
    }
    if (line["command"] !== undefined) {
      this.events.push({ command: text(line, "command"), interrupted: line["interrupted"] === true, ...point });
      return;
    }
    const last = this.events.at(-1);
    if (last !== undefined && last.command === undefined && point.cycle < last.cycle) {
      // Done after going back in time: what had come later is not to be any more.
      while ((this.events.at(-1)?.cycle ?? 0) > point.cycle) this.events.pop();
    }
    this.events.push(line["do"] === undefined ? point : { ...point, action: decodeAction(line) });
  }

  /** Ends the file whose parts have been read. @throws FormatError */
  endFile(): void {
    if (this.#file === undefined) return;
    const { path, size, sha256 } = this.#file;
    const bytes = Buffer.concat(this.#parts);
    if (bytes.length !== size || digestOf(bytes) !== sha256) {
      throw new FormatError(`its copy of ${path} is not what was recorded`);
    }
    this.files.set(path, Uint8Array.from(bytes));
    this.#file = undefined;
    this.#parts = [];
  }

  #part(base64: string): void {
    if (this.#file === undefined) throw new FormatError("part of no file");
    let part: Uint8Array;
    try {
      part = inflateRawSync(Buffer.from(base64, "base64"), { maxOutputLength: this.#left });
    } catch {
      throw new FormatError(`its copy of ${this.#file.path} cannot be unpacked`);
    }
    this.#parts.push(part);
    this.#left -= part.length;
  }
}
