import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/index.ts";
import { errorsOf, ownCode } from "./check.ts";

const files: Readonly<Record<string, string>> = {
  "linkage.h":
    "#ifndef LINKAGE\n#define LINKAGE\n#define SYMBOL_NAME(X) X\n#define SYMBOL_NAME_LABEL(X) X##:\n" +
    "#define ENTRY(name) .globl SYMBOL_NAME(name); ALIGN; SYMBOL_NAME_LABEL(name)\n#define ALIGN .align 4,0x90\n#endif\n",
  "table.inc": "pair: .byte 1\n.byte 2\n",
  "faulty.inc": "nop\n bogus\n",
  "endless.h": '#include "endless.h"\n',
};
const include = (name: string): { file: string; text: string } | undefined =>
  name in files ? { file: name, text: files[name] } : undefined;

describe("comments", () => {
  it("of all kinds, but not in strings", () => {
    expect(ownCode('nop # one ; hlt\nnop // two\nnop /* three */; hlt\n/* four\nfive */ nop\n.ascii "#/*//"')).toBe(
      "909090f490232f2a2f2f",
    );
  });

  it("with apostrophes and quotes", () => {
    expect(ownCode("nop # don't\nnop # say \"hi\n/* it's */ nop")).toBe("909090");
  });

  it("that look like directives", () => {
    expect(ownCode('# if this is true\n# else that is\n# define the term\nnop\n# 1 "file.c"\n')).toBe("90");
  });

  it("don't move the line numbers of errors", () => {
    expect(errorsOf("/* one\ntwo */ bogus1\nnop; \\\nbogus2\n bogus3")).toEqual([
      "input.s:1:8: error: unknown instruction `bogus1`",
      "input.s:3:6: error: unknown instruction `bogus2`",
      "input.s:5:2: error: unknown instruction `bogus3`",
    ]);
  });
});

describe("#define", () => {
  it("constants and registers", () => {
    expect(ownCode("#define OFFSET 8 /* bytes */\n#define REG %ebx\nmovl OFFSET(REG),%eax\naddl $OFFSET+1,REG")).toBe(
      "8b430883c309",
    );
  });

  it("with arguments, over several lines", () => {
    expect(
      ownCode(
        "#define GET_CURRENT(reg) \\\n\tmovl $-8192, reg; \\\n\tandl %esp, reg\nGET_CURRENT(%ebx)\nGET_CURRENT( %ecx ) ; nop",
      ),
    ).toBe("bb00e0ffff21e3b900e0ffff21e190");
  });

  it("## joins and # makes a string", () => {
    const object = assemble("#define H(x) x ## _interrupt: .asciz #x\nH(timer)\n", { file: "input.s" });
    expect(object.symbols.map(({ name }) => name)).toEqual(["timer_interrupt"]);
    expect(Buffer.from(object.sections[0].data).toString()).toBe("timer\0");
  });

  it("does not replace itself without end, nor in strings", () => {
    expect(ownCode('#define x y\n#define y x\nx = 5\n.byte x\n.ascii "x"')).toBe("0578");
  });

  it("variadic", () => {
    expect(ownCode("#define BYTES(n, ...) .byte n; .byte __VA_ARGS__\nBYTES(1, 2, 3)")).toBe("010203");
  });

  it("#undef ends it", () => {
    expect(ownCode("#define nothing nop\nnothing\n#undef nothing\n.ifdef nothing\nhlt\n.endif")).toBe("90");
  });

  it("faulty uses are reported", () => {
    expect(errorsOf("#define f(a, b) a\nf(1)\nf(1\n#define 5\n")).toEqual([
      "input.s:2:1: error: f takes 2 arguments, 1 given",
      "input.s:3:1: error: the arguments of f have no closing ')'",
      "input.s:4:1: error: expected a name after #define, found '5'",
    ]);
  });
});

describe("#if", () => {
  it("chooses a branch", () => {
    const branch = (defines: Record<string, number>): string =>
      ownCode("#if defined(A) && A > 1\n.byte 1\n#elif defined B\n.byte 2\n#else\n.byte 3\n#endif", { defines });
    expect([{ A: 2 }, { A: 1, B: 0 }, { A: 0 }].map(branch)).toEqual(["01", "02", "03"]);
    expect(ownCode("#ifdef X\n#if 1\nbogus\n#endif\n#else\n# ifndef X\nnop\n# endif\n#endif")).toBe("90");
  });

  it("that is not closed, or faulty, is reported", () => {
    expect(errorsOf("#if 1 +\n#endif\n#else\n#ifdef A\n")).toEqual([
      "input.s:1:8: error: expected an expression, found the end of the statement",
      "input.s:3:1: error: #else without #if",
      "input.s:4:1: error: this #if has no #endif",
    ]);
  });

  it("#error stops the branch it is in", () => {
    expect(errorsOf("#if 0\n#error no\n#else\n#error yes\n#endif")).toEqual(["input.s:4:1: error: #error yes"]);
  });
});

describe("defines", () => {
  it("are constants in expressions and instructions", () => {
    const defines = { esp0: 0x2c4, __PAGE_OFFSET: 0xc0000000 };
    expect(ownCode("movl esp0(%eax),%ebx\n.long __PAGE_OFFSET >> 22\n.ifdef esp0\nnop\n.endif", { defines })).toBe(
      "8b98c40200000003000090",
    );
    expect(assemble("nop", { file: "input.s", defines }).symbols).toEqual([]);
  });

  it("can't be labels as well", () => {
    expect(errorsOf("a: nop", { defines: { a: 1 } })).toEqual([
      "input.s:1:1: error: 'a' is already a constant given to the assembler",
    ]);
  });
});

describe("includes", () => {
  it("#include brings in definitions once", () => {
    const object = assemble('#include "linkage.h"\n#include <linkage.h>\nnop\nENTRY(system_call)\nret', {
      file: "entry.S",
      include,
    });
    expect(Buffer.from(object.sections[0].data).toString("hex")).toBe("908d7600c3");
    expect(object.symbols).toMatchObject([{ name: "system_call", binding: "global", value: 4 }]);
  });

  it(".include brings in statements, also from a macro", () => {
    expect(ownCode('.include "table.inc"\n.byte 3', { include })).toBe("010203");
    expect(ownCode('.if 0\n.include "nowhere"\n.endif\nnop', { include })).toBe("90");
  });

  it("errors in included files name them; missing files are errors", () => {
    expect(
      errorsOf('.include "faulty.inc"\n#include "nowhere.h"\n.include "nowhere"\n#include nothing', { include }),
    ).toEqual([
      "faulty.inc:2:2: error: unknown instruction `bogus`",
      "input.s:2:1: error: no file 'nowhere.h' to include",
      "input.s:3:1: error: no file 'nowhere' to include",
      "input.s:4:1: error: expected #include \"file\", found '#include nothing'",
    ]);
    expect(errorsOf('#include "endless.h"', { include })).toEqual([
      "endless.h:1:1: error: 'endless.h' is included more than 64 files deep",
    ]);
  });
});

describe("conditions", () => {
  const isTrue = (condition: string): boolean => ownCode(`#if ${condition}\n.byte 1\n#else\n.byte 0\n#endif`) === "01";

  it("are C's: suffixes, signs, truth as 1, precedence, ?: and what is not evaluated", () => {
    const conditions = [
      "0x10U == 16 && 1UL && 10LLU",
      "-1 > 0u",
      "!(-1 > 0)",
      "(1 == 1) == 1",
      "1 | 2 == 2",
      "1 + 2 * 3 == 7 && (7 & 3 + 1) == 4",
      "(1 ? 2 : 0) == 2",
      "0 ? 1 / 0 : 1",
      "1 || 1 / 0",
      "'a' == 97 && -8 / 3 == -2 && -8 % 3 == -2",
      "-1 >> 1 == -1 && 0xffffffffffffffff >> 63 == 1",
      "~0 == -1 && undefined_name == 0",
    ];
    expect(conditions.filter((condition) => !isTrue(condition))).toEqual([]);
    expect(errorsOf("#if 1 / 0\n#endif")).toEqual(["input.s:1:7: error: division by zero"]);
  });

  it("ask for names also through macros", () => {
    expect(ownCode("#define HAVE defined __ELF__ && !defined(NOTHING)\n#if HAVE\nnop\n#endif")).toBe("90");
    expect(ownCode('#if __has_include("table.inc") && !__has_include(<nowhere>)\nnop\n#endif', { include })).toBe("90");
  });
});

describe("gcc's macros", () => {
  it("tell what the source is", () => {
    const names = ["__ASSEMBLER__", "__i386__", "__ELF__", "__linux__", "__ILP32__"];
    expect(ownCode(`#if ${names.map((name) => `defined ${name}`).join(" && ")} && __GNUC__ >= 4\nnop\n#endif`)).toBe(
      "90",
    );
    expect(ownCode(".long __INT_MAX__, __SIZEOF_POINTER__\n#undef __ELF__\n#ifdef __ELF__\nbogus\n#endif")).toBe(
      "ffffff7f04000000",
    );
  });

  it("tell the place", () => {
    expect(ownCode("nop\n.byte __LINE__, __COUNTER__, __COUNTER__\n.ascii __FILE__")).toBe("90020001696e7075742e73");
  });
});

describe("calls of macros", () => {
  it("take several lines, and are looked for in what replaces them", () => {
    expect(ownCode("#define TWO(a, b) .byte a, b\nTWO(1,\n  2\n)\n.byte __LINE__")).toBe("010205");
    expect(ownCode("#define NAME(x) OTHER\n#define OTHER(y) .byte y\nNAME(1)(7)")).toBe("07");
  });

  it("GNU's variable arguments take a comma with them", () => {
    expect(ownCode("#define BYTES(a, rest...) .byte a, ## rest\nBYTES(1)\nBYTES(1, 2, 3)")).toBe("01010203");
  });
});
