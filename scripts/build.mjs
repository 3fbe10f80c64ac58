// Builds dist/: the command and the libraries as ES modules, the linked kernel with its System.map, the demo's files.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { bundleCompiler, MODULE_SETTINGS } from "./esbuild-settings.mjs";
import { rawText } from "./raw-text.mjs";

const modules = { ...MODULE_SETTINGS, splitting: true };

// Built aside and moved into place, so that nobody finds half of it.
const staging = `dist.${process.pid}`;
mkdirSync(staging);
try {
  // First the compiler, which the kernel's modules are compiled with.
  await bundleCompiler(staging);
  await bundle();
  writeTypes();
  await writeArtifacts();
  if (existsSync("dist")) renameSync("dist", `${staging}.old`);
  renameSync(staging, "dist");
} finally {
  for (const leftover of [staging, `${staging}.old`]) rmSync(leftover, { recursive: true, force: true });
}

async function bundle() {
  const { hosted_functions, own_project } = await import(new URL(`../${staging}/compiler.js`, import.meta.url).href);
  await build({
    ...modules,
    entryPoints: {
      esp0: "cli/esp0.ts",
      emulator: "emulator/index.ts",
      boot: "boot/index.ts",
      asm: "asm/index.ts",
      debug: "debug/index.ts",
      kernel: "kernel/index.ts",
      "kernel-module": "kernel/module.ts",
      "kernel-runtime": "kernel/host/runtime.ts",
      testing: "testing/index.ts",
      "testing-vitest": "testing/vitest.ts",
      "build-artifacts": "prebuilt/artifacts.ts",
    },
    outdir: staging,
    sourcemap: true,
    plugins: [rawText(), hosted_functions(own_project(process.cwd()))],
  });
  chmodSync(`${staging}/esp0.js`, 0o755);
}

/** Types are checked by `npm run types`; here they are only written down. */
function writeTypes() {
  const tsc = "node_modules/typescript/bin/tsc";
  spawnSync(process.execPath, [tsc, "-p", "tsconfig.types.json", "--outDir", `${staging}/types`], { stdio: "ignore" });
}

async function writeArtifacts() {
  const { artifacts } = await import(new URL(`../${staging}/build-artifacts.js`, import.meta.url).href);
  for (const [name, contents] of Object.entries(artifacts())) await writeFile(`${staging}/${name}`, contents);
}
