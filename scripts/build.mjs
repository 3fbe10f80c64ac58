// Builds dist/: the command and the libraries as ES modules, the linked kernel with its System.map, the demo's files.

import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { build } from "esbuild";

/** `import text from "./x.S?raw"`, as Vite has it. */
const rawText = {
  name: "raw-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?raw$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -4)),
      namespace: "raw-text",
    }));
    onLoad({ filter: /.*/, namespace: "raw-text" }, async ({ path }) => ({
      contents: await readFile(path, "utf8"),
      loader: "text",
    }));
  },
};

// Built aside and moved into place, so that nobody finds half of it.
const staging = `dist.${process.pid}`;
mkdirSync(staging);
await build({
  entryPoints: {
    esp0: "cli/esp0.ts",
    emulator: "emulator/index.ts",
    boot: "boot/index.ts",
    asm: "asm/index.ts",
    kernel: "kernel/index.ts",
    "build-artifacts": "cli/build-artifacts.ts",
  },
  outdir: staging,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: true,
  logLevel: "warning",
  plugins: [rawText],
});
chmodSync(`${staging}/esp0.js`, 0o755);

const { artifacts } = await import(new URL(`../${staging}/build-artifacts.js`, import.meta.url).href);
for (const [name, contents] of Object.entries(artifacts())) await writeFile(`${staging}/${name}`, contents);
rmSync("dist", { recursive: true, force: true });
renameSync(staging, "dist");
