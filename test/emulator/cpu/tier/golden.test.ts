/**
 * What a real CPU did, against compiled code. Each code is a region of its own, which takes a millisecond or two to compile:
 * one of STRIDE is tried, or all 54,550 with ESP0_VECTORS=all.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { expect, it } from "vitest";
import { CODE, MODE_SELECTORS } from "../host-cpu/environment.ts";
import { LEAD_IN_INSTRUCTIONS, Replay } from "../host-cpu/replay.ts";
import { unpack } from "../host-cpu/vectors.ts";
import { toleranceFor } from "../x87/tolerance.ts";
import { difference, readVectors, Replay as X87Replay } from "../x87/vectors.ts";

const STRIDE = process.env.ESP0_VECTORS === "all" ? 1 : 240;
/** Codes that one machine has room for. */
const CODES = 6000;
/** Differences shown. */
const SHOWN = 10;

it("integer instructions do in compiled code what a real CPU did", { timeout: 1_200_000 }, () => {
  const compressed = readFileSync(new URL("../../../golden/cpu/integer.br", import.meta.url));
  const vectors = unpack(brotliDecompressSync(compressed), CODE, MODE_SELECTORS).filter(({ mode }) => mode === 0);
  const byCode = new Map<string, typeof vectors>();
  for (const vector of vectors) {
    const key = vector.code.join();
    byCode.set(key, [...(byCode.get(key) ?? []), vector]);
  }
  const groups = [...byCode.values()].filter((_, n) => n % STRIDE === 0);
  const differences: string[] = [];
  let entered = 0;
  let compiled = 0;
  let tried = 0;
  for (let first = 0; first < groups.length; first += CODES) {
    const replay = new Replay(CODES);
    for (const vector of groups.slice(first, first + CODES).flat()) {
      const before = replay.compiledInstructions;
      const found = replay.difference(vector);
      const executed = replay.compiledInstructions - before;
      tried++;
      if (executed >= LEAD_IN_INSTRUCTIONS) entered++;
      if (executed > LEAD_IN_INSTRUCTIONS) compiled++;
      if (found !== null) differences.push(`${vector.code.map((byte) => byte.toString(16)).join(" ")}: ${found}`);
    }
    expect(replay.strayWrite()).toBe(-1);
  }
  expect(differences.slice(0, SHOWN)).toEqual([]);
  // Those that fault leave compiled code before they do anything; those that single-step or check alignment do not come there.
  expect(entered).toBeGreaterThan(0.9 * tried);
  expect(compiled).toBeGreaterThan(0.6 * tried);
});

it("x87 instructions do in the midst of compiled code what a real CPU did", () => {
  const { instructions } = readVectors();
  const replay = new X87Replay("on");
  const differences = instructions.flatMap((vector) => difference(vector, toleranceFor(vector), replay) ?? []);
  expect(differences.slice(0, SHOWN)).toEqual([]);
  expect(replay.compiled).toBe(instructions.length);
});
