/**
 * Recordings: a run that somebody else can do again. JSON Lines, appended to while the run goes on, so that one that was
 * cut off can be used as far as it goes:
 *
 * 1. what was run: `esp0` "recording", `format`, `version` of esp0, `command`, `options`, `file`, `args`, and `kernel`, the
 *    digest of esp0's own kernel and demo if they took part;
 * 2. each file that was read for it: `file`, `size`, `sha256`, then lines with a `part` each: deflated, in base64;
 * 3. in the order in which it happened, with the *point* where the machine stood: what was done to it (`do`), commands of
 *    the debugger (`command`), and marks, which only say that it came by there;
 * 4. how it ended (`end`).
 *
 * A point is the `cycle`, the `instruction` (executed by all CPUs), `eip` of the first CPU, the bytes `sent` on the first
 * serial port, and `state`: a digest of these bytes and all registers.
 */
import { type Action, KEY_NAMES, REGISTER_NAMES } from "../../emulator/index.ts";
import { version } from "../../package.json";

/** Version of the format. */
export const FORMAT = 1;

export const COMMANDS = ["run", "machine", "debug"] as const;
export type RecordedCommand = (typeof COMMANDS)[number];

/** What a command was called with: that which makes the run what it is. */
export interface Call {
  readonly file?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** Digest of what of esp0 itself takes part. */
  readonly kernel?: string | undefined;
}

export interface Header extends Call {
  readonly esp0: "recording";
  readonly format: number;
  readonly version: string;
  readonly command: RecordedCommand;
}

/** Where a machine stands. */
export interface Point {
  readonly cycle: number;
  readonly instruction: number;
  readonly eip: string;
  readonly sent: number;
  readonly state: string;
}

/** What happened at a point. */
export type Event = Point & {
  readonly action?: Action;
  /** A line given to the debugger, and the point after it. */
  readonly command?: string;
  /** Whether Ctrl-C ended it. */
  readonly interrupted?: boolean;
};

/** How a run ended. */
export type End = Point & {
  readonly end: string;
  /** Exit status. */
  readonly status: number;
  /** Digest of the guest's memory. */
  readonly memory: string;
};

/** Something that is not as it should be in a line. */
export class FormatError extends Error {}

export function header(command: RecordedCommand, call: Call): Header {
  return { esp0: "recording", format: FORMAT, version, command, ...call };
}

/** An action as the fields of a line. */
export function encodeAction(action: Action): Record<string, unknown> {
  switch (action.kind) {
    case "input":
      return { do: action.kind, ...encodeBytes(action.bytes) };
    case "memory":
      return { do: action.kind, physical: action.physical, ...encodeBytes(action.bytes) };
    default: {
      const { kind, ...fields } = action;
      return { do: kind, ...fields };
    }
  }
}

/** Readable where it is text. */
function encodeBytes(bytes: Uint8Array): Record<string, string> {
  const isText = bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isText ? { text: buffer.toString("latin1") } : { base64: buffer.toString("base64") };
}

/** @throws FormatError */
export function decodeAction(line: Fields): Action {
  switch (line["do"]) {
    case "input":
      return { kind: "input", bytes: decodeBytes(line) };
    case "close-input":
    case "drain":
      return { kind: line["do"] };
    case "key":
      return { kind: "key", name: oneOf(line, "name", KEY_NAMES), down: boolean(line, "down") };
    case "irq":
      return { kind: "irq", irq: count(line, "irq"), level: boolean(line, "level") };
    case "only-core":
      return { kind: "only-core", core: line["core"] === null ? null : count(line, "core") };
    case "register":
      return {
        kind: "register",
        name: oneOf(line, "name", REGISTER_NAMES),
        value: count(line, "value"),
        core: count(line, "core"),
      };
    case "memory":
      return { kind: "memory", physical: count(line, "physical"), bytes: decodeBytes(line) };
    default:
      throw new FormatError(`do: ${JSON.stringify(line["do"])} is nothing that can be done to a machine`);
  }
}

/** @throws FormatError */
function decodeBytes(line: Fields): Uint8Array {
  if (typeof line["text"] === "string") return Uint8Array.from(Buffer.from(line["text"], "latin1"));
  return Uint8Array.from(Buffer.from(text(line, "base64"), "base64"));
}

/** A line before it is known what it says. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws FormatError */
export function decodePoint(line: Fields): Point {
  return {
    cycle: count(line, "cycle"),
    instruction: count(line, "instruction"),
    eip: text(line, "eip"),
    sent: count(line, "sent"),
    state: text(line, "state"),
  };
}

/** @throws FormatError */
export function count(line: Fields, name: string): number {
  const value = line[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError(`${name}: ${JSON.stringify(value) ?? "nothing"} is no whole number`);
}

/** @throws FormatError */
export function text(line: Fields, name: string): string {
  const value = line[name];
  if (typeof value === "string") return value;
  throw new FormatError(`${name}: ${JSON.stringify(value) ?? "nothing"} is no text`);
}

function boolean(line: Fields, name: string): boolean {
  const value = line[name];
  if (typeof value === "boolean") return value;
  throw new FormatError(`${name}: ${JSON.stringify(value) ?? "nothing"} is neither true nor false`);
}

function oneOf<T extends string>(line: Fields, name: string, values: readonly T[]): T {
  const value = text(line, name);
  const known = values.find((other) => other === value);
  if (known === undefined) throw new FormatError(`${name}: there is no ${value}`);
  return known;
}
