import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble, assembleBinary, link, writeExecutable } from "../../asm/index.ts";
import { BootError, bootMultiboot, findMultibootHeader, type MultibootBoot } from "../../boot/index.ts";
import { Machine } from "../../emulator/index.ts";

const MAGIC = 0x1badb002;

/** A kernel whose header gives its addresses. */
function flatKernel(header: string, code = "", origin = 0x100000): Uint8Array {
  return assembleBinary(`.set MAGIC, ${MAGIC}\n ${header}\n .globl _start\n _start: ${code}\n outb %al, $0xf4`, {
    file: "kernel.S",
    origin,
  });
}
const ADDRESSES = ".long MAGIC, 0x10003, -(MAGIC + 0x10003), 0x100000, 0x100000, 0, 0, _start\n";

function elfKernel(code: string, textAddress = 0x100000, physicalOffset = 0): Uint8Array {
  const source = `.text\n .long ${MAGIC}, 3, -(${MAGIC} + 3)\n .globl _start\n _start: ${code}\n outb %al, $0xf4
    .data\n .globl value\n value: .long 0x12345678\n .bss\n .skip 8192`;
  return writeExecutable(link([assemble(source, { file: "kernel.S" })], { textAddress, physicalOffset }));
}

function boot(options: MultibootBoot, memoryBytes = 8 << 20): Machine {
  const machine = new Machine({ memoryBytes });
  // What was there before must not show in a kernel's bss.
  machine.load(new Uint8Array(1 << 20).fill(0xee), 0x100000);
  bootMultiboot(machine, options);
  return machine;
}

const exitValue = (machine: Machine) => {
  const stop = machine.run({ maxInstructions: 100_000 });
  return stop.kind === "exit" ? stop.value : stop;
};

/** The information structure as a kernel reads it. */
function info(machine: Machine) {
  const base = machine.getRegister("ebx");
  const long = (offset: number, from = base) => machine.memory.read32(from + offset) >>> 0;
  const text = (address: number) => {
    let end = address;
    while (machine.memory.read8(end) !== 0) end++;
    return new TextDecoder().decode(machine.readPhysical(address, end - address));
  };
  return { long, text };
}

describe("the state that a kernel finds", () => {
  it("is the specification's", () => {
    const machine = boot({ kernel: flatKernel(ADDRESSES) });
    expect(machine.getRegister("eax")).toBe(0x2badb002);
    expect(machine.getRegister("cr0") & 0x80000001).toBe(1);
    expect(machine.getRegister("eflags") & 0x20200).toBe(0);
    expect(machine.getRegister("eip")).toBe(0x100020);
    expect(machine.memory.a20).toBe(true);
    const core = machine.cores[0];
    for (let segment = 0; segment < 6; segment++) {
      expect([core.segBase(segment), core.segLimit(segment), core.segAccess(segment) & 0x4000]).toEqual([
        0, -1, 0x4000,
      ]);
    }
  });

  it("tells of memory, command line, loader, screen and modules on pages", () => {
    const modules = [
      { bytes: Uint8Array.of(1, 2, 3), string: "first" },
      { bytes: new Uint8Array(5000).fill(7), string: "second with words" },
    ];
    const machine = boot({ kernel: flatKernel(ADDRESSES), commandLine: "kernel ro", modules });
    const { long, text } = info(machine);
    expect(long(0)).toBe(0x124d);
    expect([long(4), long(8)]).toEqual([639, 7168]);
    expect([text(long(16)), text(long(64))]).toEqual(["kernel ro", "esp0"]);
    expect(long(20)).toBe(2);
    const module = (index: number) => [0, 4, 8].map((offset) => long(offset, long(24) + 16 * index));
    const [start0, end0, string0] = module(0);
    const [start1, end1, string1] = module(1);
    expect([start0 % 4096, start1 % 4096]).toEqual([0, 0]);
    expect([end0 - start0, end1 - start1]).toEqual([3, 5000]);
    expect([text(string0), text(string1)]).toEqual(["first", "second with words"]);
    expect(machine.readPhysical(start1, 5000)).toEqual(modules[1].bytes);
    expect([long(88), long(96), long(100), long(104)]).toEqual([0xb8000, 160, 80, 25]);
    expect(machine.memory.read16(machine.getRegister("ebx") + 108)).toBe(0x0210);
    const map: number[][] = [];
    // Each entry says how long it is behind its size.
    for (let at = 0; at < long(44); at += long(0, long(48) + at) + 4) {
      map.push([4, 12, 20].map((offset) => long(offset, long(48) + at)));
    }
    expect(map).toContainEqual([0x9fc00, 0x400, 2]);
    expect(map).toContainEqual([0, 0x9fc00, 1]);
    expect(map).toContainEqual([0x100000, 7 << 20, 1]);
    expect(map).toContainEqual([0xfee00000, 0x1000, 2]);
  });
});

describe("ELF kernels", () => {
  it("are loaded with zeroed bss, and see their section headers and symbols", () => {
    const machine = boot({ kernel: elfKernel("movb value, %al") });
    const { long, text } = info(machine);
    const [count, size, table, names] = [28, 32, 36, 40].map((offset) => long(offset));
    expect(size).toBe(40);
    const section = (index: number, field: number) => long(4 * field, table + 40 * index);
    const byName = new Map(
      Array.from({ length: count }, (_, index) => [text(section(names, 3) + section(index, 0)), index]),
    );
    const bss = byName.get(".bss")!;
    expect(machine.readPhysical(section(bss, 3), section(bss, 5)).every((byte) => byte === 0)).toBe(true);
    const symbols = byName.get(".symtab")!;
    const entries = section(symbols, 5) / 16;
    const strings = section(section(symbols, 6), 3);
    const named = Array.from({ length: entries }, (_, index) =>
      text(strings + long(0, section(symbols, 3) + 16 * index)),
    );
    expect(named).toContain("value");
    expect(exitValue(machine)).toBe(0x78);
  });

  it("may lie where the BIOS's ROM is, as the headers of many a kernel do, and again after a reset", () => {
    const kernel = elfKernel("movl value, %eax", 0xff000);
    const machine = boot({ kernel });
    expect(exitValue(machine)).toBe(0x78);
    // What the kernel leaves of the ROM is still there: the reset vector's far jump.
    expect(machine.memory.read8(0xffff0)).toBe(0xea);
    machine.reset();
    bootMultiboot(machine, { kernel });
    expect(exitValue(machine)).toBe(0x78);
  });

  it("are entered at their physical address when they are linked elsewhere", () => {
    const machine = boot({ kernel: elfKernel("movb $5, %al", 0xc0100000, 0xc0000000) });
    expect(machine.getRegister("eip")).toBe(0x10000c);
    expect(exitValue(machine)).toBe(5);
  });
});

describe("kernels with addresses in the header", () => {
  it("are loaded from the part of the file that the header says", () => {
    const source = `.skip 64\n .long MAGIC, 0x10000, -(MAGIC + 0x10000), 0x200010, 0x200000, 0x200100, 0x203000, 0x200030
      .skip 16`;
    const kernel = new Uint8Array(400);
    kernel.set(flatKernel(source, "movb $9, %al", 0x200000 - 48));
    kernel.fill(0xaa, 48 + 0x100);
    const machine = boot({ kernel });
    expect(machine.memory.read32(0x200010)).toBe(MAGIC);
    expect(machine.readPhysical(0x200100, 0x2f00).every((byte) => byte === 0)).toBe(true);
    expect(machine.getRegister("ebx")).toBeGreaterThan(0x203000);
  });
});

describe("what cannot be booted", () => {
  const flags = (bits: number, rest = "") => flatKernel(`.long MAGIC, ${bits}, -(MAGIC + ${bits})${rest}`);
  const addresses = (...fields: number[]) => flags(0x10000, `, ${fields.join(", ")}`);
  it.each<[string, Uint8Array, string]>([
    ["no header", new Uint8Array(100), "no Multiboot header: 0x1badb002 is not in the first 8192 bytes"],
    ["an empty file", new Uint8Array(0), "no Multiboot header"],
    ["a header too far into the file", flatKernel(`.skip 8192\n ${ADDRESSES}`), "no Multiboot header"],
    ["a header not on a multiple of four", flatKernel(`.byte 0, 0\n ${ADDRESSES}`), "no Multiboot header"],
    ["a wrong checksum", flatKernel(".long 0, MAGIC, 0, 5"), "the Multiboot header at offset 4 is damaged"],
    ["unknown requirements", flags(0x28), "requires features 0x28"],
    ["no ELF and no addresses", flags(0), "not an ELF file: no \\x7fELF at its start"],
    [
      "a header that is cut off",
      flatKernel(".long MAGIC, 0x10000, -(MAGIC + 0x10000)").subarray(0, 16),
      "has 32 bytes, but only 14",
    ],
    ["a graphics mode", flags(4, ", 0, 0, 0, 0, 0, 0, 640, 480, 32"), "wants a graphics mode"],
    [
      "load_addr after header_addr",
      addresses(0x100000, 0x100004, 0, 0, 0),
      "load_addr 0x100004 does not fit its header_addr",
    ],
    ["load_addr before the file", addresses(0x100000, 0xffff0, 0, 0, 0), "load_addr 0xffff0 does not fit"],
    [
      "load_end_addr beyond the file",
      addresses(0x100000, 0x100000, 0x200000, 0, 0),
      "load_end_addr 0x200000 does not fit",
    ],
    ["load_end_addr before load_addr", addresses(0x100000, 0x100000, 0x10, 0, 0), "load_end_addr 0x10 does not fit"],
    ["bss_end_addr before the end", addresses(0x100000, 0x100000, 0, 0x100001, 0), "bss_end_addr 0x100001 lies before"],
    ["an enormous bss", addresses(0x100000, 0x100000, 0, 0xfffff000, 0), "but the machine's memory at 0x7fffff"],
    ["a place that is not RAM", addresses(0xa0000, 0xa0000, 0, 0, 0), "0xa0000 is not RAM"],
    ["an ELF kernel without segments", objectOnly(), "the kernel has nothing to load"],
  ])("%s", (_, kernel, message) => {
    expect(() => boot({ kernel })).toThrow(BootError);
    expect(() => boot({ kernel })).toThrow(message);
  });

  it("says when modules do not fit", () => {
    const modules = [{ bytes: new Uint8Array(16 << 20), string: "large" }];
    expect(() => boot({ kernel: flatKernel(ADDRESSES), modules })).toThrow("modules and boot information: cannot load");
  });

  it("throws nothing but BootError, whatever the file", () => {
    const good = [elfKernel("nop"), flatKernel(ADDRESSES)];
    const machine = new Machine({ memoryBytes: 2 << 20 });
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.integer({ min: 0, max: 20_000 }),
        (file, changes, length) => {
          const kernel = file.slice(0, length);
          for (const [at, value] of changes) if (at < kernel.length) kernel[at] = value;
          try {
            bootMultiboot(machine, { kernel, commandLine: "x" });
          } catch (error) {
            expect(error).toBeInstanceOf(BootError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("findMultibootHeader", () => {
  it("takes the first that adds up", () => {
    const kernel = flatKernel(`.long MAGIC, 0, 0\n ${ADDRESSES}`);
    expect(findMultibootHeader(kernel)).toMatchObject({ offset: 12, flags: 0x10003 });
  });
});

/** A Multiboot header in a relocatable object. */
function objectOnly(): Uint8Array {
  const elf = elfKernel("nop").slice();
  // e_phnum
  elf[44] = 0;
  return elf;
}
