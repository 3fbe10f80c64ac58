import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CompiledRun, Loadable, PlainRun, path_of, project } from "./run.ts";

const path = path_of("fixtures.ts");
const text = readFileSync(path, "utf8");
const names = [...text.matchAll(/^export const (\w+) = kernel_function/gm)].map(([, name]) => name);
const compiled_text = new Loadable(project().compile(path, text)!.code);
const source = new Loadable(text);
const values = [
  [0, 0, 0],
  [1, 2, 3],
  [3, 3, 1],
  [4, 1, 2],
  [7, 3, 3],
  [-1, 5, -7],
  [2, -3, 4],
  [6, 6, 6],
];

describe("a compiled function does what the same generator does in plain JavaScript", () => {
  it.each(names)("%s", (name) => {
    const compiled = new CompiledRun(compiled_text);
    const plain = new PlainRun(source);
    for (const args of values)
      expect(compiled.call(name, ...args), `${name}(${args})`).toEqual(plain.call(name, ...args));
  });
});
