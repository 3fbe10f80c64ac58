/** The plugin for esbuild, which scripts/build.mjs uses. */
import { readFile } from "node:fs/promises";
import type { Project } from "./project.ts";
import { Refusal } from "./refusal.ts";

/** As much of esbuild's plugin interface as is used. */
interface Build {
  onLoad(
    options: { filter: RegExp },
    load: (args: {
      path: string;
    }) => Promise<
      | { contents: string; loader: "ts" }
      | { errors: { text: string; location: { file: string; line: number; column: number } }[] }
      | undefined
    >,
  ): void;
}

/** Compiles the hosted functions of a project's files as they are bundled. */
export function hosted_functions(project: Project): { name: string; setup(build: Build): void } {
  return {
    name: "esp0-hosted",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        try {
          const compiled = project.compile(path, text);
          if (compiled === undefined) return undefined;
          return { contents: `${compiled.code}\n${inline_map(compiled.map)}`, loader: "ts" };
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return {
            errors: error.places.map(({ file, line, column, why }) => ({
              text: why,
              location: { file, line, column: column - 1 },
            })),
          };
        }
      });
    },
  };
}

function inline_map(map: string): string {
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
}
