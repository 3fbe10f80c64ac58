import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/index.ts";
import { assembled, code, ownCode } from "./check.ts";

describe("data directives", () => {
  it("integers of all sizes", () => {
    expect(
      code(".byte 1, -1, 255, 'a, '\\n, '''\n.word 0x1234, -2\n.short 1\n.hword 2\n.value 3"),
    ).toMatchInlineSnapshot(`"01ffff610a273412feff010002000300"`);
    expect(
      code(".long 0x12345678, -1, 0xffffffff\n.int 5\n.quad 0x00cf9a000000ffff, -1, 1<<40 | 3"),
    ).toMatchInlineSnapshot(`"78563412ffffffffffffffff05000000ffff0000009acf00ffffffffffffffff0300000000010000"`);
  });

  it("strings and their escapes", () => {
    expect(
      code('.ascii "a\\101\\x41\\"\\\\\\n\\b\\f\\r\\t", "x"\n.asciz "hi"\n.string "a", "b"\n.asciz "a" "b"'),
    ).toMatchInlineSnapshot(`"614141225c0a080c0d097868690061006200616200"`);
    expect(code('.ascii "semi;colon # no comment /* nor this */"')).toMatchInlineSnapshot(
      `"73656d693b636f6c6f6e2023206e6f20636f6d6d656e74202f2a206e6f722074686973202a2f"`,
    );
  });

  it("floating-point numbers", () => {
    expect(code(".float 1.5, -2.25, 0f1.0, .5\n.double 3.14159, 1e10, -1\n.single 3")).toMatchInlineSnapshot(
      `"0000c03f000010c00000803f0000003f6e861bf0f9210940000000205fa00242000000000000f0bf00004040"`,
    );
  });

  it("values too large are cut, with a warning", () => {
    const warnings: string[] = [];
    const object = assemble(".byte 256, -129\n.word 0x12345", {
      file: "input.s",
      onWarning: ({ position, message }) => warnings.push(`${position.line}:${position.column} ${message}`),
    });
    expect(Buffer.from(object.sections[0].data).toString("hex")).toBe("007f4523");
    expect(warnings).toEqual([
      "1:7 0x100 does not fit in 8 bits and is cut to 0x0",
      "1:12 -0x81 does not fit in 8 bits and is cut to 0x7f",
      "2:7 0x12345 does not fit in 16 bits and is cut to 0x2345",
    ]);
  });
});

describe("layout directives", () => {
  it("alignment in data is zero, or the given fill, or nothing beyond the limit", () => {
    expect(
      assembled(
        ".data\n.byte 1\n.align 4\n.byte 2\n.balign 8, 0xcc\n.byte 3\n.p2align 4,,3\n.byte 4\n.p2align 4,0x11,14\n.word 5\n.balignw 4,0x1234",
      ),
    ).toMatchInlineSnapshot(`
      ".data type 1 flags 3 entry 0 align 16 size 14
        0000 0100000002cccccc0304111111111111
        0010 05003412"
    `);
  });

  it("alignment that takes as many bytes as its limit is made", () => {
    expect(assembled(".data\n.byte 1\n.p2align 2,,3\n.byte 2")).toContain("0000 0100000002");
    expect(assembled(".data\n.byte 1\n.p2align 2,,2\n.byte 2")).toContain("0000 0102");
  });

  it("alignment in code is filled with instructions that do nothing, of each length", () => {
    const source = Array.from({ length: 32 }, (_, count) => `.skip ${count}, 0xcc\n.p2align 5`).join("\n");
    expect(code(source)).toMatchInlineSnapshot(
      `"cceb1d8db426000000008db426000000008db426000000008db4260000000090cccceb1c8db426000000008db426000000008db426000000008db42600000000cccccceb1b8db426000000008db426000000008db426000000008db600000000cccccccceb1a8db426000000008db426000000008db426000000008d74260090cccccccccceb198db426000000008db426000000008db426000000008d742600cccccccccccceb188db426000000008db426000000008db426000000008d7600cccccccccccccceb178db426000000008db426000000008db426000000006690cccccccccccccccceb168db426000000008db426000000008db4260000000090cccccccccccccccccceb158db426000000008db426000000008db42600000000cccccccccccccccccccceb148db426000000008db426000000008db600000000cccccccccccccccccccccceb138db426000000008db426000000008d74260090cccccccccccccccccccccccc8db426000000008db426000000008db600000000cccccccccccccccccccccccccc8db426000000008db426000000008d74260090cccccccccccccccccccccccccccc8db426000000008db426000000008d742600cccccccccccccccccccccccccccccc8db426000000008db426000000008d7600cccccccccccccccccccccccccccccccc8db426000000008db426000000006690cccccccccccccccccccccccccccccccccc8db426000000008db4260000000090cccccccccccccccccccccccccccccccccccc8db426000000008db42600000000cccccccccccccccccccccccccccccccccccccc8db426000000008db600000000cccccccccccccccccccccccccccccccccccccccc8db426000000008d74260090cccccccccccccccccccccccccccccccccccccccccc8db426000000008d742600cccccccccccccccccccccccccccccccccccccccccccc8db426000000008d7600cccccccccccccccccccccccccccccccccccccccccccccc8db426000000006690cccccccccccccccccccccccccccccccccccccccccccccccc8db4260000000090cccccccccccccccccccccccccccccccccccccccccccccccccc8db42600000000cccccccccccccccccccccccccccccccccccccccccccccccccccc8db600000000cccccccccccccccccccccccccccccccccccccccccccccccccccccc8d74260090cccccccccccccccccccccccccccccccccccccccccccccccccccccccc8d742600cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc8d7600cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc6690cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc90"`,
    );
  });

  it("alignment in 16-bit code", () => {
    const source = Array.from({ length: 16 }, (_, count) => `.skip ${count}, 0xcc\n.p2align 4`).join("\n");
    expect(code(`.code16\n${source}`)).toMatchInlineSnapshot(
      `"cceb0d8db400008db400008db4000090cccceb0c8db400008db400008db40000cccccceb0b8db400008db400008d7400cccccccceb0a8db400008db400006690cccccccccc8db400008db400008d7400cccccccccccc8db400008db400006690cccccccccccccc8db400008db4000090cccccccccccccccc8db400008db40000cccccccccccccccccc8db400008d7400cccccccccccccccccccc8db400006690cccccccccccccccccccccc8db4000090cccccccccccccccccccccccc8db40000cccccccccccccccccccccccccc8d7400cccccccccccccccccccccccccccc6690cccccccccccccccccccccccccccccc90"`,
    );
  });

  it("a fill of 0x90 in code counts as none", () => {
    expect(code("nop\n.align 4,0x90\nnop\n.align 4,0xcc\nret")).toBe("908d760090ccccccc3");
  });

  it("large gaps are jumped over", () => {
    expect(code("nop\n.balign 256").slice(0, 40)).toBe("90e9fa0000008db426000000008db42600000000");
    expect(code(".skip 127, 0x90\n.balign 256").slice(254, 274)).toBe(
      "eb7f8db42600000000".padEnd(20, "8db4").slice(0, 20),
    );
    expect(code(".code16\nnop\n.balign 256").slice(0, 24)).toBe("9066e9f90000008db400008d".slice(0, 24));
  });

  it(".skip, .fill and .org", () => {
    expect(
      code(
        ".skip 3, 0xaa\nbase: .space 2\n.zero 2\n.fill 3, 2, 0x1234\n.fill 1, 8, 0x12345678\n.fill 2\n.org 40, 0x55\n.byte 1\n. = . + 3\n.byte 2\n.org base + 60\nhlt",
      ),
    ).toMatchInlineSnapshot(
      `"aaaaaa000000003412341234127856341200000000000055555555555555555555555555555555550100000002000000000000000000000000000000000000f4"`,
    );
  });

  it(".skip of a distance that is known only later", () => {
    expect(code("a: .skip c - b, 0x90\nret\nb: jmp a\n.long 1\nc:")).toMatchInlineSnapshot(
      `"909090909090c3ebf701000000"`,
    );
  });
});

describe("sections", () => {
  it("come in GNU as's order with GNU as's attributes", () => {
    const sections = [
      '.section .init.text,"ax"',
      '.section __ex_table,"a"',
      ".section .rodata",
      ".section .rodata.str",
      ".section .data.page",
      ".section .text.lock",
      ".section .foo",
      '.section .str,"aMS",@progbits,1',
      '.section .mine,"aw",@progbits',
      '.section .note.x,"a"',
      '.section .note.GNU-stack,"",@progbits',
    ];
    const source = `${sections.map((section) => `${section}\n.byte 0`).join("\n")}\n.data\n.byte 0\n.text\n.byte 0\n.bss\n.skip 5\n.section .bss.page,"aw",@nobits\n.skip 6`;
    expect(assembled(source)).toMatchInlineSnapshot(`
      ".text type 1 flags 6 entry 0 align 1 size 1
        0000 00
      .data type 1 flags 3 entry 0 align 1 size 1
        0000 00
      .bss type 8 flags 3 entry 0 align 1 size 5
      .init.text type 1 flags 6 entry 0 align 1 size 1
        0000 00
      __ex_table type 1 flags 2 entry 0 align 1 size 1
        0000 00
      .rodata type 1 flags 2 entry 0 align 1 size 1
        0000 00
      .rodata.str type 1 flags 2 entry 0 align 1 size 1
        0000 00
      .data.page type 1 flags 3 entry 0 align 1 size 1
        0000 00
      .text.lock type 1 flags 6 entry 0 align 1 size 1
        0000 00
      .foo type 1 flags 0 entry 0 align 1 size 1
        0000 00
      .str type 1 flags 32 entry 1 align 1 size 1
        0000 00
      .mine type 1 flags 3 entry 0 align 1 size 1
        0000 00
      .note.x type 7 flags 2 entry 0 align 1 size 1
        0000 00
      .note.GNU-stack type 1 flags 0 entry 0 align 1 size 1
        0000 00
      .bss.page type 8 flags 3 entry 0 align 1 size 6"
    `);
  });

  it(".previous, .pushsection and .popsection come back to where they left", () => {
    expect(
      assembled(
        '.byte 1\n.section .fixup,"ax"\n.byte 2\n.previous\n.byte 3\n.pushsection .data\n.byte 4\n.pushsection .text\n.byte 5\n.popsection\n.byte 6\n.popsection\n.byte 7\n.previous\n.byte 8',
      ),
    ).toMatchInlineSnapshot(`
      ".text type 1 flags 6 entry 0 align 1 size 4
        0000 01030507
      .data type 1 flags 3 entry 0 align 1 size 2
        0000 0406
      .fixup type 1 flags 6 entry 0 align 1 size 2
        0000 0208"
    `);
  });

  it("subsections follow each other in the order of their numbers", () => {
    expect(
      code("jmp late\n.subsection 2\nlate: .byte 2\n.text 1\n.byte 1\n.previous\n.byte 3\n.text\nret"),
    ).toMatchInlineSnapshot(`"eb02c3010203"`);
  });
});

describe("symbols and relocations", () => {
  it("local symbols give way to section symbols; global, weak and undefined ones stay", () => {
    expect(
      assembled(`
.globl g, undefined_global
.weak w, unused_weak
l: nop
g: nop
w: call l; call g; call w; call ext; jmp ext; jne w
.long l, g, w, ext, l-4, g+4, .-l, ., ext-.
.long d, dg, d+4
movl $l+1,%eax
movl d,%ecx
.data
d: .long 1
.globl dg
dg: .long l+2
.word d, ext
.byte ext
`),
    ).toMatchInlineSnapshot(`
      ".text type 1 flags 6 entry 0 align 1 size 5c
        0000 9090e8f9ffffffe8fcffffffe8fcffff
        0010 ffe8fcffffffe9fcffffff0f85fcffff
        0020 ff000000000000000000000000000000
        0030 00fcffffff04000000390000003d0000
        0040 00000000000000000000000000040000
        0050 00b8010000008b0d00000000
        reloc 0008 type 2 g
        reloc 000d type 2 w
        reloc 0012 type 2 ext
        reloc 0017 type 2 ext
        reloc 001d type 2 w
        reloc 0021 type 1 .text
        reloc 0025 type 1 g
        reloc 0029 type 1 w
        reloc 002d type 1 ext
        reloc 0031 type 1 .text
        reloc 0035 type 1 g
        reloc 003d type 1 .text
        reloc 0041 type 2 ext
        reloc 0045 type 1 .data
        reloc 0049 type 1 dg
        reloc 004d type 1 .data
        reloc 0052 type 1 .text
        reloc 0058 type 1 .data
      .data type 1 flags 3 entry 0 align 1 size d
        0000 01000000020000000000000000
        reloc 0004 type 1 .text
        reloc 0008 type 20 .data
        reloc 000a type 20 ext
        reloc 000c type 22 ext
      d local notype .data+0 size 0
      dg global notype .data+4 size 0
      ext global notype undefined size 0
      g global notype .text+1 size 0
      l local notype .text+0 size 0
      undefined_global global notype undefined size 0
      w weak notype .text+2 size 0"
    `);
  });

  it("assigned symbols: constants, places, other names", () => {
    expect(
      assembled(`
.globl f, alias, five
f: pushl %ebp
x = 1
.long x
x = 2
.long x
y = f + 4
.long y
y = y + 4
.long y
.set z, ext + 8
.long z, z-.
.long later
later = 77
five = 5
call five
alias = f + 1
call alias
jmp alias
.equiv once, 3
.byte once
.weak wk
wk: nop
second = wk
call second
jmp 0x1000
`),
    ).toMatchInlineSnapshot(`
      ".text type 1 flags 6 entry 0 align 1 size 35
        0000 55010000000200000004000000080000
        0010 0008000000080000004d000000e80100
        0020 0000e8fcffffffebd80390e8faffffff
        0030 e9fc0f0000
        reloc 0009 type 1 .text
        reloc 000d type 1 .text
        reloc 0011 type 1 ext
        reloc 0015 type 2 ext
        reloc 001e type 2 -
        reloc 0023 type 2 alias
        reloc 0031 type 2 -
      alias global notype .text+1 size 0
      ext global notype undefined size 0
      f global notype .text+0 size 0
      five global notype absolute+5 size 0
      later local notype absolute+4d size 0
      once local notype absolute+3 size 0
      second local notype .text+2a size 0
      wk weak notype .text+2a size 0
      x local notype absolute+2 size 0
      y local notype .text+8 size 0"
    `);
  });

  it(".comm, .lcomm, .type, .size and .file", () => {
    expect(
      assembled(
        '.file "hello.c"\n.comm a,1\n.comm b,7\n.comm c,100\n.comm d,64,32\n.lcomm e,1\n.lcomm f,3\n.lcomm g,4\n.lcomm h,20\n.local i\n.comm i,40,32\n.globl fn\n.type fn,@function\nfn: ret\n.size fn, .-fn\n.data\nobj: .long 1,2\n.type obj,%object\n.size obj,8',
      ),
    ).toMatchInlineSnapshot(`
      ".text type 1 flags 6 entry 0 align 1 size 1
        0000 c3
      .data type 1 flags 3 entry 0 align 1 size 8
        0000 0100000002000000
      .bss type 8 flags 3 entry 0 align 32 size 68
      a global object common+1 size 1
      b global object common+8 size 7
      c global object common+10 size 100
      d global object common+20 size 64
      e local object .bss+0 size 1
      f local object .bss+2 size 3
      fn global function .text+0 size 1
      g local object .bss+8 size 4
      h local object .bss+10 size 20
      hello.c local file absolute+0 size 0
      i local object .bss+40 size 40
      obj local object .data+0 size 8"
    `);
  });

  it("strings in a section to be merged keep their own symbols when an offset is added", () => {
    expect(
      assembled('.section .str,"aMS",@progbits,1\ns1: .asciz "abc"\ns2: .asciz "defg"\n.data\n.long s1, s2, s2+1'),
    ).toMatchInlineSnapshot(`
      ".data type 1 flags 3 entry 0 align 1 size c
        0000 000000000400000001000000
        reloc 0000 type 1 .str
        reloc 0004 type 1 .str
        reloc 0008 type 1 s2
      .str type 1 flags 32 entry 1 align 1 size 9
        0000 616263006465666700
      s1 local notype .str+0 size 0
      s2 local notype .str+4 size 0"
    `);
  });

  it("numeric labels mean the nearest one before or after", () => {
    expect(
      code("1: jmp 1b; 1: jmp 1b; jmp 1f; 1: nop\n2: .long 1b, 2f - 2b\n2: jne 1b\n10: loop 10b"),
    ).toMatchInlineSnapshot(`"ebfeebfeeb0090060000000800000075f5e2fe"`);
  });

  it("distances known at once get short encodings, others don't", () => {
    expect(
      code(
        "addl $(b-a),%eax\na: nop\nb: addl $(b-a),%eax\njmp c\nd: addl $(d-a),%eax\nc: movl $(d-a),%ecx\n.byte d - a",
      ),
    ).toMatchInlineSnapshot(`"05010000009083c001eb050506000000b90600000006"`);
  });
});

describe("ignored directives", () => {
  it("have no effect", () => {
    expect(ownCode('.ident "x"\nnop\n.att_syntax\n.hidden foo')).toBe("90");
  });
});
