/**
 * docs/gdb.md, run: the commands of a section's `sh` blocks, or those at the top of the page, start the guest and GDB; its
 * `gdb` blocks are one session. `…` stands for what changes when the kernel does.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { gdbScreen, hasGdb } from "./real-gdb.ts";

const PAGE = "docs/gdb.md";
const ESP0 = "dist/esp0.js";
const PATIENCE = 300_000;
const MARK = "--- docs ---";

interface Session {
  readonly title: string;
  /** Shell commands. */
  readonly shell: readonly string[];
  readonly commands: readonly { readonly command: string; readonly output: string }[];
}

function sessionsOf(page: string): Session[] {
  const [top, ...sections] = page.split(/^(?=## )/m);
  const shellOf = (text: string) => [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, b]) => b.trim().split("\n"));
  return sections.flatMap((text) => {
    const shown = [...text.matchAll(/```gdb\n(.*?)```/gs)].map(([, block]) => block).join("");
    const commands = [...shown.matchAll(/^\(gdb\) (.*)\n((?:(?!\(gdb\) ).*\n)*)/gm)].map(([, command, output]) => ({
      command: command,
      output: output,
    }));
    const own = shellOf(text);
    const shell = own.some((line) => line.includes("--gdb")) ? own : shellOf(top);
    return commands.length === 0 ? [] : [{ title: /## (.*)/.exec(text)![1], shell, commands }];
  });
}

const servers: ChildProcess[] = [];
afterAll(() => {
  for (const server of servers) server.kill();
});

/** Starts `esp0 run --gdb 1234 …` on another port; gives the port once it listens. */
function serve(command: string): Promise<number> {
  const args = command.replace("--gdb 1234", "--quiet --gdb 0").split(" ").slice(1);
  const server = spawn(process.execPath, [ESP0, ...args]);
  servers.push(server);
  let said = "";
  return new Promise((resolve, reject) => {
    server.on("close", () => reject(new Error(said)));
    server.stderr.on("data", (piece: Buffer) => {
      said += piece;
      const [, port] = /target remote 127\.0\.0\.1:(\d+)/.exec(said) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

/** What GDB prints behind each command. */
async function answersOf({ shell, commands }: Session): Promise<string[]> {
  let port = 0;
  for (const line of shell) {
    if (line.includes("--gdb")) port = await serve(line);
    else if (line.startsWith("esp0 ")) execFileSync(process.execPath, [ESP0, ...line.split(" ").slice(1)]);
  }
  const file = shell.map((line) => /^gdb (\S+)/.exec(line)?.[1]).find((name) => name !== undefined) ?? "dist/vmlinux";
  const marked = commands.flatMap(({ command }) => [`echo ${MARK}\\n`, command]);
  const printed = await gdbScreen(file, port, ["set width 0", ...marked, `echo ${MARK}\\n`, "kill"]);
  return printed
    .split(`${MARK}\n`)
    .slice(1, -1)
    .map((answer) => answer.replace(/ +$/gm, "").trim());
}

/** Without what changes when the kernel is built anew: addresses, its lines, and counts. */
function shown(answer: string): string {
  return answer
    .replace(/\+0x[0-9a-f]+/g, "+…")
    .replace(/\b0x[0-9a-f]{3,}\b|\b[0-9a-f]{8}\b/g, "…")
    .replace(/(\.(ts|S):|\.(ts|S), line )\d+/g, "$1…")
    .replace(/^\d+\t/gm, "…\t")
    .replace(/#[\d,]{4,}/g, "#…")
    .replace(/\b\d{6,}\b/g, "…");
}

function pattern(output: string): RegExp {
  const literal = output
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("…", ".*");
  return new RegExp(`^${literal}$`);
}

if (process.env["UPDATE_DOCS"] === "1") {
  const page = readFileSync(PAGE, "utf8");
  const answers: string[] = [];
  for (const session of sessionsOf(page)) answers.push(...(await answersOf(session)).map(shown));
  writeFileSync(
    PAGE,
    page.replace(/```gdb\n.*?```/gs, (block) =>
      block.replace(/^\(gdb\) (.*)\n(?:(?!\(gdb\) |```).*\n)*/gm, (_, command) => {
        const answer = answers.shift() ?? "";
        return `(gdb) ${command}\n${answer === "" ? "" : `${answer}\n`}`;
      }),
    ),
  );
}

describe.skipIf(!hasGdb())(PAGE, () => {
  const sessions = sessionsOf(readFileSync(PAGE, "utf8"));

  it("shows sessions", () => {
    expect(sessions.length).toBeGreaterThanOrEqual(7);
  });

  it.each(sessions)("$title", { timeout: PATIENCE }, async (session) => {
    const answers = await answersOf(session);
    session.commands.forEach(({ command, output }, i) => {
      expect(`${command}\n${answers[i]}`.trim()).toMatch(pattern(`${command}\n${output}`));
    });
  });
});
