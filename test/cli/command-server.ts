/**
 * The built command without a process for each call: one process runs all, one after the other, and has loaded the command
 * and TypeScript from the first call on. For tests of what a command says; those of how a process ends need processes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ESP0 } from "../dist.ts";

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What was written to one stream at a time. */
export interface Piece {
  readonly name: "stdout" | "stderr";
  readonly text: string;
}

interface Answer {
  readonly status: number;
  readonly said: readonly Piece[];
  /** What the command threw, which no user is to see. */
  readonly error?: string;
}

export class CommandServer {
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `esp0 ARGS` with nothing at its standard input. @throws Error when the command throws */
  run(args: readonly string[], cwd: string): Promise<Ended & { readonly said: readonly Piece[] }> {
    const ended = this.#last.then(() => this.#ask(args, cwd));
    this.#last = ended.catch(() => {});
    return ended;
  }

  /** Ends the process, if there is one. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
  }

  async #ask(args: readonly string[], cwd: string): ReturnType<CommandServer["run"]> {
    // What the command puts out is in the answers; what the process itself has to say is for whoever runs the tests.
    this.#child ??= fork(fileURLToPath(new URL("command-process.mjs", import.meta.url)), {
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const child = this.#child;
    const { status, said, error } = await new Promise<Answer>((resolve, reject) => {
      const ends = (code: number | null) => {
        this.#child = undefined;
        reject(new Error(`esp0 ${args.join(" ")} ended its process with status ${code}`));
      };
      child.once("exit", ends);
      child.once("message", (answer) => {
        child.off("exit", ends);
        resolve(answer as Answer);
      });
      child.send({ command: ESP0, args, cwd });
    });
    if (error !== undefined) throw new Error(`esp0 ${args.join(" ")} threw ${error}`);
    const text = (name: Piece["name"]) => said.map((piece) => (piece.name === name ? piece.text : "")).join("");
    return { status, stdout: text("stdout"), stderr: text("stderr"), said };
  }
}
