import { describe, expect, it } from "vitest";
import { elfLines } from "../../asm/dwarf/elf-lines.ts";
import { readElf } from "../../asm/elf-reader.ts";
import { registerAs } from "../../cli/as.ts";
import { parseNumber } from "../../cli/io.ts";
import { registerObjdump } from "../../cli/objdump.ts";
import { FakeIo, runCommand } from "./fake-io.ts";

const HELLO = `#include "numbers.h"
	.text
	.globl _start
_start:	movl $EXIT, %eax
	movl $message, %ebx
	int $0x80
	call helper
	.data
message: .asciz "hello"
`;
const FILES = {
  "src/hello.S": HELLO,
  "src/helper.S": "\t.globl helper\n\t.type helper, @function\nhelper:\tret\n\t.size helper, .-helper\n",
  "include/numbers.h": "#define EXIT 1\n",
  "boot.S": "\t.code16\n\tmovw $later, %ax\nlater:\thlt\n\t.byte VALUE\n",
};

const as = async (...args: string[]): Promise<FakeIo> => {
  const io = new FakeIo(FILES);
  await runCommand(io, registerAs, "as", ...args).then(io.exitStatus);
  return io;
};

describe("esp0 as", () => {
  it("writes a relocatable object", async () => {
    const io = await as("src/hello.S", "-I", "include", "-o", "hello.o");
    expect([io.status, io.errors]).toEqual([0, ""]);
    const elf = readElf(io.readFile("hello.o"));
    expect(elf.type).toBe(1);
    expect(elf.symbols.map(({ name }) => name)).toEqual(expect.arrayContaining(["hello.S", "_start", "helper"]));
  });

  it("links sources and objects to an executable, with a map", async () => {
    const io = await as("src/helper.S", "-o", "helper.o");
    await runCommand(
      io,
      registerAs,
      ...["as", "src/hello.S", "helper.o", "-I", "include", "-o", "hello", "--map", "hello.map", "--link"],
    );
    expect([io.status, io.errors]).toEqual([0, ""]);
    const elf = readElf(io.readFile("hello"));
    expect([elf.type, elf.entry]).toEqual([2, 0x08048000]);
    expect([io.modes.get("helper.o"), io.modes.get("hello")]).toEqual([0o666, 0o777]);
    expect(io.text("hello.map")).toMatch(/^08048000 T _start\n080480[0-9a-f]{2} T helper\n08049000 d message\n/);
  });

  it("adds source lines with -g, to objects and to executables", async () => {
    const io = await as("src/helper.S", "-g", "-o", "helper.o");
    await runCommand(
      io,
      registerAs,
      ...["as", "src/hello.S", "helper.o", "-I", "include", "-o", "hello", "--link", "-g"],
    );
    expect([io.status, io.errors]).toEqual([0, ""]);
    const lines = elfLines(readElf(io.readFile("hello")));
    expect(lines.map(({ file, line }) => `${file}:${line}`)).toEqual([
      ...["src/hello.S:4", "src/hello.S:5", "src/hello.S:6", "src/hello.S:7"],
      "src/helper.S:3",
    ]);
    expect(lines[0].address).toBe(0x08048000);
    const flat = await as("boot.S", "-D", "VALUE=1", "--format", "bin", "-g", "-o", "boot.bin");
    expect([flat.status, flat.errors]).toEqual([2, "-g needs a file that can hold it: leave out --format bin\n"]);
  });

  it("links to an address and starts at a symbol that are given", async () => {
    const io = await as("src/helper.S", "--link", "0x100000", "--entry", "helper", "-o", "out");
    expect(readElf(io.readFile("out")).entry).toBe(0x100000);
  });

  it("writes flat binaries from 0 or from an address, with constants defined", async () => {
    const io = await as("boot.S", "--format", "bin", "-D", "VALUE=0x55", "-o", "boot.bin");
    expect([io.errors, ...io.readFile("boot.bin")]).toEqual(["", 0xb8, 0x03, 0x00, 0xf4, 0x55]);
    const moved = await as("boot.S", "--format", "bin", "-DVALUE", "--link", "0x7c00", "-o", "boot.bin");
    expect([...moved.readFile("boot.bin")]).toEqual([0xb8, 0x03, 0x7c, 0xf4, 0x01]);
  });

  it.each([
    ["a missing source", ["none.S", "-o", "x"], /^none\.S: cannot be read: no such file or directory\n$/],
    ["a missing include", ["src/hello.S", "-o", "x"], /^src\/hello\.S:1:\d+: error: .*numbers\.h/],
    [
      "an undefined symbol",
      ["src/hello.S", "-I", "include", "-o", "x", "--link"],
      /^undefined symbol 'helper', needed at src\/hello\.S \(\.text\+0xd\)/,
    ],
    [
      "an entry that is not there",
      ["src/helper.S", "-o", "x", "--entry", "help", "--link"],
      /entry symbol 'help' is not defined/,
    ],
    [
      "an output that cannot be written",
      ["src/helper.S", "-o", "/readonly/x"],
      /^\/readonly\/x: cannot be written: the file system is read-only\n$/,
    ],
    ["several files unlinked", ["src/helper.S", "boot.S", "-o", "x"], /add --link/],
    ["a map without addresses", ["src/helper.S", "-o", "x", "--map", "m"], /--map needs addresses/],
    ["an entry without linking", ["src/helper.S", "-o", "x", "--entry", "helper"], /--entry needs addresses/],
    ["no output", ["src/helper.S"], /required option '-o, --output <file>' not specified/],
    ["a bad address", ["src/helper.S", "-o", "x", "--link", "zz"], /It is an address such as 0x7c00/],
    ["a bad definition", ["src/helper.S", "-o", "x", "-D", "A=b"], /It is NAME or NAME=VALUE/],
    ["an unknown format", ["src/helper.S", "-o", "x", "--format", "coff"], /Allowed choices are elf, bin/],
  ])("tells of %s, with status 2 and no output", async (_, args, message) => {
    const io = await as(...args);
    expect(io.errors).toMatch(message);
    expect(io.status).toBe(2);
    expect(io.files.has("x")).toBe(false);
  });

  it("tells the errors of all sources, and of files that are no text", async () => {
    const io = new FakeIo({ "a.S": "\tmovl\n", "b.S": "\tbogus %eax\n", "c.S": Uint8Array.of(0xff, 0xfe) });
    await runCommand(io, registerAs, "as", "a.S", "b.S", "-o", "x", "--link");
    expect(io.errors).toMatch(/^a\.S:1:\d+: error: .*\nb\.S:1:\d+: error: .*bogus.*\n$/);
    io.errors = "";
    await runCommand(io, registerAs, "as", "c.S", "-o", "x");
    expect([io.errors, io.status]).toEqual(["c.S: not a text file in UTF-8\n", 2]);
  });
});

describe("esp0 objdump", () => {
  it("disassembles what as wrote", async () => {
    const io = await as("src/hello.S", "-I", "include", "-o", "hello.o");
    expect(await runCommand(io, registerObjdump, "objdump", "hello.o")).toBe(0);
    expect(io.out).toContain("hello.o:     file format elf32-i386");
    expect(io.out).toMatch(/00000000 <_start>:\n {3}0:\tb8 01 00 00 00 +\tmov +\$0x1,%eax\n/);
    expect(io.out).toContain("R_386_PC32\thelper");
  });

  it("prints one symbol's code, 16-bit if asked", async () => {
    const io = await as("src/helper.S", "-o", "helper.o");
    await runCommand(io, registerObjdump, "objdump", "helper.o", "--symbol", "helper", "--bits", "16");
    expect(io.out).toMatch(/<helper>:\n {3}0:\tc3 +\tret/);
  });

  it.each([
    ["a missing file", ["none.o"], "none.o: cannot be read: no such file or directory\n"],
    ["another format", ["boot.S"], "boot.S: not an ELF file: no \\x7fELF at its start (at file offset 0x0)\n"],
  ])("tells of %s", async (_, args, message) => {
    const io = new FakeIo(FILES);
    expect(await runCommand(io, registerObjdump, "objdump", ...args)).toBe(2);
    expect(io.errors).toBe(message);
  });

  it("tells of a symbol that is not there, and of wrong options", async () => {
    const io = await as("src/helper.S", "-o", "helper.o");
    expect(await runCommand(io, registerObjdump, "objdump", "helper.o", "--symbol", "none")).toBe(2);
    expect(io.errors).toBe("helper.o: no code has the symbol 'none'\n");
    expect(await runCommand(io, registerObjdump, "objdump", "helper.o", "--bits", "64")).toBe(2);
    expect(io.errors).toContain("It is 16 or 32.");
  });
});

describe("parseNumber", () => {
  it.each([
    ["0", 0],
    ["4096", 4096],
    ["0x7c00", 0x7c00],
    ["0777", 0o777],
    ["0b101", 5],
    ["-1", -1],
    ["0xffffffff", 0xffffffff],
    ["0x100000000", undefined],
    ["-2147483649", undefined],
    ["12abc", undefined],
    ["089", undefined],
    ["", undefined],
  ])("reads %s", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });
});
