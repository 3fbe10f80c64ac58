import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CompiledRun, Loadable, PREAMBLE, path_of, project, root } from "./run.ts";

const page = readFileSync(join(root, "docs/hosted-code.md"), "utf8");
const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text]) => text);

describe("the examples of docs/hosted-code.md", () => {
  it("compile, and do what the page says", () => {
    const compiled = project().compile(path_of("page.ts"), PREAMBLE + examples.join("\n"));
    const run = new CompiledRun(new Loadable(compiled!.code));
    expect(run.call("sum_to", 10).result).toBe(55);
    expect(run.call("twice_clamped", 200).result).toBe(110);
    expect(run.call("has_flag").result).toBe(0);
    expect(run.call("weigh", 0).result).toBe(0);
    expect(run.call("by_address").result).toBe(8);
    expect(run.call("heaviest", 0).result).toBe(0);
    run.call("wait_for_ready", 0);
  });
});
