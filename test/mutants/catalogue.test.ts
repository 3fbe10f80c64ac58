import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { needsOf } from "../needs.ts";

interface Edit {
  readonly file: string;
  readonly old: string;
  readonly new: string;
}
interface Mutant extends Edit {
  readonly name: string;
  readonly catalogue: string;
  readonly tests: readonly string[];
  readonly and?: readonly Edit[];
}

const { mutants } = (await import("./catalogue.mjs" as string)) as { mutants: readonly Mutant[] };

describe("the catalogue of mutants", () => {
  it("has a name of its own for each", () => {
    const names = mutants.map(({ name }) => name);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
  });

  it("changes text that is in its file once", () => {
    const wrong = mutants.flatMap(({ name, and = [], ...first }) =>
      [first, ...and]
        .filter((edit) => edit.old === edit.new || readFileSync(edit.file, "utf8").split(edit.old).length !== 2)
        .map(({ file }) => `${name}: ${file}`),
    );
    expect(wrong).toEqual([]);
  });

  it("names tests that there are, and that do not run dist/, which is never built of a mutant", () => {
    const files = [...new Set(mutants.flatMap(({ tests }) => tests))];
    expect(files.filter((file) => !existsSync(file) || needsOf([file]).dist)).toEqual([]);
  });
});
