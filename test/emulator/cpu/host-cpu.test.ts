import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { loadDisassembler } from "../../../asm/index.ts";
import { decodeInstruction } from "../../../emulator/cpu/decoder.ts";
import { CODE, MODE_SELECTORS } from "./host-cpu/environment.ts";
import { allForms, formName, whyWithoutVectors } from "./host-cpu/form.ts";
import { Replay } from "./host-cpu/replay.ts";
import { type RecordedVector, unpack } from "./host-cpu/vectors.ts";

/** Recorded from a real CPU: test/golden/README.md. */
const compressed = readFileSync(new URL("../../golden/cpu/integer.br", import.meta.url));
const vectors = unpack(brotliDecompressSync(compressed), CODE, MODE_SELECTORS);

/** Differences shown. */
const SHOWN = 20;

async function describeVector(n: number, { mode, code, eflags, registers }: RecordedVector): Promise<string> {
  const bits = mode === 0 ? 32 : 16;
  const instructions = (await loadDisassembler())(Uint8Array.from(code), CODE, { bits });
  const text = instructions.map((instruction) => instruction.text.replace(/\s+/g, " ")).join("; ");
  const bytes = code.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const state = registers.map((value) => (value >>> 0).toString(16)).join(" ");
  return `${n}: ${bytes} (${bits} bits) ${text} [${state} ${eflags.toString(16)}]`;
}

describe("integer instructions as a real CPU runs them in user mode", () => {
  it("agrees on registers, defined flags, memory and exceptions of every vector", async () => {
    const replay = new Replay();
    const differences: string[] = [];
    let count = 0;
    for (const [n, vector] of vectors.entries()) {
      const difference = replay.difference(vector);
      if (difference === null) continue;
      count++;
      if (count <= SHOWN) differences.push(`${await describeVector(n, vector)}\n    ${difference}`);
    }
    expect(`${count} of ${vectors.length} differ\n${differences.join("\n")}`).toBe(`0 of ${vectors.length} differ\n`);
    expect(replay.strayWrite()).toBe(-1);
  });

  it("has vectors of every instruction form that user mode can run", () => {
    const covered = new Set<string>();
    for (const { code, mode } of vectors) {
      const op = decodeInstruction(Uint8Array.from(code), 0, code.length, mode === 0);
      if (op === null) continue;
      const { opcode, operandSize, isMemory, reg } = op;
      for (const group of [-1, reg]) covered.add(formName({ opcode, group, operandSize, isMemory }));
    }
    const forms = [...allForms()];
    const missing = forms.filter((form) => whyWithoutVectors(form) === null && !covered.has(formName(form)));
    expect(missing.map(formName)).toEqual([]);
    expect(vectors.length).toBeGreaterThan(50_000);
  });
});
