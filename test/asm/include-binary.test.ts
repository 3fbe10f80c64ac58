import { describe, expect, it } from "vitest";
import { assemble, link } from "../../asm/index.ts";
import { errorsOf, ownCode } from "./check.ts";

const includeBytes = (name: string): Uint8Array | undefined =>
  name === "bin.dat" ? Uint8Array.of(1, 2, 3, 4, 5) : undefined;

describe(".incbin", () => {
  it("takes a file, or a part of it", () => {
    const source = '.incbin "bin.dat"\n.incbin "bin.dat", 2\n.incbin "bin.dat", 1, 2\n.incbin "bin.dat",,1';
    expect(ownCode(source, { includeBytes })).toBe("0102030405030405020301");
  });

  it("names what is missing", () => {
    expect(errorsOf('.incbin "none"\n.incbin "bin.dat", 6\n.incbin "bin.dat", 4, 2', { includeBytes })).toEqual([
      "input.s:1:1: error: no file 'none' to include",
      "input.s:2:20: error: 'bin.dat' has 5 bytes, too few for 6 to skip",
      "input.s:3:20: error: 'bin.dat' has 5 bytes, too few for 2 behind the first 4",
    ]);
  });
});

describe("programs", () => {
  const program = (source: string) => link([assemble(source, { file: "a.S" })]);

  it("with a local _start are refused with the remedy", () => {
    expect(() => program("_start: nop")).toThrow("a.S: the entry symbol '_start' is local; add `.globl _start`");
  });

  it("keep hidden symbols to themselves", () => {
    const { symbols } = program(".globl _start, inner\n.hidden inner\n_start: nop\ninner: nop");
    expect(symbols.filter(({ name }) => name !== "_end").map(({ name, binding }) => [name, binding])).toEqual([
      ["inner", "local"],
      ["_start", "global"],
    ]);
  });
});
