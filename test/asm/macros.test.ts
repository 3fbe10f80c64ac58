import { describe, expect, it } from "vitest";
import { code, errorsOf } from "./check.ts";

describe(".macro", () => {
  it("arguments by place, by name, with defaults", () => {
    const macro = ".macro m a b=7 c=9\n.byte \\a, \\b, \\c\n.endm\n";
    expect(code(`${macro}m 1\nm 1, 2\nm 1 2 3\nm b=3, a=4\nm 1,,5`)).toBe("010709010209010203040309010705");
  });

  it(":req must be given and :vararg takes the rest", () => {
    expect(code('.macro m a:req, r:vararg\n.ascii "\\a|\\r|"\n.endm\nm x, y,z w\nm (1,2)')).toMatchInlineSnapshot(
      `"787c792c7a20777c28317c32297c"`,
    );
    expect(errorsOf(".macro m a:req\n.endm\n m\n m 1, 2")).toEqual([
      "input.s:3:3: error: macro m needs a value for its parameter 'a'",
      "input.s:4:7: error: too many arguments: macro m takes at most 1 (a)",
    ]);
  });

  it("registers, memory operands and strings as arguments", () => {
    expect(
      code(
        '.macro mv from, to=%eax\nmovl \\from, \\to\n.endm\nmv %ebx\nmv "8(%esp,%eax,2)", %ecx\nmv $1+2, %edx\nmv "4(%ebp)"\n' +
          ".macro two a b\nmovl \\a,\\b\n.endm\ntwo %ebx %ecx\ntwo $5 -4(%ebp)",
      ),
    ).toMatchInlineSnapshot(`"89d88b4c4408ba030000008b450489d9c745fc05000000"`);
  });

  it("\\() joins and \\@ counts", () => {
    expect(code(".macro m n\nl\\n\\()_\\@: .byte \\@\n.long l\\n\\()_\\@\n.endm\nm a\nm a")).toBe(
      "0000000000" + "0105000000",
    );
  });

  it("recursion with .if, .exitm leaves open .if blocks", () => {
    expect(code('.macro count n\n.if \\n\n.byte \\n\ncount "(\\n - 1)"\n.endif\n.endm\ncount 4')).toBe("04030201");
    expect(code(".macro m a\n.ifb \\a\n.byte 1\n.exitm\n.endif\n.byte 2\n.endm\nm\nm x\nnop")).toBe("010290");
  });

  it("macros that define macros; .purgem", () => {
    expect(
      code(
        ".macro outer name\n.macro \\name v\n.byte \\v\n.endm\n.endm\nouter inner\ninner 9\n.purgem inner\n.macro inner\n.byte 8\n.endm\ninner",
      ),
    ).toBe("0908");
  });

  it("several statements on the line of a use", () => {
    expect(code(".macro m; .byte 1; .byte 2; .endm; m; .byte 3; m")).toBe("0102030102");
  });

  it("errors name the macro's line and where it was used", () => {
    expect(errorsOf(".macro inner\n bogus_op %eax\n.endm\n.macro outer\n inner\n.endm\n outer\n")).toEqual([
      "input.s:2:2: error: unknown instruction `bogus_op` (in macro inner used at input.s:5:2, in macro outer used at input.s:7:2)",
    ]);
  });
});

describe("loops", () => {
  it(".rept, .irp and .irpc, nested", () => {
    expect(code(".rept 3; nop; .endr")).toBe("909090");
    expect(code(".irp r, %eax, %ebx ,%ecx\npushl \\r\n.endr")).toBe("505351");
    expect(code(".irpc d, 123\n.byte \\d\n.endr")).toBe("010203");
    expect(code(".rept 2\n.irp k, 1, 2\n.byte \\k\n.endr\n.byte 9\n.endr")).toBe("010209010209");
    expect(code("i = 0\n.rept 4\n.byte i\ni = i + 1\n.endr")).toBe("00010203");
  });
});

describe("conditionals", () => {
  it("choose one branch", () => {
    const branch = (value: number): string =>
      code(
        `x = ${value}\n.if x == 1\n.byte 1\n.elseif x == 2\n.byte 2\n.elseif x > 1\n.byte 3\n.else\n.byte 4\n.endif`,
      );
    expect([1, 2, 3, 0].map(branch)).toEqual(["01", "02", "03", "04"]);
  });

  it("in all forms", () => {
    const forms = [
      ".ifdef known",
      ".ifndef unknown",
      ".ifeq 0",
      ".ifne 1",
      ".ifgt 1",
      ".ifge 0",
      ".iflt -1",
      ".ifle 0",
      ".ifb",
      ".ifnb x",
      ".ifc a b, a b",
      ".ifnc a,b",
      '.ifeqs "a","a"',
      '.ifnes "a","b"',
    ];
    const source = forms.map((form, index) => `${form}\n.byte ${index}\n.else\n.byte 0xff\n.endif`).join("\n");
    expect(code(`known = 1\n${source}`)).toBe("000102030405060708090a0b0c0d");
  });

  it("dead branches are not read, but their blocks are counted", () => {
    expect(code(".if 0\n.if 1\nbogus\n.else\nbogus\n.endif\n.macro m\n.endm\nmovl $,\n.else\nnop\n.endif")).toBe("90");
  });

  it("that don't match are reported", () => {
    expect(errorsOf(".endif\n.else\n.if 1\n.else\n.else\n.endif\n.if undefined_symbol\n.endif\n.if 1\n")).toEqual([
      "input.s:1:1: error: .endif without .if",
      "input.s:2:1: error: .else without .if",
      "input.s:5:1: error: this .if block already has an .else",
      "input.s:7:5: error: the condition must be a constant known at this point, but it depends on the undefined symbol 'undefined_symbol'",
      "input.s:9:1: error: .if at input.s:9 has no .endif",
    ]);
  });
});
