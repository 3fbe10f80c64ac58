/** `esp0 debug` over the examples, in memory. */
import { readdirSync, readFileSync } from "node:fs";
import { Command } from "commander";
import { registerDebug } from "../../../cli/debug.ts";
import type { TerminalHost } from "../../../cli/run-host.ts";
import { FakeIo } from "../../cli/fake-io.ts";

const ROOT = new URL("../../../", import.meta.url);

/** The kernel's own sources, as they are on disk. */
const KERNEL: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  readdirSync(new URL("kernel/", ROOT), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `kernel/${name.replaceAll("\\", "/")}`)
    .map((name) => [name, readFileSync(new URL(name, ROOT))]),
);

export interface DebugRun {
  readonly output: string;
  readonly errors: string;
  readonly status: number;
}

/**
 * Runs `esp0 debug ARGS`.
 * @param commands lines of a script, given by --commands, or on standard input when `stdin` is true
 */
export async function debugRun(
  args: readonly string[],
  commands: readonly string[],
  { stdin = false, files = {} }: { stdin?: boolean; files?: Readonly<Record<string, string | Uint8Array>> } = {},
): Promise<DebugRun> {
  const examples = ["examples/cow.S", "examples/echo.S"].map(
    (name) => [name, readFileSync(new URL(name, ROOT))] as const,
  );
  const programs = ["program.O0", "program.c", "forks", "forks.c"].map(
    (name) => [name, readFileSync(new URL(`test/debug/programs/${name}`, ROOT))] as const,
  );
  const text = `${commands.join("\n")}\n`;
  const io = new FakeIo({
    ...KERNEL,
    ...Object.fromEntries([...examples, ...programs]),
    "session.cmds": text,
    ...files,
  });
  const host: TerminalHost = {
    isTerminal: false,
    onOutputLost: () => () => {},
    hasColors: false,
    columns: undefined,
    stdin: {
      chunks: async function* () {
        // Cut where a pipe might cut it.
        yield new TextEncoder().encode(text.slice(0, 5));
        yield new TextEncoder().encode(text.slice(5));
      },
      release: () => {},
    },
    onInterrupt: () => () => {},
    now: () => 0,
    breathe: async () => {},
    writeOutput: () => true,
  };
  const program = new Command("esp0").exitOverride();
  program.configureOutput({ writeOut: io.stdout, writeErr: io.stderr });
  registerDebug(program, io, host);
  await program.parseAsync(["debug", ...(stdin ? [] : ["--commands", "session.cmds"]), ...args], { from: "user" });
  return { output: io.out, errors: io.errors, status: io.status };
}

/** What was printed after each command of a run, without the last newline, in order. */
export function answers({ output }: DebugRun): string[] {
  return output
    .split(/^\(esp0\) .*\n/m)
    .slice(1)
    .map((text) => text.trimEnd());
}
