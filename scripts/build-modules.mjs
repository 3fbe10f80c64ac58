// Builds every source module on its own for the tests, which import modules of all folders: as plain ES modules that Node
// loads itself, faster by far than what a test runner makes of them, and once for all its workers.
//
// usage: node scripts/build-modules.mjs OUTDIR [FOLDER...]
// Of some folders only, with all that they import, when these are named.

import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { rawText } from "./raw-text.mjs";

export const FOLDERS = ["asm", "boot", "cli", "debug", "emulator", "kernel", "testing", "user"];

function sources(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

const [outdir, ...named] = process.argv.slice(2);
const folders = named.length > 0 ? named : FOLDERS;
/** Only these have hosted functions, which it takes long to compile. */
const isHosted = folders.some((folder) => !["asm", "boot", "emulator"].includes(folder));
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
  const plugins = [rawText];
  if (isHosted) {
    await build({ ...modules, entryPoints: ["kernel/compiler/index.ts"], outfile: compiler });
    const { hosted_functions, own_project } = await import(new URL(`../${compiler}`, import.meta.url).href);
    plugins.push(hosted_functions(own_project(process.cwd())));
  }
  await build({
    ...modules,
    entryPoints: folders.flatMap(sources),
    outdir: staging,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    splitting: true,
    sourcemap: true,
    plugins,
  });
  rmSync(outdir, { recursive: true, force: true });
  renameSync(staging, outdir);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
