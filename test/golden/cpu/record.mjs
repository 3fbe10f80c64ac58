// Records integer.br anew, on an x86 machine with Linux and gcc -m32: node test/golden/cpu/record.mjs
// With numbers: compares CPU and emulator on vectors of these seeds instead. See test/golden/README.md.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "record-"));
try {
  const recorder = join(folder, "record");
  const flags = ["-m32", "-O1", "-static", "-fno-stack-protector", "-fno-pic", "-Wall", "-Wextra"];
  execFileSync("gcc", [...flags, "-o", recorder, here("record.c")], { stdio: "inherit" });
  const script = join(folder, "record.js");
  await build({
    entryPoints: [here("../../emulator/cpu/host-cpu/record.ts")],
    outfile: script,
    bundle: true,
    format: "esm",
    platform: "node",
    logLevel: "warning",
  });
  const { compareVectors, recordVectors } = await import(pathToFileURL(script).href);
  const seeds = process.argv.slice(2).map(Number);
  for (const seed of seeds) compareVectors(recorder, seed);
  if (seeds.length === 0) recordVectors(recorder, here("integer.br"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
