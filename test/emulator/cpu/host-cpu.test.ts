import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Guest, hex, ORIGIN } from "./guest.ts";

/** Recorded from a real CPU by test/golden/cpu/record.c. */
const rows = readFileSync(new URL("../../golden/cpu/instructions.tsv", import.meta.url), "utf8")
  .trim()
  .split("\n");

const COMPARED_FLAGS = 0xcd5;
const OPERAND = 0x4000;
const EBX = 3;
const ORDER = [0, 3, 1, 2];

/** BT, BTS, BTR, BTC r/m, r: in memory the bit offset reaches beyond the operand; bit.test.ts has these. */
const REGISTER_BIT_OFFSET = /^(66)?0f(a3|ab|b3|bb)/;

interface Vector {
  bytes: number[];
  modrm: number;
  defined: number;
  before: number[];
  after: number[] | null;
}

function parse(row: string): Vector {
  const [bytes, modrm, undefinedFlags, before, after] = row.split("\t") as [string, string, string, string, string];
  const numbers = (text: string) => text.split(" ").map((word) => Number.parseInt(word, 16));
  return {
    bytes: bytes.match(/../g)!.map((byte) => Number.parseInt(byte, 16)),
    modrm: modrm === "-" ? -1 : Number(modrm),
    defined: COMPARED_FLAGS & ~Number.parseInt(undefinedFlags, 16),
    before: numbers(before),
    after: after === "DE" ? null : numbers(after),
  };
}

const guest = Guest.flat();
guest.catchExceptions();

/** Runs one vector, with EBX in memory instead when `inMemory`, and returns what differs from the real CPU. */
function difference(vector: Vector, inMemory: boolean): string | null {
  const { core } = guest;
  const bytes = Uint8Array.from(vector.bytes);
  if (inMemory) bytes[vector.modrm] = (bytes[vector.modrm]! & 0x38) | 6;
  guest.load(bytes);
  guest.memory.load(Uint8Array.of(0xf4), ORIGIN + bytes.length);
  for (let i = 0; i < 4; i++) core.r[ORDER[i]!] = vector.before[i]!;
  core.setEflags(vector.before[4]!);
  core.r[4] = 0x8000;
  core.r[6] = OPERAND;
  guest.memory.write32(OPERAND, vector.before[1]!);
  core.halted = false;
  core.run(10);
  if (vector.after === null) return core.eip !== 0x2006 ? "no #DE" : null;
  if (core.eip !== ORIGIN + bytes.length + 1) return `EIP ${hex(core.eip)}`;
  const actual = ORDER.map((n) => core.r[n]! >>> 0);
  if (inMemory) {
    if (core.r[EBX]! >>> 0 !== vector.before[1]) return "EBX changed";
    actual[1] = guest.read32(OPERAND);
  }
  for (let i = 0; i < 4; i++) {
    if (actual[i] !== vector.after[i]) return `register ${i}: ${hex(actual[i]!)}, expected ${hex(vector.after[i]!)}`;
  }
  const flags = (core.getEflags() ^ vector.after[4]!) & vector.defined;
  return flags === 0 ? null : `flags differ in ${hex(flags)}`;
}

function differences(vectors: string[], inMemory: boolean): string[] {
  return vectors.flatMap((row) => {
    const result = difference(parse(row), inMemory);
    return result === null ? [] : [`${row}: ${result}`];
  });
}

describe("integer instructions as a real CPU runs them", () => {
  it("has a record of each family", () => {
    expect(rows.length).toBeGreaterThan(2000);
  });

  it("agrees on registers and defined flags, register operands", () => {
    expect(differences(rows, false)).toEqual([]);
  });

  it("agrees on results and defined flags, memory operands", () => {
    const withOperand = rows.filter((row) => parse(row).modrm >= 0 && !REGISTER_BIT_OFFSET.test(row));
    expect(differences(withOperand, true)).toEqual([]);
  });
});
