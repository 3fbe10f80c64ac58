/** `esp0 machine`: diskettes, Linux kernels, the keyboard, the clock, and guests that switch themselves off. */
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { MachineSession, type SessionInput } from "./machine-session.ts";

/** A boot sector that does this and leaves with AL. */
function sector(code: string): Uint8Array {
  return assembleBinary(`.code16\n .org 0\n ${code}\n outb %al, $0xf4\n .org 510\n .word 0xaa55`, {
    file: "sector.S",
    origin: 0x7c00,
  });
}

async function run(line: string, files: Readonly<Record<string, Uint8Array>>, input: SessionInput = {}) {
  const session = new MachineSession(files);
  const status = await session.esp0(line.split(" "), input);
  return { status, session, output: session.output, errors: session.errors };
}
/** Exit status for a value. */
const left = (value: number) => ((value << 1) | 1) & 0xff;

/** Prints on COM1 what is typed, up to Enter. */
const TYPEWRITER = sector(`
  1: movb $0, %ah
  int $0x16
  cmpb $13, %al
  je 2f
  testb %al, %al
  jnz 3f
  movb %ah, %al
  addb $0x20, %al
  3: movb $1, %ah
  xorw %dx, %dx
  int $0x14
  jmp 1b
  2: movb $0, %al`);

describe("diskettes", () => {
  it("are booted, read by cylinder, head and sector, and written back when told so", async () => {
    const files = {
      "a.img": sector(`
        movw $0x0201, %ax
        movw $0x0001, %cx
        movw $0x0001, %dx
        movw $0x9000, %bx
        int $0x13
        movw $0x0301, %ax
        movw $0x4f12, %cx
        movw $0x0100, %dx
        int $0x13
        movb 0x9000, %al`),
      "b.img": Uint8Array.of(0x2a),
    };
    const { status, session } = await run("machine --floppy a.img b.img --disk-write", files);
    expect(status).toBe(left(0x2a));
    const written = session.io.readFile("a.img");
    expect([written.length, written[1440 * 1024 - 512]]).toEqual([1440 * 1024, 0x2a]);
    expect(session.io.readFile("b.img")).toHaveLength(1);
  });
});

describe("the keyboard", () => {
  it("is typed on with --type", async () => {
    const { status, output } = await run("machine --disk d.img --type Hi!\\n", { "d.img": TYPEWRITER });
    expect([status, output]).toEqual([1, "Hi!"]);
  });

  it("has standard input with --keyboard stdio, cursor keys included, and recordings too", async () => {
    const input = { input: ["ls\x1b[A\x7f", "x\n"] };
    const line = "machine --disk d.img --keyboard stdio --record r";
    const { status, output, session } = await run(line, { "d.img": TYPEWRITER }, input);
    expect([status, output]).toEqual([1, "lsh\bx"]);
    expect(await session.esp0("machine --replay r".split(" "))).toBe(1);
    expect(session.output).toBe("lsh\bx");
  });
});

describe("a Linux kernel", () => {
  const KERNEL = assembleBinary(
    `.code16
    .org 0x1f1
    .byte 1
    .org 0x1fe
    .word 0xaa55
    .word 0x6eeb			# jmp 0x270
    .ascii "HdrS"
    .word 0x020f
    .org 0x211
    .byte 1
    .org 0x22c
    .long 0x7fffffff
    .org 0x238
    .long 255
    .org 0x270
    movl 0x228, %esi		# the command line, as a segment
    shrl $4, %esi
    movw %si, %ds
    xorw %si, %si
    xorw %dx, %dx
    1: lodsb
    testb %al, %al
    jz 2f
    movb $1, %ah
    int $0x14
    jmp 1b
    2: movw $0x604, %dx
    movw $0x2000, %ax
    outw %ax, %dx
    hlt
    .org 0x400
    .long 0`,
    { file: "kernel.S", origin: 0 },
  );

  it("is booted with its command line and ramdisk; switching off ends the run with 0", async () => {
    const session = new MachineSession({ bzImage: KERNEL, "initrd.gz": new Uint8Array(100) });
    const args = ["machine", "--kernel", "bzImage", "--initrd", "initrd.gz", "--append", "root=/dev/ram0 quiet"];
    expect(await session.esp0(args)).toBe(0);
    expect([session.output, session.errors]).toEqual(["root=/dev/ram0 quiet", ""]);
  });
});

describe("the board", () => {
  it("has time at the rate of --cpu-hz", async () => {
    const seconds = async (hz: number) => {
      const { errors } = await run(`machine --disk d.img --stats --cpu-hz ${hz}`, { "d.img": sector("hlt") });
      return Number(/machine seconds +([\d.]+)/.exec(errors)![1]);
    };
    expect(await seconds(20_000)).toBeCloseTo(1 / 18.2, 1);
    expect(await seconds(1_000_000)).toBeCloseTo(1 / 18.2, 1);
  });

  it("has PCI unless it is told not to, and a reset by port 0xCF9 boots again", async () => {
    const probe = sector(`
      movl $0x80000000, %eax
      movw $0xcf8, %dx
      outl %eax, %dx
      movw $0xcfc, %dx
      inb %dx, %al`);
    expect((await run("machine --disk d.img", { "d.img": probe })).status).toBe(left(0x86));
    expect((await run("machine --disk d.img --no-pci", { "d.img": probe })).status).toBe(left(0xff));
    const again = sector(`
      incw 0x9000
      cmpw $3, 0x9000
      je 1f
      movw $0xcf9, %dx
      movb $6, %al
      outb %al, %dx
      1: movb 0x9000, %al`);
    expect((await run("machine --disk d.img", { "d.img": again })).status).toBe(left(3));
  });
});
