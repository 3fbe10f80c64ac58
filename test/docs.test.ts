/**
 * The documentation's console sessions, run. A block of ```console holds `$ command` lines, each followed by what it
 * prints; `…` stands for whatever differs from machine to machine.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { CommandServer, type Piece } from "./cli/command-server.ts";
import { ESP0 } from "./dist.ts";

interface Session {
  readonly command: string;
  readonly expected: string;
  readonly line: number;
}

function sessions(text: string): Session[] {
  const found: Session[] = [];
  for (const block of text.matchAll(/```console\n([\s\S]*?)```/g)) {
    const line = text.slice(0, block.index).split("\n").length;
    for (const [, command, expected] of block[1].matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm))
      found.push({ command, expected, line });
  }
  return found;
}

function pattern(expected: string): RegExp {
  const literal = expected.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
  return new RegExp(`^${literal}$`);
}

/** With an `npx` that runs this checkout's own command, as npm's does, without npm's start-up time. */
const directory = mkdtempSync(join(tmpdir(), "esp0-docs-"));
symlinkSync(resolve("test/npx.sh"), join(directory, "npx"));
/** The same for a command that has run already: it says again what that has said. */
const again = mkdtempSync(join(tmpdir(), "esp0-docs-again-"));
const server = new CommandServer();
afterAll(async () => {
  await server.close();
  for (const folder of [directory, again]) rmSync(folder, { recursive: true });
});

/** A line that begins with a call of the command whose words are plain, and whose output goes to a file that takes it. */
const PLAIN_CALL = /^npx esp0((?: [\w./=-]+(?![\w./=>-]))+) ?(?:$|2>&1 \||[;|]|> \/tmp\/)/;

const run = promisify(execFile);

/** The script that says what a command said, and ends as that did. */
function saying(said: readonly Piece[], status: number | null): string {
  const lines = said.map(({ name, text }, i) => {
    const file = join(again, `${i}`);
    writeFileSync(file, text);
    return `cat ${file}${name === "stderr" ? " >&2" : ""}`;
  });
  return ["#!/bin/sh", ...lines, `exit ${status}`, ""].join("\n");
}

/** What a line of shell prints, also on standard error, and when it fails. */
async function printedBy(command: string): Promise<string> {
  const [, plain] = PLAIN_CALL.exec(command) ?? [];
  if (plain !== undefined) {
    const { said, status } = await server.run(plain.trim().split(/ +/), process.cwd());
    writeFileSync(join(again, "npx"), saying(said, status), { mode: 0o755 });
  }
  const path = `${plain === undefined ? directory : again}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, ESP0, PATH: path };
  return await run("sh", ["-c", `exec 2>&1; ${command}`], { env, timeout: 60_000 })
    .then(({ stdout }) => stdout)
    .catch((error: { stdout: string }) => error.stdout);
}

const files = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);

/** Documents whose sessions need a place of their own, and are run by the test named. */
const runElsewhere: Readonly<Record<string, string>> = {
  "docs/machine.md": "test/cli/machine-docs.test.ts",
  "docs/debugger.md": "test/debug/repl/docs.test.ts",
};

for (const file of files) {
  if (file in runElsewhere) continue;
  const commands = sessions(readFileSync(file, "utf8"));
  if (commands.length === 0) continue;
  describe(file, () => {
    for (const { command, expected, line } of commands) {
      it(`line ${line}: ${command}`, async () => {
        expect(await printedBy(command)).toMatch(pattern(expected));
      });
    }
  });
}

describe("the documentation", () => {
  it("is run by a test, every document with commands", () => {
    for (const [file, test] of Object.entries(runElsewhere))
      if (existsSync(file)) expect(readFileSync(test, "utf8")).toContain(file);
  });

  it("links only to what exists", () => {
    for (const file of files) {
      for (const [, target] of readFileSync(file, "utf8").matchAll(/\]\(([^)#:]+)\)/g)) {
        expect(existsSync(join(file, "..", target)), `${file} links to ${target}`).toBe(true);
      }
    }
  });
});
