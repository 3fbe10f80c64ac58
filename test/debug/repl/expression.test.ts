import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DebugInformation, pointerTo } from "../../../asm/dwarf/reader/index.ts";
import { readElf } from "../../../asm/index.ts";
import type { Environment } from "../../../debug/repl/expression/environment.ts";
import { ExpressionError } from "../../../debug/repl/expression/errors.ts";
import { evaluate } from "../../../debug/repl/expression/evaluate.ts";
import { numberOf } from "../../../debug/repl/expression/reading.ts";
import { TypeNames, UNSIGNED } from "../../../debug/repl/expression/types.ts";
import { unsigned, type Value } from "../../../debug/repl/expression/value.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { task_struct } from "../../../kernel/inspect.ts";

const MEMORY = new DataView(new ArrayBuffer(8192));
const kernel = new DebugInformation(readElf(kernel_image().elf()));
const types = new TypeNames(() => [kernel]);
const task = types.find("task_struct")!;

const NAMES: Readonly<Record<string, Value>> = {
  counter: { type: types.find("u32")!, address: 16 },
  signed_byte: { type: types.find("i8")!, address: 20 },
  wide: { type: types.find("unsigned long long")!, address: 24 },
  real: { type: types.find("double")!, address: 32 },
  current: { type: pointerTo(task), scalar: 4096 },
  init: { type: task, address: 4096 },
  eax: { ...unsigned(0xfffffffe), register: "eax" },
};

const environment: Environment = {
  types,
  read: (linear, length) => new Uint8Array(MEMORY.buffer, linear, length),
  assign: ({ address }, scalar) => MEMORY.setUint32(address!, Number(scalar), true),
  keep: () => {},
  name: (name) => NAMES[name],
  variable: (name) => (name === "eax" ? unsigned(0xfffffffe) : undefined),
  functions: { double: (argument) => ({ type: UNSIGNED, scalar: 2 * argument }) },
  near: (name) => (name === "currant" ? ["current"] : []),
};
MEMORY.setUint32(16, 7, true);
MEMORY.setInt8(20, -3);
MEMORY.setBigUint64(24, 0xfedcba9876543210n, true);
MEMORY.setFloat64(32, 1.5, true);
MEMORY.setInt32(4096 + task_struct.offset("pid"), 42, true);
MEMORY.setUint32(4096 + task_struct.offset("thread.esp"), 0xc0105fd8, true);

const value = (text: string) => numberOf(evaluate(text, environment), environment);

function failure(text: string): { message: string; column: number } {
  try {
    evaluate(text, environment);
  } catch (error) {
    if (error instanceof ExpressionError) return { message: error.message, column: error.column };
    throw error;
  }
  throw new Error(`${text} is no error`);
}

describe("expressions", () => {
  it("know C's precedence", () => {
    expect(value("1 + 2 * 3 << 1 & 0xf")).toBe(14);
    expect(value("1 == 1 && 2 > 3 || 4")).toBe(1);
    expect(value("-3 / 2")).toBe(-1);
    expect(value("1 ? 2 : 0 ? 3 : 4")).toBe(2);
    expect(value("~0")).toBe(-1);
    expect(value("!counter")).toBe(0);
  });

  it("read numbers in C's ways", () => {
    expect(["0x10", "0b101", "1_000", "'a'", "'\\n'"].map(value)).toEqual([16, 5, 1000, 97, 10]);
  });

  it("keep to 32 bits, signed and unsigned, as C does", () => {
    expect(value("$eax + 3")).toBe(1);
    expect(value("eax >> 31")).toBe(1);
    expect(value("-1 < 1")).toBe(1);
    expect(value("-1 < $eax")).toBe(0);
    expect(value("0x7fffffff + 1")).toBe(-0x80000000);
    expect(value("(u8)0x1ff")).toBe(0xff);
    expect(value("(i8)0xff")).toBe(-1);
  });

  it("read variables and members with their types", () => {
    expect(value("counter + 1")).toBe(8);
    expect(value("signed_byte")).toBe(-3);
    expect(value("current->pid")).toBe(42);
    expect(value("current.pid")).toBe(42);
    expect(value("(*current).thread.esp")).toBe(0xc0105fd8);
    expect(value("((task_struct *)4096)->pid")).toBe(42);
    expect(value("&current->pid")).toBe(4096 + task_struct.offset("pid"));
    expect(value("*(i32 *)&init.pid")).toBe(42);
    expect(value("container_of(&current->run_list, task_struct, run_list)")).toBe(4096);
    expect(value("sizeof(task_struct)")).toBe(task_struct.size);
    expect(value("(current + 1) - current")).toBe(1);
    expect(value("double(counter)")).toBe(14);
  });

  it("point at what is wrong", () => {
    expect(failure("1 + ")).toEqual({ message: expect.stringContaining("ends too early"), column: 4 });
    expect(failure("currant->pid")).toEqual({ message: expect.stringContaining("did you mean current"), column: 0 });
    expect(failure("current->pidd")).toEqual({ message: expect.stringContaining("no member pidd"), column: 9 });
    expect(failure("counter.x")).toMatchObject({ message: expect.stringContaining("a struct is expected"), column: 0 });
    expect(failure("(1 + 2")).toMatchObject({ column: 6 });
    expect(failure("2 3")).toMatchObject({ message: expect.stringContaining("an operator is expected"), column: 2 });
    expect(failure("1 / 0")).toMatchObject({ message: "division by zero", column: 2 });
    expect(failure("12ab")).toMatchObject({ column: 0 });
    expect(failure("1 @ 2")).toMatchObject({ column: 2 });
    expect(failure("nothing(1)")).toMatchObject({ message: expect.stringContaining("cannot be called") });
    expect(failure("init + 1")).toMatchObject({ message: expect.stringContaining("struct task_struct") });
  });

  it("compute what C computes on ints", () => {
    const integer = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        const left = `(i32)(${a})`;
        const right = `(i32)(${b})`;
        expect(value(`${left} + ${right}`)).toBe((a + b) | 0);
        expect(value(`${left} - ${right}`)).toBe((a - b) | 0);
        expect(value(`${left} * ${right}`)).toBe(Math.imul(a, b));
        expect(value(`${left} ^ ${right}`)).toBe(a ^ b);
        expect(value(`${left} < ${right}`)).toBe(a < b ? 1 : 0);
        expect(value(`(u32)(${a}) < (u32)(${b})`)).toBe(a >>> 0 < b >>> 0 ? 1 : 0);
      }),
      { numRuns: 50 },
    );
  });

  it("never fail in another way than with an ExpressionError", () => {
    const piece = fc.constantFrom(
      "1",
      "current",
      "->",
      ".",
      "pid",
      "(",
      ")",
      "[",
      "]",
      "*",
      "&",
      "-",
      "u32",
      "counter",
      "sizeof",
      "?",
      ":",
      "'",
      "$",
      "~",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        try {
          evaluate(pieces.join(" "), environment);
        } catch (error) {
          if (!(error instanceof ExpressionError) && !(error instanceof RangeError)) throw error;
        }
      }),
    );
  });
});
