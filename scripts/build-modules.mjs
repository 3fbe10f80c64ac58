// Builds every source module on its own for the tests, which import modules of all folders: as plain ES modules that Node
// loads itself, faster by far than what a test runner makes of them, and once for all its workers.
//
// usage: node scripts/build-modules.mjs OUTDIR [FOLDER...]
// Of some folders only, with all that they import, when these are named.

import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { bundleCompiler, MODULE_SETTINGS } from "./esbuild-settings.mjs";
import { rawText } from "./raw-text.mjs";

const FOLDERS = ["asm", "boot", "cli", "debug", "emulator", "kernel", "prebuilt", "testing", "user"];
/** Only the others have hosted functions, which it takes long to compile. */
export const NOT_HOSTED = ["asm", "boot", "emulator"];

function sources(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

/** The plugin that compiles hosted functions, for a project of the caller's. */
async function hostedProject(outdir) {
  await bundleCompiler(outdir);
  const { hosted_functions, own_project } = await import(new URL(`../${outdir}/compiler.js`, import.meta.url).href);
  const project = own_project(process.cwd());
  return { project, plugin: hosted_functions(project) };
}

/**
 * The builder: `rebuild()` writes the modules, `dispose()` ends it. `plugins` see files before they are compiled;
 * `readText(path)` gives the assembly sources instead of the files.
 */
export async function modulesBuilder(outdir, { folders = FOLDERS, plugins = () => [], readText } = {}) {
  mkdirSync(outdir, { recursive: true });
  const hosted = folders.every((folder) => NOT_HOSTED.includes(folder)) ? undefined : await hostedProject(outdir);
  return await context({
    ...MODULE_SETTINGS,
    entryPoints: folders.flatMap(sources),
    outdir,
    outbase: ".",
    outExtension: { ".js": ".mjs" },
    splitting: true,
    sourcemap: true,
    plugins: [...plugins(hosted?.project), rawText(readText), ...(hosted === undefined ? [] : [hosted.plugin])],
  });
}

async function main(outdir, named) {
  const staging = `${outdir}.${process.pid}`;
  try {
    const builder = await modulesBuilder(staging, named.length > 0 ? { folders: named } : {});
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2], process.argv.slice(3));
