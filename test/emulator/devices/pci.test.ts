import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import { Machine } from "../../../emulator/index.ts";

function select(machine: Machine, device: number, fn: number, register: number, bus = 0): void {
  machine.ports.write32(0xcf8, 0x80000000 | (bus << 16) | (device << 11) | (fn << 8) | (register & 0xfc));
}
function read(machine: Machine, device: number, fn: number, register: number): number {
  select(machine, device, fn, register);
  return machine.ports.read32(0xcfc) >>> 0;
}
function pam(machine: Machine, index: number, value: number): void {
  select(machine, 0, 0, 0x59 + index);
  machine.ports.write8(0xcfc + ((0x59 + index) & 3), value);
}

describe("configuration mechanism #1", () => {
  it("finds a host bridge, an ISA bridge and an IDE function, and nothing else", () => {
    const machine = new Machine();
    const found = [];
    for (let device = 0; device < 32; device++) {
      for (let fn = 0; fn < 8; fn++) {
        const id = read(machine, device, fn, 0);
        if (id !== 0xffffffff) found.push([device, fn, id, read(machine, device, fn, 8) >>> 16]);
      }
    }
    expect(found).toEqual([
      [0, 0, 0x12378086, 0x0600],
      [1, 0, 0x70008086, 0x0601],
      [1, 1, 0x70108086, 0x0101],
    ]);
    select(machine, 0, 0, 0, 1);
    expect(machine.ports.read32(0xcfc)).toBe(-1);
  });

  it("reads registers at any width, keeps its address, and answers only when enabled", () => {
    const { ports } = new Machine();
    ports.write32(0xcf8, 0x80000000 | 0xff000000 | 3);
    expect(ports.read32(0xcf8) >>> 0).toBe(0x80000000);
    expect([ports.read16(0xcfe), ports.read8(0xcfd)]).toEqual([0x1237, 0x80]);
    ports.write8(0xcf8, 0x08);
    expect(ports.read32(0xcf8) >>> 0).toBe(0x80000000);
    ports.write32(0xcf8, 0);
    expect(ports.read32(0xcfc)).toBe(-1);
  });

  it("lets programs change what can be changed", () => {
    const machine = new Machine();
    select(machine, 0, 0, 0);
    machine.ports.write32(0xcfc, 0);
    expect(read(machine, 0, 0, 0)).toBe(0x12378086);
    select(machine, 1, 0, 0x60);
    machine.ports.write8(0xcfc, 0x0b);
    expect(read(machine, 1, 0, 0x60)).toBe(0x8080800b);
    machine.reset();
    expect(read(machine, 1, 0, 0x60)).toBe(0x80808080);
  });

  it("is absent by option", () => {
    const { ports } = new Machine({ pci: false });
    ports.write32(0xcf8, 0x80000000);
    // The reset control register, which a write of CONFIG_ADDRESS would reach as a byte of it, is absent too.
    expect([ports.read32(0xcf8), ports.read32(0xcfc)]).toEqual([-1, -1]);
  });
});

describe("shadow RAM", () => {
  const ROM = new Uint8Array(0x10000).fill(0xaa);
  function setUp() {
    const machine = new Machine();
    machine.loadRom(ROM, 0xf0000);
    const { memory } = machine;
    return { machine, memory };
  }

  it("is written under the ROM, read in its place, and protected", () => {
    const { machine, memory } = setUp();
    memory.write8(0xf1234, 1);
    pam(machine, 0, 0x20);
    memory.write8(0xf1234, 2);
    memory.write16(0xf2000, 0x0304);
    memory.write32(0xf3000, 0x05060708);
    expect([memory.read8(0xf1234), memory.read8(0xffff1234)]).toEqual([0xaa, 0xaa]);
    pam(machine, 0, 0x10);
    memory.write8(0xf1234, 9);
    expect([memory.read8(0xf1234), memory.read16(0xf2000), memory.read32(0xf3000)]).toEqual([2, 0x0304, 0x05060708]);
    expect(memory.read8(0xffff1234)).toBe(0xaa);
    pam(machine, 0, 0x30);
    memory.write8(0xf1234, 9);
    expect(memory.read8(0xf1234)).toBe(9);
    pam(machine, 0, 0x00);
    expect(memory.read8(0xf1234)).toBe(0xaa);
  });

  it("has registers for 16 KiB each from 0xC0000 to 0xEFFFF", () => {
    const { machine, memory } = setUp();
    memory.write8(0xc0000, 1);
    pam(machine, 1, 0x31);
    pam(machine, 6, 0x13);
    for (const address of [0xc0000, 0xc4000, 0xe8000, 0xec000]) memory.write8(address, 0x77);
    expect([0xc0000, 0xc4000, 0xe8000, 0xec000].map((address) => memory.read8(address))).toEqual([1, 0x77, 0x77, 0]);
  });

  it("is plain memory where there is no ROM until it is programmed, and after a reset again", () => {
    const { machine, memory } = setUp();
    memory.write8(0xd0000, 5);
    pam(machine, 3, 0x11);
    memory.write8(0xd0000, 6);
    expect(memory.read8(0xd0000)).toBe(5);
    pam(machine, 0, 0x30);
    machine.reset();
    memory.write8(0xd0000, 7);
    expect([memory.read8(0xd0000), memory.read8(0xf0000)]).toEqual([7, 0xaa]);
  });

  it("runs code that was copied to it, under the instructions that copy it", () => {
    // The ROM copies itself, switches to the copy, and changes the instruction that it executes next.
    const rom = assembleBinary(
      `.code16
      start: movw %cs, %ax
      movw %ax, %ds
      movw %ax, %es
      movl $0x80000058, %eax
      movw $0xcf8, %dx
      outl %eax, %dx
      movw $0xcfd, %dx
      movb $0x20, %al
      outb %al, %dx
      xorw %si, %si
      xorw %di, %di
      movw $0x8000, %cx
      rep movsw
      movb $0x30, %al
      outb %al, %dx
      movb $7, changed + 1
      changed: movb $5, %al
      outb %al, $0xf4
      .org 0xfff0
      ljmp $0xf000, $start
      .org 0x10000`,
      { file: "rom.S", origin: 0 },
    );
    const machine = new Machine();
    machine.loadRom(rom, 0xf0000);
    expect(machine.run({ maxInstructions: 100_000 })).toEqual({ kind: "exit", value: 7 });
  });

  it("is in snapshots, with the registers", () => {
    const { machine, memory } = setUp();
    pam(machine, 0, 0x20);
    memory.write8(0xf1234, 2);
    const saved = machine.save();
    pam(machine, 0, 0x30);
    const twin = Machine.restore(saved);
    expect([twin.memory.read8(0xf1234), read(twin, 0, 0, 0x58)]).toEqual([0xaa, 0x2000]);
    pam(twin, 0, 0x10);
    expect(twin.memory.read8(0xf1234)).toBe(2);
    machine.restore(saved);
    expect(memory.read8(0xf1234)).toBe(0xaa);
    expect(() => new Machine({ pci: false }).restore(saved)).toThrow("a snapshot of a machine with pci true");
  });
});
