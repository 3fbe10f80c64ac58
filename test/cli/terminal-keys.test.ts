/** `--keyboard stdio` at a terminal: the built command under script(1), which has one. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { ESP0 } from "../dist.ts";
import { oracle } from "../oracles.ts";

const folder = mkdtempSync(join(tmpdir(), "esp0-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A boot sector that sends the scan code of each key to COM1, and 0x2b more, so that it is a letter. */
const KEYS = assembleBinary(
  `
  .code16
  1: movb $0, %ah
  int $0x16
  movb %ah, %al
  addb $0x2b, %al
  movb $1, %ah
  xorw %dx, %dx
  int $0x14
  jmp 1b
  .org 510
  .word 0xaa55`,
  { file: "keys.S", origin: 0x7c00 },
);

/** Types each text when what is awaited before it has been shown. Returns all that was shown, and the exit status. */
async function atTerminal(turns: readonly (readonly [shown: string, typed: string])[]): Promise<[string, number]> {
  writeFileSync(join(folder, "keys.img"), KEYS);
  const command = `'${process.execPath}' '${ESP0}' machine --disk '${join(folder, "keys.img")}' --keyboard stdio`;
  const terminal = spawn("script", ["-qefc", command, "/dev/null"]);
  let shown = "";
  let turn = 0;
  terminal.stdout.on("data", (piece: Buffer) => {
    shown += piece;
    while (turn < turns.length && shown.includes(turns[turn][0])) terminal.stdin.write(turns[turn++][1]);
  });
  const status = await new Promise<number>((resolve) => terminal.on("close", (code) => resolve(code ?? -1)));
  return [shown, status];
}

const isThere = oracle("script", spawnSync("script", ["--version"]).status === 0);

it.skipIf(!isThere)("takes each key at once, unseen, Ctrl-C as the others; Ctrl-] ends the run", async () => {
  // Scan codes: A 0x1e, C 0x2e, Enter 0x1c.
  const [shown, status] = await atTerminal([
    ["Ctrl-] ends the run", "a"],
    ["I", "\x03"],
    ["IY", "\r"],
    ["IYG", "\x1d"],
  ]);
  expect(shown.replace(/^esp0:.*\r\n/, "")).toMatch(/^IYG/);
  expect(status).toBe(130);
});
