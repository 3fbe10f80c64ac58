// Builds every source module on its own for the tests, which import modules of all folders: as plain ES modules that Node
// loads itself, faster by far than what a test runner makes of them, and once for all its workers.
//
// usage: node scripts/build-modules.mjs OUTDIR

import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { rawText } from "./raw-text.mjs";

export const FOLDERS = ["asm", "boot", "cli", "debug", "emulator", "kernel", "testing", "user"];

function sources(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

const outdir = process.argv[2];
const staging = `${outdir}.${process.pid}`;
mkdirSync(staging, { recursive: true });
try {
  const compiler = `${staging}/compiler.mjs`;
  const modules = {
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning",
    // Constants of other modules become numbers where they are used.
    minifySyntax: true,
  };
  await build({ ...modules, entryPoints: ["kernel/compiler/index.ts"], outfile: compiler });
  const { hosted_functions, own_project } = await import(new URL(`../${compiler}`, import.meta.url).href);
  await build({
    ...modules,
    entryPoints: FOLDERS.flatMap(sources),
    outdir: staging,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    splitting: true,
    sourcemap: true,
    plugins: [rawText, hosted_functions(own_project(process.cwd()))],
  });
  rmSync(outdir, { recursive: true, force: true });
  renameSync(staging, outdir);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
