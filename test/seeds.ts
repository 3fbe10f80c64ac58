/** Has every test that imports fast-check get fast-check.ts, which fixes its seed. */
import { resolve } from "node:path";

/** The plugin for vitest. */
export function seeds(root = process.cwd()) {
  const own = resolve(root, "test/fast-check.ts");
  return {
    name: "seeds",
    enforce: "pre" as const,
    resolveId(source: string, importer: string | undefined) {
      return source === "fast-check" && importer !== own ? own : undefined;
    },
  };
}
