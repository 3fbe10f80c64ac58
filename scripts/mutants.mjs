// Changes of the code that the tests must notice: makes each of test/mutants/catalogue.mjs in turn, in modules of its own and
// not in the sources, runs the tests that are to fail, and prints the survivors. Its status is 1 when there are any.
//
// usage: npm run mutants [-- WORD...]   only those whose name or file has one of the words

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { mutants } from "../test/mutants/catalogue.mjs";
import { modulesBuilder } from "./build-modules.mjs";

const OUTDIR = `node_modules/.cache/esp0/mutants.${process.pid}`;

let mutant;

/** A mutant is an edit of one file, and perhaps of others in `and`: what is guarded twice has to be broken twice. */
function editsOf(one) {
  return [one, ...(one.and ?? [])];
}

/** The text of a file as the mutant has it; undefined when it leaves the file as it is. */
function changed(path) {
  const name = relative(process.cwd(), path).replaceAll("\\", "/");
  const edit = mutant === undefined ? undefined : editsOf(mutant).find(({ file }) => file === name);
  return edit === undefined ? undefined : readFileSync(path, "utf8").replace(edit.old, () => edit.new);
}

const mutate = (project) => [
  {
    name: "mutate",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /\.S\?raw$/ }, ({ path, resolveDir }) => ({
        path: resolve(resolveDir, path.slice(0, -4)),
        namespace: "assembly",
      }));
      onLoad({ filter: /.*/, namespace: "assembly" }, async ({ path }) => ({
        contents: changed(path) ?? (await readFile(path, "utf8")),
        loader: "text",
      }));
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = changed(path);
        if (text === undefined) return undefined;
        return { contents: project.compile(path, text)?.code ?? text, loader: "ts" };
      });
    },
  },
];

function passes(tests) {
  const { status } = spawnSync("npx", ["vitest", "run", "--bail", "1", ...tests], {
    env: { ...process.env, ESP0_MODULES: OUTDIR },
    stdio: "ignore",
    timeout: 1_800_000,
  });
  return status === 0;
}

const words = process.argv.slice(2);
const chosen = mutants.filter(
  ({ name, file }) => words.length === 0 || words.some((word) => name.includes(word) || file.includes(word)),
);
for (const one of chosen) {
  for (const { file, old } of editsOf(one)) {
    const times = readFileSync(file, "utf8").split(old).length - 1;
    if (times !== 1) throw new Error(`${one.name}: its text is ${times} times in ${file}; it has to be there once`);
  }
}

const survivors = [];
const builder = await modulesBuilder(OUTDIR, { plugins: mutate });
try {
  await builder.rebuild();
  const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
  if (!passes(all)) throw new Error(`the tests fail without any change: ${all.join(" ")}`);
  for (mutant of chosen) {
    let caught = "by the build";
    try {
      await builder.rebuild();
      caught = passes(mutant.tests) ? "" : "by the tests";
    } catch {
      // A change that the compiler or the linker refuses is noticed, too.
    }
    if (caught === "") survivors.push(mutant.name);
    console.log(`${caught === "" ? "SURVIVES" : "caught  "}  ${mutant.name} (${mutant.file}) ${caught}`.trimEnd());
  }
} finally {
  await builder.dispose();
  rmSync(OUTDIR, { recursive: true, force: true });
}
console.log(`${chosen.length} mutants, ${survivors.length} survive`);
process.exitCode = survivors.length > 0 ? 1 : 0;
