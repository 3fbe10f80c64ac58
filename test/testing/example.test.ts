/** examples/testing-kit, as somebody has it who copied it and installed what it needs. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "esp0-testing-kit-"));
cpSync("examples/testing-kit", directory, { recursive: true });
mkdirSync(join(directory, "node_modules"));
symlinkSync(resolve("."), join(directory, "node_modules/esp0"));
for (const name of ["vitest", "typescript"])
  symlinkSync(resolve("node_modules", name), join(directory, "node_modules", name));
afterAll(() => rmSync(directory, { recursive: true }));

function runIn(file: string, ...args: string[]) {
  const environment = { ...process.env, NO_COLOR: "1" };
  for (const name of Object.keys(environment)) if (name.startsWith("VITEST")) delete environment[name];
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve("node_modules", file), ...args], {
    cwd: directory,
    env: environment,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, text: stdout + stderr };
}

describe("examples/testing-kit", () => {
  it("passes", () => {
    const { status, text } = runIn("vitest/vitest.mjs", "run");
    expect(text).toMatch(/Test Files +4 passed/);
    expect(text).toMatch(/Tests +8 passed/);
    expect(status).toBe(0);
  });

  it("has matchers with types", () => {
    expect(runIn("typescript/bin/tsc", "--noEmit")).toEqual({ status: 0, text: "" });
  });
});
