/** What firmware leaves behind for kernels that a loader puts into memory, and the services of the BIOS beside its disks. */
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { bootDisk, bootMultiboot } from "../../boot/index.ts";
import { Machine, type MachineOptions } from "../../emulator/index.ts";

/** A Multiboot kernel of this code, ready to run. */
function kernel(code: string, options: MachineOptions = {}): Machine {
  const machine = new Machine(options);
  const source = `.set MAGIC, 0x1badb002
    .long MAGIC, 0x10000, -(MAGIC + 0x10000), 0x100000, 0x100000, 0, 0, _start
    .globl _start
    _start: ${code}
    outb %al, $0xf4
    hlt`;
  bootMultiboot(machine, { kernel: assembleBinary(source, { file: "kernel.S", origin: 0x100000 }) });
  return machine;
}

/** Code in a boot sector, on a disk and, when wanted, on a diskette too. */
function sector(code: string): Uint8Array {
  return assembleBinary(`.code16\n .org 0\n ${code}\n exit: outb %al, $0xf4\n .org 510\n .word 0xaa55`, {
    file: "sector.S",
    origin: 0x7c00,
  });
}

/** Registers that a boot sector of this code leaves, with CF; and the machine, which has run to its end. */
function after(code: string, options: MachineOptions = {}, prepare: (machine: Machine) => void = () => {}) {
  const image = sector(`${code}\n movw $0, %si\n adcw $0, %si\n jmp exit`);
  const machine = new Machine({ disks: [{ image }], ...options });
  bootDisk(machine);
  prepare(machine);
  expect(machine.run({ untilCycle: 50_000_000 }).kind).toBe("exit");
  const low = (name: "eax" | "ebx" | "ecx" | "edx" | "esi" | "edi") => machine.getRegister(name) & 0xffff;
  return { ax: low("eax"), bx: low("ebx"), cx: low("ecx"), dx: low("edx"), di: low("edi"), cf: low("esi"), machine };
}

describe("a kernel after its loader", () => {
  it("has a timer that ticks 18.2 times a second, on vectors that it can move", () => {
    const machine = kernel(`
      movl $tick, %eax
      movw %ax, idt + 8 * 0x20
      movw $8, idt + 8 * 0x20 + 2
      movw $0x8e00, idt + 8 * 0x20 + 4
      shrl $16, %eax
      movw %ax, idt + 8 * 0x20 + 6
      lidt idtr
      movb $0x11, %al
      outb %al, $0x20
      movb $0x20, %al
      outb %al, $0x21
      movb $4, %al
      outb %al, $0x21
      movb $1, %al
      outb %al, $0x21
      movb $0xfe, %al
      outb %al, $0x21
      sti
      1: hlt
      cmpl $10, ticks
      jb 1b
      jmp 2f
      tick: incl ticks
      pushl %eax
      movb $0x20, %al
      outb %al, $0x20
      popl %eax
      iret
      ticks: .long 0
      idtr: .word 8 * 64 - 1
      .long idt
      idt: .skip 8 * 64
      2:`);
    expect(machine.run({ untilCycle: 100_000_000 }).kind).toBe("exit");
    expect(machine.cycles / machine.clock.hz).toBeCloseTo(10 / 18.2065, 1);
  });

  it("has the interrupt controllers where a BIOS has them, with timer and keyboard on", () => {
    const machine = kernel("inb $0x21, %al\n movb %al, %bl\n inb $0xa1, %al\n movb %al, %bh");
    machine.run();
    expect(machine.getRegister("ebx") & 0xffff).toBe(0xfff8);
    // An interrupt comes by vector 8: with an IDT that has nothing there it is a double fault, which has none either.
    const unprepared = kernel("lidt 1f\n sti\n 2: hlt\n jmp 2b\n 1: .word 0\n .long 0");
    expect(unprepared.run({ untilCycle: 5_000_000 }).kind).toBe("triple-fault");
  });

  it("finds the BIOS's data and its MP tables where programs look for them", () => {
    const machine = kernel("", { cpus: 2, disks: [{ image: new Uint8Array(512 * 1008) }] });
    const word = (address: number) => machine.memory.read16(address);
    expect([word(0x400), word(0x402), word(0x408)]).toEqual([0x3f8, 0x2f8, 0]);
    expect([word(0x410), word(0x413), word(0x44a), word(0x463)]).toEqual([0x0422, 639, 80, 0x3d4]);
    const ebda = word(0x40e) * 16;
    expect(machine.memory.read8(ebda)).toBe(1);
    const found = Array.from({ length: 64 }, (_, index) => ebda + 16 * index).filter(
      (address) => new TextDecoder().decode(machine.readPhysical(address, 4)) === "_MP_",
    );
    expect(found).toHaveLength(1);
    // The first disk's parameters, as INT 41h points to them: 1 cylinder, 16 heads, 63 sectors.
    const parameters = word(0x41 * 4) + word(0x41 * 4 + 2) * 16;
    expect([word(parameters), machine.memory.read8(parameters + 2), machine.memory.read8(parameters + 14)]).toEqual([
      1, 16, 63,
    ]);
    const cmos = (register: number) => {
      machine.ports.write8(0x70, register);
      return machine.ports.read8(0x71);
    };
    expect([cmos(0x14), cmos(0x12), cmos(0x5f)]).toEqual([0x0e, 0xf0, 1]);
  });

  it("has a stack, segments that can be loaded again, and its caches on", () => {
    const machine = kernel(`
      movl %cr0, %ebx
      movl $0x10, %eax
      movl %eax, %ds
      movl %eax, %ss
      ljmp $8, $1f
      1: pushl $0x1234
      popl %eax`);
    expect(machine.getRegister("esp")).toBe(0x7c00);
    expect(machine.run({ maxInstructions: 100 })).toEqual({ kind: "exit", value: 0x34 });
    expect(machine.getRegister("ebx")).toBe(0x11);
    const { ax } = after("movl %cr0, %eax\n shrl $16, %eax");
    expect(ax).toBe(0);
  });

  it("has it all again, however often it is reset", () => {
    const machine = new Machine();
    const image = assembleBinary(
      `.set MAGIC, 0x1badb002
      .long MAGIC, 0x10000, -(MAGIC + 0x10000), 0x100000, 0x100000, 0, 0, _start
      .globl _start
      _start: movzwl 0x410, %eax
      outl %eax, $0xf4`,
      { file: "kernel.S", origin: 0x100000 },
    );
    machine.onReset = () => bootMultiboot(machine, { kernel: image });
    for (let resets = 0; resets < 40; resets++) machine.reset();
    expect(machine.run({ maxInstructions: 10 })).toEqual({ kind: "exit", value: 0x0422 });
  });

  it("can go back to real mode and call the BIOS", () => {
    const machine = kernel(`
      movl $stub, %esi
      movl $0x8000, %edi
      movl $stub_end - stub, %ecx
      rep movsb
      lgdt gdtr
      movl $16, %eax
      movl %eax, %ss
      movl %eax, %ds
      ljmp $8, $0x8000
      gdt: .quad 0, 0x00009a000000ffff, 0x000092000000ffff
      gdtr: .word 23
      .long gdt
      stub: .code16
      xorl %eax, %eax
      movl %eax, %cr0
      ljmp $0, $0x8000 + low - stub
      low: movw %ax, %ss
      movw $0x7000, %sp
      int $0x12
      outw %ax, $0xf4
      .code32
      stub_end:`);
    expect(machine.run({ maxInstructions: 1000 })).toEqual({ kind: "exit", value: 639 });
  });
});

describe("keys", () => {
  it("INT 16h AH=12h tells which shift keys are held, and none when none is", () => {
    const code = "movw $0xffff, %bx\n movb $0x12, %ah\n int $0x16";
    expect(after(code).ax).toBe(0);
    const wait = "1: testb $8, 0x417\n jz 1b\n movb $0x12, %ah\n int $0x16";
    expect(after(wait, {}, ({ keyboard }) => keyboard.press("right-control", "left-alt")).ax).toBe(0x060c);
  });

  it("INT 16h AH=05h puts a key among those that wait", () => {
    const { ax, cx } = after("movw $0x1e61, %cx\n movw $0x0500, %ax\n int $0x16\n movb $0, %ah\n int $0x16");
    expect([ax, cx]).toEqual([0x1e61, 0x1e61]);
    const full = "movw $20, %di\n 1: movw $0x1e61, %cx\n movb $5, %ah\n int $0x16\n decw %di\n jnz 1b";
    expect(after(full).ax & 0xff).toBe(1);
  });
});

describe("INT 14h", () => {
  it("sends, receives and tells the status", () => {
    let sent = "";
    const code = `
      xorw %dx, %dx
      movw $0x00e3, %ax
      int $0x14
      movw $0x0141, %ax
      int $0x14
      movb $2, %ah
      int $0x14
      movw %ax, %bx
      movb $3, %ah
      int $0x14
      movb %ah, %cl`;
    const { bx, cx } = after(code, {}, (machine) => {
      machine.onSerialOutput = (byte) => {
        sent += String.fromCharCode(byte);
      };
      machine.com1.receive(Uint8Array.of(0x5a));
    });
    expect(sent).toBe("A");
    expect(bx).toBe(0x5a);
    expect(cx & 0x20).toBe(0x20);
  });

  it("says when a port is not there, and when nothing comes", () => {
    expect(after("movw $2, %dx\n movw $0x0141, %ax\n int $0x14").ax >> 8).toBe(0x80);
    const { ax } = after("xorw %dx, %dx\n movb $2, %ah\n int $0x14");
    expect(ax & 0x8000).toBe(0x8000);
  });
});

describe("INT 15h", () => {
  it("AH=86h waits for as long as it is told, and keeps registers", () => {
    const clock = "movb $0, %ah\n int $0x1a\n";
    const { bx, dx, ax, cf } = after(`${clock} movw %dx, %bx
      movw $7, %cx
      movw $0xa120, %dx
      movw $0x8642, %ax
      int $0x15
      pushfw
      ${clock} movw $0x8600, %ax
      popfw`);
    // Half a second is nine ticks.
    expect(dx - bx).toBeGreaterThanOrEqual(8);
    expect(dx - bx).toBeLessThanOrEqual(10);
    expect([ax, cf]).toEqual([0x8600, 0]);
  });

  it("AH=C0h points to the configuration table, AH=C1h to the extended data area", () => {
    const { ax, bx, cx, dx, cf } = after(
      "movb $0xc0, %ah\n int $0x15\n movw %es:(%bx), %cx\n movw %es:2(%bx), %dx\n movw %es, %bx",
    );
    expect([ax >> 8, bx, cx, dx, cf]).toEqual([0, 0xf000, 8, 0x00fc, 0]);
    expect(after("movb $0xc1, %ah\n int $0x15\n movw %es, %ax").ax).toBe(0x9fc0);
  });
});

describe("INT 10h", () => {
  it("answers VESA with no modes but text", () => {
    const { ax, bx, cx, dx } = after(`
      movw $0x9000, %di
      movw $0x4f00, %ax
      int $0x10
      movw (%di), %bx
      lesw 14(%di), %si
      movw %es:(%si), %cx
      pushw %ax
      movw $0x4f02, %ax
      movw $0x101, %bx
      int $0x10
      movw %ax, %dx
      movw 0x9000, %bx
      popw %ax`);
    expect([ax, bx, cx, dx]).toEqual([0x004f, 0x4556, 0xffff, 0x014f]);
  });

  it("is a VGA to those who ask as for an EGA", () => {
    const { bx, cx } = after("movw $0x1200, %ax\n movw $0xff10, %bx\n int $0x10");
    expect([bx, cx]).toEqual([3, 9]);
  });
});

describe("diskettes", () => {
  const KIB = 1024;
  const diskette = (bytes: number, code = "jmp exit") => {
    const image = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 512) image.fill((at / 512) & 0xff, at, at + 512);
    image.set(sector(code));
    return { image };
  };

  it("are booted as drive 0, before the disk", () => {
    const machine = new Machine({
      disks: [{ image: sector("movb $0x55, %al\n jmp exit") }],
      diskettes: [diskette(1440 * KIB, "movb %dl, %al")],
    });
    bootDisk(machine);
    expect(machine.run({ untilCycle: 1_000_000 })).toEqual({ kind: "exit", value: 0 });
    expect(machine.memory.read16(0x410) & 0xc1).toBe(1);
  });

  // Last cylinder, last head, sectors a track, drive type.
  it.each([
    [160, 39, 0, 8, 1],
    [180, 39, 0, 9, 1],
    [320, 39, 1, 8, 1],
    [360, 39, 1, 9, 1],
    [720, 79, 1, 9, 3],
    [1200, 79, 1, 15, 2],
    [1440, 79, 1, 18, 4],
    [1680, 79, 1, 21, 4],
    [2880, 79, 1, 36, 6],
  ])("of %i KiB have their geometry", (size, cylinder, head, sectors, type) => {
    const last = `movb $${cylinder}, %ch\n movb $${sectors}, %cl\n movb $${head}, %dh\n movb $0, %dl`;
    const code = `movb $8, %ah
      movb $0, %dl
      int $0x13
      pushw %cx
      pushw %dx
      pushw %bx
      xorw %ax, %ax
      movw %ax, %es
      movw $0x0201, %ax
      ${last}
      movw $0x9000, %bx
      int $0x13
      movb 0x9000, %al
      popw %bx
      popw %dx
      popw %cx
      movb $0, %ah`;
    const image = diskette(size * KIB, `${code}\n movw $0, %si\n jmp exit`);
    const { ax, bx, cx, dx } = after("", { diskettes: [image], disks: [] });
    expect(ax).toBe((size * 2 - 1) & 0xff);
    expect([cx, dx, bx & 0xff]).toEqual([(cylinder << 8) | sectors, (head << 8) | 1, type]);
  });

  it("are written, told apart from disks, and have their parameters behind INT 1Eh", () => {
    const { cf, ax, cx, machine } = after("", {
      disks: [],
      diskettes: [
        diskette(
          1440 * KIB,
          `movw $0x0301, %ax
          movw $0x0002, %cx
          movw $0x0100, %dx
          movw $0x7c00, %bx
          int $0x13
          movw $0x1500, %ax
          movw $0x0000, %dx
          int $0x13
          ldsw 0x78, %si
          movb 4(%si), %cl
          movb 3(%si), %ch
          movw $0, %si
          jmp exit`,
        ),
      ],
    });
    expect([cf, ax >> 8, cx]).toEqual([0, 1, 0x0212]);
    expect([...machine.diskettes[0]!.changes.keys()]).toEqual([19]);
    const saved = Machine.restore(machine.save(), { diskettes: [diskette(1440 * KIB)] });
    expect([...saved.diskettes[0]!.changes.keys()]).toEqual([19]);
  });
});
