import { SourceMap } from "node:module";
import { describe, expect, it } from "vitest";
import { PREAMBLE, path_of, project } from "./run.ts";

const text = `${PREAMBLE}
const counter = kernel_variable("counter", i32);
export const f = kernel_function("f", [i32], i32, function* (a) {
  counter.value = 1;
  counter.value =
    a +
    FIRST();
  if (a > SECOND()) return 3;
  return 4;
});
function FIRST(): number { return 1; }
function SECOND(): number { return 2; }
`;

describe("the source map of a compiled module", () => {
  it("gives each step the line of its statement", () => {
    const { code, map } = project().compile(path_of("mapped.ts"), text)!;
    const source_map = new SourceMap(JSON.parse(map));
    const line_in_source = (mark: string) => {
      const before = code.slice(0, code.indexOf(mark)).split("\n");
      return (
        (source_map.findEntry(before.length - 1, before.at(-1)!.length) as { originalLine: number }).originalLine + 1
      );
    };
    const lines = text.split("\n");
    const line_of = (start: string) => lines.findIndex((line) => line.startsWith(start)) + 1;
    const [first, second] = [line_in_source("FIRST()"), line_in_source("SECOND()")];
    expect(first).toBe(line_of("  counter.value =\n".trimEnd()) + 1);
    expect(second).toBe(line_of("  if (a > SECOND"));
    expect(line_in_source("function SECOND")).toBe(line_of("function SECOND"));
  });
});
