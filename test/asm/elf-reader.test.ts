import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ElfError } from "../../asm/elf-format.ts";
import { objectFromElf } from "../../asm/elf-object.ts";
import { readElf } from "../../asm/elf-reader.ts";
import { writeExecutable, writeRelocatable } from "../../asm/elf-writer.ts";
import { link } from "../../asm/linker.ts";
import { R_386_32, SHF_GROUP } from "../../asm/object-file.ts";
import { CODE, DATA, gnuAssemble, haveTools, object, relocated, section, symbol } from "./objects.ts";

const text = section(".text", CODE, [0xb8, 0, 0, 0, 0, 0xc3]);
const data = section(".data", DATA, [1, 2, 3, 4], 4);
const start = symbol("_start", text);
relocated(text, { offset: 1, type: R_386_32, symbol: symbol("", data, 0, { binding: "local", type: "section" }) });
const source = object("a.S", [text, data], [start]);

const RELOCATABLE = writeRelocatable(source);
const EXECUTABLE = writeExecutable(link([source]));

function patched(file: Uint8Array, offset: number, ...bytes: readonly number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, offset);
  return copy;
}

/** Offset of a field of a section's header. */
function sectionField(file: Uint8Array, name: string, field: number): number {
  const elf = readElf(file);
  return elf.header.e_shoff + elf.sections.find((each) => each.name === name)!.index * 40 + field;
}

describe("readElf says what is wrong, and where", () => {
  const names = readElf(RELOCATABLE).header.e_shstrndx;
  const rel = readElf(RELOCATABLE).sections.find(({ name }) => name === ".rel.text")!;
  const strtab = readElf(RELOCATABLE).sections.find(({ name }) => name === ".strtab")!;
  const symtab = readElf(RELOCATABLE).sections.find(({ name }) => name === ".symtab")!;

  it.each([
    ["an empty file", new Uint8Array(0), /not an ELF file/],
    ["a script", new TextEncoder().encode("#!/bin/sh\n".repeat(10)), /not an ELF file: .* \(at file offset 0x0\)/],
    ["half a header", RELOCATABLE.subarray(0, 40), /ends within the ELF header of 52 bytes \(at file offset 0x28\)/],
    ["a 64-bit file", patched(RELOCATABLE, 4, 2), /64-bit ELF file/],
    ["an unknown class", patched(RELOCATABLE, 4, 9), /unknown ELF class 9/],
    ["a big-endian file", patched(RELOCATABLE, 5, 2), /big-endian ELF file/],
    ["an unknown encoding", patched(RELOCATABLE, 5, 3), /unknown ELF data encoding 3/],
    ["an unknown version", patched(RELOCATABLE, 6, 7), /unknown ELF version 7/],
    ["a file for ARM", patched(RELOCATABLE, 18, 40), /made for machine 40; .*\(at file offset 0x12\)/],
    [
      "section headers beyond the end",
      patched(RELOCATABLE, 32, 0xf0, 0xff, 0xff, 0xff),
      /section header table.*beyond/,
    ],
    ["section headers of another size", patched(RELOCATABLE, 46, 64), /entries of 64 bytes instead of 40/],
    ["extended numbering", patched(RELOCATABLE, 48, 0), /extended section numbering/],
    ["no name table", patched(RELOCATABLE, 50, 200), /section name table is section 200 of \d+/],
    ["a name table of code", patched(RELOCATABLE, 50, 1), /section 1 has type 1 but is used as a string table/],
    [
      "a section beyond the end",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".data", 20), 0xff, 0xff, 0xff),
      /section 3, 16777215 bytes, reaches beyond the end/,
    ],
    [
      "a name outside of its table",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".data", 0), 0xff, 0xff),
      new RegExp(`name 65535 lies outside of string table ${names}`),
    ],
    [
      "a name without end",
      patched(RELOCATABLE, strtab.offset + strtab.size - 1, 65),
      /a name in string table \d+ does not end/,
    ],
    [
      "symbols of another size",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".symtab", 36), 24),
      /\(\.symtab\) has entries of 24 bytes instead of 16/,
    ],
    [
      "half a symbol",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".symtab", 20), 40),
      /40 bytes, no multiple of its entries' 16/,
    ],
    [
      "a symbol in no section",
      patched(RELOCATABLE, symtab.offset + 16 * 2 + 14, 99),
      /symbol 2 is defined in section 99 of/,
    ],
    [
      "strings in no section",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".symtab", 24), 99),
      /refers to section 99 of/,
    ],
    [
      "a relocation of no section",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".rel.text", 28), 99),
      /relocates section 99 of/,
    ],
    [
      "a relocation against no symbol",
      patched(RELOCATABLE, rel.offset + 5, 99),
      /relocation 0 of \.text is against symbol 99 of/,
    ],
    [
      "two symbol tables",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".strtab", 4), 2),
      /more than one symbol table/,
    ],
    [
      "relocations with addends",
      patched(RELOCATABLE, sectionField(RELOCATABLE, ".rel.text", 4), 4),
      /RELA relocations/,
    ],
    ["a segment beyond the end", patched(EXECUTABLE, 52 + 4, 0, 0, 0xff), /segment 0, \d+ bytes, reaches beyond/],
    [
      "a segment larger than its memory",
      patched(EXECUTABLE, 52 + 20, 1),
      /segment 0 has 6 bytes in the file, more than its 1/,
    ],
    ["program headers of another size", patched(EXECUTABLE, 42, 8), /entries of 8 bytes instead of 32/],
  ])("of %s", (_, file, message) => {
    expect(() => readElf(file)).toThrow(ElfError);
    expect(() => readElf(file)).toThrow(message);
  });

  it("and never throws anything else, wherever a file is cut or changed", () => {
    const survives = (file: Uint8Array): void => {
      try {
        const elf = readElf(file);
        if (elf.type === 1) objectFromElf(elf);
      } catch (error) {
        expect(error).toBeInstanceOf(ElfError);
      }
    };
    for (let length = 0; length < RELOCATABLE.length; length++) survives(RELOCATABLE.subarray(0, length));
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.constantFrom(RELOCATABLE, EXECUTABLE), fc.array(change, { maxLength: 6 }), (file, changes) => {
        const copy = file.slice();
        // Mostly in the headers at the start and at the end, where it matters.
        const weak = copy.length - 640;
        for (const [offset, value] of changes) copy[offset & 1 ? offset % 148 : weak + (offset % 640)] = value;
        survives(copy);
      }),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => survives(patched(bytes, 0))));
  });
});

describe("readElf", () => {
  it("reads files without sections, as sstrip leaves them", () => {
    const elf = readElf(patched(EXECUTABLE, 32, ...new Array(4).fill(0)));
    expect([elf.sections, elf.symbols, elf.segments.length]).toEqual([[], [], 2]);
  });

  it("reads a kernel of 2000 symbols", () => {
    const code = section(".text", CODE, new Array(300_000).fill(0x90));
    const symbols = Array.from({ length: 2000 }, (_, index) => symbol(`function_${index}`, code, index * 100));
    const elf = readElf(writeExecutable(link([object("k.o", [code], symbols)])));
    expect(elf.symbols[1500]).toMatchObject({ name: "function_1499", value: 0x08048000 + 149900 });
  });
});

describe("objectFromElf", () => {
  it("refuses what is not relocatable", () => {
    expect(() => objectFromElf(readElf(EXECUTABLE))).toThrow(/not a relocatable file: ELF type 2 instead of 1/);
  });

  it("refuses groups with sections that are not there, and groups that are cut short", () => {
    const group = { signature: "f", isComdat: true };
    const grouped = { ...section(".text.f", CODE | SHF_GROUP, [0xc3]), group };
    const file = writeRelocatable(object("f.S", [grouped], [symbol("f", grouped)]));
    expect(objectFromElf(readElf(file)).sections[0].group).toEqual(group);
    const { offset } = readElf(file).sections[1];
    const refused = (bytes: Uint8Array) => expect(() => objectFromElf(readElf(bytes)));
    refused(patched(file, offset + 4, 99)).toThrow("group 1 has section 99 of 6");
    refused(patched(file, sectionField(file, ".group", 20), 3)).toThrow("section 1 is a group of 3 bytes");
    refused(patched(file, sectionField(file, ".group", 28), 77)).toThrow("its signature symbol 77");
  });

  it("refuses alignments that are no powers of two", () => {
    const file = patched(RELOCATABLE, sectionField(RELOCATABLE, ".data", 32), 3);
    expect(() => objectFromElf(readElf(file))).toThrow("section .data has alignment 3, which is no power of two");
  });
});

describe.skipIf(!haveTools("as"))("GNU as", () => {
  it("writes objects that we read and link, together with our own", () => {
    const theirs = objectFromElf(
      readElf(
        gnuAssemble(`
          .globl _start, message
          _start: movl $message, %eax
                  call helper
                  movl counter+4, %ebx
                  movl $optional, %ecx
          later:  ret
                  .weak optional
                  .data
          message: .asciz "hi"
                  .long later, _end
                  .comm counter, 8, 4
        `),
      ),
      "theirs.o",
    );
    const helper = section(".text", CODE, [0xc3]);
    const image = link([theirs, object("ours.o", [helper], [symbol("helper", helper)])]);
    const [code, initialised] = image.sections;
    const view = new DataView(code.data.buffer);
    expect(view.getUint32(1, true)).toBe(image.symbol("message"));
    expect(10 + view.getInt32(6, true)).toBe(image.symbol("helper") - code.address);
    expect(view.getUint32(12, true)).toBe(image.symbol("counter") + 4);
    expect(view.getUint32(17, true)).toBe(0);
    const words = new DataView(initialised.data.buffer);
    expect(words.getUint32(3, true)).toBe(image.symbol("later"));
    expect(words.getUint32(7, true)).toBe(image.symbol("_end"));
  });
});
