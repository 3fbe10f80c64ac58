/** Imports point one way: what docs/architecture.md says of folders. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript-api";
import { expect, it } from "vitest";

/** What the files of a folder may import, beside their own folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  emulator: [],
  asm: [],
  boot: ["asm", "emulator"],
  user: ["asm", "boot", "kernel"],
  kernel: ["asm", "boot", "emulator"],
  debug: ["asm", "boot", "emulator", "kernel"],
  prebuilt: ["asm", "emulator", "kernel", "user"],
  testing: ["asm", "boot", "debug", "emulator", "kernel", "prebuilt", "user"],
  cli: ["asm", "boot", "debug", "emulator", "kernel", "prebuilt", "user"],
};

/** Pairs of a source and what it imports, both below the project. */
function importsOf(folder: string): (readonly [file: string, imported: string])[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.flatMap((name) => {
    const file = join(folder, name);
    return ts
      .preProcessFile(readFileSync(file, "utf8"), true, true)
      .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
      .map(({ fileName }) => [file, join(file, "..", fileName)] as const);
  });
}

it.each(Object.entries(MAY_IMPORT))("%s imports %j", (folder, others) => {
  const allowed = new RegExp(`^((${[folder, ...others].join("|")})/|[^/]*$)`);
  expect(importsOf(folder).filter(([, imported]) => !allowed.test(imported))).toEqual([]);
});

it.each(["host", "compiler"])("kernel/%s knows nothing of the kernel that is made with it", (folder) => {
  const allowed = folder === "host" ? /^(kernel\/host|asm|boot|emulator)\// : /^kernel\/compiler\//;
  expect(importsOf(`kernel/${folder}`).filter(([, imported]) => !allowed.test(imported))).toEqual([]);
});
