/** examples/testing-kit and the tests in docs/testing.md and docs/debugger.md, as somebody has them who installed what they need. */
import { spawnSync } from "node:child_process";
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

function runIn(file: string, ...args: string[]) {
  const environment: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };
  for (const name of Object.keys(environment)) if (name.startsWith("VITEST")) delete environment[name];
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve("node_modules", file), ...args], {
    cwd: directory,
    env: environment,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, text: stdout + stderr };
}

describe("examples/testing-kit, with the tests of the documents", () => {
  it("passes", () => {
    const { status, text } = runIn("vitest/vitest.mjs", "run");
    expect(text).toMatch(/Test Files +11 passed/);
    expect(text).toMatch(/Tests +19 passed/);
    expect(status).toBe(0);
  });

  it("has the vitest.config.ts that the documents show", () => {
    expect(documented).toEqual([configuration]);
  });

  it("has matchers with types", () => {
    expect(runIn("typescript/bin/tsc", "--noEmit")).toEqual({ status: 0, text: "" });
  });
});
