// Modules with a change in them, for scripts/mutants.mjs: built as scripts/build-modules.mjs builds them, the sources as they are.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
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

/**
 * The builder: `rebuild(mutant)` writes the modules with its change in them, or as they are for undefined; `dispose()` ends it.
 * @param folders to build, undefined for all
 */
export async function mutantsBuilder(outdir, folders) {
  let mutant;
  const mutate = (project) => [
    {
      name: "mutate",
      setup({ onLoad, onResolve }) {
        onResolve({ filter: /\.S\?raw$/ }, ({ path, resolveDir }) => ({
          path: resolve(resolveDir, path.slice(0, -4)),
          namespace: "assembly",
        }));
        onLoad({ filter: /.*/, namespace: "assembly" }, async ({ path }) => ({
          contents: changedText(mutant, path) ?? (await readFile(path, "utf8")),
          loader: "text",
        }));
        onLoad({ filter: /\.ts$/ }, async ({ path }) => {
          const text = changedText(mutant, path);
          if (text === undefined) return undefined;
          return { contents: project?.compile(path, text)?.code ?? text, loader: "ts" };
        });
      },
    },
  ];
  const builder = await modulesBuilder(
    outdir,
    folders === undefined ? { plugins: mutate } : { folders, plugins: mutate },
  );
  return {
    rebuild(next) {
      mutant = next;
      return builder.rebuild();
    },
    dispose: () => builder.dispose(),
  };
}
