import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { MachineSession, type SessionInput } from "./machine-session.ts";

const program = (source: string, origin = 0x10000) => assembleBinary(source, { file: "test.S", origin });

/** Runs a raw image of this source in protected mode, loaded at 0x10000. */
async function run(source: string, args: readonly string[] = [], input: SessionInput = {}) {
  const session = new MachineSession({ "raw.bin": program(source) });
  const status = await session.esp0(["machine", "--load", "raw.bin@0x10000", "--reg", "esp=0x9000", ...args], input);
  return { status, session, output: session.output, errors: session.errors };
}

const EXIT = "outb %al, $0xf4\n";

describe("boot ways", () => {
  it("boots a Multiboot kernel with its command line and modules", async () => {
    const session = new MachineSession({ "greeting.txt": "hello\n" });
    expect(await session.esp0(["as", "--link", "0x100000", "-o", "multiboot.elf", "multiboot.S"])).toBe(0);
    const args = "machine --memory 16 --multiboot multiboot.elf --module greeting.txt --append".split(" ");
    expect(await session.esp0([...args, "a b"])).toBe(1);
    expect(session.errors).toBe("");
    expect(session.output).toBe(
      "command line: a b\nmodule: hello\nKiB above 1 MiB: 00003c00\n00000000 + 0009fc00\n00100000 + 00f00000\n",
    );
  });

  it("starts a Multiboot kernel again when it resets the machine", async () => {
    const source = `.long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), 0x100000, 0x100000, 0, 0, _start
      .globl _start
      _start: incl 0x8000
      cmpl $3, 0x8000
      je 1f
      movb $0xfe, %al
      outb %al, $0x64
      hlt
      1: movl 0x8000, %eax
      ${EXIT}`;
    const session = new MachineSession({ "kernel.bin": program(source, 0x100000) });
    expect(await session.esp0(["machine", "--multiboot", "kernel.bin"])).toBe(7);
  });

  it("boots a ROM, with a disk beside it", async () => {
    const rom = program(
      `.code16
      _start: movw $0x1f6, %dx
      movb $0xe0, %al
      outb %al, %dx
      incw %dx
      inb %dx, %al
      ${EXIT}
      .org 0xfff0
      ljmp $0xf000, $_start
      .org 0x10000`,
      0,
    );
    const session = new MachineSession({ "rom.bin": rom, "disk.img": new Uint8Array(700) });
    expect(await session.esp0(["machine", "--rom", "rom.bin@0xf0000", "--disk", "disk.img"])).toBe(
      ((0x50 << 1) | 1) & 0xff,
    );
  });

  it("starts raw images in real mode, low and high", async () => {
    const source = ".code16\n movw %cs, %ax\n shrw $8, %ax\n outb %al, $0xf4";
    const session = new MachineSession({ "raw.bin": program(source, 0) });
    expect(await session.esp0("machine --mode real --load raw.bin@0x1000".split(" "))).toBe(1);
    expect(await session.esp0("machine --mode real --load raw.bin@0x52000".split(" "))).toBe((0x52 << 1) | 1);
    expect(await session.esp0("machine --mode real --load raw.bin@0x1000 --reg cs=0x100,eip=0".split(" "))).toBe(3);
    expect(await session.esp0("machine --mode real --load raw.bin@0x100000".split(" "))).toBe(2);
    expect(session.errors).toContain("0x100000 is beyond the 1 MiB that real mode reaches");
  });

  it("writes disks back when told so", async () => {
    const disk = program(
      `.code16
      movw $0x0301, %ax
      movw $2, %cx
      movw $0x80, %dx
      movw $0x7c00, %bx
      int $0x13
      movb %ah, %al
      ${EXIT}
      .org 510
      .word 0xaa55
      .org 1024`,
      0x7c00,
    );
    const session = new MachineSession({ "disk.img": disk });
    expect(await session.esp0(["machine", "--disk", "disk.img"])).toBe(1);
    expect(session.io.files.get("disk.img")).toEqual(disk);
    expect(await session.esp0(["machine", "--disk", "disk.img", "--disk-write"])).toBe(1);
    const written = session.io.files.get("disk.img")!;
    expect(written.subarray(512)).toEqual(disk.subarray(0, 512));
  });
});

describe("input and output", () => {
  const ECHO = `
    movw $0x3fd, %dx
    1: inb %dx, %al
    testb $1, %al
    jz 1b
    movw $0x3f8, %dx
    inb %dx, %al
    cmpb $'q', %al
    je 2f
    outb %al, %dx
    movw $0x3fd, %dx
    jmp 1b
    2: movb $0, %al
    ${EXIT}`;

  it("connects COM1 to standard input and output", async () => {
    expect(await run(ECHO, [], { input: ["ab", "c\nq"] })).toMatchObject({ status: 1, output: "abc\n" });
  });

  it("waits for input while the guest sleeps until it comes", async () => {
    const sleeping = `
      movl $handler, %eax
      movw %ax, 0x2120
      movw $8, 0x2122
      movw $0x8e00, 0x2124
      shrl $16, %eax
      movw %ax, 0x2126
      lgdt gdtr
      lidt idtr
      .irp pair, 0x1120, 0x2021, 0x0421, 0x0121, 0xef21
      movb $\\pair >> 8, %al
      outb %al, $\\pair & 0xff
      .endr
      movw $0x3fc, %dx
      movb $8, %al
      outb %al, %dx
      movw $0x3f9, %dx
      movb $1, %al
      outb %al, %dx
      sti
      hlt
      handler: movw $0x3f8, %dx
      inb %dx, %al
      ${EXIT}
      gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
      gdtr: .word 23
      .long gdt
      idtr: .word 0x7ff
      .long 0x2000`;
    expect((await run(sleeping, [], { input: ["!"] })).status).toBe(("!".charCodeAt(0) << 1) | 1);
    expect((await run(sleeping, [], { input: [] })).status).toBe(5);
  });

  it("writes what COM1 sends to a file", async () => {
    const { session, output } = await run(`movb $'x', %al\n movw $0x3f8, %dx\n outb %al, %dx\n ${EXIT}`, [
      "--serial",
      "log",
    ]);
    expect([session.io.text("log"), output]).toEqual(["x", ""]);
    const refused = await run(EXIT, ["--serial", "/readonly/log"]);
    expect([refused.status, refused.errors]).toEqual([
      2,
      "/readonly/log: cannot be written: the file system is read-only\n",
    ]);
  });

  it("shows POST codes, the debug console and the screen", async () => {
    const source = `movb $0x4e, %al\n outb %al, $0x80\n outb %al, $0xe9\n movw $0x0741, 0xb8000\n movb $1, %al\n ${EXIT}`;
    const { errors, session } = await run(source, ["--post", "0x80", "--vga"]);
    expect(errors).toBe("POST 4e\nN");
    expect(session.io.out).toBe("A\n");
    expect((await run(EXIT, ["--post", "0x60"])).errors).toContain("ports 0x60");
  });

  it("keeps POST codes and the debug console in order, each code on a line of its own", async () => {
    const put = (text: string, port: number) =>
      [...text].map((character) => `movb $${character.charCodeAt(0)}, %al\n outb %al, $${port}\n`).join("");
    const source = put("ab\n", 0xe9) + put("\x01", 0x80) + put("cd", 0xe9) + put("\x02", 0x80) + put("e", 0xe9) + EXIT;
    expect((await run(source, ["--post", "0x80"])).errors).toBe("ab\nPOST 01\ncd\nPOST 02\ne");
    expect((await run(source.replaceAll("$128", "$0x80"), ["--post", "0x80", "--post-text"])).errors).toBe(
      "ab\n\x01cd\x02e",
    );
    expect((await run(EXIT, ["--post-text"])).errors).toBe("esp0: --post-text goes with --post\n");
  });

  it("loses nothing of what a program prints that waits too short, unless the serial ports are strict", async () => {
    const source = `
      movw $0x3f8, %dx
      movl $text, %esi
      movl $26, %ecx
      1: lodsb
      outb %al, %dx
      loop 1b
      movb $0, %al
      ${EXIT}
      text: .ascii "the quick brown fox jumps\\n"`;
    expect(await run(source)).toMatchObject({ status: 1, output: "the quick brown fox jumps\n" });
    const strict = await run(source, ["--strict-uart"]);
    expect([strict.status, strict.output.length < 10]).toEqual([1, true]);
  });
});

describe("the end", () => {
  it("has the exit port's status, at whatever width", async () => {
    expect((await run(`movb $0x2a, %al\n ${EXIT}`)).status).toBe(0x55);
    expect((await run("movl $0x12345680, %eax\n outl %eax, $0xf4")).status).toBe(1);
  });

  it("comes with the budget, with statistics when wanted", async () => {
    const { status, errors } = await run("jmp .", ["--max-instructions", "1,000", "--stats", "--cpus", "2"]);
    expect(status).toBe(4);
    expect(errors).toContain(
      "esp0: stopped after 1000 instructions (--max-instructions)\n" +
        "core 0 at 0008:00010000, running, interrupts off\n  eax 00000000  ebx ",
    );
    expect(errors).toContain("\ncore 1 waits for its start-up message\n");
    expect(errors).toMatch(/^instructions +1,000$/m);
    expect(errors).toMatch(/^ {2}core 1 +0$/m);
  });

  it("comes with what was compiled, unless the tier is off", async () => {
    const loop = "1: incl %eax\n jmp 1b";
    const options = ["--max-instructions", "100,000", "--stats"];
    const on = await run(loop, options);
    const off = await run(loop, [...options, "--tier", "off"]);
    const [, compiled] = /^compiled instructions +([0-9,]+)$/m.exec(on.errors)!;
    expect(Number(compiled.replaceAll(",", ""))).toBeGreaterThan(90_000);
    expect(off.errors).not.toMatch(/compiled/);
    const state = (errors: string) => /core 0 at[\s\S]*?edi .*$/m.exec(errors)?.[0];
    expect(state(on.errors)).toContain("eax 0000c350");
    expect(state(off.errors)).toBe(state(on.errors));
  });

  it("comes with Ctrl-C, with statistics", async () => {
    const { status, errors } = await run("jmp .", [], { interruptAt: 2 });
    expect(status).toBe(130);
    expect(errors).toMatch(/^instructions +[0-9,]+$/m);
  });

  it("comes with Ctrl-C soon, however long the host takes over an instruction", async () => {
    const { status, errors } = await run("jmp .", [], { interruptAt: 2, secondsPerLook: 1 });
    expect(status).toBe(130);
    const [, instructions] = /^instructions +([0-9,]+)$/m.exec(errors)!;
    expect(Number(instructions.replaceAll(",", ""))).toBeLessThan(10_000);
  });

  it("says how often an instruction was executed that the emulator does not know", async () => {
    // #UD comes back to the instruction behind it.
    const source = `
      movl $1f, %eax
      movw %ax, 0x9030
      movw $8, 0x9032
      movw $0x8e00, 0x9034
      shrl $16, %eax
      movw %ax, 0x9036
      sgdt 0x9100
      movl $0x9200, 0x9102
      movl $0x0000ffff, 0x9208
      movl $0x00cf9a00, 0x920c
      movw $0x17, 0x9100
      lgdt 0x9100
      movw $0x7ff, 0x9106
      movl $0x9000, 0x9108
      lidt 0x9106
      ljmp $8, $2f
      2: movl $12345, %ecx
      3: .byte 0x0f, 0x77
      loop 3b
      movb $0, %al
      ${EXIT}
      1: addl $2, (%esp)
      iret`;
    const { status, errors } = await run(source);
    expect(status).toBe(1);
    expect(errors).toMatch(
      /^esp0: core 0, cycle \d+: unimplemented instruction 0f 77 at 0008:[0-9a-f]{8}\nesp0: 12,345 times: unimplemented instruction 0f 77 at 0008:[0-9a-f]{8}\n$/,
    );
  });

  it("comes when all cores are halted for good", async () => {
    const { status, errors } = await run("movl $0x1234, %ebx\n hlt", [], { input: [] });
    expect(status).toBe(5);
    expect(errors).toContain(
      "esp0: all cores are halted, and no interrupt can wake one\n" +
        "core 0 at 0008:00010006, halted with interrupts off (IF is 0)\n  eax 00000000  ebx 00001234 ",
    );
    const masked = await run("movb $0xff, %al\n outb %al, $0x21\n outb %al, $0xa1\n sti\n hlt", [], { input: [] });
    expect(masked.status).toBe(5);
    expect(masked.errors).toContain(
      "halted with interrupts on (IF is 1): every source is masked or has nothing to say\n",
    );
  });

  it("tells where a triple fault came from, also one that input led to", async () => {
    const source = `
      movw $0x3fd, %dx
      1: inb %dx, %al
      testb $1, %al
      jz 1b
      lidt nothing
      nop
      int3
      nothing: .word 0
      .long 0`;
    const { status, errors } = await run(source, [], { input: ["x"] });
    expect(status).toBe(3);
    expect(errors).toContain("esp0: triple fault: core 0 shut down\n");
    expect(
      errors
        .trimEnd()
        .split("\n")
        .slice(-8, -5)
        .map((line) => line.slice(41).trim()),
    ).toEqual(["lidt   0x10012", "nop", "int3"]);
    expect(errors).toMatch(
      /\nExceptions that led to it.*\n {2}#GP general protection, error code 001a: IDT entry 03, #BP\n/,
    );
  });

  it("names the exceptions that led to a triple fault, with their error codes and CR2", async () => {
    const undefined_opcode = await run("lidt nothing\n ud2\n nothing: .long 0, 0");
    expect(undefined_opcode.errors.split("\n").slice(-7, -1)).toEqual([
      "Exceptions that led to it, each on the way to the handler of the one before:",
      "  #UD undefined opcode",
      "  #GP general protection, error code 0033: IDT entry 06, #UD (EXT)",
      "  #GP general protection, error code 006b: IDT entry 0d, #GP (EXT)",
      "  #DF double fault, error code 0000",
      "  #GP general protection, error code 0043: IDT entry 08, #DF (EXT)",
    ]);
    // A page directory that maps the first 4 MiB, and tables beyond them.
    const pages = await run(`
      movl $0x83, 0x20000
      movl $0x10, %eax
      movl %eax, %cr4
      movl $0x20000, %eax
      movl %eax, %cr3
      lidt idt
      movl %cr0, %eax
      orl $0x80000000, %eax
      movl %eax, %cr0
      movl $1, 0x12345678
      idt: .word 0x7ff
      .long 0x800000`);
    expect(pages.errors.split("\n").slice(-5, -1)).toEqual([
      "  #PF page fault, error code 0002: write, page not present, ring 0; CR2 12345678",
      "  #PF page fault, error code 0000: read, page not present, ring 0; CR2 00800070",
      "  #DF double fault, error code 0000",
      "  #PF page fault, error code 0000: read, page not present, ring 0; CR2 00800040",
    ]);
  });

  it("goes on after a triple fault with --reboot", async () => {
    const source = `
      incl 0x8000
      cmpl $3, 0x8000
      je 1f
      lidt nothing
      int3
      1: movb $9, %al
      ${EXIT}
      nothing: .word 0
      .long 0`;
    expect((await run(source)).status).toBe(3);
    expect((await run(source, ["--reboot"])).status).toBe(19);
  });
});

describe("--realtime", () => {
  it("sleeps for as long as the machine waits", async () => {
    // Counter 0 in mode 0, polled through its latch: half of 65536 ticks are 27 ms.
    const source = `
      .code16
      movb $0x30, %al
      outb %al, $0x43
      movb $0xff, %al
      outb %al, $0x40
      outb %al, $0x40
      sti
      hlt
      .org 0x100
      movb $0, %al
      ${EXIT}`;
    const session = new MachineSession({ "raw.bin": program(source, 0x1000), "ivt.bin": Uint8Array.of(0, 0x11, 0, 0) });
    const args =
      "machine --mode real --load raw.bin@0x1000 --load ivt.bin@0 --reg cs=0,eip=0x1000,esp=0x800 --realtime";
    expect(await session.esp0(args.split(" "), { input: [] })).toBe(1);
    expect(session.slept).toBeGreaterThan(0.054);
    expect(session.slept).toBeLessThan(0.06);
  });
});

describe("wrong usage", () => {
  const files = {
    "text.txt": "hello",
    "empty.bin": "",
    "short.img": new Uint8Array(512),
    "big.img": new Uint8Array(2_949_121),
    "small.bin": new Uint8Array(16),
  };
  it.each<[string, string]>([
    ["machine", "nothing to boot: give --multiboot, --kernel, --rom, --load, --disk or --floppy"],
    ["machine --multiboot nowhere.elf", "nowhere.elf: cannot be read: no such file or directory"],
    ["machine --multiboot text.txt", "text.txt: no Multiboot header"],
    ["machine --rom small.bin@0x1000", "no ROM image holds the reset vector"],
    ["machine --rom empty.bin@0xf0000", "empty.bin: the ROM image is empty"],
    ["machine --load small.bin", "It is FILE@ADDRESS"],
    ["machine --load small.bin@0xa0000", "small.bin: cannot load 16 bytes at 0xa0000"],
    ["machine --load small.bin@0x1000 --reg foo=1", 'There is no register "foo"'],
    ["machine --load small.bin@0x1000 --reg eax", "eax needs a value"],
    ["machine --load small.bin@0x1000 --reg gdtr_limit=0,cs=8", "cs = 0x8: reading its descriptor raises exception 13"],
    ["machine --disk short.img", "short.img: the disk cannot be booted"],
    ["machine --disk empty.bin", "empty.bin: the disk image is empty"],
    ["machine --multiboot a --rom b@0", "either --multiboot or --rom"],
    ["machine --append x --load small.bin@0", "--append goes with --multiboot or --kernel"],
    ["machine --module x --kernel small.bin", "--module goes with --multiboot"],
    ["machine --initrd x --multiboot small.bin", "--initrd goes with --kernel"],
    ["machine --kernel small.bin --multiboot a", "either --multiboot or --kernel, not both"],
    ["machine --kernel small.bin", "small.bin: no Linux kernel"],
    ["machine --floppy empty.bin", "empty.bin: the disk image is empty"],
    ["machine --floppy big.img", "big.img: 2949121 bytes are no diskette"],
    ["machine --floppy a b c", "3 diskettes; a PC has room for 2"],
    ["machine --disk short.img --type \\q", "\\q is not known"],
    ["machine --disk short.img --type é", 'No key of a US keyboard types "é"'],
    ["machine --disk short.img --cpu-hz 9999", "a frequency in hertz is a whole number from 10000"],
    ["machine --mode real --disk short.img", "--mode is for raw images"],
    ["machine --cpus 9 --disk short.img", "the number of processors is a whole number from 1 to 8"],
  ])("%s", async (line, message) => {
    const session = new MachineSession(files);
    expect(await session.esp0(line.split(" "))).toBe(2);
    expect(session.errors).toContain(message);
  });
});
