import { describe, expect, it } from "vitest";
import { random_module } from "./random-programs.ts";
import { CompiledRun, Loadable, PlainRun, path_of, project } from "./run.ts";

/** Functions of a program; ESP0_FUZZ=N takes N times as many. */
const COUNT = Number(process.env.ESP0_FUZZ ?? 1) * 3;
const values = [
  [0, 0, 0],
  [1, 2, 3],
  [5, -3, 2],
  [-7, 11, 1],
];

describe("random programs", () => {
  it.each([1, 20260])("do the same compiled as in plain JavaScript (seed %i)", (seed) => {
    const text = random_module(seed, COUNT);
    const compiled = new CompiledRun(new Loadable(project().compile(path_of("random.ts"), text)!.code));
    const plain = new PlainRun(new Loadable(text));
    for (let i = 0; i < COUNT; i++)
      for (const args of values)
        expect(compiled.call(`f${i}`, ...args), `f${i}(${args})`).toEqual(plain.call(`f${i}`, ...args));
  });
});
