import { describe, expect, it } from "vitest";
import { errorsOf } from "./check.ts";

describe("errors", () => {
  it("all of them are reported, in source order, with line and column", () => {
    expect(
      errorsOf(
        "a: movl %eax,%ebx,\n\tbogus_instruction %eax\nnop; .lnog 1\nmovl $1,%eaz\n jmp 1b\na: nop\nmovl 4(%eax,%ecx\n.long 1 2\n",
      ),
    ).toEqual([
      "input.s:1:19: error: expected an expression, found the end of the statement",
      "input.s:2:2: error: unknown instruction `bogus_instruction`",
      "input.s:3:6: error: unknown directive '.lnog'; did you mean .long?",
      "input.s:4:9: error: unknown register %eaz; did you mean %eax?",
      "input.s:5:6: error: no label '1:' stands before this '1b'",
      "input.s:6:1: error: 'a' is already defined at input.s:1",
      "input.s:7:17: error: expected ')' to close the address, found the end of the statement",
      "input.s:8:9: error: expected the end of the statement, found '2'",
    ]);
  });

  it("those found only at the end stand among the others in source order", () => {
    expect(
      errorsOf(
        "jmp 1f\nbogus_a\n.long other - ext\nloop far\nbogus_b\n.skip 200\nfar: .org 3\n.data\nother: .byte 0\n",
      ),
    ).toEqual([
      "input.s:1:1: error: no label '1:' follows this '1f'",
      "input.s:2:1: error: unknown instruction `bogus_a`",
      "input.s:3:7: error: 'ext' is subtracted, so it must be defined here or given as a constant",
      "input.s:4:1: error: the target is out of reach: 200 bytes away, and 8 bits hold -128 to 127",
      "input.s:5:1: error: unknown instruction `bogus_b`",
      expect.stringMatching(/^input\.s:7:11: error: \.org goes back to 0x3 from 0x/),
    ]);
  });

  it("of .reloc: its type, its place and what it is to", () => {
    expect(
      errorsOf(
        ".reloc 0, R_386_23\n.reloc 4, R_386_32, foo\n.reloc there, R_386_NONE\n.reloc outside, R_386_8, foo\n.long 0, 0\n" +
          ".reloc 0, R_386_32, foo-bar\n.reloc 0, R_386_32, .Lnone\n.reloc 6, R_386_PC32, foo\n.data\nthere: .long 1\n" +
          ".bss\n.skip 4\n.reloc 0, R_386_32, foo\n",
      ),
    ).toEqual([
      "input.s:1:11: error: unknown relocation type 'R_386_23'; did you mean R_386_32 or R_386_16 or R_386_8?",
      "input.s:3:8: error: the place of a relocation is an offset in .text, or a label in it",
      "input.s:4:8: error: the place of a relocation is an offset in .text, or a label in it",
      "input.s:6:8: error: a relocation is to a symbol, or a symbol plus a number",
      "input.s:7:8: error: the label '.Lnone' is not defined in this file",
      "input.s:8:8: error: R_386_PC32 at 6 lies outside of section .text, which has 8 bytes",
      "input.s:13:8: error: .bss has no contents to relocate",
    ]);
  });

  it("of .symver: the version, what becomes of the name, and what an undefined symbol can be", () => {
    expect(
      errorsOf(
        ".symver a, b\n.symver a, b@V, gone\n.symver c, c@@V\ncall c\nd:\n.symver d, d@@@1\n.symver d, e@1, remove\n",
      ),
    ).toEqual([
      "input.s:1:12: error: expected a name with a version, such as a@VERSION, found 'b'",
      "input.s:2:17: error: expected local, hidden, remove or nothing behind the version",
      "input.s:3:9: error: 'c' is not defined here, so that it can only be c@V",
      "input.s:7:9: error: 'd' is to be d@@@1 already, and can be only one of them",
    ]);
  });

  it("say what was expected", () => {
    expect(
      errorsOf(
        '.section .x,"q"\n.section .x,"a",@strange\n.globl\n.set a\n.type f,@strange\n.balign 3\n.p2align 40\n.byte \'\n.ascii abc\n.ascii "abc\n' +
          '.intel_syntax noprefix\n.error "as the author says"\n.popsection\n.previous\n%eax\n5\nmovl (%eax,%ebx,3),%ecx\nmovl %eax:4,%ebx\n',
      ),
    ).toEqual([
      "input.s:1:13: error: unknown section flag 'q'; known are a, w, x, M, S, T, e, G",
      "input.s:2:17: error: unknown section type 'strange'; known are @progbits, @nobits, @note, @init_array, @fini_array, @preinit_array",
      "input.s:3:7: error: expected the name of a symbol, found the end of the statement",
      "input.s:4:7: error: expected ',' between the name and the value of .set, found the end of the statement",
      "input.s:5:9: error: unknown symbol type 'strange'; known are @function, @object, @notype",
      "input.s:6:9: error: the alignment must be a power of two (in bytes), not 3",
      "input.s:7:10: error: the power of two of .p2align must be from 0 to 26, not 40",
      "input.s:8:7: error: expected a character after '",
      "input.s:9:8: error: expected a string in double quotes, found 'abc'",
      'input.s:10:8: error: the string has no closing "',
      "input.s:11:1: error: Intel syntax is not supported: write AT&T syntax (source first, %registers, $immediates)",
      "input.s:12:1: error: as the author says",
      "input.s:13:1: error: .popsection without .pushsection",
      "input.s:14:1: error: .previous without a section before this one",
      "input.s:15:1: error: expected a label, an instruction or a directive, found '%eax'",
      "input.s:16:1: error: expected a label, an instruction or a directive, found '5'",
      "input.s:17:17: error: the scale factor must be 1, 2, 4 or 8",
      "input.s:18:6: error: %eax is no segment register; only %cs, %ds, %es, %fs, %gs, %ss can stand before ':'",
    ]);
  });

  it("symbols defined by themselves", () => {
    const errors = errorsOf("a = b\nb = a\n.long a\n");
    expect(errors).toHaveLength(3);
    expect(errors[0]).toMatch(/^input\.s:1:1: error: 'a' has no value: '[ab]' is defined by itself/);
  });

  it("contents in .bss, sections declared twice", () => {
    expect(errorsOf('.bss\n.long 5\nnop\n.long 0\n.section .q,"a"\n.section .q,"aw"\n.section .q')).toEqual([
      "input.s:2:1: error: .bss is a section without contents (@nobits): it can hold only zeros (.skip, .zero, .long 0)",
      "input.s:3:1: error: .bss is a section without contents (@nobits): it can hold only zeros (.skip, .zero, .long 0)",
      "input.s:6:1: error: section .q already exists with other flags or another type; leave them out or repeat those of its first .section",
    ]);
  });

  it(".abort stops, .end ends", () => {
    expect(errorsOf(".abort\nbogus")).toEqual(["input.s:1:1: error: .abort: the source asks to stop here"]);
    expect(errorsOf("nop\n.end\nbogus")).toEqual([]);
  });
});
