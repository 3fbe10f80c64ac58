import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AssemblyError, assemble } from "../../asm/index.ts";

/** Instruction, bytes under .code32, bytes under .code16; `-` where GNU as rejects or warns. */
const GOLDEN = readFileSync(new URL("golden/encodings.tsv", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((row) => row.split("\t") as [string, string, string]);

function textOf(source: string): Buffer {
  const text = assemble(source, { file: "test.S" }).sections.find(({ name }) => name === ".text");
  return Buffer.from(text?.data ?? []);
}

/** The bytes of each line, as they stand in one object with every line after the other. */
function encodeLines(lines: readonly string[], codeSize: number): string[] {
  const source = `.code${codeSize}\n${lines.map((line, number) => `L${number}: ${line}\n`).join("")}Lend:\n`;
  const object = assemble(source, { file: "test.S" });
  const text = Buffer.from(object.sections.find(({ name }) => name === ".text")?.data ?? []);
  const starts = new Map(object.symbols.map(({ name, value }) => [name, value]));
  return lines.map((_, number) =>
    text.subarray(starts.get(`L${number}`), starts.get(`L${number + 1}`) ?? starts.get("Lend")).toString("hex"),
  );
}

describe.each([
  [32, 1],
  [16, 2],
] as const)("under .code%i", (codeSize, column) => {
  it("encodes every recorded instruction as GNU as does", () => {
    const rows = GOLDEN.filter((row) => row[column] !== "-");
    expect(rows.length).toBeGreaterThan(20_000);
    const encoded = encodeLines(
      rows.map(([line]) => line),
      codeSize,
    );
    const different = rows
      .map((row, number) => ({ line: row[0], expected: row[column], encoded: encoded[number] }))
      .filter((row) => row.encoded !== row.expected);
    expect(different).toEqual([]);
  });

  it("rejects what GNU as rejects in this code size only", () => {
    const lines = GOLDEN.filter((row) => row[column] === "-").map(([line]) => line);
    let rejected: number[] = [];
    try {
      encodeLines(lines, codeSize);
    } catch (error) {
      if (!(error instanceof AssemblyError)) throw error;
      rejected = error.diagnostics.map(({ position }) => position.line - 2);
    }
    expect(lines.filter((_, number) => !rejected.includes(number))).toEqual([]);
  });
});

describe("branches", () => {
  it.each([
    ["jmp 1f; 1:", "eb00"],
    ["1: jmp 1b", "ebfe"],
    ["jne 1f; 1:", "7500"],
    ["jmp 1f; .skip 127; 1:", `eb7f${"00".repeat(127)}`],
    ["jmp 1f; .skip 128; 1:", `e980000000${"00".repeat(128)}`],
    ["jz 1f; .skip 128; 1:", `0f8480000000${"00".repeat(128)}`],
    [".code16; jmp 1f; .skip 128; 1:", `e98000${"00".repeat(128)}`],
    [".code16; data32 jmp 1f; .skip 128; 1:", `66e980000000${"00".repeat(128)}`],
    [".code16; data32 jz 1f; 1:", "667400"],
    ["loop 1f; 1:", "e200"],
    ["jecxz 1f; 1:", "e300"],
    ["call 1f; 1:", "e800000000"],
    [".code16; call 1f; 1:", "e80000"],
  ])("%s", (source, bytes) => {
    expect(textOf(source).toString("hex")).toBe(bytes);
  });
});

describe("under .code16gcc", () => {
  // What pushes, pops, calls and returns has 32 bits if nothing else is said; all else is as under .code16.
  it.each([
    ["push $1; pop (%bx); pushf; pusha", "666a01668f07669c6660"],
    ["push %ds; push %ax; push %eax; pushw $1", "661e5066506a01"],
    ["call *(%bx); call *%cx; callw *(%bx); 1: call 1b", "66ff17ffd1ff1766e8faffffff"],
    ["ret; retw; lret $4; iret; leave; enter $1,$2", "66c3c366ca0400cf66c966c8010002"],
    ["1: jmp 1b; jmp *(%bx); ljmp $1,$2; lgdt (%bx); movw $1,%ax", "ebfeff27ea020001000f0117b80100"],
    [".code16; ret; .code16gcc; ret; .code32; ret", "c366c3c3"],
  ])("%s", (source, bytes) => {
    expect(textOf(`.code16gcc; ${source}`).toString("hex")).toBe(bytes);
  });
});

describe("the project's own instruction", () => {
  it("hostcall takes a 16-bit number", () => {
    expect(textOf("hostcall $0x1234").toString("hex")).toBe("0f3f3412");
  });
});

describe("prefixes alone on a line", () => {
  it.each([
    ["rep; stosl", "f3ab"],
    ["rep\nstosl", "f3ab"],
    ["lock; incl (%eax)", "f0ff00"],
    ["lock; rep", "f0f3"],
    ["rep lock", "f3f0"],
    ["addr16; data16; cs", "67662e"],
    ["wait", "9b"],
  ])("%s", (source, bytes) => {
    expect(textOf(source).toString("hex")).toBe(bytes);
  });
});
