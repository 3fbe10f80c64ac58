import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Project } from "../../../kernel/compiler/index.ts";
import { root } from "./run.ts";

const folder = { path: "" };
beforeEach(() => {
  folder.path = mkdtempSync(join(tmpdir(), "esp0-cache-"));
});
afterEach(() => rmSync(folder.path, { recursive: true }));

const text = `
import { kernel_function } from "${root}/kernel/host/declarations.ts";
import { i32 } from "${root}/kernel/host/types.ts";
import { LIMIT } from "./limit.ts";
export const f = kernel_function("f", [i32], i32, function* (a) {
  const limit = LIMIT;
  return a < limit ? 1 : 2;
});
`;

function compiled(): { code: string; milliseconds: number } {
  const path = join(folder.path, "f.ts");
  const before = process.cpuUsage();
  const { code } = new Project({
    root: folder.path,
    runtime: join(root, "kernel/host/runtime.ts"),
    cache: true,
  }).compile(path, text)!;
  const { user } = process.cpuUsage(before);
  return { code, milliseconds: user / 1000 };
}

it("compiled text is kept for the next process, and made again when something it imports has changed", () => {
  const limit = (value: string) => writeFileSync(join(folder.path, "limit.ts"), `export const LIMIT = ${value};\n`);
  limit("5");
  const first = compiled();
  const again = compiled();
  expect(again.code).toBe(first.code);
  expect(again.milliseconds).toBeLessThan(first.milliseconds / 3);
  expect(first.code).not.toMatch(/store_wide/);
  limit("2 ** 40");
  expect(compiled().code).toMatch(/store_wide/);
  limit("5");
  expect(compiled().code).toBe(first.code);
});
