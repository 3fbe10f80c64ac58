import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { attachBiosServices, BootError, bootDisk, bootRaw, bootRomImages } from "../../boot/index.ts";
import { Machine } from "../../emulator/index.ts";

const image = (address: number, ...bytes: number[]) => ({ name: "image", bytes: Uint8Array.from(bytes), address });
const EXIT_1 = [0xb0, 1, 0xe6, 0xf4];

describe("bootRaw", () => {
  it("starts at the first image, with registers set last", () => {
    const machine = new Machine();
    const images = [image(0x20000, ...EXIT_1), image(0x30000, 7)];
    bootRaw(machine, {
      images,
      mode: "protected",
      registers: [
        ["ebx", 0xdeadbeef],
        ["esp", 0x9000],
      ],
    });
    expect(machine.getRegister("eip")).toBe(0x20000);
    expect(machine.getRegister("ebx")).toBe(0xdeadbeef);
    expect(machine.run({ maxInstructions: 10 })).toEqual({ kind: "exit", value: 1 });
    expect(machine.memory.read8(0x30000)).toBe(7);
  });

  it("finds a segment for images above 64 KiB in real mode", () => {
    const machine = new Machine();
    bootRaw(machine, { images: [image(0x12345, ...EXIT_1)], mode: "real" });
    expect([machine.getRegister("cs"), machine.getRegister("eip")]).toEqual([0x1234, 5]);
    expect(machine.run({ maxInstructions: 10 })).toEqual({ kind: "exit", value: 1 });
  });

  it("refuses what does not fit", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    const boot = (address: number, mode: "real" | "protected") => () =>
      bootRaw(machine, { images: [image(address, 0x90)], mode });
    expect(() => bootRaw(machine, { images: [], mode: "real" })).toThrow(BootError);
    expect(boot(0x100000, "protected")).toThrow("image: cannot load 1 bytes at 0x100000");
    expect(boot(-1, "protected")).toThrow(BootError);
  });
});

describe("bootRomImages", () => {
  it("takes several, one of them with the reset vector", () => {
    const machine = new Machine();
    const reset = image(0xfffffff0, 0xea, 0, 0, 0, 0xd0, ...new Array<number>(11).fill(0));
    bootRomImages(machine, [image(0xd0000, ...EXIT_1), reset]);
    expect(machine.run({ maxInstructions: 10 })).toEqual({ kind: "exit", value: 1 });
  });

  it("refuses images that do not fit, or never start", () => {
    const boot =
      (address: number, ...bytes: number[]) =>
      () =>
        bootRomImages(new Machine(), [image(address, ...bytes)]);
    expect(boot(0xf0000, 1, 2)).toThrow(
      "no ROM image holds the reset vector at 0xfffffff0 (or 0xffff0): image is 0xf0000 to 0xf0001",
    );
    expect(boot(0xffffffff, 1, 2)).toThrow(BootError);
    expect(() =>
      bootRomImages(new Machine(), [{ name: "big", bytes: new Uint8Array(3 << 20), address: 0xffd00000 }]),
    ).toThrow("big: ROM of 3145728 bytes does not fit");
  });
});

describe("a machine with a BIOS", () => {
  it("goes on from a snapshot, when it gets the host's half of the BIOS again", () => {
    const sector = assembleBinary(
      `.code16
      1: movb $0, %ah
      int $0x16
      movb $0x0e, %ah
      movw $7, %bx
      int $0x10
      cmpb $'q', %al
      jne 1b
      outb %al, $0xf4
      .org 510
      .word 0xaa55`,
      { file: "sector.S", origin: 0x7c00 },
    );
    const disks = [{ image: sector }];
    const machine = new Machine({ disks });
    bootDisk(machine);
    machine.keyboard.type("abcq");
    machine.run({ untilCycle: 120_000 });
    const saved = machine.save();
    const twin = Machine.restore(saved, { disks });
    attachBiosServices(twin);
    for (const each of [machine, twin]) {
      expect(each.run({ untilCycle: 20_000_000 })).toEqual({ kind: "exit", value: "q".charCodeAt(0) });
      expect(each.vga.screenText()).toMatch(/^abcq\n/);
    }
    expect(Buffer.compare(twin.save(), machine.save())).toBe(0);
  });
});
