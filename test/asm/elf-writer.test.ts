import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/assemble.ts";
import { ET_EXEC, ET_REL } from "../../asm/elf-format.ts";
import { objectFromElf } from "../../asm/elf-object.ts";
import { readElf } from "../../asm/elf-reader.ts";
import { writeExecutable, writeRelocatable } from "../../asm/elf-writer.ts";
import { link } from "../../asm/linker.ts";
import { type ObjectFile, R_386_32, R_386_PC32, SHF_MERGE, SHF_STRINGS, SHT_NOBITS } from "../../asm/object-file.ts";
import {
  CODE,
  DATA,
  haveTools,
  object,
  READ_ONLY,
  relocated,
  run,
  section,
  symbol,
  withDirectory,
  zeros,
} from "./objects.ts";

/** A program of two objects that uses every kind of symbol and section. */
function program(): [ObjectFile, ObjectFile] {
  const text = section(".text", CODE, [0xb8, 0, 0, 0, 0, 0xe8, 0xfc, 0xff, 0xff, 0xff, 0xc3], 4);
  const data = section(".data", DATA, [0, 0, 0, 0, 2, 0, 0, 0], 4);
  const bss = zeros(".bss", 64, 16);
  const strings = {
    ...section(".rodata.str1.1", READ_ONLY | SHF_MERGE | SHF_STRINGS, [...Buffer.from("hi\0")]),
    entrySize: 1,
  };
  const helper = symbol("helper", undefined);
  const local = symbol("local", text, 10, { binding: "local" });
  const temporary = symbol(".L1", text, 5, { binding: "local" });
  const counter = symbol("counter", "common", 4, { size: 8, type: "object" });
  relocated(
    text,
    { offset: 1, type: R_386_32, symbol: symbol("", strings, 0, { binding: "local", type: "section" }) },
    { offset: 6, type: R_386_PC32, symbol: helper },
  );
  relocated(data, { offset: 0, type: R_386_32, symbol: temporary }, { offset: 4, type: R_386_32, symbol: counter });
  const symbols = [
    symbol("_start", text, 0, { type: "function", size: 11 }),
    local,
    helper,
    counter,
    symbol("VERSION", "absolute", 24, { binding: "local" }),
    symbol("buffer", bss, 0, { type: "object", size: 64, binding: "weak" }),
  ];
  const helperText = section(".text", CODE, [0xc3], 16);
  return [
    object("src/main.S", [text, data, bss, strings], symbols),
    object("src/helper.S", [helperText], [symbol("helper", helperText, 0, { type: "function", size: 1 })]),
  ];
}

describe("writeRelocatable", () => {
  const elf = readElf(writeRelocatable(program()[0]));

  it("lays sections out as GNU as does, each followed by its relocations", () => {
    expect(elf.type).toBe(ET_REL);
    expect(elf.sections.map(({ name }) => name)).toEqual([
      ...["", ".text", ".rel.text", ".data", ".rel.data", ".bss", ".rodata.str1.1"],
      ...[".symtab", ".strtab", ".shstrtab"],
    ]);
    const [, text, rel, , , bss, strings, symtab] = elf.sections;
    expect([text.alignment, text.flags]).toEqual([4, CODE]);
    expect([rel.info, rel.link, rel.entrySize]).toEqual([1, 7, 8]);
    expect([bss.type, bss.size, bss.data.length]).toEqual([SHT_NOBITS, 64, 0]);
    expect(strings.entrySize).toBe(1);
    expect(elf.symbols.slice(0, symtab.info).every(({ binding }) => binding === "local")).toBe(true);
    expect(elf.symbols.slice(symtab.info).every(({ binding }) => binding !== "local")).toBe(true);
  });

  it("names the source in a file symbol, and puts local symbols before the others", () => {
    expect(
      elf.symbols.filter(({ type }) => type !== "section").map(({ name, type, binding }) => [name, type, binding]),
    ).toEqual([
      ["", "notype", "local"],
      ["main.S", "file", "local"],
      ["local", "notype", "local"],
      ["VERSION", "notype", "local"],
      ["_start", "function", "global"],
      ["helper", "notype", "global"],
      ["counter", "object", "global"],
      ["buffer", "object", "weak"],
    ]);
  });

  it("relocates against the section what refers to a label that is no symbol", () => {
    const data = elf.sections.find(({ name }) => name === ".data")!;
    const [first, second] = elf.relocations.filter((relocation) => relocation.section === data);
    expect([first.symbol.type, first.symbol.section?.name]).toEqual(["section", ".text"]);
    expect([...data.data]).toEqual([5, 0, 0, 0, 2, 0, 0, 0]);
    expect(second.symbol.name).toBe("counter");
  });

  it("leaves the object as it was", () => {
    const [main] = program();
    writeRelocatable(main);
    expect([...main.sections[1].data]).toEqual([0, 0, 0, 0, 2, 0, 0, 0]);
  });

  it("links after a round trip to what it links to without", () => {
    const objects = program();
    const reread = objects.map((each) => objectFromElf(readElf(writeRelocatable(each))));
    expect(reread.map(({ name }) => name)).toEqual(["main.S", "helper.S"]);
    // A relocatable's FILE symbol holds the base name alone.
    const named = objects.map((each) => ({ ...each, name: each.name.slice(each.name.lastIndexOf("/") + 1) }));
    expect(writeExecutable(link(reread))).toEqual(writeExecutable(link(named)));
  });

  it("refuses a symbol whose section is another object's", () => {
    const stray = section(".text", CODE, []);
    expect(() => writeRelocatable(object("a.S", [], [symbol("x", stray)]))).toThrow(
      "symbol 'x' is defined in section .text of another object",
    );
  });
});

describe("writeExecutable", () => {
  const image = link(program());
  const elf = readElf(writeExecutable(image));

  it("has a loadable segment for each run of permissions, at an offset that can be mapped", () => {
    expect([elf.type, elf.entry]).toEqual([ET_EXEC, image.entry]);
    expect(elf.segments).toHaveLength(image.segments.length);
    elf.segments.forEach((segment, index) => {
      const { virtualAddress, physicalAddress, memorySize, data, flags } = image.segments[index];
      expect(segment).toMatchObject({ virtualAddress, physicalAddress, memorySize, flags, alignment: 4096 });
      expect(segment.offset % 4096).toBe(virtualAddress % 4096);
      expect(segment.data).toEqual(data);
    });
  });

  it("keeps every section and symbol, local ones too", () => {
    expect(elf.sections.slice(1, -3).map(({ name, address, size }) => ({ name, address, size }))).toEqual(
      image.sections.map(({ name, address, size }) => ({ name, address, size })),
    );
    const symbols = elf.symbols.slice(1).filter(({ type }) => type !== "file");
    expect(symbols.map(({ name, value, section: place }) => [name, value, place?.name])).toEqual(
      image.symbols.map(({ name, address, section: place }) => [name, address, place?.name]),
    );
    expect(elf.symbols.map(({ name }) => name)).toEqual(expect.arrayContaining(["local", "VERSION", "counter"]));
  });

  it("writes a program without any segments", () => {
    expect(readElf(writeExecutable(link([]))).segments).toEqual([]);
  });
});

describe.skipIf(!haveTools("ld", "readelf", "objdump", "objcopy", "nm"))("GNU binutils", () => {
  /** Our default layout as a linker script. */
  const SCRIPT = `SECTIONS {
    . = 0x08048000;
    .text : { *(.text) *(.text.*) } =0x90909090
    . = ALIGN(4096); .rodata : { *(.rodata) *(.rodata.*) }
    . = ALIGN(4096); .data : { *(.data) }
    .bss : { *(.bss) *(COMMON) }
    _end = .;
  }`;

  it("reads our objects and executables without complaint", () => {
    withDirectory((path) => {
      writeFileSync(path("main.o"), writeRelocatable(program()[0]));
      writeFileSync(path("program"), writeExecutable(link(program())));
      expect(run("readelf", "-aW", path("main.o"))).toContain("R_386_PC32             00000000   helper");
      expect(run("objdump", "-dr", path("main.o"))).toContain("6: R_386_PC32\thelper");
      expect(run("readelf", "-aW", path("program"))).toMatch(/LOAD +0x001000 0x08048000 0x08048000/);
      expect(run("objdump", "-d", path("program"))).toMatch(/call +8048010 <helper>/);
    });
  });

  it("tells the groups of our objects from each other, and finds the members that it finds in GNU as's", () => {
    withDirectory((path) => {
      const source = new URL("golden/sources/groups.s", import.meta.url);
      const text = readFileSync(source, "utf8");
      writeFileSync(path("ours.o"), writeRelocatable(assemble(text, { file: "groups.s" })));
      run("as", "--32", "-o", path("theirs.o"), source.pathname);
      const groups = (file: string) => {
        const said = run("readelf", "-gW", path(file));
        // The numbers of sections come from where .text, .data and .bss have relocations.
        return said.replaceAll(/\[ *\d+\] */g, "");
      };
      expect(groups("ours.o")).toContain("COMDAT group section `.group' [pair] contains 4 sections");
      expect(groups("ours.o")).toBe(groups("theirs.o"));
    });
  });

  it("links our objects to the bytes and symbols that our linker makes of them", () => {
    withDirectory((path) => {
      const objects = program();
      const files = objects.map((each, index) => {
        writeFileSync(path(`${index}.o`), writeRelocatable(each));
        return path(`${index}.o`);
      });
      writeFileSync(path("script"), SCRIPT);
      run("ld", "-m", "elf_i386", "-T", path("script"), "-o", path("theirs"), ...files);
      const theirs = readElf(new Uint8Array(readFileSync(path("theirs"))));
      const ours = link(objects);
      for (const { name, address, size, data } of ours.sections) {
        const found = theirs.sections.find((candidate) => candidate.name === name)!;
        expect([name, found.address, found.size]).toEqual([name, address, size]);
        expect(Buffer.from(found.data).toString("hex")).toBe(Buffer.from(data).toString("hex"));
      }
      expect(theirs.entry).toBe(ours.entry);
      const labels = theirs.symbols.filter(({ name, type }) => name !== "" && type !== "file");
      const byName = (a: [string, number], b: [string, number]): number => (a[0] < b[0] ? -1 : 1);
      expect(labels.map(({ name, value }): [string, number] => [name, value]).sort(byName)).toEqual(
        ours.symbols.map(({ name, address }): [string, number] => [name, address]).sort(byName),
      );
    });
  });
});
