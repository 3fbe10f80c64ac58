/**
 * The documentation's pictures, drawn again. With UPDATE_DOCS=1 they are written; numbers in them, which any change of the kernel
 * moves, may differ otherwise.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { drawTrace } from "../debug/report/index.ts";
import { type Configuration, kernel_image } from "../kernel/index.ts";
import { texts } from "./debug/report/shapes.ts";
import { traceOf } from "./debug/report/traces.ts";

const PICTURES = "docs/pictures";
/** What docs/stacks.md shows: the first interrupt that comes while a task of this program is in the kernel. */
const PROGRAM = "examples/cow.S";
const STACKS: Readonly<Record<string, Partial<Configuration>>> = {
  task_union: { stack: "task_union" },
  thread_info: { stack: "thread_info" },
  "vmap-irq_stacks": { stack: "vmap", irq_stacks: true },
};

const words = (svg: string) => texts(svg).map((text) => text.replace(/0x[0-9a-f]+|\d+/g, "N"));

it.each(Object.entries(STACKS))("stacks-%s.svg of docs/stacks.md", (name, config) => {
  const trace = traceOf(readFileSync(PROGRAM, "utf8"), { image: kernel_image(config) });
  const svg = drawTrace(trace).get("interrupt-stacks-1.svg")!;
  const path = `${PICTURES}/stacks-${name}.svg`;
  if (process.env.UPDATE_DOCS === "1") {
    mkdirSync(PICTURES, { recursive: true });
    writeFileSync(path, svg);
  }
  expect(words(readFileSync(path, "utf8"))).toEqual(words(svg));
  expect(readFileSync("docs/stacks.md", "utf8")).toContain(`(pictures/stacks-${name}.svg)`);
});
