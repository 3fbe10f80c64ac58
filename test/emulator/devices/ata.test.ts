import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { ATA_PRIMARY, AtaChannel } from "../../../emulator/devices/ata.ts";
import { BLOCK_MICROSECONDS, COMMAND_MICROSECONDS, RESET_MICROSECONDS } from "../../../emulator/devices/ata-drive.ts";
import { Disk, type DiskOptions } from "../../../emulator/devices/disk.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";

const [DATA, ERROR, COUNT, SECTOR, CYLINDER_LOW, CYLINDER_HIGH, DEVICE, STATUS] = [
  0x1f0, 0x1f1, 0x1f2, 0x1f3, 0x1f4, 0x1f5, 0x1f6, 0x1f7,
];
const FEATURES = ERROR;
const COMMAND = STATUS;
const CONTROL = 0x3f6;
const [BUSY, READY, DRQ, ERR] = [0x80, 0x50, 0x58, 0x51];
const [ABORTED, NOT_FOUND] = [0x04, 0x10];
const LBA = 0xe0;
const CHS = 0xa0;

/** Each byte of sector n is a function of n. */
const sectorBytes = (sector: number) => Uint8Array.from({ length: 512 }, (_, i) => (sector * 7 + i) & 0xff);
function image(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i >>> 9) * 7 + i;
  return bytes;
}
const DEFAULT_IMAGE = image(4096);

/** A channel on a machine with one cycle a microsecond. */
function setUp({ disk0 = {}, disk1 = null }: { disk0?: Partial<DiskOptions> | null; disk1?: DiskOptions | null } = {}) {
  const clock = new Clock(1_000_000);
  const irqs: boolean[] = [];
  const disks = [
    disk0 === null ? null : new Disk({ image: DEFAULT_IMAGE, ...disk0 }),
    disk1 === null ? null : new Disk(disk1),
  ] as const;
  const channel = new AtaChannel({ clock, place: ATA_PRIMARY, onIrq: (level) => irqs.push(level) }, disks);
  const bus = new PortBus();
  channel.connect(bus);
  channel.reset();
  const run = (microseconds: number) => clock.advanceTo(clock.now + microseconds);
  const address = (count: number, cylinderOrLba: number, device = LBA) => {
    bus.write8(COUNT, count);
    bus.write8(SECTOR, cylinderOrLba & 0xff);
    bus.write8(CYLINDER_LOW, cylinderOrLba >>> 8);
    bus.write8(CYLINDER_HIGH, cylinderOrLba >>> 16);
    bus.write8(DEVICE, device | ((cylinderOrLba >>> 24) & 0x0f));
  };
  const chs = (count: number, cylinder: number, head: number, sector: number) => {
    bus.write8(COUNT, count);
    bus.write8(SECTOR, sector);
    bus.write8(CYLINDER_LOW, cylinder);
    bus.write8(CYLINDER_HIGH, cylinder >>> 8);
    bus.write8(DEVICE, CHS | head);
  };
  const command = (code: number) => {
    bus.write8(COMMAND, code);
    run(COMMAND_MICROSECONDS);
    return bus.read8(CONTROL);
  };
  const readBlock = (bytes = 512) => {
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const word = bus.read16(DATA);
      data[i] = word;
      data[i + 1] = word >>> 8;
    }
    return data;
  };
  const writeBlock = (data: Uint8Array) => {
    for (let i = 0; i < data.length; i += 2) bus.write16(DATA, data[i] | (data[i + 1] << 8));
  };
  return {
    clock,
    bus,
    channel,
    disks,
    irqs,
    run,
    address,
    chs,
    command,
    readBlock,
    writeBlock,
    nextBlock: () => run(BLOCK_MICROSECONDS),
    status: () => bus.read8(CONTROL),
    error: () => bus.read8(ERROR),
    interrupted: () => irqs.at(-1) === true,
    registers: () => [COUNT, SECTOR, CYLINDER_LOW, CYLINDER_HIGH, DEVICE].map((port) => bus.read8(port)),
    identify: () => {
      command(0xec);
      const data = readBlock();
      const words = new Uint16Array(data.buffer);
      const text = (from: number, to: number) =>
        String.fromCharCode(...Array.from(words.slice(from, to + 1)).flatMap((word) => [word >>> 8, word & 0xff]));
      return { words, text };
    },
  };
}

describe("ATA protocol", () => {
  it("data in: BSY for 100 µs, then DRQ and an interrupt; after the last word neither", () => {
    const { bus, address, run, irqs, readBlock, status } = setUp();
    address(1, 5);
    bus.write8(COMMAND, 0x20);
    expect(status()).toBe(BUSY);
    run(COMMAND_MICROSECONDS - 1);
    expect([status(), irqs]).toEqual([BUSY, []]);
    run(1);
    expect([status(), irqs]).toEqual([DRQ, [true]]);
    expect(bus.read8(STATUS)).toBe(DRQ);
    expect(irqs).toEqual([true, false]);
    expect(readBlock()).toEqual(sectorBytes(5));
    expect(status()).toBe(READY);
    run(1000);
    expect(irqs).toEqual([true, false]);
  });

  it("data in: an interrupt for each sector, with BSY between them", () => {
    const { bus, address, command, readBlock, run, status, interrupted } = setUp();
    address(3, 10);
    command(0x20);
    for (let sector = 10; sector < 13; sector++) {
      expect([interrupted(), bus.read8(STATUS)]).toEqual([true, DRQ]);
      expect(readBlock()).toEqual(sectorBytes(sector));
      expect(status()).toBe(sector < 12 ? BUSY : READY);
      run(BLOCK_MICROSECONDS);
    }
    expect([interrupted(), status()]).toEqual([false, READY]);
  });

  it("data out: no interrupt before the first sector, one after each", () => {
    const { bus, address, command, writeBlock, run, irqs, disks, status } = setUp();
    address(2, 7);
    expect(command(0x30)).toBe(DRQ);
    expect(irqs).toEqual([]);
    writeBlock(sectorBytes(100));
    expect(status()).toBe(BUSY);
    run(BLOCK_MICROSECONDS);
    expect([status(), irqs]).toEqual([DRQ, [true]]);
    bus.read8(STATUS);
    writeBlock(sectorBytes(101));
    run(BLOCK_MICROSECONDS);
    expect([status(), irqs]).toEqual([READY, [true, false, true]]);
    expect(disks[0]!.read(7)).toEqual(sectorBytes(100));
    expect(disks[0]!.read(8)).toEqual(sectorBytes(101));
    expect([...disks[0]!.changes.keys()]).toEqual([7, 8]);
  });

  it("the alternate status does not acknowledge the interrupt; a command does", () => {
    const { bus, command, irqs, status } = setUp();
    command(0xe7);
    status();
    expect(irqs).toEqual([true]);
    bus.write8(COMMAND, 0xe7);
    expect(irqs).toEqual([true, false]);
  });

  it("nIEN holds the interrupt back, and lets it through later", () => {
    const { bus, command, irqs } = setUp();
    bus.write8(CONTROL, 0x02);
    command(0xe7);
    expect(irqs).toEqual([]);
    bus.write8(CONTROL, 0x00);
    expect(irqs).toEqual([true]);
  });

  it("registers and commands written while BSY is set are ignored", () => {
    const { bus, address, run, readBlock } = setUp();
    address(1, 3);
    bus.write8(COMMAND, 0x20);
    bus.write8(SECTOR, 9);
    bus.write8(COMMAND, 0x91);
    run(COMMAND_MICROSECONDS);
    expect(readBlock()).toEqual(sectorBytes(3));
  });

  it("the data port moves 8, 16 or 32 bits", () => {
    const { bus, address, command, run, disks } = setUp();
    address(1, 4);
    command(0x20);
    const data = sectorBytes(4);
    expect(bus.read8(DATA)).toBe(data[0]);
    expect(bus.read16(DATA)).toBe(data[1] | (data[2] << 8));
    expect(bus.read32(DATA)).toBe(data[3] | (data[4] << 8) | (data[5] << 16) | (data[6] << 24));
    address(1, 4);
    command(0x30);
    bus.write8(DATA, 1);
    bus.write16(DATA, 0x0302);
    for (let i = 0; i < 127; i++) bus.write32(DATA, 0x07060504);
    bus.write8(DATA, 8);
    run(BLOCK_MICROSECONDS);
    expect([...disks[0]!.read(4).slice(0, 7)]).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(disks[0]!.read(4)[511]).toBe(8);
  });

  it("the data port does nothing when no data are transferred, and reads 0", () => {
    const { bus, status, disks } = setUp();
    bus.write16(DATA, 0x1234);
    expect([bus.read16(DATA), status(), disks[0]!.changes.size]).toEqual([0, READY, 0]);
  });
});

describe("ATA addresses", () => {
  it("LBA has 28 bits, in four registers", () => {
    const { address, command, readBlock } = setUp({ disk0: { image: image(70_000) } });
    address(1, 69_999);
    command(0x20);
    expect(readBlock()).toEqual(sectorBytes(69_999));
  });

  it("CHS counts sectors from 1, in the default geometry of 16 heads and 63 sectors", () => {
    const { chs, command, readBlock } = setUp();
    chs(1, 2, 3, 4);
    command(0x20);
    expect(readBlock()).toEqual(sectorBytes((2 * 16 + 3) * 63 + 3));
  });

  it("CHS follows the geometry that INITIALIZE DEVICE PARAMETERS sets", () => {
    const { chs, command, readBlock, identify } = setUp();
    chs(17, 0, 3, 0);
    expect(command(0x91)).toBe(READY);
    chs(1, 10, 3, 17);
    command(0x20);
    expect(readBlock()).toEqual(sectorBytes((10 * 4 + 3) * 17 + 16));
    expect([...identify().words.slice(54, 57)]).toEqual([Math.floor(4096 / 68), 4, 17]);
  });

  it.each([
    { name: "LBA behind the end", set: (s: ReturnType<typeof setUp>) => s.address(1, 4096) },
    { name: "sector 0", set: (s: ReturnType<typeof setUp>) => s.chs(1, 0, 0, 0) },
    { name: "sector 64", set: (s: ReturnType<typeof setUp>) => s.chs(1, 0, 0, 64) },
    { name: "a cylinder too many", set: (s: ReturnType<typeof setUp>) => s.chs(1, 4, 0, 1) },
  ])("$name is not found: IDNF, with an interrupt", ({ set }) => {
    for (const code of [0x20, 0x30, 0x40, 0x70]) {
      const machine = setUp();
      set(machine);
      expect(machine.command(code)).toBe(ERR);
      expect([machine.error(), machine.interrupted()]).toEqual([NOT_FOUND, true]);
    }
  });

  it("registers end at the last sector, with count 0", () => {
    const { address, chs, command, readBlock, nextBlock, registers } = setUp();
    address(2, 0x123);
    command(0x20);
    readBlock();
    nextBlock();
    readBlock();
    expect(registers()).toEqual([0, 0x24, 0x01, 0x00, 0xe0]);
    chs(2, 0, 0, 63);
    command(0x40);
    expect(registers()).toEqual([0, 1, 0, 0, 0xa1]);
  });

  it("registers end at the sector at fault, with the count that is left", () => {
    const { address, command, readBlock, nextBlock, registers, status, error, interrupted } = setUp();
    address(5, 4094);
    command(0x20);
    readBlock();
    nextBlock();
    readBlock();
    nextBlock();
    expect([status(), error(), interrupted()]).toEqual([ERR, NOT_FOUND, true]);
    expect(registers()).toEqual([3, 0x00, 0x10, 0x00, 0xe0]);
  });

  it("a count of 0 stands for 256", () => {
    const { address, command, registers } = setUp();
    address(0, 0x210);
    expect(command(0x40)).toBe(READY);
    expect(registers().slice(0, 3)).toEqual([0, 0x0f, 0x03]);
  });
});

describe("ATA commands", () => {
  it("IDENTIFY DEVICE tells geometry, size, names and abilities", () => {
    const { identify } = setUp({ disk0: { model: "A DISK", serial: "42" } });
    const { words, text } = identify();
    expect(words[0]).toBe(0x0040);
    expect([words[1], words[3], words[6]]).toEqual([4, 16, 63]);
    expect([words[54], words[55], words[56]]).toEqual([4, 16, 63]);
    expect(words[57] | (words[58] << 16)).toBe(4 * 16 * 63);
    expect(words[60] | (words[61] << 16)).toBe(4096);
    expect(text(27, 46)).toBe("A DISK".padEnd(40));
    expect(text(10, 19)).toBe("42".padEnd(20));
    expect(words[47]).toBe(0x8010);
    expect(words[49] & 0x0300).toBe(0x0200);
    expect(words[82] & words[85] & 0x4028).toBe(0x4028);
  });

  it("READ and WRITE MULTIPLE interrupt once a block, the last of which may be short", () => {
    const { bus, address, command, readBlock, writeBlock, nextBlock, irqs, status, disks, identify } = setUp();
    bus.write8(COUNT, 4);
    expect(command(0xc6)).toBe(READY);
    expect(identify().words[59]).toBe(0x0104);
    irqs.length = 0;
    address(6, 20);
    expect(command(0xc4)).toBe(DRQ);
    bus.read8(STATUS);
    expect(readBlock(4 * 512)).toEqual(image(24).slice(20 * 512));
    nextBlock();
    bus.read8(STATUS);
    expect(readBlock(2 * 512)).toEqual(image(26).slice(24 * 512));
    expect([status(), irqs]).toEqual([READY, [false, true, false, true, false]]);
    address(5, 40);
    command(0xc5);
    writeBlock(image(4));
    nextBlock();
    expect(status()).toBe(DRQ);
    writeBlock(sectorBytes(4));
    nextBlock();
    expect(status()).toBe(READY);
    expect([0, 1, 2, 3, 4].map((n) => disks[0]!.read(40 + n))).toEqual([0, 1, 2, 3, 4].map(sectorBytes));
  });

  it.each([
    ["WRITE SECTORS", 0x30, 1],
    ["WRITE SECTORS without retries", 0x31, 1],
    ["WRITE MULTIPLE", 0xc5, 2],
  ])("%s takes its first block without a look at DRQ, and interrupts at its end", (_name, code, sectors) => {
    const { bus, address, command, writeBlock, nextBlock, disks, interrupted, status } = setUp();
    address(2, 0);
    command(0xc6);
    bus.read8(STATUS);
    address(sectors, 5);
    bus.write8(COMMAND, code);
    expect([status(), interrupted()]).toEqual([DRQ, false]);
    writeBlock(new Uint8Array(512 * sectors).fill(0x77));
    expect(status()).toBe(BUSY);
    nextBlock();
    expect([status(), interrupted()]).toEqual([READY, true]);
    expect(disks[0]!.read(4 + sectors)).toEqual(new Uint8Array(512).fill(0x77));
  });

  it("WRITE BUFFER takes its data at once", () => {
    const { bus, command, writeBlock, nextBlock, readBlock } = setUp();
    bus.write8(COMMAND, 0xe8);
    writeBlock(sectorBytes(9));
    nextBlock();
    command(0xe4);
    expect(readBlock()).toEqual(sectorBytes(9));
  });

  it("READ and WRITE MULTIPLE abort before SET MULTIPLE MODE, which takes powers of two up to 16", () => {
    const { bus, command, error } = setUp();
    for (const code of [0xc4, 0xc5]) expect([command(code), error()]).toEqual([ERR, ABORTED]);
    for (const count of [3, 17, 32, 255]) {
      bus.write8(COUNT, count);
      expect([command(0xc6), error()]).toEqual([ERR, ABORTED]);
    }
    for (const count of [1, 2, 4, 8, 16, 0]) {
      bus.write8(COUNT, count);
      expect(command(0xc6)).toBe(READY);
    }
    expect(command(0xc4)).toBe(ERR);
  });

  it("READ VERIFY, SEEK, RECALIBRATE and FLUSH CACHE transfer nothing, and interrupt", () => {
    for (const code of [0x40, 0x41, 0x70, 0x7f, 0x10, 0x1f, 0xe7]) {
      const { address, command, interrupted } = setUp();
      address(1, 1);
      expect([command(code), interrupted()]).toEqual([READY, true]);
    }
  });

  it("INITIALIZE DEVICE PARAMETERS aborts when not one cylinder fits", () => {
    const { chs, command, error } = setUp();
    chs(0, 0, 15, 0);
    expect([command(0x91), error()]).toEqual([ERR, ABORTED]);
    const small = setUp({ disk0: { image: image(10) } });
    small.chs(11, 0, 0, 0);
    expect([small.command(0x91), small.error()]).toEqual([ERR, ABORTED]);
  });

  it("SET FEATURES knows write cache, look-ahead, PIO modes and what a reset keeps, and aborts others", () => {
    const { bus, command, error, identify } = setUp();
    const feature = (code: number, count = 0) => {
      bus.write8(FEATURES, code);
      bus.write8(COUNT, count);
      return command(0xef);
    };
    expect(identify().words[85] & 0x60).toBe(0x60);
    expect([feature(0x82), feature(0x55)]).toEqual([READY, READY]);
    expect(identify().words[85] & 0x60).toBe(0);
    expect([feature(0x02), feature(0xaa)]).toEqual([READY, READY]);
    expect(identify().words[85] & 0x60).toBe(0x60);
    expect([0x00, 0x01, 0x08, 0x0c].map((mode) => feature(0x03, mode))).toEqual([READY, READY, READY, READY]);
    expect([0x0d, 0x20, 0x42].map((mode) => feature(0x03, mode))).toEqual([ERR, ERR, ERR]);
    expect([feature(0x99), error()]).toEqual([ERR, ABORTED]);
  });

  it("a software reset goes back to the defaults, unless SET FEATURES 66 said to keep settings", () => {
    const { bus, command, run, identify } = setUp();
    const reset = () => {
      bus.write8(CONTROL, 0x04);
      bus.write8(CONTROL, 0x00);
      run(RESET_MICROSECONDS);
    };
    bus.write8(COUNT, 8);
    command(0xc6);
    bus.write8(FEATURES, 0x66);
    command(0xef);
    reset();
    expect(identify().words[59]).toBe(0x0108);
    bus.write8(FEATURES, 0xcc);
    command(0xef);
    reset();
    expect(identify().words[59]).toBe(0);
  });

  it("READ BUFFER gives back what WRITE BUFFER took", () => {
    const { command, writeBlock, readBlock, nextBlock, disks } = setUp();
    command(0xe8);
    writeBlock(sectorBytes(77));
    nextBlock();
    command(0xe4);
    expect(readBlock()).toEqual(sectorBytes(77));
    expect(disks[0]!.changes.size).toBe(0);
  });

  it("power management: CHECK POWER MODE tells standby from idle, and SLEEP lasts until a reset", () => {
    const { bus, command, run, address } = setUp();
    const mode = () => {
      command(0xe5);
      return bus.read8(COUNT);
    };
    expect(mode()).toBe(0xff);
    for (const code of [0xe0, 0xe2]) {
      command(code);
      expect(mode()).toBe(0x00);
    }
    command(0xe1);
    expect(mode()).toBe(0xff);
    command(0xe0);
    address(1, 0);
    command(0x40);
    expect(mode()).toBe(0xff);
    command(0xe6);
    bus.write8(COUNT, 0x55);
    expect(mode()).toBe(0x55);
    bus.write8(CONTROL, 0x04);
    bus.write8(CONTROL, 0x00);
    run(RESET_MICROSECONDS);
    expect(mode()).toBe(0xff);
  });

  it("NOP, DMA, packet and unknown commands abort", () => {
    for (const code of [0x00, 0xa0, 0xa1, 0xc8, 0xca, 0x24, 0x50, 0xff]) {
      const { command, error, interrupted } = setUp();
      expect([command(code), error(), interrupted()]).toEqual([ERR, ABORTED, true]);
    }
  });
});

describe("ATA reset and diagnostic", () => {
  const SIGNATURE = [1, 1, 0, 0];

  it("SRST holds BSY, and 2 ms after it goes the signature is there, without interrupt", () => {
    const { bus, address, run, status, registers, error, irqs } = setUp();
    address(9, 9);
    bus.write8(CONTROL, 0x04);
    run(1_000_000);
    expect(status()).toBe(BUSY);
    bus.write8(CONTROL, 0x00);
    run(RESET_MICROSECONDS - 1);
    expect(status()).toBe(BUSY);
    run(1);
    expect([status(), error(), registers().slice(0, 4)]).toEqual([READY, 0x01, SIGNATURE]);
    expect(irqs).toEqual([]);
  });

  it("SRST ends a transfer", () => {
    const { bus, address, command, run, readBlock } = setUp();
    address(1, 3);
    command(0x20);
    bus.write8(CONTROL, 0x04);
    bus.write8(CONTROL, 0x00);
    run(RESET_MICROSECONDS);
    expect(readBlock()).toEqual(new Uint8Array(512));
  });

  it("EXECUTE DEVICE DIAGNOSTIC has both drives put signature and code 01, and drive 0 interrupt", () => {
    const { bus, command, irqs, error, registers } = setUp({ disk1: { image: image(1) } });
    bus.write8(DEVICE, 0xb0);
    expect(command(0x90)).toBe(READY);
    expect([error(), registers()]).toEqual([0x01, [...SIGNATURE, 0x00]]);
    expect(irqs).toEqual([true]);
    bus.write8(DEVICE, 0xb0);
    expect(irqs).toEqual([true, false]);
    expect([error(), bus.read8(COUNT), bus.read8(STATUS)]).toEqual([0x01, 1, READY]);
  });
});

describe("ATA drives of a channel", () => {
  it("DEV selects who executes, answers and interrupts; both take what is written to the registers", () => {
    const { bus, address, command, readBlock, irqs } = setUp({ disk1: { image: image(64).reverse() } });
    address(1, 0, 0xf0);
    command(0x20);
    expect(irqs).toEqual([true]);
    bus.write8(DEVICE, 0xe0);
    expect([irqs, bus.read8(STATUS), bus.read8(COUNT)]).toEqual([[true, false], READY, 1]);
    bus.write8(DEVICE, 0xf0);
    expect(irqs).toEqual([true, false, true]);
    expect(bus.read8(STATUS)).toBe(DRQ);
    expect(readBlock()).toEqual(sectorBytes(63).reverse());
  });

  it("drive 0 answers for a missing drive 1: status 0, commands do nothing", () => {
    const { bus, command, irqs, registers } = setUp();
    bus.write8(COUNT, 0x55);
    bus.write8(DEVICE, 0xb0);
    expect(command(0xec)).toBe(0);
    expect([bus.read8(STATUS), bus.read16(DATA), irqs]).toEqual([0, 0, []]);
    expect([registers()[0], registers()[4]]).toEqual([0x55, 0xb0]);
  });

  it("without drive 0 the bus floats, DD7 low; drive 1 answers when selected", () => {
    const { bus, identify, command } = setUp({ disk0: null, disk1: { image: image(2) } });
    expect(command(0xec)).toBe(0x7f);
    expect([bus.read8(STATUS), bus.read8(COUNT), bus.read16(DATA)]).toEqual([0x7f, 0x7f, 0xff7f]);
    bus.write8(DEVICE, 0xb0);
    expect(identify().words[60]).toBe(2);
  });

  it("without drives nothing can be selected", () => {
    const { bus, command } = setUp({ disk0: null });
    for (const device of [0xa0, 0xb0]) {
      bus.write8(DEVICE, device);
      expect(command(0x90)).toBe(0x7f);
    }
  });
});

describe("disk image", () => {
  const disk = (options: DiskOptions) => new Disk(options);

  it("must be whole sectors, and at least one", () => {
    expect(() => disk({ image: new Uint8Array(1000) })).toThrow(
      "disk image of 1000 bytes: expected whole sectors of 512 bytes, 1 to 268435455 (append 24 bytes of zeros)",
    );
    expect(() => disk({ image: new Uint8Array(0) })).toThrow(/disk image of 0 bytes.*append 512/);
  });

  it("geometry must be possible, and not larger than the image", () => {
    const of = (cylinders: number, heads: number, sectors: number) => () =>
      disk({ image: image(100), geometry: { cylinders, heads, sectors } });
    expect(of(10, 17, 1)).toThrow("disk geometry with 17 heads: expected 1 to 16");
    expect(of(0, 1, 1)).toThrow("disk geometry with 0 cylinders: expected 1 to 65535");
    expect(of(1, 1, 1.5)).toThrow("disk geometry with 1.5 sectors: expected 1 to 255");
    expect(of(10, 2, 6)).toThrow(/that makes 120 sectors, and the image has 100/);
    expect(of(10, 2, 5)().geometry).toEqual({ cylinders: 10, heads: 2, sectors: 5 });
  });

  it("geometry is never larger than the image by default", () => {
    for (const sectors of [1, 10, 62, 63, 64, 1007, 1008, 2880, 20_000]) {
      const { geometry } = disk({ image: new Uint8Array(sectors * 512) });
      const total = geometry.cylinders * geometry.heads * geometry.sectors;
      expect(total).toBeGreaterThan(0);
      expect(total).toBeLessThanOrEqual(sectors);
    }
  });

  it("names must fit", () => {
    expect(() => disk({ image: image(1), model: "x".repeat(41) })).toThrow(/disk model .* expected up to 40/);
    expect(() => disk({ image: image(1), serial: "é" })).toThrow(/disk serial "é": expected up to 20 printable/);
  });

  it("is never changed; what was written lies over it", () => {
    const original = image(4);
    const changed = disk({ image: original });
    changed.write(2, new Uint8Array(512).fill(0xee));
    expect(original).toEqual(image(4));
    expect([...changed.changes.keys()]).toEqual([2]);
    const contents = changed.contents();
    expect(contents.slice(2 * 512, 3 * 512)).toEqual(new Uint8Array(512).fill(0xee));
    expect(contents.slice(3 * 512)).toEqual(sectorBytes(3));
  });
});

describe("ATA properties", () => {
  const SECTORS = 50;
  const transfer = fc.record({
    kind: fc.constantFrom("read", "write", "read multiple", "write multiple", "verify"),
    sector: fc.nat(SECTORS + 2),
    count: fc.integer({ min: 1, max: 20 }),
    seed: fc.nat(255),
  });
  const CODE = { read: 0x20, write: 0x30, "read multiple": 0xc4, "write multiple": 0xc5, verify: 0x40 } as const;

  it("random commands do what they do to a plain array", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 8, 16), fc.array(transfer, { maxLength: 12 }), (multiple, transfers) => {
        const { bus, address, command, readBlock, writeBlock, nextBlock, status, registers, disks } = setUp({
          disk0: { image: image(SECTORS) },
        });
        const model = image(SECTORS);
        bus.write8(COUNT, multiple);
        command(0xc6);
        for (const { kind, sector, count, seed } of transfers) {
          address(count, sector);
          command(CODE[kind]);
          const block = kind.endsWith("multiple") ? multiple : 1;
          const good = Math.max(0, Math.min(count, SECTORS - sector));
          for (let done = 0; done < good && kind !== "verify"; ) {
            const bytes = Math.min(block, good - done) * 512;
            const at = (sector + done) * 512;
            expect(status()).toBe(DRQ);
            if (kind.startsWith("read")) {
              expect(Buffer.compare(readBlock(bytes), model.subarray(at, at + bytes))).toBe(0);
            } else {
              const data = new Uint8Array(bytes).map((_, i) => (seed + done + i * 3) & 0xff);
              writeBlock(data);
              model.set(data, at);
            }
            done += bytes / 512;
            nextBlock();
          }
          expect(status()).toBe(good === count ? READY : ERR);
          if (good > 0) {
            expect(registers().slice(0, 2)).toEqual([count - good, good === count ? sector + count - 1 : SECTORS]);
          }
        }
        expect(Buffer.compare(disks[0]!.contents(), model)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  const port = fc.oneof(fc.integer({ min: DATA, max: STATUS }), fc.constant(CONTROL));
  const access = fc.record({
    port,
    value: fc.oneof(fc.nat(255), fc.constantFrom(0x20, 0x30, 0xc4, 0xc5, 0xc6, 0x91, 0xec, 0xef, 0x90)),
    width: fc.constantFrom(8, 16, 32),
    wait: fc.constantFrom(0, 10, 100, 3000),
  });

  it("random port accesses never fail, and after a reset the drive is as new", () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 150 }), (accesses) => {
        const machine = setUp({ disk0: { image: image(20) }, disk1: { image: image(3) } });
        const { bus, run, status, irqs } = machine;
        for (const { port: at, value, width, wait } of accesses) {
          if (width === 8) bus.write8(at, value);
          else if (width === 16) bus.write16(at, value * 0x101);
          else bus.write32(at, value * 0x1010101);
          run(wait);
          bus.read16(DATA);
          const now = status();
          if ((now & BUSY) !== 0 && now !== BUSY) expect.fail(`status 0x${now.toString(16)}`);
        }
        expect(irqs.every((level, index) => level === (index % 2 === 0))).toBe(true);
        bus.write8(CONTROL, 0x04);
        bus.write8(CONTROL, 0x00);
        run(RESET_MICROSECONDS);
        expect([status(), machine.error(), machine.registers()]).toEqual([READY, 0x01, [1, 1, 0, 0, 0]]);
        expect(machine.identify().words[60]).toBe(20);
      }),
      { numRuns: 60 },
    );
  });
});
