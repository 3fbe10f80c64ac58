/** Writing a recording while the run goes on. */
import { deflateRawSync } from "node:zlib";
import type { Action } from "../../emulator/index.ts";
import { type CommandIo, type OutputFile, openOutput } from "../io.ts";
import { type Call, encodeAction, header, type Point, type RecordedCommand } from "./format.ts";
import { digestOf, type Witness } from "./witness.ts";

/** Bytes of a file that go on a line. */
const PART = 1 << 20;
/** Seconds of the host's time between two marks. */
const MARK_INTERVAL = 1;

export class Recorder {
  readonly #file: OutputFile;
  readonly #read = new Set<string>();
  /** Reads files, and records what was read. */
  readonly io: CommandIo;
  #nextMark = 0;

  /** Begins a file. @throws InputError when it cannot be written, here and later */
  constructor(io: CommandIo, path: string, command: RecordedCommand, call: Call) {
    this.#file = openOutput(io, path);
    this.#write(header(command, call));
    this.io = {
      ...io,
      stdout: (text) => io.stdout(text),
      readFile: (path) => {
        const bytes = io.readFile(path);
        this.#keep(path, bytes);
        return bytes;
      },
      writeFile: (path, contents, mode) => io.writeFile(path, contents, mode),
    };
  }

  /** What is about to be done. */
  action(action: Action, point: Point): void {
    this.#write({ ...point, ...encodeAction(action) });
  }

  /** A command that has been carried out, and where that led. */
  command(line: string, interrupted: boolean, point: Point): void {
    this.#write({ command: line, ...(interrupted ? { interrupted } : {}), ...point });
  }

  /** Marks where the run is, if it is time to. */
  mark(now: number, witness: Witness): void {
    if (now < this.#nextMark) return;
    if (this.#nextMark > 0) this.#write(witness.point());
    this.#nextMark = now + MARK_INTERVAL;
  }

  end(end: string, status: number, witness: Witness): void {
    this.#write({ end, status, ...witness.point(), memory: witness.memory() });
    this.#file.close();
  }

  #keep(path: string, bytes: Uint8Array): void {
    if (this.#read.has(path)) return;
    this.#read.add(path);
    this.#write({ file: path, size: bytes.length, sha256: digestOf(bytes) });
    for (let at = 0; at < bytes.length; at += PART) {
      this.#write({ part: deflateRawSync(bytes.subarray(at, at + PART)).toString("base64") });
    }
  }

  #write(line: object): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }
}
