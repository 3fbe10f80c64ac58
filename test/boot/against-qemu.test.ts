import { describe, expect, it } from "vitest";
import { MachineSession } from "../cli/machine-session.ts";
import { hasQemu, qemu } from "./qemu.ts";

const TIMEOUT = 40_000;

async function built(line: string, file: string, files: Record<string, string> = {}) {
  const session = new MachineSession(files);
  expect(await session.esp0(line.split(" "))).toBe(0);
  return { session, image: session.io.files.get(file)! };
}

/** What does not depend on how much memory the firmware keeps for itself. */
function withoutSizes(output: string): string {
  return output.replace(/(KiB above 1 MiB: |00100000 \+ )[0-9a-f]{8}/g, "$1…");
}

/** Calls of BIOS services, and of what they answer the part that does not depend on the BIOS. */
const CALLS: readonly (readonly [code: string, shown: string])[] = [
  ["movw $0x0003, %ax\n int $0x10\n movw $0x0300, %ax\n movw $0, %bx\n int $0x10", "dx"],
  ["movw $0x0200, %ax\n movw $0x0c21, %dx\n movw $0, %bx\n int $0x10\n movb $3, %ah\n int $0x10", "dx"],
  ["movw $0x0e41, %ax\n movw $7, %bx\n int $0x10\n movb $3, %ah\n int $0x10", "dx"],
  ["movw $0x0e0d, %ax\n int $0x10\n movw $0x0e0a, %ax\n int $0x10\n movb $3, %ah\n int $0x10", "dx"],
  ["movw $0x0e08, %ax\n int $0x10\n movb $3, %ah\n int $0x10", "dx"],
  ["movw $0x0958, %ax\n movw $0x1e, %bx\n movw $3, %cx\n int $0x10\n movb $8, %ah\n movb $0, %bh\n int $0x10", "ax"],
  [
    "movw $0x0601, %ax\n movw $0x1700, %bx\n movw $0, %cx\n movw $0x184f, %dx\n int $0x10\n movb $8, %ah\n movb $0, %bh\n int $0x10",
    "ax",
  ],
  ["movb $0x0f, %ah\n int $0x10", "ax"],
  ["movw $0x1a00, %ax\n int $0x10\n andw $0xff, %ax", "ax"],
  ["int $0x12", "ax"],
  ["movw $0x0000, %ax\n movb $0x80, %dl\n int $0x13", "ax"],
  [
    "movw $0x0202, %ax\n movw $2, %cx\n movw $0x80, %dx\n movw $0x9000, %bx\n int $0x13\n movw 0x91fe, %bx\n addw 0x9200, %bx",
    "ax",
  ],
  ["movw $0x0201, %ax\n movw $2, %cx\n movw $0x80, %dx\n movw $0x9000, %bx\n int $0x13\n movw 0x9000, %ax", "ax"],
  ["movw $0x0201, %ax\n movw $0, %cx\n movw $0x80, %dx\n movw $0x9000, %bx\n int $0x13\n movb $0, %al", "cf"],
  ["movw $0x0301, %ax\n movw $9, %cx\n movw $0x80, %dx\n movw $0x9000, %bx\n int $0x13", "ax"],
  ["movb $0x41, %ah\n movw $0x55aa, %bx\n movb $0x80, %dl\n int $0x13\n andw $1, %cx", "cx"],
  ["movb $0x41, %ah\n movw $0x55aa, %bx\n movb $0x80, %dl\n int $0x13", "bx"],
  ["movw $packet, %si\n movb $0x42, %ah\n movb $0x80, %dl\n int $0x13\n movw 0x9000, %bx", "bx"],
  ["movw $far_packet, %si\n movb $0x42, %ah\n movb $0x80, %dl\n int $0x13", "cf"],
  ["movw $0x9400, %si\n movw $26, (%si)\n movb $0x48, %ah\n movb $0x80, %dl\n int $0x13\n movw 0x9418, %ax", "ax"],
  ["movw $0x9400, %si\n movw $26, (%si)\n movb $0x48, %ah\n movb $0x80, %dl\n int $0x13\n movw 0x9410, %ax", "ax"],
  ["movb $0x15, %ah\n movb $0x80, %dl\n int $0x13\n movb $0, %al", "ax"],
  ["movw $0x0201, %ax\n movw $1, %cx\n movw $0x85, %dx\n movw $0x9000, %bx\n int $0x13", "cf"],
  ["movw $0x2401, %ax\n int $0x15", "ax"],
  ["movw $0x2402, %ax\n int $0x15", "ax"],
  ["movw $0x2400, %ax\n int $0x15\n movw $0x2402, %ax\n int $0x15", "ax"],
  ["movw $0x7700, %ax\n int $0x15", "ax"],
  ["movw $table, %si\n movw $4, %cx\n movb $0x87, %ah\n int $0x15\n movb $0, %al\n movw 0x9800, %bx", "bx"],
  ["movb $1, %ah\n int $0x16\n movw $0, %ax\n jz 1f\n incw %ax\n 1: clc", "ax"],
  ["movb $2, %ah\n int $0x16\n movb $0, %ah", "ax"],
  ["movb $0, %ah\n int $0x1a\n movw $0, %ax", "ax"],
];

/** A boot sector, and its code after it: makes the calls and prints of each the carry flag and a register on COM1. */
function callsProgram(): string {
  const calls = CALLS.map(
    ([code, shown]) => `${code}\n setc %ch\n movw ${shown === "cf" ? "$0" : `%${shown}`}, %ax\n call print\n`,
  );
  return `.code16
    .globl _start
    _start: xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    movw $0x0208, %ax
    movw $2, %cx
    movw $0x80, %dx
    movw $0x7e00, %bx
    int $0x13
    jmp code
    .org 510
    .word 0xaa55
    code: ${calls.join("\n")}
    movb $0, %al
    outb %al, $0xf4
    hlt
    print: pushw %ax
    movb %ch, %al
    addb $'0', %al
    call put
    popw %ax
    movw $4, %cx
    1: rolw $4, %ax
    pushw %ax
    andb $15, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe 2f
    addb $39, %al
    2: call put
    popw %ax
    loop 1b
    movb $10, %al
    put: pushw %ax
    movw $0x3fd, %dx
    1: inb %dx, %al
    testb $0x20, %al
    jz 1b
    popw %ax
    movw $0x3f8, %dx
    outb %al, %dx
    ret
    packet: .byte 16, 0
    .word 1, 0, 0x0900
    .long 1, 0
    far_packet: .byte 16, 0
    .word 1, 0, 0x0900
    .long 100000, 0
    table: .skip 16
    .word 0xffff, 0x7c00
    .byte 0, 0x93, 0, 0
    .word 0xffff, 0x9800
    .byte 0, 0x93, 0, 0
    .skip 16
    .org 4096 * 512`;
}

describe.skipIf(!hasQemu)("the examples under QEMU", () => {
  it(
    "boot sector: the same output and status",
    async () => {
      const { session, image } = await built("as --format bin --link 0x7c00 -o disk.img bootsector.S", "disk.img");
      const status = await session.esp0(["machine", "--disk", "disk.img"]);
      const real = qemu(["-m", "16", "-drive", "file=disk.img,format=raw"], { "disk.img": image });
      expect({ status, output: session.output }).toEqual(real);
    },
    TIMEOUT,
  );

  it(
    "BIOS services: the same answers",
    async () => {
      const { session, image } = await built("as --format bin --link 0x7c00 -o disk.img calls.S", "disk.img", {
        "calls.S": callsProgram(),
      });
      const status = await session.esp0(["machine", "--disk", "disk.img"]);
      const real = qemu(["-m", "16", "-drive", "file=disk.img,format=raw"], { "disk.img": image });
      const answers = (output: string) =>
        output
          .trim()
          .split("\n")
          .map((answer, index) => `${CALLS[index]?.[0]}: ${answer}`);
      expect(answers(session.output)).toEqual(answers(real.output));
      expect([status, real.status]).toEqual([1, 1]);
    },
    TIMEOUT,
  );

  it(
    "Multiboot kernel: the same output and status",
    async () => {
      const { session, image } = await built("as --link 0x100000 -o multiboot.elf multiboot.S", "multiboot.elf", {
        "greeting.txt": "hello\n",
      });
      const status = await session.esp0([
        ..."machine --memory 16 --multiboot multiboot.elf --module greeting.txt --append".split(" "),
        "a b",
      ]);
      const real = qemu(["-m", "16", "-kernel", "multiboot.elf", "-append", "a b", "-initrd", "greeting.txt"], {
        "multiboot.elf": image,
        "greeting.txt": new TextEncoder().encode("hello\n"),
      });
      expect({ status, output: withoutSizes(session.output) }).toEqual({ ...real, output: withoutSizes(real.output) });
    },
    TIMEOUT,
  );

  it(
    "ROM: the same output and status",
    async () => {
      const { session, image } = await built("as --format bin -o rom.bin rom.S", "rom.bin");
      const status = await session.esp0(["machine", "--rom", "rom.bin@0xf0000"]);
      expect({ status, output: session.output }).toEqual(qemu(["-bios", "rom.bin"], { "rom.bin": image }));
    },
    TIMEOUT,
  );
});
