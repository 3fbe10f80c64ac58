/** Firmware and kernels that others wrote, where they are installed (Debian's packages seabios and memtest86+). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { bootLinux, bootRomImages } from "../../boot/index.ts";
import { Machine, type StopReason } from "../../emulator/index.ts";
import { oracle } from "../oracles.ts";

const SEABIOS = ["bios.bin", "bios-256k.bin"].map((name) => `/usr/share/seabios/${name}`);
const MEMTEST = ["/boot/memtest86+ia32.bin", "/boot/memtest86+.bin"].find(existsSync);

/** Prints on COM1, a character as there is room, and leaves. */
const SECTOR = assembleBinary(
  `.code16
  .org 0
  xorw %ax, %ax
  movw %ax, %ds
  movw $text, %si
  1: lodsb
  testb %al, %al
  jz 3f
  movb %al, %bl
  movw $0x3fd, %dx
  2: inb %dx, %al
  testb $0x20, %al
  jz 2b
  movw $0x3f8, %dx
  movb %bl, %al
  outb %al, %dx
  jmp 1b
  3: movw $0x0201, %ax
  movw $0x8000, %bx
  movw $0x0002, %cx
  movw $0x0080, %dx
  int $0x13
  movb 0x8000, %al
  outb %al, $0xf4
  text: .asciz "booted by a real BIOS"
  .org 510
  .word 0xaa55
  .fill 512, 1, 0x42`,
  { file: "sector.S", origin: 0x7c00 },
);

/** A long run, with rests in which the test runner hears of it. */
async function run(machine: Machine, millions: number): Promise<StopReason> {
  for (let done = 0; ; done++) {
    const stop = machine.run({ maxInstructions: 1_000_000 });
    if (stop.kind !== "budget" || done === millions) return stop;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.skipIf(!oracle("SeaBIOS", existsSync(SEABIOS[0])))("SeaBIOS", () => {
  it.each(SEABIOS)("%s boots a disk, and again after a reset", { timeout: 180_000 }, async (path) => {
    const bytes = readFileSync(path);
    const image = new Uint8Array(1 << 20);
    image.set(SECTOR);
    const machine = new Machine({ disks: [{ image }] });
    let output = "";
    machine.onSerialOutput = (byte) => {
      output += String.fromCharCode(byte);
    };
    bootRomImages(machine, [{ name: path, bytes, address: 2 ** 32 - bytes.length }]);
    expect(await run(machine, 40)).toEqual({ kind: "exit", value: 0x42 });
    expect(output).toBe("booted by a real BIOS");
    machine.reset();
    expect(await run(machine, 40)).toEqual({ kind: "exit", value: 0x42 });
  });
});

describe.skipIf(!oracle("memtest86+", MEMTEST !== undefined))("memtest86+", () => {
  it("starts as a Linux kernel and shows its screen", { timeout: 180_000 }, async () => {
    const machine = new Machine({ memoryBytes: 16 << 20 });
    bootLinux(machine, { kernel: readFileSync(MEMTEST!) });
    await run(machine, 12);
    const screen = machine.vga.screenText();
    expect(screen).toMatch(/Memtest86\+ v\d/);
    expect(screen).toContain("Press <F1> to configure");
  });
});
