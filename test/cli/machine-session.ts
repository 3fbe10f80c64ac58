/** A session with `esp0 machine` and `esp0 as` over files in memory. */
import { readdirSync, readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { registerAs } from "../../cli/as.ts";
import { registerMachine } from "../../cli/machine.ts";
import type { TimedHost } from "../../cli/run-host.ts";
import { FakeIo } from "./fake-io.ts";

const EXAMPLES = new URL("../../examples/machine/", import.meta.url);

export interface SessionInput {
  /** Chunks of standard input, which then ends; without, it never does. */
  readonly input?: readonly string[];
  /** Presses Ctrl-C at the so-manieth look at the host's events. */
  readonly interruptAt?: number;
  /** Seconds that pass each time somebody looks at the clock: of a host that takes long over everything. */
  readonly secondsPerLook?: number;
}

/** Everything that the commands did. */
export class MachineSession {
  readonly io: FakeIo;
  output = "";
  /** Seconds that the process slept. */
  slept = 0;
  #seconds = 0;

  /** @param files contents by name, beside the examples */
  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    const examples = readdirSync(EXAMPLES).map((name) => [name, readFileSync(new URL(name, EXAMPLES))] as const);
    this.io = new FakeIo({ ...Object.fromEntries(examples), ...files });
  }

  get errors(): string {
    return this.io.errors;
  }

  /** Runs `esp0 ARGS` and returns the exit status. */
  async esp0(args: readonly string[], { input, interruptAt, secondsPerLook = 0 }: SessionInput = {}): Promise<number> {
    let interrupt = () => {};
    let looks = 0;
    const host: TimedHost = {
      stdin: {
        chunks: async function* () {
          for (const chunk of input ?? []) yield new TextEncoder().encode(chunk);
          if (input === undefined) await new Promise(() => {});
        },
        release: () => {},
      },
      onInterrupt: (callback) => {
        interrupt = callback;
        return () => {};
      },
      now: () => (this.#seconds += secondsPerLook),
      breathe: async () => {
        if (++looks === interruptAt) interrupt();
        await new Promise((resolve) => setImmediate(resolve));
      },
      sleep: async (seconds) => {
        this.slept += seconds;
        this.#seconds += seconds;
      },
      writeOutput: (bytes) => {
        this.output += new TextDecoder().decode(bytes);
        return true;
      },
    };
    const program = new Command("esp0").exitOverride();
    program.configureOutput({ writeOut: this.io.stdout, writeErr: this.io.stderr });
    registerMachine(program, this.io, host);
    registerAs(program, this.io);
    this.io.status = 0;
    this.output = "";
    this.io.errors = "";
    try {
      await program.parseAsync([...args], { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      return error.exitCode === 0 ? 0 : 2;
    }
    return this.io.status;
  }
}
