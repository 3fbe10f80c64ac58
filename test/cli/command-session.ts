/** `esp0 run`, `machine` and `debug` over files in memory, with somebody at standard input. */
import { Command, CommanderError } from "commander";
import { registerDebug } from "../../cli/debug.ts";
import { registerMachine } from "../../cli/machine.ts";
import { registerRun } from "../../cli/run.ts";
import type { TerminalHost, TimedHost } from "../../cli/run-host.ts";
import type { InputSource } from "../../cli/standard-input.ts";
import { FakeIo } from "./fake-io.ts";

/** Standard input that is given bit by bit. */
export class Typist implements InputSource {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake = () => {};
  /** Whether anybody has read. */
  wasRead = false;

  constructor(readonly patience = 0) {}

  type(text: string | Uint8Array): this {
    this.#chunks.push(typeof text === "string" ? Uint8Array.from(Buffer.from(text, "latin1")) : text);
    this.#wake();
    return this;
  }

  end(): this {
    this.#ended = true;
    this.#wake();
    return this;
  }

  readonly chunks = async function* (this: Typist): AsyncGenerator<Uint8Array> {
    this.wasRead = true;
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }.bind(this);

  readonly release = (): void => {};
}

/** Standard input that has all of it from the start. */
export function given(text: string | Uint8Array): Typist {
  return new Typist().type(text).end();
}

export interface Run {
  readonly status: number;
  /** What the guest sent, byte by byte as characters. */
  readonly output: string;
  readonly stdout: string;
  readonly errors: string;
}

interface Surroundings {
  readonly stdin?: InputSource;
  /** Called at each look at the host's events, with how many there were; `interrupt` presses Ctrl-C. */
  readonly onLook?: (looks: number, output: () => string, interrupt: () => void) => void;
  /** Called with what presses Ctrl-C, as soon as that does something. */
  readonly onReady?: (interrupt: () => void) => void;
  /** Called with all that the guest has sent so far. */
  readonly onOutput?: (output: string) => void;
  /** Seconds that each look seems to take. */
  readonly secondsALook?: number;
}

export class CommandSession {
  readonly io: FakeIo;

  constructor(files: Readonly<Record<string, string | Uint8Array>>) {
    this.io = new FakeIo(files);
  }

  /** Runs `esp0 ARGS`. */
  async esp0(
    args: readonly string[],
    { stdin = new Typist(), onLook, onReady, onOutput, secondsALook = 0 }: Surroundings = {},
  ): Promise<Run> {
    const { io } = this;
    io.out = io.errors = "";
    io.status = 0;
    let output = "";
    let looks = 0;
    let interrupt = () => {};
    const host: TimedHost & TerminalHost = {
      isTerminal: false,
      onOutputLost: () => () => {},
      hasColors: false,
      columns: undefined,
      stdin,
      onInterrupt: (callback) => {
        interrupt = callback;
        onReady?.(callback);
        return () => {};
      },
      now: () => looks * secondsALook,
      breathe: async () => {
        looks++;
        onLook?.(
          looks,
          () => output,
          () => interrupt(),
        );
        await new Promise((resolve) => setImmediate(resolve));
      },
      sleep: async () => {},
      writeOutput: (bytes) => {
        output += Buffer.from(bytes).toString("latin1");
        onOutput?.(output);
        return true;
      },
    };
    const program = new Command("esp0").exitOverride();
    program.configureOutput({ writeOut: io.stdout, writeErr: io.stderr });
    registerRun(program, io, host);
    registerMachine(program, io, host);
    registerDebug(program, io, host);
    try {
      await program.parseAsync([...args], { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      io.status = error.exitCode === 0 ? 0 : 2;
    }
    return { status: io.status, output, stdout: io.out, errors: io.errors };
  }
}
