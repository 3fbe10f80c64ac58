import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { BootError, bootDisk } from "../../boot/index.ts";
import { type Disk, Machine, type StopReason } from "../../emulator/index.ts";

/** Wraps code for 0x7C00 into a boot sector that has what the tests need: `print` to the debug console, `exit`. */
function bootSector(code: string): Uint8Array {
  return assembleBinary(
    `.code16
    .org 0
    ${code}
    exit: outb %al, $0xf4
    .org 510
    .word 0xaa55
    .org 512 * 64`,
    { file: "sector.S", origin: 0x7c00 },
  );
}

interface Booted {
  readonly machine: Machine;
  readonly disk: Disk;
  readonly stop: StopReason;
  readonly teletype: string;
}

function boot(code: string, prepare: (machine: Machine) => void = () => {}): Booted {
  const image = bootSector(code);
  for (let sector = 1; sector < 64; sector++) image.fill(sector, sector * 512, (sector + 1) * 512);
  const machine = new Machine({ memoryBytes: 64 << 20, disks: [{ image }] });
  let teletype = "";
  bootDisk(machine, {
    onTeletype: (character) => {
      teletype += String.fromCharCode(character);
    },
  });
  prepare(machine);
  const stop = machine.run({ untilCycle: 20_000_000 });
  return { machine, disk: machine.disks[0]!, stop, teletype };
}

/** What the code leaves in AX, BX, CX, DX and CF after it. */
function registersAfter(code: string, prepare?: (machine: Machine) => void) {
  const { machine, stop } = boot(`${code}\n movw $0, %si\n adcw $0, %si\n jmp exit`, prepare);
  expect(stop.kind).toBe("exit");
  const low = (name: "eax" | "ebx" | "ecx" | "edx" | "esi") => machine.getRegister(name) & 0xffff;
  return { ax: low("eax"), bx: low("ebx"), cx: low("ecx"), dx: low("edx"), cf: low("esi"), machine };
}

describe("power-on", () => {
  it("loads the boot sector to 0x7C00 with DL = 0x80, and sets up vectors and data area", () => {
    const { machine, stop } = boot("movb %dl, %al\n jmp exit");
    expect(stop).toEqual({ kind: "exit", value: 0x80 });
    const word = (address: number) => machine.memory.read16(address);
    expect(word(0x10 * 4 + 2)).toBe(0xf000);
    expect(word(0x400)).toBe(0x3f8);
    expect(word(0x40e)).toBe(0x9fc0);
    expect(word(0x413)).toBe(639);
    expect(machine.memory.read8(0x475)).toBe(1);
    expect(machine.getRegister("eflags") & 0x200).toBe(0x200);
  });

  it("says that the disk cannot be booted before it tries", () => {
    const machine = new Machine({ disks: [{ image: new Uint8Array(512) }] });
    expect(() => bootDisk(machine)).toThrow(BootError);
    expect(() => bootDisk(new Machine())).toThrow("no disk to boot from");
  });

  it("prints a message and halts when the disk lost its boot sector", () => {
    const { teletype, stop } = boot(
      "movw $0x0301, %ax\n movw $1, %cx\n movw $0x80, %dx\n movw $0x9000, %bx\n int $0x13\n int $0x19",
    );
    expect(teletype).toBe("No bootable disk.\r\n");
    expect(stop.kind).toBe("halted-forever");
  });

  it("starts again on a reset", () => {
    const { stop } = boot(`
      movw $0x9000, %bx
      cmpw $0x1234, (%bx)
      je again
      movw $0x1234, (%bx)
      movb $3, %al
      outb %al, $0x92
      hlt
      again: movb $7, %al
      jmp exit`);
    expect(stop).toEqual({ kind: "exit", value: 7 });
  });
});

describe("INT 10h", () => {
  it("shows on the screen what is printed, and scrolls", () => {
    const lines = (machine: Machine) => machine.vga.screenText().split("\n");
    const { machine } = boot(`
      movw $0x0003, %ax
      int $0x10
      movw $26, %cx
      1: movw $0x0e41, %ax
      addb %cl, %al
      int $0x10
      movw $0x0e0d, %ax
      int $0x10
      movw $0x0e0a, %ax
      int $0x10
      loop 1b
      movw $0x0958, %ax
      movw $0x001e, %bx
      movw $3, %cx
      int $0x10
      jmp exit`);
    expect(lines(machine).slice(0, 3)).toEqual(["Y", "X", "W"]);
    expect(lines(machine)[24]).toBe("XXX");
    expect(machine.vga.cells[24][0].attribute).toBe(0x1e);
    expect(machine.vga.cursor).toMatchObject({ row: 24, column: 0, visible: true });
  });

  it("prints, moves the cursor and tells where it is", () => {
    const { teletype } = boot("movw $0x0e41, %ax\n int $0x10\n movb $0x42, %al\n int $0x10\n jmp exit");
    expect(teletype).toBe("AB");
    const { dx, cx } = registersAfter(`
      movw $0x0003, %ax
      int $0x10
      movw $0x0200, %ax
      movw $0x0507, %dx
      movw $0, %bx
      int $0x10
      movw $0x0e0d, %ax
      int $0x10
      movw $0x0e0a, %ax
      int $0x10
      movw $0x0e58, %ax
      int $0x10
      movb $3, %ah
      int $0x10`);
    expect([dx, cx]).toEqual([0x0601, 0x0d0e]);
  });
});

describe("INT 11h and 12h", () => {
  it("tell the equipment and 639 KiB", () => {
    expect(registersAfter("int $0x11").ax).toBe(0x0422);
    expect(registersAfter("int $0x12").ax).toBe(639);
  });
});

describe("INT 13h", () => {
  const READ = "movw $0x0203, %ax\n movw $0x0005, %cx\n movw $0x0080, %dx\n movw $0x9000, %bx\n int $0x13";

  it("reads sectors by cylinder, head and sector", () => {
    const { ax, cf, machine } = registersAfter(READ);
    expect([ax, cf]).toEqual([0x0003, 0]);
    expect([0x9000, 0x91ff, 0x9200, 0x9400, 0x9600].map((at) => machine.memory.read8(at))).toEqual([4, 4, 5, 6, 0]);
  });

  it("writes sectors", () => {
    const { disk, stop } = boot(`
      movw $0x9000, %di
      movw $256, %cx
      movw $0x1234, %ax
      rep stosw
      movw $0x0301, %ax
      movw $0x0009, %cx
      movw $0x0080, %dx
      movw $0x9000, %bx
      int $0x13
      movb $0, %al
      adcb $0, %al
      jmp exit`);
    expect(stop).toEqual({ kind: "exit", value: 0 });
    expect([...disk.changes.keys()]).toEqual([8]);
    expect(disk.changes.get(8)!.slice(0, 4)).toEqual(Uint8Array.of(0x34, 0x12, 0x34, 0x12));
  });

  it("tells the parameters", () => {
    const { cx, dx, cf } = registersAfter("movb $8, %ah\n movb $0x80, %dl\n int $0x13");
    expect([cx, dx, cf]).toEqual([63, 0x0f01, 0]);
    expect(registersAfter("movb $0x15, %ah\n movb $0x80, %dl\n int $0x13")).toMatchObject({ cx: 0, dx: 64, cf: 0 });
  });

  it("has the extensions: check, read and write by packet, parameters", () => {
    const check = registersAfter("movb $0x41, %ah\n movw $0x55aa, %bx\n movb $0x80, %dl\n int $0x13");
    expect(check).toMatchObject({ bx: 0xaa55, cx: 1, cf: 0 });
    const read = (lba: number) => `movw $packet, %si
      movb $0x42, %ah
      movb $0x80, %dl
      int $0x13
      jmp after
      packet: .byte 16, 0
      .word 2, 0, 0x0900
      .long ${lba}, 0
      after:`;
    const { ax, cf, machine } = registersAfter(read(10));
    expect([ax >> 8, cf, machine.memory.read8(0x9000), machine.memory.read8(0x9200)]).toEqual([0, 0, 10, 11]);
    expect(registersAfter(read(63))).toMatchObject({ cf: 1 });
    const parameters = registersAfter(
      "movw $0x9000, %si\n movw $26, (%si)\n movb $0x48, %ah\n movb $0x80, %dl\n int $0x13",
    );
    expect([parameters.machine.memory.read32(0x9010), parameters.machine.memory.read16(0x9018)]).toEqual([64, 512]);
  });

  it("refuses what is not there", () => {
    const status = (code: string) => registersAfter(code);
    expect(status("movw $0x0201, %ax\n movw $1, %cx\n movw $0x81, %dx\n int $0x13")).toMatchObject({
      ax: 0x8001,
      cf: 1,
    });
    expect(status("movw $0x0201, %ax\n movw $0xff02, %cx\n movw $0x80, %dx\n int $0x13")).toMatchObject({
      ax: 0x0400,
      cf: 1,
    });
    expect(status("movw $0x7f00, %ax\n movw $0x80, %dx\n int $0x13")).toMatchObject({ ax: 0x0100, cf: 1 });
    expect(status("movw $0x7f00, %ax\n movw $0x80, %dx\n int $0x13\n movb $1, %ah\n int $0x13")).toMatchObject({
      ax: 0x0100,
      cf: 1,
    });
  });
});

describe("INT 15h", () => {
  it("gives the memory map, a range a call", () => {
    const { machine, stop } = boot(`
      xorl %ebx, %ebx
      movw $0x9000, %di
      1: movl $0xe820, %eax
      movl $0x534d4150, %edx
      movl $20, %ecx
      int $0x15
      jc 2f
      addw $20, %di
      testl %ebx, %ebx
      jnz 1b
      2: movw %di, %ax
      subw $0x9000, %ax
      jmp exit`);
    expect(stop).toEqual({ kind: "exit", value: 140 });
    const words = (at: number) => [0, 8, 16].map((offset) => machine.memory.read32(at + offset) >>> 0);
    expect(words(0x9000)).toEqual([0, 0x9fc00, 1]);
    expect(words(0x9000 + 60)).toEqual([0x100000, 0x3f00000, 1]);
    expect(words(0x9000 + 120)).toEqual([0xfffe0000, 0x20000, 2]);
  });

  it("gives sizes the older ways", () => {
    expect(registersAfter("movw $0xe801, %ax\n int $0x15")).toMatchObject({
      ax: 0x3c00,
      bx: 768,
      cx: 0x3c00,
      dx: 768,
      cf: 0,
    });
    expect(registersAfter("movb $0x88, %ah\n int $0x15")).toMatchObject({ ax: 63 * 1024, cf: 0 });
    expect(registersAfter("movw $0x4321, %ax\n int $0x15")).toMatchObject({ ax: 0x8621, cf: 1 });
  });

  it("drives A20", () => {
    const off = registersAfter("movw $0x2400, %ax\n int $0x15\n movw $0x2402, %ax\n int $0x15");
    expect(off).toMatchObject({ ax: 0, cf: 0 });
    expect(off.machine.memory.a20).toBe(false);
    expect(
      registersAfter("movw $0x2400, %ax\n int $0x15\n movw $0x2401, %ax\n int $0x15\n movw $0x2402, %ax\n int $0x15")
        .ax,
    ).toBe(1);
  });

  it("moves blocks to extended memory", () => {
    const { machine, ax, cf } = registersAfter(`
      movw $table, %si
      movw $4, %cx
      movb $0x87, %ah
      int $0x15
      jmp after
      text: .ascii "extended"
      table: .skip 16
      .word 0xffff, text
      .byte 0, 0x93, 0, 0
      .word 0xffff, 0
      .byte 0x20, 0x93, 0, 0
      .skip 16
      after:`);
    expect([ax >> 8, cf]).toEqual([0, 0]);
    expect(new TextDecoder().decode(machine.readPhysical(0x200000, 8))).toBe("extended");
  });
});

describe("INT 16h", () => {
  it("has the keys of the keyboard", () => {
    const { machine } = boot(
      "movw $0x9000, %di\n 1: movb $0, %ah\n int $0x16\n stosw\n cmpb $13, %al\n jne 1b\n jmp exit",
      (machine) => {
        machine.keyboard.type("aB?\n");
      },
    );
    const key = (index: number) => machine.memory.read16(0x9000 + 2 * index);
    expect([0, 1, 2, 3].map(key)).toEqual([0x1e61, 0x3042, 0x353f, 0x1c0d]);
  });

  it("knows lock keys, the cursor keys and Pause", () => {
    const code = "movw $0x9000, %di\n 1: movb $0, %ah\n int $0x16\n stosw\n cmpb $13, %al\n jne 1b\n jmp exit";
    const { machine } = boot(code, (machine) => {
      machine.keyboard.stroke("num-lock");
      machine.keyboard.stroke("up");
      machine.keyboard.stroke("left-shift", "left");
      machine.keyboard.stroke("pause");
      machine.keyboard.stroke("caps-lock");
      machine.keyboard.type("a1\n");
    });
    const key = (index: number) => machine.memory.read16(0x9000 + 2 * index);
    expect([0, 1, 2, 3, 4].map(key)).toEqual([0x4800, 0x4b00, 0x1e41, 0x0231, 0x1c0d]);
  });

  it("waits for a key, peeks and tells the shift flags", () => {
    const { ax } = registersAfter(
      "movw $0x1e61, %cx\n call put\n movb $1, %ah\n int $0x16\n jz 1f\n movb $0, %ah\n int $0x16\n 1: jmp done\n put: movw %cx, 0x41e\n movw $0x20, 0x41c\n ret\n done:",
    );
    expect(ax).toBe(0x1e61);
    const { machine, stop } = boot(
      "movb $1, %ah\n int $0x16\n jz waiting\n jmp exit\n waiting: movb $0, %ah\n int $0x16\n jmp exit",
    );
    expect(stop.kind).toBe("budget");
    expect(machine.counters.halts).toBeGreaterThan(30);
  });
});

describe("INT 1Ah and the timer", () => {
  it("counts 18.2 ticks a second from the time of day", () => {
    const { cx, dx } = registersAfter(`
      movb $0, %ah
      int $0x1a
      movw %dx, %bx
      1: hlt
      movb $0, %ah
      int $0x1a
      movw %dx, %ax
      subw %bx, %ax
      cmpw $5, %ax
      jb 1b`);
    expect([cx, dx]).toEqual([0, 5]);
  });

  it("tells time and date in BCD", () => {
    expect(registersAfter("movb $2, %ah\n int $0x1a")).toMatchObject({ cx: 0, dx: 0, cf: 0 });
    expect(registersAfter("movb $4, %ah\n int $0x1a")).toMatchObject({ cx: 0x2001, dx: 0x0104, cf: 0 });
  });
});

describe("any call", () => {
  it("with any registers leaves the host in order", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image: bootSector("1: hlt\n jmp 1b") }] });
    bootDisk(machine);
    machine.run({ untilCycle: 200_000 });
    const booted = machine.save();
    const register = fc.oneof(fc.nat(0xffffffff), fc.nat(0xff), fc.constantFrom(0x80, 0x534d4150, 0x55aa));
    const names = ["ebx", "ecx", "edx", "esi", "edi", "ebp", "es", "ds"] as const;
    const vector = fc.constantFrom(0x09, 0x10, 0x11, 0x12, 0x13, 0x15, 0x16, 0x19, 0x1a);
    const ax = fc.oneof(
      fc.nat(0xffff),
      fc.nat(0x1f).map((ah) => ah << 8),
      fc.constantFrom(0x4200, 0x4300, 0x4800, 0xe820),
    );
    fc.assert(
      fc.property(
        vector,
        ax,
        fc.array(register, { minLength: names.length, maxLength: names.length }),
        (number, eax, values) => {
          machine.restore(booted);
          machine.load(Uint8Array.of(0xcd, number, 0xe6, 0xf4), 0x8000);
          machine.setRegister("eax", eax);
          for (const [index, name] of names.entries()) machine.setRegister(name, values[index]);
          machine.setRegister("cs", 0);
          machine.setRegister("eip", 0x8000);
          machine.setRegister("esp", 0x7000);
          machine.cores[0].halted = false;
          expect(["exit", "budget", "triple-fault"]).toContain(machine.run({ maxInstructions: 2000 }).kind);
        },
      ),
      { numRuns: 150 },
    );
  });
});
