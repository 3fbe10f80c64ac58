import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/assemble.ts";
import { disassemble } from "../../asm/disassembler.ts";
import { writeExecutable, writeRelocatable } from "../../asm/elf-writer.ts";
import { link } from "../../asm/linker.ts";
import { objdump } from "../../asm/objdump.ts";
import { type ObjectFile, R_386_32, R_386_PC32 } from "../../asm/object-file.ts";
import {
  CODE,
  DATA,
  gnuAssemble,
  haveTools,
  object,
  relocated,
  run,
  section,
  symbol,
  withDirectory,
} from "./objects.ts";

async function texts(bytes: readonly number[], options?: Parameters<typeof disassemble>[2]): Promise<string[]> {
  return (await disassemble(Uint8Array.from(bytes), 0x7c00, options)).map(({ text }) => text);
}

describe("disassemble", () => {
  it("prints AT&T syntax as GNU as reads it", async () => {
    expect(
      await texts([
        0x55, 0x89, 0xe5, 0x83, 0xec, 0x10, 0xf0, 0x0f, 0xb1, 0x0a, 0x0f, 0x20, 0xc0, 0xcd, 0x80, 0xc9, 0xc3,
      ]),
    ).toEqual([
      "push   %ebp",
      "mov    %esp,%ebp",
      "sub    $0x10,%esp",
      "lock cmpxchg %ecx,(%edx)",
      "mov    %cr0,%eax",
      "int    $0x80",
      "leave",
      "ret",
    ]);
  });

  it("prints MMX and SSE instructions as the assembler takes them", async () => {
    const lines = [
      "movq (%eax),%mm1",
      "pxor %mm0,%mm0",
      "psrlq $8,%mm3",
      "movdqu %xmm1,-4(%ebp)",
      "movaps %xmm2,%xmm3",
      "cvtsi2sd %eax,%xmm0",
      "pshufd $27,%xmm1,%xmm2",
      "cmpltss %es:(%ecx),%xmm5",
      "pmovmskb %xmm7,%edx",
      "pcmpistri $12,(%ecx),%xmm1",
      "emms",
    ];
    const code = (source: readonly string[]) => assemble(source.join("\n"), { file: "vector.s" }).sections[0].data;
    const bytes = code(lines);
    const printed = await texts([...bytes]);
    expect(printed.map((text) => text.replace(/ +/, " ").replace(/0x[0-9a-f]+/, (hex) => String(Number(hex))))).toEqual(
      lines,
    );
    expect(code(printed)).toEqual(bytes);
  });

  it("decodes 16-bit code, where branch targets wrap at 64 KiB", async () => {
    expect(await texts([0xb8, 0x34, 0x12, 0xe9, 0x00, 0x90], { bits: 16 })).toEqual([
      "mov    $0x1234,%ax",
      "jmp    c06",
    ]);
  });

  it("knows the hostcall, and takes bytes that are no instruction one at a time", async () => {
    expect(await texts([0x0f, 0x3f, 0x34, 0x12, 0x90])).toEqual(["hostcall $0x1234", "nop"]);
    expect(await texts([0x90, 0x0f, 0x3f, 0x01])).toEqual(["nop", "(bad)", "aas", "(bad)"]);
  });

  it("stops at the limit, and says where each instruction lies", async () => {
    const found = await disassemble(Uint8Array.of(0x90, 0x31, 0xc0, 0xc3), 0xfffffffe, { limit: 3 });
    expect(found.map(({ address, bytes }) => [address, bytes.length])).toEqual([
      [0xfffffffe, 1],
      [0xffffffff, 2],
      [1, 1],
    ]);
  });

  it("names branch targets and addresses", async () => {
    const codeSymbol = (address: number) => ({ name: "label", offset: address - 0x7c00 });
    const dataSymbol = (address: number) => (address === 0x9000 ? { name: "jiffies", offset: 0 } : undefined);
    expect(
      await texts(
        [0xeb, 0xfe, 0xe8, 0x09, 0, 0, 0, 0xa1, 0, 0x90, 0, 0, 0xff, 0x25, 0, 0x90, 0, 0, 0xbb, 0, 0x90, 0, 0],
        {
          codeSymbol,
          dataSymbol,
        },
      ),
    ).toEqual([
      "jmp    7c00 <label>",
      "call   7c10 <label+0x10>",
      "mov    0x9000,%eax  # <jiffies>",
      "jmpl   *0x9000  # <jiffies>",
      "mov    $0x9000,%ebx  # <jiffies>",
    ]);
  });
});

function program(): ObjectFile {
  const data = section(".data", DATA, [0, 0, 0, 0], 4);
  const jiffies = symbol("jiffies", data, 0, { type: "object", size: 4 });
  const helper = symbol("helper", undefined);
  const text = relocated(
    section(".text", CODE, [
      ...[0xc7, 0x05, 0, 0, 0, 0, 0x01, 0, 0, 0],
      ...[0xe8, 0xfc, 0xff, 0xff, 0xff],
      ...[0xeb, 0xfd],
      ...[0x0f, 0x3f, 0x07, 0x00],
      ...new Array(12).fill(0),
      0xc3,
    ]),
    { offset: 2, type: R_386_32, symbol: jiffies },
    { offset: 11, type: R_386_PC32, symbol: helper },
  );
  return object(
    "a.S",
    [text, data],
    [
      symbol("_start", text, 0, { type: "function" }),
      symbol("after", text, 17, { binding: "local" }),
      symbol("alias", text, 17, { type: "function" }),
      helper,
      jiffies,
    ],
  );
}

describe("objdump", () => {
  it("lists a relocatable file with headings and relocations", async () => {
    expect(await objdump(writeRelocatable(program()), { name: "a.o" })).toBe(
      [
        "",
        "a.o:     file format elf32-i386",
        "",
        "",
        "Disassembly of section .text:",
        "",
        "00000000 <_start>:",
        "   0:\tc7 05 00 00 00 00 01 \tmovl   $0x1,0x0",
        "   7:\t00 00 00",
        "\t\t\t2: R_386_32\tjiffies",
        "   a:\te8 fc ff ff ff       \tcall   b <_start+0xb>",
        "\t\t\tb: R_386_PC32\thelper",
        "   f:\teb fd                \tjmp    e <_start+0xe>",
        "",
        "00000011 <alias>:",
        "  11:\t0f 3f 07 00          \thostcall $0x7",
        "\t...",
        "  21:\tc3                   \tret",
        "",
      ].join("\n"),
    );
  });

  const executable = (): Uint8Array =>
    writeExecutable(link([program()], { symbols: { helper: 0xc0100011 }, textAddress: 0xc0100000 }));

  it("names the targets and variables of an executable", async () => {
    const listing = await objdump(executable());
    expect(listing).toContain("c0100000:\tc7 05 00 10 10 c0 01 \tmovl   $0x1,0xc0101000  # <jiffies>\n");
    expect(listing).toContain("c010000a:\te8 02 00 00 00       \tcall   c0100011 <alias>\n");
  });

  it("lists one section or one symbol", async () => {
    const one = await objdump(executable(), { symbol: "alias" });
    expect(one).toContain("c0100011 <alias>:");
    expect(one).not.toContain("_start");
    expect(await objdump(executable(), { section: ".data" })).toContain("c0101000 <jiffies>:");
    await expect(objdump(executable(), { section: ".none" })).rejects.toThrow("the file has no section '.none'");
    await expect(objdump(executable(), { symbol: "none" })).rejects.toThrow("no code has the symbol 'none'");
  });
});

describe.skipIf(!haveTools("as", "objdump"))("GNU objdump", () => {
  it("prints the same listing", async () => {
    const file = gnuAssemble(`
      .globl _start
      _start: pushl %ebp
              movl %esp, %ebp
              movl $message, %eax
              call helper
              leal 4(%eax,%ebx,8), %ecx
              movb %al, 1(%edx)
              testl $0x80000000, %ecx
              jnz 1f
              lock xaddl %eax, (%ecx)
      1:      movl %fs:0x10, %eax
              pushfl
              movl $-1, -4(%ebp)
      later:  iret
              .section .text.other, "ax"
      other:  jmp other
              .data
      message: .long 1
    `);
    const ours = await objdump(file, { name: "NAME" });
    const theirs = withDirectory((path) => {
      writeFileSync(path("file.o"), file);
      return run("objdump", "-dr", path("file.o")).replace(/^.*file\.o:/m, "NAME:");
    });
    const normal = (listing: string): string => listing.replace(/[ \t]+$/gm, "").trim();
    expect(normal(ours)).toBe(normal(theirs));
  });
});
