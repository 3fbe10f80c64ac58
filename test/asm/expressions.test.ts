import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/index.ts";
import { code, errorsOf } from "./check.ts";
import { describeContents, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

/** The 32-bit values of expressions. */
function values(...expressions: string[]): number[] {
  const bytes = Buffer.from(code(`.long ${expressions.join(", ")}`), "hex");
  return expressions.map((_, index) => bytes.readInt32LE(4 * index));
}

describe("expressions", () => {
  it("operators bind as in GNU as, not as in C", () => {
    expect(values("1+2*3", "(1+2)*3", "5|2+1", "1<<4+1", "1+2==3", "6&3+1", "2*3<<1", "1-1-1")).toEqual([
      7, 9, 8, 17, -1, 3, 12, -1,
    ]);
  });

  it("comparisons are -1 or 0, logical operators 1 or 0", () => {
    expect(values("1==1", "1!=1", "1<>2", "1<2", "2<=1", "3>2", "3>=4", "3&&2", "0||5", "1&&0", "!0", "!5")).toEqual([
      -1, 0, -1, -1, 0, -1, 0, 1, 1, 0, 1, 0,
    ]);
  });

  it("signs, complements, or-not, remainder and truncating division", () => {
    expect(values("-3", "~5", "-(3)", "+4", "--5", "7!2", "7^2", "7!!2", "-7/2", "-7%3", "10%3")).toEqual([
      -3, -6, -3, 4, 5, -1, 5, 5, -3, -1, 1,
    ]);
  });

  it("values have 64 bits", () => {
    expect(values("0xffffffff > 0", "0xffffffff & ~0xfff", "0xC0000000 >> 22", "(1<<40) >> 38")).toEqual([
      -1, -4096, 768, 4,
    ]);
    expect(code(".quad 0xffffffffffffffff, 0x8000000000000000 >> 63, 1<<63")).toBe(
      "ffffffffffffffff01000000000000000000000000000080",
    );
  });

  it("numbers in all bases and characters", () => {
    expect(values("10", "0x1F", "017", "0b101", "0", "'A", "'A'", "'\\t", "'a' + 1", "'\\\\")).toEqual([
      10, 31, 15, 5, 0, 65, 65, 9, 98, 92,
    ]);
  });

  it("faults are explained where they stand", () => {
    expect(
      errorsOf(".long 1/0\n.long 09\n.long 12abc\n.long 1+\n.long (1\n.long 0x10000000000000000\n.long %eax"),
    ).toEqual([
      "input.s:1:8: error: division by zero",
      "input.s:2:7: error: '09' is octal because of its leading 0, and has no digits 8 and 9",
      "input.s:3:7: error: '12abc' is no number (write 10, 0x1f, 0b101, 017 or 0f1.5)",
      "input.s:4:9: error: expected an expression, found the end of the statement",
      "input.s:5:9: error: expected ')' to close the parenthesis, found the end of the statement",
      "input.s:6:7: error: 0x10000000000000000 does not fit in 64 bits",
      "input.s:7:7: error: expected a number or symbol, found the register '%eax'",
    ]);
  });
});

const operator = fc.constantFrom("+", "-", "*", "|", "&", "^", "<<", ">>", "==", "<", ">=", "&&", "||", "!=", "!");
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.integer({ min: 0, max: 70 }).map(String),
    fc.constantFrom("0xffffffff", "0x80000000", "017", "'a'"),
    fc.tuple(fc.constantFrom("-", "~", "!"), tie("expression")).map(([sign, operand]) => `(${sign}(${operand}))`),
    fc.tuple(tie("expression"), operator, tie("expression")).map((parts) => parts.join(" ")),
    fc.tuple(tie("expression"), operator, tie("expression")).map((parts) => `(${parts.join("")})`),
  ),
}));

describe.skipIf(!hasGnuAs)("against GNU as", () => {
  it("random expressions have the same value", () => {
    const lines = fc.sample(expression, { numRuns: 500, seed: 386 }).map((text) => `.quad ${text}`);
    const source = lines.join("\n");
    expect(describeContents(assemble(source, { file: "input.s" }))).toBe(describeContents(gnuAssemble(source)));
  });
});
