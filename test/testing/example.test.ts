/** examples/testing-kit and the tests in docs/testing.md and docs/debugger.md, as somebody has them who installed what they need. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "esp0-testing-kit-"));
cpSync("examples/testing-kit", directory, { recursive: true });
mkdirSync(join(directory, "node_modules"));
symlinkSync(resolve("."), join(directory, "node_modules/esp0"));
for (const name of ["vitest", "typescript"])
  symlinkSync(resolve("node_modules", name), join(directory, "node_modules", name));
const configuration = readFileSync("examples/testing-kit/vitest.config.ts", "utf8");
const documented: string[] = [];
for (const document of ["docs/testing.md", "docs/debugger.md"]) {
  const folder = document.replace(/^docs\/(\w+)\.md$/, "test/docs-$1");
  mkdirSync(join(directory, folder));
  for (const [, file, block] of readFileSync(document, "utf8").matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)) {
    if (file === "vitest.config.ts") documented.push(block);
    else writeFileSync(join(directory, file.replace("test", folder)), block);
  }
}
afterAll(() => rmSync(directory, { recursive: true }));

/** On a busy machine, the whole example takes long. */
const LONG = 300_000;

function runIn(file: string, ...args: string[]): Promise<{ status: number; text: string }> {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };
  for (const name of Object.keys(env)) if (name.startsWith("VITEST")) delete env[name];
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [resolve("node_modules", file), ...args],
      { cwd: directory, env },
      (_, stdout, stderr) => done({ status: child.exitCode ?? -1, text: stdout + stderr }),
    );
  });
}

describe("examples/testing-kit, with the tests of the documents", () => {
  it("passes", { timeout: LONG }, async () => {
    // Its files share a process, as those of this suite: each alone would load and boot all for itself.
    const shared = ["--no-isolate", "--poolOptions.forks.singleFork"];
    const { status, text } = await runIn("vitest/vitest.mjs", "run", "--testTimeout=60000", ...shared);
    expect(text).toMatch(/Test Files +12 passed/);
    expect(text).toMatch(/Tests +20 passed/);
    expect(status).toBe(0);
  });

  it("has the vitest.config.ts that the documents show", () => {
    expect(documented).toEqual([configuration]);
  });

  it("has matchers with types", { timeout: LONG }, async () => {
    expect(await runIn("typescript/bin/tsc", "--noEmit")).toEqual({ status: 0, text: "" });
  });
});
