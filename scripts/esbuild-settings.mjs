// What all builds by esbuild have in common.

import { build } from "esbuild";

export const MODULE_SETTINGS = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
  // Constants of other modules become numbers where they are used.
  minifySyntax: true,
};

/**
 * Bundles the compiler of hosted functions, which is ordinary code and compiles the kernel's modules: `compiler.js`. What it
 * keeps of compiled files is good for the same compiler only, to the byte: so all builds bundle it alike.
 */
export async function bundleCompiler(outdir) {
  const entryPoints = { compiler: "kernel/compiler/index.ts" };
  await build({ ...MODULE_SETTINGS, splitting: true, entryPoints, outdir, sourcemap: true });
}
