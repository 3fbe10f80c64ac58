import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssemblyError, assemble } from "../../asm/index.ts";
import { errorsOf } from "./check.ts";

describe("sources that would exhaust the host are refused", () => {
  it("endless recursion of macros, once or fanning out", () => {
    for (const body of ["again", "again\n again"]) {
      const errors = errorsOf(`.macro again\n ${body}\n.endm\n again\n`);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatch(/^input\.s:2:2: error: macros, loops and includes are nested more than 100 deep/);
    }
  });

  it("loops without end", () => {
    expect(errorsOf(".rept 1000000000\n.endr\n")).toEqual([]);
    expect(errorsOf(".rept 1000000000\n.byte 1\n.endr\n")[0]).toContain("expands to more than 1000000 statements");
  });

  it("objects of more than 64 MiB", () => {
    expect(errorsOf(".skip 0x7fffffff")[0]).toMatch(/:1:7: error: the count of \.skip must be from 0 to 67108864/);
    expect(errorsOf(".org 0x7fffffff")[0]).toMatch(/:1:6: error: \.org must go to an offset from 0 to 67108864/);
    expect(errorsOf(".fill 1000000, 8, 1\n.fill 100000000,8,1")[0]).toMatch(/:2:7: error: \.fill must add/);
    expect(errorsOf(".bss\n.skip 0x3000000\n.skip 0x3000000")).toEqual([
      "input.s:3:1: error: the object would be larger than 64 MiB",
    ]);
    expect(errorsOf("a:\n.skip b - a\n.skip b - a\nnop\nb:")[0]).toContain("would be larger than 64 MiB");
    expect(errorsOf(".bss\n.byte 0\n.balign 0x4000000\n.byte 0")[0]).toContain("larger than 64 MiB");
  });

  it("many sections of much padding", () => {
    const sections = Array.from({ length: 100 }, (_, index) => `.section .s${index}\n.byte 1\n.balign 0x2000000`);
    expect(errorsOf(sections.join("\n"))).toEqual([
      "input.s:9:1: error: with its padding, the object would be larger than 64 MiB",
    ]);
  });

  it("expressions nested or chained too deep", () => {
    expect(errorsOf(`.long ${"(".repeat(5000)}1`)[0]).toContain("nested more than 200 deep");
    expect(errorsOf(`.long ${"-".repeat(5000)}x`)[0]).toContain("nested more than 200 deep");
    expect(errorsOf(`.long x${"+x".repeat(5000)}`)[0]).toContain("more than 1000 terms");
    expect(errorsOf(`.long 1${"+1".repeat(5000)}`)).toEqual([]);
  });

  it("definitions that double at each step", () => {
    const doubling = Array.from({ length: 60 }, (_, step) => `#define m${step} m${step + 1} m${step + 1}`).join("\n");
    expect(errorsOf(`${doubling}\nm0`)[0]).toContain("expands to more than 50000 tokens");
    const aliases = Array.from({ length: 150 }, (_, step) => `a${step + 1} = a${step} - a${step} + a${step}`).join(
      "\n",
    );
    expect(errorsOf(`a0 = late\n${aliases}\n.long a150\nlate:`)).toEqual([]);
  });

  it("at most 1000 errors are reported", () => {
    const errors = errorsOf("bogus\n".repeat(2000));
    expect(errors).toHaveLength(1001);
    expect(errors[1000]).toContain("more than 1000 errors");
  });
});

const fragment = fc.constantFrom(
  ..."a: 1: .byte .long .if .endif .else .macro .endm .rept .endr .irp .set .org .skip .align .section .data .text".split(
    " ",
  ),
  ..."movl jmp call rep push %eax %st( (%ebx) $1 $ 4 0x 1b 1f a b . , ; : = ( ) + - * / ! ' \" \\ # #if #endif #define".split(
    " ",
  ),
  ".cfi_startproc",
  ".cfi_endproc",
  ".cfi_offset %eax, -8",
  '\n.section .g,"aG",@progbits,a,comdat\n',
  '"aG?"',
  "\n.symver a, a@@@V\n",
  "\n.symver b, a@V, local\n",
  "\n.reloc a, R_386_32, b\n",
  "\n.reloc . - 4, R_386_PC8, a + 300\n",
  "%xmm1",
  "pshufd",
  "\n",
  "\n",
  "\n",
  "/*",
  "*/",
  "//",
  "\\@",
  "\u0001",
  "\ud800",
  "é",
);

describe("random sources", () => {
  it("are assembled or refused with errors that have a place, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (pieces) => {
        try {
          assemble(pieces.join(" "), { file: "random.s" });
        } catch (error) {
          expect(error).toBeInstanceOf(AssemblyError);
          for (const { position } of (error as AssemblyError).diagnostics) {
            expect(position.file).toBe("random.s");
            expect(position.line).toBeGreaterThan(0);
            expect(position.column).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 1500, seed: 1991 },
    );
  });
});
