import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { BootError, bootLinux, type LinuxBoot } from "../../boot/index.ts";
import { Machine } from "../../emulator/index.ts";

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}

interface ImageOptions {
  readonly version?: number;
  readonly loadFlags?: number;
  readonly initrdMax?: number;
  readonly commandLineSize?: number;
  readonly initSize?: number;
  /** Bytes of protected-mode code. */
  readonly size?: number;
}

/** A kernel image whose real-mode code writes the registers it starts with to 0x600 and exits with the byte at its kernel's start. */
function image({
  version = 0x020f,
  loadFlags = 1,
  initrdMax = 0x7fffffff,
  commandLineSize = 2047,
  initSize = 0,
  size = 64,
}: ImageOptions = {}): Uint8Array {
  return assembleBinary(
    `.code16
    .org 0x1f1
    .byte 1
    .word 0
    .long 4
    .word 0, 0xffff, 0, 0xaa55
    .word 0x6eeb			# jmp 0x270
    .ascii "HdrS"
    .word ${version}
    .org 0x211
    .byte ${loadFlags}
    .word 0x8000
    .long 0x100000, 0, 0, 0
    .org 0x22c
    .long ${initrdMax}
    .org 0x238
    .long ${commandLineSize}
    .org 0x258
    .long 0x100000, 0, ${initSize}
    .org 0x270
    xorw %ax, %ax
    movw %ax, %fs
    movw %cs, %fs:0x600
    movw %ds, %fs:0x602
    movw %ss, %fs:0x604
    movw %sp, %fs:0x606
    movb $0, %al
    int $0x12
    outw %ax, $0xf4
    .org 0x400
    .fill ${size}, 1, 0x5a`,
    { file: "kernel.S", origin: 0 },
  );
}

function boot(options: LinuxBoot, memoryBytes = 32 << 20) {
  const machine = new Machine({ memoryBytes });
  bootLinux(machine, options);
  const stop = machine.run({ maxInstructions: 1000 });
  const word = (address: number) => machine.memory.read16(address);
  const long = (address: number) => machine.memory.read32(address) >>> 0;
  const text = (address: number) => {
    let end = address;
    while (machine.memory.read8(end) !== 0) end++;
    return new TextDecoder().decode(machine.readPhysical(address, end - address));
  };
  const [cs, ds, ss, sp] = [word(0x600), word(0x602), word(0x604), word(0x606)];
  return { machine, stop, cs, ds, ss, sp, setup: ds * 16, word, long, text };
}

describe("a bzImage", () => {
  it("is entered in real mode, with the BIOS at hand and its segments and stack as the protocol says", () => {
    const { stop, cs, ds, ss, sp, setup, machine, word } = boot({ kernel: image() });
    expect(stop).toEqual({ kind: "exit", value: 639 });
    expect([cs - ds, ss]).toEqual([0x20, ds]);
    expect(sp).toBeGreaterThanOrEqual(word(setup + 0x224));
    expect(machine.readPhysical(0x100000, 64)).toEqual(new Uint8Array(64).fill(0x5a));
    expect(machine.memory.read8(setup + 0x210)).toBe(0xff);
    expect(machine.memory.read8(setup + 0x211)).toBe(0x81);
  });

  it("finds command line and initial ramdisk, which lies as high as the kernel lets it", () => {
    const initrd = new Uint8Array(5000).fill(7);
    const { setup, long, text, machine } = boot({ kernel: image(), initrd, commandLine: "console=ttyS0 ro" });
    expect(text(long(setup + 0x228))).toBe("console=ttyS0 ro");
    expect([long(setup + 0x218), long(setup + 0x21c)]).toEqual([(32 << 20) - 8192, 5000]);
    expect(machine.readPhysical(long(setup + 0x218), 5000)).toEqual(initrd);
    const lower = boot({ kernel: image({ initrdMax: 0xffffff }), initrd });
    expect(lower.long(lower.setup + 0x218)).toBe((16 << 20) - 8192);
    // Kernels before 2.03 do not say.
    const older = boot({ kernel: image({ version: 0x0202, initrdMax: 0 }), initrd });
    expect(older.long(older.setup + 0x218)).toBe((32 << 20) - 8192);
  });

  it("is told the display's mode by vga=", () => {
    const mode = (commandLine: string) => {
      const { word, setup } = boot({ kernel: image(), commandLine });
      return word(setup + 0x1fa);
    };
    expect(["", "vga=ask", "a vga=0x317", "vga=ext vga=normal"].map(mode)).toEqual([0xffff, 0xfffd, 0x317, 0xffff]);
  });

  it.each([0x0200, 0x0201])("of protocol 0x%s has its command line beside code at 0x90000", (version) => {
    const { setup, word, text, machine } = boot({ kernel: image({ version }), commandLine: "old" });
    expect(setup).toBe(0x90000);
    expect(word(setup + 0x20)).toBe(0xa33f);
    expect(text(setup + word(setup + 0x22))).toBe("old");
    expect((machine.memory.read8(setup + 0x211) & 0x80) !== 0).toBe(version >= 0x0201);
    expect(machine.memory.read8(0x100000)).toBe(0x5a);
  });
});

it("loads a zImage to 64 KiB", () => {
  const { machine, setup, stop } = boot({ kernel: image({ loadFlags: 0 }) });
  expect(stop.kind).toBe("exit");
  expect([setup, machine.memory.read8(0x10000)]).toEqual([0x90000, 0x5a]);
});

it("takes bytes that lie within others, as Node's small buffers do", () => {
  const kernel = image();
  const pool = Buffer.alloc(kernel.length + 100, 0xee);
  pool.set(kernel, 50);
  expect(boot({ kernel: pool.subarray(50, 50 + kernel.length) }).stop.kind).toBe("exit");
  expect(pool.subarray(50, 50 + kernel.length)).toEqual(Buffer.from(kernel));
});

describe("what cannot be booted", () => {
  it.each<[string, LinuxBoot, string]>([
    ["another file", { kernel: new Uint8Array(5000) }, 'there is no "HdrS" at 0x202'],
    ["a short file", { kernel: new Uint8Array(50) }, "it has 50 bytes"],
    ["an old kernel", { kernel: image({ version: 0x0100 }) }, "older than 2.00"],
    ["a file without its kernel", { kernel: image().subarray(0, 0x400) }, "ends within its set-up code"],
    ["a long command line", { kernel: image({ commandLineSize: 9 }), commandLine: "0123456789" }, "takes is 9"],
    [
      "before 2.06 a longer one than 255",
      { kernel: image({ version: 0x0205 }), commandLine: "x".repeat(256) },
      "is 255",
    ],
    ["a big ramdisk", { kernel: image(), initrd: new Uint8Array(31 << 20) }, "the machine needs more memory"],
    [
      "a ramdisk in what the kernel needs first",
      { kernel: image({ initSize: 20 << 20 }), initrd: new Uint8Array(12 << 20) },
      "do not fit between 0x1500000",
    ],
    ["a big zImage", { kernel: image({ loadFlags: 0, size: 0x80001 }) }, "a zImage is smaller"],
    ["a kernel bigger than memory", { kernel: padded(image(), 33 << 20) }, "the kernel's"],
  ])("%s", (_what, options, message) => {
    const machine = new Machine({ memoryBytes: 32 << 20 });
    expect(() => bootLinux(machine, options)).toThrow(BootError);
    expect(() => bootLinux(machine, options)).toThrow(message);
  });
});
