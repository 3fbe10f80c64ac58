import { describe, expect, it } from "vitest";
import { PREAMBLE, path_of, project } from "./run.ts";

/** The digest that a compiled function's text ends with. */
function digest_of(body: string): number {
  const text = `${PREAMBLE}
const node = struct("node", { value: i32, other: i32 });
kernel_function("f", [u32], i32, function* (a) { ${body} });`;
  const { code } = project().compile(path_of("digest.ts"), text)!;
  return Number(/, (\d+)\)\n/.exec(code)![1]);
}

describe("the digest of a function, which tells kernels apart", () => {
  const digest = digest_of("return node.at(a).value;");

  it("is the same for the same text", () => {
    expect(digest_of("return node.at(a).value;")).toBe(digest);
  });

  it.each([
    ["a constant", "return node.at(a).value + 1;"],
    ["a field", "return node.at(a).other;"],
    ["a variable's name", "const b = a; return node.at(b).value;"],
  ])("is another for another %s", (_, body) => {
    expect(digest_of(body)).not.toBe(digest);
  });
});
