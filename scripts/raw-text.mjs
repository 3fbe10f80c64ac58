// `import text from "./x.S?raw"` for esbuild, as Vite has it; the text is that of the file, or what a function of the path gives.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

export const rawText = (readText = (path) => readFile(path, "utf8")) => ({
  name: "raw-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?raw$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -4)),
      namespace: "raw-text",
    }));
    onLoad({ filter: /.*/, namespace: "raw-text" }, async ({ path }) => ({
      contents: await readText(path),
      loader: "text",
    }));
  },
});
