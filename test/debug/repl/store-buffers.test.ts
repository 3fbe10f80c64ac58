import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import { answers, debugRun } from "./debug-run.ts";

const source = readFileSync(new URL("../../../examples/machine/dekker.S", import.meta.url), "utf8");
const files = { "dekker.bin": assembleBinary(source, { file: "dekker.S", origin: 0x10000 }) };
const ARGS = ["--cpus", "2", "--load", "dekker.bin@0x10000"];

it("info store-buffers shows what is not in memory yet, core by core", async () => {
  const tso = ["--memory-model", "tso", "--interleave", "random:1:5", ...ARGS];
  // movl $stack, %esp; lgdt; two stores to the APIC; then up to the call, which pushes its return address.
  const given = answers(await debugRun(tso, ["info store-buffers", "stepi 11", "info store-buffers"], { files }));
  expect(given[0]).toBe("cpu 0: empty\ncpu 1: empty");
  expect(given[2]).toMatch(/^cpu 0: the oldest first\n {2}0x[0-9a-f]{8} +4 bytes +(= 0x[0-9a-f]{8}) +for \d+ cycles/);
});

it("says where there are none", async () => {
  const [given] = answers(await debugRun(ARGS, ["store-buffers"], { files }));
  expect(given).toBe("This machine has no store buffers: they come with --memory-model tso.");
});
