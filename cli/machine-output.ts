/** What a machine of its own puts out: COM1, the debug console, the POST port. */
import type { Machine } from "../emulator/index.ts";
import { type CommandIo, writeOutput } from "./io.ts";
import type { RunHost } from "./run-host.ts";

/** Name of standard input and output, where a file can be named. */
export const STDIO = "stdio";

const NEWLINE = 0x0a;

/** Bytes of one stream, in a row. */
interface Piece {
  readonly isSerial: boolean;
  readonly bytes: number[];
}

/**
 * COM1 goes to standard output or a file, the debug console and the POST port to standard error, in the order in which the
 * guest wrote.
 */
export class MachineOutput {
  readonly #pieces: Piece[] = [];
  /** What goes to a file in the end. */
  readonly #kept: number[] = [];
  readonly #debugText = new TextDecoder();
  #endsLine = true;

  /**
   * @param target of COM1: `stdio` or a file
   * @param post how the POST port is shown, if it is
   */
  constructor(
    machine: Machine,
    readonly target: string,
    post: "codes" | "text" | undefined,
    readonly io: CommandIo,
    readonly host: RunHost,
  ) {
    machine.onSerialOutput = (byte, port) => {
      if (port === 1) this.#bytes(true).push(byte);
    };
    machine.onDebugOutput = (byte) => this.#log(byte);
    if (post === "text") machine.onPostCode = (code) => this.#log(code);
    else if (post === "codes")
      machine.onPostCode = (code) => this.#logLine(`POST ${code.toString(16).padStart(2, "0")}`);
  }

  /**
   * Passes on what has come since the last time.
   * @param sent hears what COM1 sends
   * @returns false when nobody reads standard output any more
   */
  flush(sent: (bytes: Uint8Array) => void): boolean {
    let isRead = true;
    for (const { isSerial, bytes } of this.#pieces.splice(0)) {
      const piece = Uint8Array.from(bytes);
      if (!isSerial) {
        this.io.stderr(this.#debugText.decode(piece, { stream: true }));
        continue;
      }
      sent(piece);
      if (this.target === STDIO) isRead = this.host.writeOutput(piece) && isRead;
      else for (const byte of bytes) this.#kept.push(byte);
    }
    return isRead;
  }

  /** @throws InputError when the file cannot be written */
  close(): void {
    if (this.target !== STDIO) writeOutput(this.io, this.target, Uint8Array.from(this.#kept));
  }

  #log(byte: number): void {
    this.#bytes(false).push(byte);
    this.#endsLine = byte === NEWLINE;
  }

  /** A line of its own, also where the guest is in the middle of one. */
  #logLine(line: string): void {
    if (!this.#endsLine) this.#log(NEWLINE);
    for (const character of `${line}\n`) this.#log(character.charCodeAt(0));
  }

  #bytes(isSerial: boolean): number[] {
    const last = this.#pieces.at(-1);
    if (last?.isSerial === isSerial) return last.bytes;
    const bytes: number[] = [];
    this.#pieces.push({ isSerial, bytes });
    return bytes;
  }
}
