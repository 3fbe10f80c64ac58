import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, type ObjectFile } from "../../asm/index.ts";
import { describeContents, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

function text(source: string): string {
  const object = assemble(source, { file: "test.S" });
  return Buffer.from(object.sections[0].data).toString("hex");
}

/** The opcode of the jump at the start, and the length of the code. */
function forwardJump(mnemonic: string, distance: number, mode = ".code32"): [string, number] {
  const bytes = text(`${mode}\n${mnemonic} target\n.skip ${distance}, 0x90\ntarget:\n`);
  return [bytes.slice(0, 4), bytes.length / 2 - distance];
}

function backwardJump(mnemonic: string, distance: number, mode = ".code32"): [string, number] {
  const bytes = text(`${mode}\ntarget: .skip ${distance}, 0x90\n${mnemonic} target\n`);
  return [bytes.slice(2 * distance, 2 * distance + 4), bytes.length / 2 - distance];
}

describe("reach of short jumps", () => {
  it("goes 127 bytes forward and no further", () => {
    expect(forwardJump("jmp", 127)).toEqual(["eb7f", 2]);
    expect(forwardJump("jmp", 128)).toEqual(["e980", 5]);
    expect(forwardJump("jne", 127)).toEqual(["757f", 2]);
    expect(forwardJump("jne", 128)).toEqual(["0f85", 6]);
  });

  it("goes 128 bytes back, counted from its end, and no further", () => {
    expect(backwardJump("jmp", 126)).toEqual(["eb80", 2]);
    expect(backwardJump("jmp", 127)).toEqual(["e97c", 5]);
    expect(backwardJump("je", 126)).toEqual(["7480", 2]);
    expect(backwardJump("je", 127)).toEqual(["0f84", 6]);
  });

  it("has 16-bit long forms in 16-bit code", () => {
    expect(forwardJump("jmp", 128, ".code16")).toEqual(["e980", 3]);
    expect(forwardJump("jc", 128, ".code16")).toEqual(["0f82", 4]);
    expect(backwardJump("jmp", 127, ".code16")).toEqual(["e97e", 3]);
  });

  it("makes a jump long if a jump in between becomes long", () => {
    // The second jump is one byte too far; as it grows, the first no longer reaches either.
    const source = "jmp a\njmp b\n.skip 125, 0x90\na: .skip 3, 0x90\nb:\n";
    expect(text(source).slice(0, 4)).toBe("e982");
    const reachable = "jmp a\njmp b\n.skip 124, 0x90\na: .skip 3, 0x90\nb:\n";
    expect(text(reachable).slice(0, 8)).toBe("eb7eeb7f");
  });
});

describe("targets that leave a jump long", () => {
  const relocations = (object: ObjectFile): string[] =>
    object.sections[0].relocations.map(({ offset, type, symbol }) => `${offset} ${type} ${symbol.name}`);

  it("undefined, weak and other-section symbols get a relocation", () => {
    const object = assemble(".weak w\nw: jmp ext\njmp w\njmp d\n.data\n.long 0\nd:", { file: "test.S" });
    expect(Buffer.from(object.sections[0].data).toString("hex")).toBe("e9fcffffffe9fcffffffe900000000");
    expect(relocations(object)).toEqual(["1 2 ext", "6 2 w", "11 2 .data"]);
  });

  it("a global symbol of the same section is jumped to without a relocation, but called with one", () => {
    const object = assemble(".globl g\ng: jmp g\ncall g", { file: "test.S" });
    expect(Buffer.from(object.sections[0].data).toString("hex")).toBe("ebfee8fcffffff");
    expect(relocations(object)).toEqual(["3 2 g"]);
  });
});

describe("sizes that depend on sizes", () => {
  it(".skip takes a distance that a jump decides", () => {
    expect(text("a: jmp c\nb: .skip 126, 0x90\n.skip b - a, 0xcc\nc:").slice(-10)).toBe("90cccccccccc".slice(-10));
  });

  it("refuses a size that never settles", () => {
    expect(() => text("a: .skip b - a + 1\nb:")).toThrow(/test\.S:1:\d+: error: .*(never settles|larger than 64 MiB)/);
  });

  it(".org refuses to go back", () => {
    expect(() => text(".skip 8\n.org 4\n")).toThrow("test.S:2:6: error: .org goes back to 0x4 from 0x8");
  });
});

const LABELS = 12;
const statement = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom("jmp", "je", "jng"), fc.nat(LABELS - 1)).map(([j, l]) => `${j} L${l}`),
  },
  { weight: 1, arbitrary: fc.nat(LABELS - 1).map((label) => `jmp L${label}+3`) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 70 }).map((count) => `.skip ${count}, 0x90`) },
  { weight: 2, arbitrary: fc.constantFrom("nop", "movl %eax,%ebx", "addl $1,%ecx", "call L0") },
  { weight: 1, arbitrary: fc.constantFrom(2, 4, 8, 16, 32).map((alignment) => `.balign ${alignment}`) },
  { weight: 1, arbitrary: fc.constantFrom(".p2align 4,,7", ".p2align 3,,3", ".balign 8,0xcc") },
);

/** A program of `LABELS` labels in order with random statements between them. */
const program = fc
  .array(fc.array(statement, { maxLength: 5 }), { minLength: LABELS, maxLength: LABELS })
  .map((blocks) => blocks.flatMap((block, label) => [`L${label}:`, ...block]).join("\n"));

describe.skipIf(!hasGnuAs)("against GNU as", () => {
  it.each([".code32", ".code16"])("makes the same of random programs in %s", (mode) => {
    // One run of GNU as for all: each program is a section of its own, with labels of its own.
    const source = fc
      .sample(program, { numRuns: 300, seed: 20021 })
      .map((text, index) => `.section .p${index},"ax"\n${mode}\n${text.replaceAll(/\bL(\d+)/g, `P${index}L$1`)}\n`)
      .join("");
    expect(describeContents(assemble(source, { file: "test.S" }))).toBe(describeContents(gnuAssemble(source)));
  });
});
