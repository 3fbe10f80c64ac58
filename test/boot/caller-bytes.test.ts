/** Bytes from outside stay as they are, and are read where they lie: a Buffer is a window into a larger ArrayBuffer. */
import { describe, expect, it } from "vitest";
import {
  assemble,
  elfLines,
  link,
  objectFromElf,
  readElf,
  withDebugSections,
  writeExecutable,
  writeRelocatable,
} from "../../asm/index.ts";
import { bootMultiboot } from "../../boot/index.ts";
import { Machine } from "../../emulator/index.ts";

/** The same bytes as Node's pool of small Buffers hands them out, at an odd place. */
function inPool(bytes: Uint8Array, before = 13): { buffer: Buffer; unchanged: () => boolean } {
  const pool = Buffer.concat([Buffer.alloc(before, 0xee), bytes, Buffer.alloc(64, 0xee)]);
  const copy = Buffer.from(pool);
  return { buffer: pool.subarray(before, before + bytes.length), unchanged: () => pool.equals(copy) };
}

describe("a Multiboot kernel in a Buffer", () => {
  // Finds the symbol table among the section headers, says whether it has an address, and resets the machine once.
  const KERNEL = `
    .long 0x1badb002, 3, -(0x1badb002 + 3)
    .globl _start
  _start:
    movl 28(%ebx), %ecx
    movl 36(%ebx), %edx
  1: cmpl $2, 4(%edx)
    je 2f
    addl $40, %edx
    loop 1b
  2: movl 12(%edx), %eax
    movl (%eax), %esi
    testl %eax, %eax
    movb $'S', %al
    jnz 3f
    movb $'0', %al
  3: outb %al, $0xe9
    cmpl $0, 0x2000
    jne 4f
    incl 0x2000
    movb $0xfe, %al
    outb %al, $0x64
    jmp .
  4: xorl %eax, %eax
    outb %al, $0xf4
    .bss
    .space 4096`;

  it("is as it was, and boots again after each reset", () => {
    const file = writeExecutable(link([assemble(KERNEL, { file: "kernel.S" })], { textAddress: 0x100000 }));
    for (const before of [0, 4, 13]) {
      const { buffer, unchanged } = inPool(file, before);
      const machine = new Machine();
      const start = () => bootMultiboot(machine, { kernel: buffer });
      start();
      machine.onReset = start;
      let output = "";
      machine.onDebugOutput = (byte) => (output += String.fromCharCode(byte));
      expect(machine.run({ maxInstructions: 100_000 })).toEqual({ kind: "exit", value: 0 });
      expect(output).toBe("SS");
      expect(unchanged()).toBe(true);
    }
  });
});

describe("an object file in a Buffer", () => {
  it("is as it was after its lines were read, and after it was written again", () => {
    const object = assemble(".text\nnop\n_start: call other\n.data\n.long local\nlocal: .long 1", { file: "object.S" });
    const { buffer, unchanged } = inPool(writeRelocatable(withDebugSections(object)));
    const read = objectFromElf(readElf(buffer), "object.o");
    const lines = (file: typeof read) => file.sections.map(({ lines: own }) => own?.map(({ line }) => line));
    expect(lines(read)).toEqual(lines(objectFromElf(readElf(new Uint8Array(buffer)), "object.o")));
    expect(writeRelocatable(read)).toEqual(writeRelocatable(read));
    expect(elfLines(readElf(buffer))).toBeDefined();
    expect(unchanged()).toBe(true);
  });
});

describe("a disk's image and sectors in Buffers", () => {
  it("are as they were, whatever the disk is asked", () => {
    const { buffer, unchanged } = inPool(new Uint8Array(1024).fill(1));
    const machine = new Machine({ disks: [{ image: buffer }] });
    const disk = machine.disks[0]!;
    const sector = Buffer.alloc(512, 2);
    disk.write(1, sector);
    sector.fill(3);
    disk.read(0).fill(9);
    disk.read(1).fill(9);
    const contents = disk.contents();
    expect([contents[0], contents[511], contents[512], contents[1023]]).toEqual([1, 1, 2, 2]);
    contents.fill(7);
    expect(disk.contents()[0]).toBe(1);
    expect(unchanged()).toBe(true);
  });
});

describe("a snapshot in a Buffer", () => {
  it("can be restored from any place, and changed afterwards", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    machine.memory.load(Uint8Array.of(1, 2, 3), 0x5000);
    machine.memory.load(new Uint8Array(4096).fill(0x90), 0x6000);
    const saved = machine.save();
    for (const before of [0, 1, 2, 13]) {
      const { buffer } = inPool(saved, before);
      const twin = Machine.restore(buffer);
      // A page with decoded code is compared with what it shall contain.
      twin.setRegister("cs", 0);
      twin.setRegister("eip", 0x6000);
      twin.step();
      twin.memory.load(Uint8Array.of(0x40), 0x6001);
      twin.restore(buffer);
      const later = twin.capture();
      buffer.fill(0);
      twin.restore(later);
      expect(twin.readPhysical(0x5000, 3)).toEqual(Uint8Array.of(1, 2, 3));
      expect(Buffer.compare(twin.save(), saved)).toBe(0);
    }
  });
});
