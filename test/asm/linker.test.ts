import { describe, expect, it } from "vitest";
import { assemble } from "../../asm/assemble.ts";
import { PF_R, PF_W, PF_X } from "../../asm/elf-format.ts";
import { objectFromElf } from "../../asm/elf-object.ts";
import { readElf } from "../../asm/elf-reader.ts";
import { writeRelocatable } from "../../asm/elf-writer.ts";
import { flatBinary, type LinkedImage, systemMap } from "../../asm/linked-image.ts";
import { LinkError, type LinkOptions, link } from "../../asm/linker.ts";
import {
  type ObjectFile,
  type ObjectSymbol,
  R_386_8,
  R_386_16,
  R_386_32,
  R_386_PC8,
  R_386_PC16,
  R_386_PC32,
} from "../../asm/object-file.ts";
import { CODE, DATA, object, READ_ONLY, relocated, section, symbol, zeros } from "./objects.ts";

function word(image: LinkedImage, address: number): number {
  const found = image.sections.find(
    (candidate) => address >= candidate.address && address + 4 <= candidate.address + candidate.data.length,
  )!;
  return new DataView(found.data.buffer, found.data.byteOffset).getUint32(address - found.address, true);
}

function errorsOf(objects: readonly ObjectFile[], options?: LinkOptions): readonly string[] {
  try {
    link(objects, options);
  } catch (error) {
    expect(error).toBeInstanceOf(LinkError);
    return (error as LinkError).errors;
  }
  throw new Error("the objects were linked");
}

/** One field relocated against `target` in an otherwise empty program. */
function oneField(type: number, bytes: readonly number[], target: ObjectSymbol, address = 0x1000): readonly number[] {
  const text = relocated(section(".text", CODE, bytes), { offset: 0, type, symbol: target });
  return [...link([object("a.o", [text], [target])], { textAddress: address }).sections[0].data];
}

describe("the default layout", () => {
  const program = (): ObjectFile[] => {
    const text = section(".text", CODE, [0x90, 0xc3], 4);
    const hot = section(".text.hot", CODE, [0xf4]);
    const data = section(".data", DATA, [1, 2, 3]);
    const bss = zeros(".bss", 100, 32);
    const rodata = section(".rodata", READ_ONLY, [7], 16);
    const other = section(".text", CODE, [0xcc], 4);
    return [
      object("a.o", [text, data, bss, hot], [symbol("_start", text, 1), symbol("buffer", bss)]),
      object("b.o", [rodata, other], [symbol("b", other)]),
    ];
  };

  it("puts code, constants, data and zeroed data in this order, each kind on pages of its own", () => {
    const image = link(program());
    expect(image.sections.map(({ name, address, size }) => [name, address, size])).toEqual([
      [".text", 0x08048000, 6],
      [".rodata", 0x08049000, 1],
      [".data", 0x0804a000, 3],
      [".bss", 0x0804a020, 100],
    ]);
    expect(image.segments.map(({ data, ...rest }) => ({ ...rest, size: data.length }))).toEqual([
      { virtualAddress: 0x08048000, physicalAddress: 0x08048000, memorySize: 6, size: 6, flags: PF_R | PF_X },
      { virtualAddress: 0x08049000, physicalAddress: 0x08049000, memorySize: 1, size: 1, flags: PF_R },
      { virtualAddress: 0x0804a000, physicalAddress: 0x0804a000, memorySize: 132, size: 3, flags: PF_R | PF_W },
    ]);
    expect(image.entry).toBe(0x08048001);
    expect(image.symbol("_end")).toBe(0x0804a084);
  });

  it("joins sections of one name in the order of the objects, gaps in code filled with NOPs", () => {
    const [text] = link(program()).sections;
    expect([...text.data]).toEqual([0x90, 0xc3, 0x90, 0x90, 0xcc, 0xf4]);
  });

  it("counts distances from the field that holds them, wherever in its section that lies", () => {
    const sources = ["nop; nop; call g; jmp g+1", "nop; .globl g; g: ret; nop"];
    const image = link(
      sources.map((source, index) => assemble(source, { file: `${index}.s` })),
      { textAddress: 0x1000 },
    );
    const [{ data }] = image.sections;
    const g = data.indexOf(0xc3);
    const view = new DataView(data.buffer, data.byteOffset);
    expect([data[2], view.getInt32(3, true) + 7]).toEqual([0xe8, g]);
    expect([data[7], view.getInt32(8, true) + 12]).toEqual([0xe9, g + 1]);
  });

  it("packs sections whatever their permissions when asked to", () => {
    const image = link(program(), { textAddress: 0x7c00, pageSize: 1 });
    expect(image.sections.map(({ address }) => address)).toEqual([0x7c00, 0x7c10, 0x7c11, 0x7c20]);
    expect([...flatBinary(image)]).toEqual([
      ...[0x90, 0xc3, 0x90, 0x90, 0xcc, 0xf4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[7, 1, 2, 3],
    ]);
  });

  it("starts at the start of the code if there is no _start", () => {
    const text = section(".text", CODE, [0xc3]);
    expect(link([object("a.o", [text])], { textAddress: 0x5000 }).entry).toBe(0x5000);
  });

  it("puts sections it does not know behind those of their kind, with symbols around them", () => {
    const table = section("__ex_table", READ_ONLY, [1, 2, 3, 4], 4);
    const init = section(".init.data", DATA, [9]);
    const names = ["__start___ex_table", "__stop___ex_table"].map((name) => symbol(name, undefined));
    const data = relocated(
      section(".data", DATA, [0, 0, 0, 0, 0, 0, 0, 0]),
      { offset: 0, type: R_386_32, symbol: names[0] },
      { offset: 4, type: R_386_32, symbol: names[1] },
    );
    const sections = [data, zeros(".bss", 4), init, table, section(".text", CODE, [0xc3])];
    const image = link([object("a.o", sections, names)]);
    expect(image.sections.map(({ name }) => name)).toEqual([".text", "__ex_table", ".data", ".init.data", ".bss"]);
    const { address } = image.sections[1];
    expect(word(image, image.sections[2].address)).toBe(address);
    expect(word(image, image.sections[2].address + 4)).toBe(address + 4);
  });

  it("defines _etext, _edata and __bss_start for who refers to them, unless an object defines them", () => {
    const text = section(".text", CODE, [0xc3]);
    const names = ["_etext", "__bss_start"].map((name) => symbol(name, undefined));
    const image = link([object("a.o", [text, zeros(".bss", 8)], [...names, symbol("_edata", text)])]);
    expect(image.symbol("_etext")).toBe(0x08048001);
    expect(image.symbol("__bss_start")).toBe(image.sections[1].address);
    expect(image.symbol("_edata")).toBe(0x08048000);
    expect(link([object("a.o", [text])]).findSymbol("_etext")).toBeUndefined();
  });

  it("leaves out sections that are not to be loaded", () => {
    const image = link([object("a.o", [section(".comment", 0, [1, 2]), section(".text", CODE, [0xc3])])]);
    expect(image.sections.map(({ name }) => name)).toEqual([".text"]);
  });
});

describe("a kernel's layout", () => {
  const layout = [
    { name: ".text", inputs: [".text.head", ".text", ".text.*"], align: 16, start: "_text", end: "_etext" },
    { name: "__ex_table", inputs: ["__ex_table"], start: "__start___ex_table", end: "__stop___ex_table" },
    { name: ".data.init_task", inputs: [".data.init_task"], align: 8192 },
    { name: ".data", inputs: [".data", ".data.*"], start: "_data", end: "_edata" },
    { name: ".bss", inputs: [".bss"], start: "__bss_start", end: "__bss_stop" },
  ];
  const options = { textAddress: 0xc0100000, physicalOffset: 0xc0000000, layout, entry: "startup_32" };
  const head = section(".text.head", CODE, [0xfa]);
  const text = section(".text", CODE, [0xc3, 0xc3]);
  const task = section(".data.init_task", DATA, [1, 2, 3, 4]);
  const objects = [
    object("sched.o", [text, zeros(".bss", 16)], [symbol("schedule", text, 1, { type: "function", size: 1 })]),
    object("head.o", [head, task], [symbol("startup_32", head), symbol("jiffies", "common", 4, { size: 4 })]),
  ];

  it("orders by the layout, not by the objects, and loads low what runs high", () => {
    const image = link(objects, options);
    expect(image.entry).toBe(0xc0100000);
    expect(image.symbol("schedule")).toBe(0xc0100002);
    expect(image.symbol("_etext")).toBe(0xc0100003);
    const task_section = image.sections.find(({ name }) => name === ".data.init_task")!;
    expect(task_section.address).toBe(0xc0102000);
    expect(image.symbol("__bss_start")).toBe(0xc0102004);
    expect(image.symbol("jiffies")).toBe(0xc0102014);
    expect(image.symbol("_end")).toBe(image.symbol("__bss_stop"));
    expect(image.segments.map(({ physicalAddress }) => physicalAddress)).toEqual([0x100000, 0x102000]);
  });

  it("defines boundaries of sections that nothing came into, without cutting a segment", () => {
    const image = link(objects, options);
    expect(image.symbol("__start___ex_table")).toBe(image.symbol("__stop___ex_table"));
    expect(image.segments).toHaveLength(2);
  });

  it("writes the System.map as nm sorts and letters it", () => {
    expect(systemMap(link(objects, { ...options, symbols: { PAGE_OFFSET: 0xc0000000 } }))).toBe(
      [
        "c0000000 A PAGE_OFFSET",
        "c0100000 T _text",
        "c0100000 T startup_32",
        "c0100002 T schedule",
        "c0100003 T __start___ex_table",
        "c0100003 T __stop___ex_table",
        "c0100003 T _etext",
        "c0102004 B __bss_start",
        "c0102004 D _data",
        "c0102004 D _edata",
        "c0102014 B jiffies",
        "c0102018 B __bss_stop",
        "c0102018 B _end",
        "",
      ].join("\n"),
    );
  });

  it("puts sections at addresses of their own, and sees overlaps", () => {
    const signature = section(".signature", CODE, [0x55, 0xaa]);
    const boot = (size: number) => object("boot.o", [section(".text", CODE, new Array(size).fill(0x90)), signature]);
    const at = {
      textAddress: 0x7c00,
      layout: [
        { name: ".text", inputs: [".text"] },
        { name: ".signature", inputs: [".signature"], address: 0x7dfe },
      ],
    };
    const binary = flatBinary(link([boot(100)], at));
    expect([binary.length, binary[510], binary[511]]).toEqual([512, 0x55, 0xaa]);
    expect(errorsOf([boot(511)], at)).toEqual([
      "section .signature (0x7dfe to 0x7dff) overlaps section .text (0x7c00 to 0x7dfe)",
    ]);
  });

  it("does not store a wide gap, nor a section that is beyond all reason", () => {
    const far = section(".rodata", READ_ONLY, [2], 0x40000000);
    const near = section("__table", READ_ONLY, [1]);
    const image = link([object("a.o", [near, far])], {
      layout: [near, far].map(({ name }) => ({ name, inputs: [name] })),
    });
    expect(image.segments.map(({ virtualAddress, data }) => [virtualAddress, [...data]])).toEqual([
      [0x08048000, [1]],
      [0x40000000, [2]],
    ]);
    expect(errorsOf([object("a.o", [section(".data", DATA, [1]), zeros(".data", 0x7fffffff)])])).toEqual([
      "section .data (0x8048000 to 0x88047fff) has 2147483648 bytes to store, more than 256 MiB",
    ]);
  });

  it("refuses what lies beyond 4 GiB or below the physical offset", () => {
    expect(errorsOf(objects, { ...options, textAddress: 0xffffffff - 16 })[0]).toMatch(/lies beyond 4 GiB$/);
    expect(errorsOf(objects, { ...options, textAddress: 0x100000 })[0]).toMatch(
      /^section \.text .* lies below the physical offset 0xc0000000$/,
    );
  });
});

describe("symbols", () => {
  const text = section(".text", CODE, [0xc3, 0xc3, 0xc3, 0xc3]);

  it("prefer a strong definition to common and weak ones, wherever they stand", () => {
    const strong = object("strong.o", [text], [symbol("x", text, 1)]);
    const weak = object("weak.o", [], [symbol("x", "absolute", 77, { binding: "weak" })]);
    const common = object("common.o", [], [symbol("x", "common", 4, { size: 4 })]);
    for (const order of [
      [strong, weak, common],
      [common, weak, strong],
      [weak, strong, common],
    ]) {
      const image = link(order, { textAddress: 0x1000 });
      expect(image.symbol("x")).toBe(0x1001);
      expect(image.sections).toHaveLength(1);
    }
    expect(link([weak, common], { textAddress: 0x1000 }).findSymbol("x")?.section?.name).toBe(".bss");
  });

  it("give common symbols of one name the largest size and alignment", () => {
    const image = link([
      object("a.o", [], [symbol("pad", "common", 1, { size: 1 }), symbol("x", "common", 4, { size: 64 })]),
      object("b.o", [], [symbol("x", "common", 16, { size: 8 })]),
    ]);
    const found = image.findSymbol("x")!;
    expect([found.size, found.address % 16, found.type]).toEqual([64, 0, "object"]);
    expect(image.sections[0].size).toBe(16 + 64);
  });

  it("take the first of several weak definitions, and 0 for an undefined weak symbol", () => {
    const weak = (name: string, value: number) =>
      object(name, [], [symbol("x", "absolute", value, { binding: "weak" })]);
    expect(link([weak("a.o", 1), weak("b.o", 2)]).symbol("x")).toBe(1);
    expect(oneField(R_386_32, [5, 0, 0, 0], symbol("none", undefined, 0, { binding: "weak" }))).toEqual([5, 0, 0, 0]);
  });

  it("of a reference mean the definition that won, not the one that lost in the same object", () => {
    const mine = symbol("f", text, 0, { binding: "weak" });
    const caller = relocated(section(".text.caller", CODE, [0, 0, 0, 0]), { offset: 0, type: R_386_32, symbol: mine });
    const other = object("other.o", [], [symbol("f", "absolute", 0x1234)]);
    const image = link([object("a.o", [text, caller], [mine]), other]);
    expect(word(image, image.sections[0].address + 4)).toBe(0x1234);
  });

  it("that are local stay apart from others of their name, and are found after globals", () => {
    const local = (value: number) => symbol("x", text, value, { binding: "local" });
    const a = object("a.o", [text], [local(1), local(2)]);
    expect(link([a]).symbol("x")).toBe(0x08048001);
    expect(link([a, object("b.o", [], [symbol("x", "absolute", 9)])]).symbol("x")).toBe(9);
  });

  it("come from the options too", () => {
    const target = symbol("VIDEO", undefined);
    const data = relocated(section(".data", DATA, [2, 0, 0, 0]), { offset: 0, type: R_386_32, symbol: target });
    const image = link([object("a.o", [data], [target])], { symbols: { VIDEO: 0xb8000 } });
    expect(word(image, image.sections[0].address)).toBe(0xb8002);
  });

  it("that the image does not have are told with names near to them", () => {
    const image = link([object("a.o", [text], [symbol("do_fork", text)])]);
    expect(() => image.symbol("do_frok")).toThrow("no symbol 'do_frok' in the image; near names: do_fork");
  });
});

describe("relocation", () => {
  const at = (value: number): ObjectSymbol => symbol("target", "absolute", value);

  it.each([
    ["R_386_32 adds the address", R_386_32, [1, 0, 0, 0], 0xc0101000, [0x01, 0x10, 0x10, 0xc0]],
    ["R_386_PC32 subtracts the place", R_386_PC32, [0xfc, 0xff, 0xff, 0xff], 0x1104, [0, 1, 0, 0]],
    ["R_386_PC32 goes backwards", R_386_PC32, [0xfc, 0xff, 0xff, 0xff], 0x1000, [0xfc, 0xff, 0xff, 0xff]],
    ["R_386_16 holds unsigned values", R_386_16, [0, 0], 0xfffe, [0xfe, 0xff]],
    ["R_386_16 holds signed values", R_386_16, [0, 0], 0xffff8000, [0x00, 0x80]],
    ["R_386_PC16 wraps as IP does", R_386_PC16, [0xfe, 0xff], 0x8000, [0xfe, 0x6f]],
    ["R_386_8 holds unsigned values", R_386_8, [0], 0xff, [0xff]],
    ["R_386_PC8 holds a short distance", R_386_PC8, [0xff], 0x1080, [0x7f]],
  ])("%s", (_, type, field, target, expected) => {
    expect(oneField(type, field, at(target))).toEqual(expected);
  });

  it.each([
    [R_386_16, [0, 0], 0x10000, "R_386_16 against 'target' overflows: 0x10000 does not fit 16 bits"],
    [R_386_8, [0xff], 0xffffff80, "R_386_8 against 'target' overflows: -0x81 does not fit 8 bits"],
    [R_386_PC8, [0xff], 0x1081, "R_386_PC8 against 'target' overflows: 0x80 does not fit 8 bits"],
    [3, [0, 0, 0, 0], 0, "R_386_GOT32 cannot be linked statically (against 'target')"],
    [R_386_32, [0, 0], 0, "R_386_32 lies outside of the section's 2 bytes"],
  ])("of type %i is refused where it cannot be done", (type, field, target, message) => {
    expect(() => oneField(type, field, at(target))).toThrow(`a.o (.text+0x0): ${message}`);
  });
});

describe("errors", () => {
  it("are all told, with their places and what may have been meant", () => {
    const schedule = symbol("schedule", undefined);
    const text = relocated(
      section(".text", CODE, new Array(20).fill(0)),
      { offset: 4, type: R_386_PC32, symbol: symbol("shedule", undefined) },
      { offset: 8, type: R_386_PC32, symbol: symbol("shedule", undefined) },
      { offset: 12, type: R_386_PC32, symbol: schedule },
      { offset: 16, type: R_386_32, symbol: symbol("nowhere", undefined) },
      { offset: 0, type: R_386_8, symbol: symbol("big", "absolute", 0x1000) },
    );
    const other = section(".text", CODE, [0xc3, 0xc3]);
    const errors = errorsOf(
      [
        object("a.o", [text], [symbol("main", text), symbol("big", "absolute", 0x1000)]),
        object("b.o", [other], [symbol("main", other, 1), symbol("schedule", other)]),
      ],
      { entry: "_begin" },
    );
    expect(errors).toEqual([
      "duplicate definition of 'main': b.o (.text+0x1), first defined in a.o (.text+0x0)",
      "the entry symbol '_begin' is not defined",
      "a.o (.text+0x0): R_386_8 against 'big' overflows: 0x1000 does not fit 8 bits",
      "undefined symbol 'shedule', needed at a.o (.text+0x4) and 1 other place; did you mean 'schedule'?",
      "undefined symbol 'nowhere', needed at a.o (.text+0x10)",
    ]);
  });

  it("tell of a symbol that the link options and an object both define", () => {
    const a = object("a.o", [], [symbol("x", "absolute", 1)]);
    expect(errorsOf([a], { symbols: { x: 2 } })).toEqual([
      "duplicate definition of 'x': a.o (absolute), and defined by the linker",
    ]);
  });
});

describe("names with versions", () => {
  it("are found by their names, a default version without one too", () => {
    const library = ".globl old\nold: ret\n.symver old, f@V1\n.globl new\nnew: ret\n.symver new, f@@V2, local\n";
    const user = ".symver first, f@V1\n.symver second, f@V2\n.globl _start\n_start: .long f, first, second";
    const image = link([assemble(user, { file: "user.s" }), assemble(library, { file: "library.s" })]);
    const start = image.symbol("_start");
    expect([0, 4, 8].map((at) => word(image, start + at))).toEqual([start + 13, start + 12, start + 13]);
  });
});

describe("section groups", () => {
  const one = (kind: string, value: number, more = "") => `
	.section .text.f,"axG",@progbits,f${kind}
	.globl f
f:	movl $${value}, %eax
	movl .Lconstant, %ecx
	ret
	.section .rodata.f,"aG",@progbits,f${kind}
.Lconstant: .long ${value}
	.text
	${more}`;
  const assembled = (...sources: readonly string[]) =>
    sources.map((source, index) => {
      const made = assemble(source, { file: `${index}.s` });
      return index % 2 === 0 ? made : objectFromElf(readElf(writeRelocatable(made)), made.name);
    });

  it("of the same signature are in a program once, that of the first object, whole", () => {
    const start = ".globl _start\n_start: call f";
    const image = link(assembled(one(",comdat", 7, start), one(",comdat", 8, "call f"), one(",comdat", 9)));
    const f = image.symbol("f");
    expect(word(image, f + 1)).toBe(7);
    expect(word(image, word(image, f + 7))).toBe(7);
    expect(image.sections.map(({ name, size }) => [name, size])).toEqual([
      [".text", 5 + 5 + 12],
      [".rodata", 4],
    ]);
    // Both calls are of the one f.
    const text = image.sections[0].address;
    expect([0, 5].map((at) => text + at + 5 + (word(image, text + at + 1) | 0))).toEqual([f, f]);
  });

  it("that are not COMDAT are not left out", () => {
    expect(errorsOf(assembled(one("", 7), one("", 8)))).toEqual([
      "duplicate definition of 'f': 1.s (.text.f+0x0), first defined in 0.s (.text.f+0x0)",
    ]);
  });

  it("that are left out cannot be referred to by local symbols", () => {
    const errors = errorsOf(assembled(one(",comdat", 7), one(",comdat", 8, "movl .Lconstant, %eax")));
    expect(errors).toEqual([
      expect.stringMatching(
        /^1\.s \(\.text\+0x1\): '\.rodata\.f' is in a section group that an object before has too; /,
      ),
    ]);
  });
});

describe("flatBinary", () => {
  it("refuses to fill a gap of gigabytes", () => {
    const low = object("a.o", [section(".text", CODE, [1]), section(".high", CODE, [2])]);
    const layout = [
      { name: ".text", inputs: [".text"] },
      { name: ".high", inputs: [".high"], address: 0xffff0000 },
    ];
    expect(() => flatBinary(link([low], { layout }))).toThrow(/larger than 64 MiB/);
  });

  it("of nothing is empty", () => {
    expect(flatBinary(link([])).length).toBe(0);
  });
});
