import { afterEach, beforeEach, expect, it } from "vitest";
import { tierDefaults } from "../../../emulator/index.ts";
import { answers, debugRun } from "./debug-run.ts";

const ARGS = ["-q", "examples/cow.S"];
const { threshold } = tierDefaults;

beforeEach(() => {
  tierDefaults.threshold = 20;
});

afterEach(() => {
  tierDefaults.threshold = threshold;
});

it("info tier lists what is compiled, and disas /w shows the WebAssembly of what is listed", async () => {
  const [none, , list] = answers(await debugRun(ARGS, ["info tier", "c", "tier"]));
  expect(none).toBe("No code is compiled yet.");
  const [nothing] = answers(await debugRun(ARGS, ["disas /w"]));
  expect(nothing).toMatch(/^Error: no compiled code begins at .*; info tier lists what is compiled/);
  const [summary, work, ...rows] = list.split("\n");
  const [, regions, bytes] = /^cpu 0: (\d+) regions, ([\d,]+) bytes of WebAssembly; \d+ compiled ever/.exec(summary)!;
  expect(work).toMatch(/^[\d,]+ instructions; entered [\d,]+ times; left: \w+ \d/);
  expect(rows.length).toBe(Number(regions));
  const sizes = rows.map((row) => Number(/ (\d+) bytes/.exec(row)![1]));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(Number(bytes.replaceAll(",", "")));
  const row = /^ *([0-9a-f]{8}) +<(\w+)(?:\+0x[0-9a-f]+)?> +kernel +entries \d+ +\d+ instructions/m.exec(list)!;
  const [, address, symbol] = row;
  const text = answers(await debugRun(ARGS, ["c", `disas /w 0x${address}`])).at(-1)!;
  expect(text).toContain(`${symbol}`);
  expect(text.split("\n").slice(1, 3)).toEqual(["block (result i32)", "  block"]);
  expect(text).toMatch(/\n *i32\.load offset=0x[0-9a-f]+\n *local\.set \$e/);
});
