import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { type DiskOptions, Machine, type MachineOptions, SnapshotError } from "../../emulator/index.ts";

const ORIGIN = 0x1000;

/** Initializes the 8259A pair: vectors from 0x20 and 0x28, and these masks. */
const picSetUp = (master: number, slave: number) => `
  .macro send port value
    movb $\\value, %al
    outb %al, $\\port
  .endm
  send 0x20 0x11
  send 0x21 0x20
  send 0x21 0x04
  send 0x21 0x01
  send 0xa0 0x11
  send 0xa1 0x28
  send 0xa1 0x02
  send 0xa1 0x01
  send 0x21 ${master}
  send 0xa1 ${slave}
`;

/** A machine about to run a real-mode program with all segments 0. */
function boot(source: string, options: MachineOptions = {}): Machine {
  const machine = new Machine({ memoryBytes: 2 << 20, ...options });
  machine.load(assembleBinary(`.code16\n${source}`, { file: "test.S", origin: ORIGIN }), ORIGIN);
  machine.setRegister("cs", 0);
  machine.setRegister("eip", ORIGIN);
  machine.setRegister("esp", 0x8000);
  return machine;
}

const EXIT = "movb $0, %al\n outb %al, $0xf4";

/** Copies scan codes of set 1 from IRQ 1 to memory until escape is let go. */
const READ_KEYS = `
  cli
  ${picSetUp(0xfd, 0xff)}
  movw $handler, 0x21 * 4
  movw $0, 0x21 * 4 + 2
  movw $0x5000, %di
  sti
again:
  hlt
  cmpb $0x81, -1(%di)
  jne again
  ${EXIT}
handler:
  inb $0x60, %al
  cld
  stosb
  movb $0x20, %al
  outb %al, $0x20
  iret
`;

const PRINT = `
  movw $0xb800, %ax
  movw %ax, %es
  movw $text, %si
  movw $160, %di
  movb $0x1e, %ah
  cld
1:
  lodsb
  testb %al, %al
  jz 2f
  stosw
  jmp 1b
2:
  movw $0x3d4, %dx
  movw $0x550f, %ax
  outw %ax, %dx
  ${EXIT}
text:
  .asciz "Hello, world"
`;

/** Reads sector 5 by IRQ 14, adds one to each byte, and writes the result to sector 6, all by interrupts. */
const COPY_SECTOR = `
  cli
  ${picSetUp(0xfb, 0xbf)}
  movw $handler, 0x2e * 4
  movw $0, 0x2e * 4 + 2
  sti
  movb $5, %bl
  movb $0x20, %bh
  call start
  call wait
  movw $0x1f0, %dx
  movw $256, %cx
  movw $0x5000, %di
  cld
  rep insw
  movw $512, %cx
1:
  decw %di
  incb (%di)
  loop 1b
  movb $6, %bl
  movb $0x30, %bh
  call start
  movw $0x1f7, %dx
2:
  inb %dx, %al
  testb $8, %al
  jz 2b
  movw $0x1f0, %dx
  movw $0x5000, %si
  movw $256, %cx
  rep outsw
  call wait
  ${EXIT}
start:                     # command BH for sector BL
  movb $0, done
  movw $0x1f2, %dx
  movb $1, %al
  outb %al, %dx
  incw %dx
  movb %bl, %al
  outb %al, %dx
  incw %dx
  movb $0, %al
  outb %al, %dx
  incw %dx
  outb %al, %dx
  incw %dx
  movb $0xe0, %al
  outb %al, %dx
  incw %dx
  movb %bh, %al
  outb %al, %dx
  ret
wait:
  cli
  cmpb $0, done
  jne 3f
  sti
  hlt
  jmp wait
3:
  sti
  ret
handler:
  pushw %ax
  pushw %dx
  movw $0x1f7, %dx
  inb %dx, %al
  movb $1, done
  movb $0x20, %al
  outb %al, $0xa0
  outb %al, $0x20
  popw %dx
  popw %ax
  iret
done:
  .byte 0
`;

describe("keyboard in a machine", () => {
  it("a program reads keys by IRQ 1", () => {
    const machine = boot(READ_KEYS);
    machine.keyboard.type("hi\n");
    machine.keyboard.stroke("escape");
    expect(machine.run()).toEqual({ kind: "exit", value: 0 });
    const codes = machine.readPhysical(0x5000, machine.getRegister("edi") - 0x5000);
    expect(Buffer.from(codes).toString("hex")).toBe("23a317971c9c0181");
  });

  it("keys can come while the program waits, and a run is the same every time", () => {
    const runs = [1, 2].map(() => {
      const machine = boot(READ_KEYS);
      const keys = ["a", "b", "escape"] as const;
      let pressed = 0;
      machine.onHalt = () => {
        if (machine.clock.size === 0) machine.keyboard.stroke(keys[pressed++]);
        return undefined;
      };
      expect(machine.run()).toEqual({ kind: "exit", value: 0 });
      return [machine.cycles, machine.instructions, machine.counters.interrupts];
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0][2]).toBe(6);
  });

  it("a machine that waits for a key that nobody presses is halted for ever, until somebody does", () => {
    const machine = boot(READ_KEYS);
    expect(machine.run()).toEqual({ kind: "halted-forever" });
    machine.keyboard.stroke("escape");
    expect(machine.run()).toEqual({ kind: "exit", value: 0 });
  });

  it("a program polls the controller: self-test, then caps lock light", () => {
    const machine = boot(`
      movb $0xaa, %al
      outb %al, $0x64
      call read
      movb %al, %bl
      movb $0xed, %al
      call write
      call read
      movb $0x04, %al
      call write
      call read
      ${EXIT}
    read:
      inb $0x64, %al
      testb $1, %al
      jz read
      inb $0x60, %al
      ret
    write:
      movb %al, %ah
    1:
      inb $0x64, %al
      testb $2, %al
      jnz 1b
      movb %ah, %al
      outb %al, $0x60
      ret
    `);
    expect(machine.run({ maxInstructions: 1_000_000 })).toEqual({ kind: "exit", value: 0 });
    expect(machine.getRegister("ebx") & 0xff).toBe(0x55);
    expect(machine.keyboard.leds.capsLock).toBe(true);
  });

  it("the controller gates A20", () => {
    const machine = boot(`
      movw $0xffff, %ax
      movw %ax, %es
      movb $0xd1, %al
      outb %al, $0x64
      movb $0xdd, %al
      outb %al, $0x60
      movb $0x11, %es:0x510
      movb $0xd1, %al
      outb %al, $0x64
      movb $0xdf, %al
      outb %al, $0x60
      movb $0x22, %es:0x510
      ${EXIT}
    `);
    machine.run();
    expect([machine.readPhysical(0x500, 1)[0], machine.readPhysical(0x100500, 1)[0]]).toEqual([0x11, 0x22]);
  });

  it("the controller pulls the reset line", () => {
    const machine = boot(`movb $0xfe, %al\n outb %al, $0x64\n hlt`);
    machine.run({ until: () => machine.getRegister("cs") === 0xf000 });
    expect([machine.getRegister("cs"), machine.getRegister("eip")]).toEqual([0xf000, 0xfff0]);
  });
});

describe("display in a machine", () => {
  it("a program prints, and moves the cursor", () => {
    const machine = boot(PRINT);
    expect(machine.run()).toEqual({ kind: "exit", value: 0 });
    expect(machine.vga.screenText()).toBe(`\nHello, world\n${"\n".repeat(23)}`);
    expect(machine.vga.cells[1][0]).toEqual({ code: 0x48, character: "H", attribute: 0x1e });
    expect(machine.vga.cursor).toMatchObject({ row: 1, column: 5, visible: true });
  });

  it("a program waits for the vertical retrace", () => {
    const machine = boot(`
      movw $0x3da, %dx
      movw $3, %cx
    1:
      inb %dx, %al
      testb $8, %al
      jnz 1b
    2:
      inb %dx, %al
      testb $8, %al
      jz 2b
      loop 1b
      ${EXIT}
    `);
    expect(machine.run({ maxInstructions: 2_000_000 })).toEqual({ kind: "exit", value: 0 });
    // The third retrace begins after two frames and 412 of 449 lines, at 70.09 frames a second.
    const expected = ((2 + 412 / 449) / 70.0867) * machine.clock.hz;
    expect(Math.abs(machine.cycles - expected)).toBeLessThan(20);
  });

  it("code can run in the frame buffer, and sees itself change", () => {
    const machine = boot("ljmp $0xb800, $0");
    const code = `
      movb $7, %al
      movb %al, %cs:operand
      movb $0, %al
      .equ operand, . - 1
      outb %al, $0xf4
    `;
    machine.load(assembleBinary(`.code16\n${code}`, { file: "test.S" }), 0xb8000);
    expect(machine.run()).toEqual({ kind: "exit", value: 7 });
  });
});

describe("disks in a machine", () => {
  const image = () => Uint8Array.from({ length: 64 * 512 }, (_, i) => (i >>> 9) ^ i);

  it("a program reads and writes sectors by IRQ 14", () => {
    const original = image();
    const machine = boot(COPY_SECTOR, { disks: [{ image: original }] });
    expect(machine.run({ maxInstructions: 100_000 })).toEqual({ kind: "exit", value: 0 });
    const expected = original.slice(5 * 512, 6 * 512).map((byte) => byte + 1);
    expect(machine.disks[0]!.read(6)).toEqual(expected);
    expect([...machine.disks[0]!.changes.keys()]).toEqual([6]);
    expect(machine.counters.interrupts).toBe(2);
    expect(original).toEqual(image());
  });

  it("four disks are master and slave of two channels", () => {
    const disks: DiskOptions[] = [1, 2, 3, 4].map((sectors) => ({ image: new Uint8Array(sectors * 512) }));
    const machine = new Machine({ memoryBytes: 1 << 20, disks });
    const sizes = [
      [0x1f0, 0xa0],
      [0x1f0, 0xb0],
      [0x170, 0xa0],
      [0x170, 0xb0],
    ].map(([base, device]) => {
      machine.ports.write8(base + 6, device);
      machine.ports.write8(base + 7, 0xec);
      machine.clock.advanceTo(machine.clock.now + 10_000);
      return Array.from({ length: 256 }, () => machine.ports.read16(base))[60];
    });
    expect(sizes).toEqual([1, 2, 3, 4]);
    expect(machine.disks.map((disk) => disk?.sectors)).toEqual([1, 2, 3, 4]);
  });

  it("places can be empty, and there are no more than four", () => {
    const one = { image: new Uint8Array(512) };
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [null, one] });
    expect(machine.disks.map((disk) => disk !== null)).toEqual([false, true, false, false]);
    expect(() => new Machine({ disks: [one, one, one, one, one] })).toThrow("5 disks: a PC has room for 4");
    expect(() => new Machine({ disks: [{ image: new Uint8Array(100) }] })).toThrow(/disk image of 100 bytes/);
  });

  it("keep what was written over a reset", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image: image() }] });
    machine.disks[0]!.write(3, new Uint8Array(512).fill(9));
    machine.reset();
    expect(machine.disks[0]!.read(3)[0]).toBe(9);
  });
});

describe("snapshots of keyboard, display and disks", () => {
  /** Where two machines end that ran the rest of the same program, one of them from a snapshot of `cycle`. */
  const endsFrom = (cycle: number, make: () => Machine, options: MachineOptions) => {
    const original = make();
    original.run({ untilCycle: cycle });
    const copy = Machine.restore(original.save(), options);
    return [original, copy].map((machine) => {
      const reason = machine.run({ maxInstructions: 1_000_000 });
      const disk = machine.disks[0];
      return {
        reason,
        cycles: machine.cycles,
        screen: machine.vga.screenText(),
        cursor: machine.vga.cursor,
        keys: machine.readPhysical(0x5000, 64),
        disk: disk === null ? null : Buffer.from(disk.contents()).toString("hex"),
      };
    });
  };

  it("go on at any moment as if nothing had happened", () => {
    const options = { disks: [{ image: Uint8Array.from({ length: 64 * 512 }, (_, i) => i) }] };
    const typed = () => {
      const machine = boot(READ_KEYS, options);
      machine.keyboard.type("Hi");
      machine.keyboard.stroke("escape");
      return machine;
    };
    for (const cycle of [0, 9_000, 10_000, 25_000, 150_000, 333_333]) {
      const [original, copy] = endsFrom(cycle, typed, options);
      expect(copy).toEqual(original);
      expect(original.reason).toEqual({ kind: "exit", value: 0 });
    }
    for (const cycle of [50, 500, 1_500, 2_500, 3_000]) {
      const [original, copy] = endsFrom(cycle, () => boot(COPY_SECTOR, options), options);
      expect(copy).toEqual(original);
      expect(original.reason).toEqual({ kind: "exit", value: 0 });
    }
    const [original, copy] = endsFrom(30, () => boot(PRINT, options), options);
    expect(copy).toEqual(original);
  });

  it("do not fit a machine with other disks", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image: new Uint8Array(1024) }] });
    const bytes = machine.save();
    for (const disks of [[], [{ image: new Uint8Array(512) }]]) {
      expect(() => Machine.restore(bytes, { disks })).toThrow(SnapshotError);
    }
  });
});

describe("POST port in a machine", () => {
  it("tells the host what a program writes", () => {
    const machine = boot(`movb $0x42, %al\n outb %al, $0x80\n incw %ax\n outb %al, $0x80\n ${EXIT}`);
    const codes: number[] = [];
    machine.onPostCode = (code) => codes.push(code);
    machine.run();
    expect(codes).toEqual([0x42, 0x43]);
  });
});

describe("ports that nobody claims", () => {
  it("read all ones", () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    for (const port of [0x00, 0x62, 0x81, 0x201, 0x3f7, 0xcf8, 0xffff]) expect(machine.ports.read8(port)).toBe(0xff);
    expect(machine.ports.read32(0xcfc)).toBe(-1);
  });
});

describe("all ports of a machine", () => {
  it("take whatever is written to them, and the machine goes on", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image: new Uint8Array(512 * 8) }] });
    const claimed = machine.ports.ranges
      .filter(({ name }) => name !== "exit port")
      .flatMap(({ first, count }) => Array.from({ length: count }, (_, offset) => first + offset));
    const access = fc.tuple(fc.constantFrom(...claimed), fc.integer(), fc.constantFrom(8, 16, 32), fc.nat(20_000));
    fc.assert(
      fc.property(fc.array(access, { maxLength: 100 }), (accesses) => {
        machine.reset();
        for (const [port, value, width, cycles] of accesses) {
          if (width === 8) machine.ports.write8(port, value);
          else if (width === 16) machine.ports.write16(port, value);
          else machine.ports.write32(port, value);
          expect(machine.ports.read8(port)).toBeLessThan(256);
          machine.clock.advanceTo(machine.clock.now + cycles);
        }
        machine.reset();
        machine.load(Uint8Array.of(0xb0, 0x2a, 0xe6, 0xf4), 0x1000);
        machine.setRegister("cs", 0);
        machine.setRegister("eip", 0x1000);
        expect(machine.run({ maxInstructions: 1000 })).toEqual({ kind: "exit", value: 0x2a });
      }),
      { numRuns: 50 },
    );
  });
});
