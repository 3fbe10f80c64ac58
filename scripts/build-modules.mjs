// Builds every source module on its own for the tests, which import modules of all folders: as plain ES modules that Node
// loads itself, faster by far than what a test runner makes of them, and once for all its workers.
//
// usage: node scripts/build-modules.mjs OUTDIR

import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { rawText } from "./raw-text.mjs";

const FOLDERS = ["asm", "boot", "cli", "debug", "emulator", "kernel", "testing", "user"];

const SETTINGS = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
};

function sources(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

/** The builder: `rebuild()` writes the modules, `dispose()` ends it. `plugins` see files before they are compiled. */
export async function modulesBuilder(outdir, plugins = () => []) {
  mkdirSync(outdir, { recursive: true });
  const compiler = `${outdir}/compiler.mjs`;
  await build({ ...SETTINGS, entryPoints: ["kernel/compiler/index.ts"], outfile: compiler });
  const { hosted_functions, own_project } = await import(new URL(`../${compiler}`, import.meta.url).href);
  const project = own_project(process.cwd());
  return await context({
    ...SETTINGS,
    entryPoints: FOLDERS.flatMap(sources),
    outdir,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    splitting: true,
    sourcemap: true,
    plugins: [...plugins(project), rawText, hosted_functions(project)],
  });
}

async function main(outdir) {
  const staging = `${outdir}.${process.pid}`;
  try {
    const builder = await modulesBuilder(staging);
    try {
      await builder.rebuild();
    } finally {
      await builder.dispose();
    }
    rmSync(outdir, { recursive: true, force: true });
    renameSync(staging, outdir);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2]);
