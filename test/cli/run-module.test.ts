/** `esp0 run --module` through the built command. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "esp0-run-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ESP0, "run", ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const sum = resolve("examples/module/sum.ts");
const program = resolve("examples/module/sum.S");

it("makes a module's function a system call", () => {
  const { status, stderr } = run("--module", sum, "--syscall", "250=sys_sum", program);
  expect(stderr).toContain("sum: call 1, the numbers up to 8\n");
  expect(status).toBe(36);
});

it("takes what a module imports beside it along", () => {
  written(
    "base.ts",
    `import { kernel_variable, u32 } from "esp0/kernel/module"; export const base = kernel_variable("base", u32, 40);`,
  );
  const module = written(
    "user.ts",
    `import { kernel_function, u32 } from "esp0/kernel/module";
import { base } from "./base.ts";
import { ESP0 } from "../dist.ts";
export const sys_based = kernel_function("sys_based", [u32], u32, function* (n) {
  return base.value + n;
});`,
  );
  expect(run("--quiet", "--module", module, "--syscall", "250=sys_based", program).status).toBe(48);
});

it.each([
  [
    "code that cannot be compiled",
    `import { i32, kernel_function } from "esp0/kernel/module";
export const sys_bad = kernel_function("sys_bad", [], i32, function* () {
  try { return 1; } finally { }
});`,
    /^wrong\.ts:3:3: .*try/,
  ],
  ["a syntax error", "export const = 3;", /^wrong\.ts:1:14: /],
  [
    "an import of something else",
    `import { x } from "nowhere"; export const y = x;`,
    /^wrong\.ts:1:20: nowhere cannot/,
  ],
  ["an exception when it is loaded", `throw new Error("not today");`, /^wrong\.ts: cannot be loaded: not today/],
  ["nothing for a kernel", "export const x = 1;", /^esp0: .*declares nothing/],
])("refuses %s, without a stack trace", (_, text, message) => {
  const { status, stderr } = run("--quiet", "--module", written("wrong.ts", text));
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain("    at ");
  expect(status).toBe(2);
});

it("names a system call's function that nothing defines", () => {
  const { status, stderr } = run("--quiet", "--module", sum, "--syscall", "250=sys_none", program);
  expect(stderr).toContain("sys_none");
  expect(status).toBe(2);
});
