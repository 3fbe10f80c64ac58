// Modules with a change in them, for scripts/mutants.mjs: built as scripts/build-modules.mjs builds them, the sources as they are.

import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { modulesBuilder } from "./build-modules.mjs";

/** A mutant is an edit of one file, and perhaps of others in `and`: what is guarded twice has to be broken twice. */
export function editsOf(mutant) {
  return [mutant, ...(mutant.and ?? [])];
}

/** The text of a file as a mutant has it; undefined when it leaves the file as it is. */
function changedText(mutant, path) {
  if (mutant === undefined) return undefined;
  const name = relative(process.cwd(), path).replaceAll("\\", "/");
  const edits = editsOf(mutant).filter(({ file }) => file === name);
  if (edits.length === 0) return undefined;
  return edits.reduce((text, edit) => text.replace(edit.old, () => edit.new), readFileSync(path, "utf8"));
}

/** What a file's hosted functions are compiled to, for esbuild; undefined for a file without any. */
function compiled(project, path, text) {
  const result = project?.compile(path, text);
  if (result === undefined) return undefined;
  const map = `data:application/json;base64,${Buffer.from(result.map).toString("base64")}`;
  return { contents: `${result.code}\n//# sourceMappingURL=${map}`, loader: "ts" };
}

/**
 * The builder: `rebuild(mutant)` writes the modules with its change in them, or as they are for undefined; `dispose()` ends it.
 * A file is compiled once as it is, and once for each change of it.
 * @param folders to build, undefined for all
 */
export async function mutantsBuilder(outdir, folders) {
  let mutant;
  let ownProject;
  const unchanged = new Map();
  const mutate = (project) => {
    ownProject = project;
    return [
      {
        name: "mutate",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const text = changedText(mutant, path);
            if (text !== undefined) return compiled(project, path, text) ?? { contents: text, loader: "ts" };
            if (!unchanged.has(path)) {
              const original = readFileSync(path, "utf8");
              unchanged.set(path, compiled(project, path, original) ?? { contents: original, loader: "ts" });
            }
            return unchanged.get(path);
          });
        },
      },
    ];
  };
  const readText = (path) => changedText(mutant, path) ?? readFileSync(path, "utf8");
  const builder = await modulesBuilder(outdir, { folders, plugins: mutate, readText });
  return {
    async rebuild(next) {
      mutant = next;
      try {
        await builder.rebuild();
      } finally {
        // The next change is of files as they are.
        for (const { file } of next === undefined ? [] : editsOf(next))
          if (file.endsWith(".ts")) ownProject?.give(resolve(file), readFileSync(file, "utf8"));
      }
    },
    dispose: () => builder.dispose(),
  };
}
