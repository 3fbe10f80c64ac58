/** What `npm run bench` measures runs to its end. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { asm, bootKernel } from "../../testing/index.ts";

it.each(readdirSync("bench/guests"))("bench/guests/%s, some rounds of it", (name) => {
  const text = `.set ROUNDS, 20\n.set THREADS, 2\n${readFileSync(`bench/guests/${name}`, "utf8")}`;
  const source = text.replace(/\$\d{3,}\b(?=, %(ecx|edi|ebp)$)/gm, "$20");
  const kernel = bootKernel({ init: asm(Object.assign([source], { raw: [source] })) });
  expect(kernel.runUntilExit()).toBe(0);
});
