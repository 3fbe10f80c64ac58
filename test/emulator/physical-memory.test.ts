import { describe, expect, it } from "vitest";
import { type MmioHandler, PhysicalMemory } from "../../emulator/memory/physical-memory.ts";

const MIB = 1 << 20;

/** A device that answers every read with its address and notes every access. */
class Recorder implements MmioHandler {
  readonly log: string[] = [];

  read8(physical: number): number {
    return this.#note("read8", physical, physical & 0xff);
  }
  read16(physical: number): number {
    return this.#note("read16", physical, physical & 0xffff);
  }
  read32(physical: number): number {
    return this.#note("read32", physical, physical);
  }
  write8(physical: number, value: number): void {
    this.#note("write8", physical, value);
  }
  write16(physical: number, value: number): void {
    this.#note("write16", physical, value);
  }
  write32(physical: number, value: number): void {
    this.#note("write32", physical, value);
  }

  #note(access: string, physical: number, value: number): number {
    this.log.push(`${access} ${physical.toString(16)} ${(value >>> 0).toString(16)}`);
    return value;
  }
}

describe("RAM", () => {
  it("is little-endian, unsigned in 8 and 16 bits and signed in 32", () => {
    const memory = new PhysicalMemory(MIB);
    memory.write32(0x1000, 0xfedcba98);
    expect(memory.read32(0x1000)).toBe(0xfedcba98 | 0);
    expect(memory.read16(0x1002)).toBe(0xfedc);
    expect(memory.read8(0x1000)).toBe(0x98);
    memory.write16(0x1001, 0x11234);
    memory.write8(0x1003, 0x1ff);
    expect(memory.read32(0x1000)).toBe(0xff123498 | 0);
  });

  it("takes accesses that span two pages", () => {
    const memory = new PhysicalMemory(MIB);
    memory.write32(0x1ffe, 0x12345678);
    expect(memory.read32(0x1ffe)).toBe(0x12345678);
    expect(memory.read16(0x1fff)).toBe(0x3456);
    memory.write16(0x2fff, 0xabcd);
    expect([memory.read8(0x2fff), memory.read8(0x3000)]).toEqual([0xcd, 0xab]);
  });

  it("ends where its size says; beyond it reads are all ones and writes are lost", () => {
    const memory = new PhysicalMemory(2 * MIB);
    memory.write32(2 * MIB, 0);
    expect(memory.read32(2 * MIB)).toBe(-1);
    expect(memory.read16(2 * MIB)).toBe(0xffff);
    memory.write32(2 * MIB - 2, 0x12345678);
    expect(memory.read32(2 * MIB - 2)).toBe(0xffff5678 | 0);
  });

  it("exposes part of the hole as a display adapter's memory", () => {
    const memory = new PhysicalMemory(1 << 20);
    let remaps = 0;
    memory.onRemap = () => remaps++;
    memory.exposeVideoMemory(0xb8000, 0x8000);
    memory.write32(0xb8000, 0x12345678);
    memory.write8(0xb7fff, 1);
    memory.load(Uint8Array.of(9), 0xbffff);
    expect([memory.read32(0xb8000), memory.read8(0xb7fff), memory.read8(0xbffff)]).toEqual([0x12345678, 0xff, 9]);
    expect([memory.isWritablePage(0xb8), remaps]).toEqual([true, 1]);
    for (const [start, size] of [
      [0x9f000, 0x1000],
      [0xbf000, 0x2000],
      [0xb8001, 0x1000],
      [0xb8000, 0x10],
      [0xb8000, 0],
    ]) {
      expect(() => memory.exposeVideoMemory(start, size)).toThrow(/whole pages of 4096 bytes from 0xa0000 to 0xbffff/);
    }
  });

  it("has a hole from A0000 to BFFFF for the display", () => {
    const memory = new PhysicalMemory(MIB);
    memory.write8(0x9ffff, 1);
    memory.write8(0xa0000, 2);
    memory.write8(0xbffff, 3);
    memory.write8(0xc0000, 4);
    expect([0x9ffff, 0xa0000, 0xbffff, 0xc0000].map((address) => memory.read8(address))).toEqual([1, 0xff, 0xff, 4]);
    expect(memory.hostPage(0xa0)).toBe(-1);
  });

  it("is reached through hostPage at the same bytes", () => {
    const memory = new PhysicalMemory(MIB);
    memory.write8(0x5123, 0x77);
    expect(memory.bytes[memory.hostPage(5) + 0x123]).toBe(0x77);
    expect(memory.hostPage(5)).toBe(memory.ramOffset + 0x5000);
    expect(memory.isWritablePage(5)).toBe(true);
  });

  it.each([0, 4096, MIB - 4096, MIB + 1, 2 ** 31, 1.5 * MIB + 0.5, Number.NaN])("refuses %d bytes", (size) => {
    expect(() => new PhysicalMemory(size)).toThrow(/expected a multiple of 4096 bytes from 1048576/);
  });

  it("refuses a number of CPUs outside 1 to 8", () => {
    for (const cpus of [0, 9, 1.5])
      expect(() => new PhysicalMemory(MIB, cpus)).toThrow(/expected an integer from 1 to 8/);
  });

  it("keeps state, TLBs, ROM and RAM apart for eight cores", () => {
    const memory = new PhysicalMemory(MIB, 8);
    const cores = Array.from({ length: 8 }, (_, core) => core);
    const starts = cores.flatMap((core) => [memory.stateOffset(core), memory.tlbOffset(core)]);
    const ends = [...starts.slice(1), memory.ramOffset];
    for (const [n, start] of starts.entries()) {
      expect(ends[n] - start).toBeGreaterThanOrEqual(n % 2 === 0 ? 4096 : 4 * MIB);
    }
    const tiers = cores.map((core) => memory.tierOffset(core));
    expect(tiers[0]).toBeGreaterThanOrEqual(memory.ramOffset + MIB);
    for (const core of cores.slice(1)) expect(tiers[core] - tiers[core - 1]).toBeGreaterThanOrEqual(128 << 10);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(tiers[7] + (128 << 10));
    // Compiled code finds all places of a core in one step from those of core 0.
    for (const core of cores) {
      const { stateOffset, tlbOffset, tierOffset } = PhysicalMemory.prototype;
      for (const place of [stateOffset, tlbOffset, tierOffset])
        expect(place.call(memory, core) - place.call(memory, 0)).toBe(memory.coreOffset(core));
    }
    expect(memory.ramOffset % 4096).toBe(0);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(memory.ramOffset + MIB);
  });
});

describe("load and peek", () => {
  it("copy bytes in and out", () => {
    const memory = new PhysicalMemory(MIB);
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i & 0xff);
    memory.load(bytes, 0x1ff0);
    expect(memory.peek(0x1ff0, 10_000)).toEqual(bytes);
    expect(memory.read8(0x1ff1)).toBe(1);
  });

  it("refuses to load where there is no RAM, and loads nothing then", () => {
    const memory = new PhysicalMemory(MIB);
    expect(() => memory.load(new Uint8Array(0x2000).fill(1), 0x9f000)).toThrow(/0xa0000 is not RAM/);
    expect(memory.read8(0x9f000)).toBe(0);
    expect(() => memory.load(new Uint8Array(2), MIB - 1)).toThrow(/0x100000 is not RAM/);
    expect(() => memory.load(new Uint8Array(1), -1)).toThrow(/addresses are 0 to 0xffffffff/);
  });

  it("peek reads ones where there is nothing, without touching devices", () => {
    const memory = new PhysicalMemory(MIB);
    const device = new Recorder();
    memory.mapMmio(0xa0000, 0x1000, device);
    memory.write8(0x9ffff, 5);
    expect([...memory.peek(0x9ffff, 3)]).toEqual([5, 0xff, 0xff]);
    expect(device.log).toEqual([]);
    expect(() => memory.peek(0xffffffff, 2)).toThrow(RangeError);
  });

  it("tell the code cache before they change decoded pages, as all writes do", () => {
    const memory = new PhysicalMemory(MIB);
    const told: number[] = [];
    memory.onCodeWrite = (page) => told.push(page);
    const page = (memory.ramOffset >>> 12) + 3;
    memory.codePages[page] = 1;
    memory.load(new Uint8Array(0x1000), 0x2800);
    memory.write8(0x3000, 0);
    memory.write16(0x3ffe, 0);
    memory.write32(0x2ffe, 0);
    memory.write32(0x4000, 0);
    expect(told).toEqual([page, page, page, page, page]);
  });
});

describe("ROM", () => {
  it("can be read and not written", () => {
    const memory = new PhysicalMemory(MIB);
    memory.loadRom(Uint8Array.of(1, 2, 3, 4), 0xc8000);
    memory.write32(0xc8000, 0);
    memory.write8(0xc8001, 0);
    memory.write16(0xc8002, 0);
    expect(memory.read32(0xc8000)).toBe(0x04030201);
    expect(memory.read8(0xc8004)).toBe(0xff);
    expect(memory.isWritablePage(0xc8)).toBe(false);
    expect(memory.hostPage(0xc8)).toBeGreaterThan(0);
  });

  it("inside the last 128 KiB below 1 MiB shows at the top of 4 GiB too", () => {
    const memory = new PhysicalMemory(MIB);
    memory.loadRom(new Uint8Array(0x10000).fill(0x5a), 0xf0000);
    expect(memory.read8(0xfffffff0)).toBe(0x5a);
    expect(memory.hostPage(0xfffff)).toBe(memory.hostPage(0xff));
    expect(memory.read8(0xfffe0000)).toBe(0xff);
  });

  it("at the top of 4 GiB shows below 1 MiB too, its last 128 KiB alone", () => {
    const memory = new PhysicalMemory(MIB);
    memory.loadRom(new Uint8Array(0x40000).fill(0x77), 0xfffc0000);
    expect(memory.read8(0xfffc0000)).toBe(0x77);
    expect(memory.read8(0xe0000)).toBe(0x77);
    expect(memory.read8(0xfffff)).toBe(0x77);
    expect(memory.read8(0xdffff)).toBe(0);
  });

  it("must fit in what is kept for it, and in the address space", () => {
    const memory = new PhysicalMemory(MIB);
    memory.loadRom(new Uint8Array(MIB), 0xfff00000);
    expect(() => memory.loadRom(new Uint8Array(MIB + 1), 0xe0000000)).toThrow(/1048576 bytes of ROM space are left/);
    expect(() => memory.loadRom(new Uint8Array(0x1001), 0xfffff000)).toThrow(RangeError);
  });
});

describe("memory-mapped devices", () => {
  it("see accesses with their width and unsigned physical address", () => {
    const memory = new PhysicalMemory(MIB);
    const device = new Recorder();
    memory.mapMmio(0xfee00000, 0x1000, device);
    expect(memory.read32(0xfee00020)).toBe(0xfee00020 | 0);
    expect(memory.read32(0xfee00020 | 0)).toBe(0xfee00020 | 0);
    expect(memory.read16(0xfee00022)).toBe(0x22);
    expect(memory.read8(0xfee00023)).toBe(0x23);
    memory.write32(0xfee000b0, -1);
    memory.write16(0xfee000b0, 0x12345);
    memory.write8(0xfee000b0, 0x123);
    expect(device.log.slice(-3)).toEqual(["write32 fee000b0 ffffffff", "write16 fee000b0 2345", "write8 fee000b0 23"]);
    expect(memory.hostPage(0xfee00)).toBe(-1);
    expect(memory.isWritablePage(0xfee00)).toBe(false);
  });

  it("see an access that spans two pages as bytes", () => {
    const memory = new PhysicalMemory(MIB);
    const device = new Recorder();
    memory.mapMmio(0xfee00000, 0x1000, device);
    memory.write32(0xfee00ffe, 0x44332211);
    expect(memory.read16(0xfee00fff)).toBe(0xffff);
    expect(device.log).toEqual(["write8 fee00ffe 11", "write8 fee00fff 22", "read8 fee00fff ff"]);
  });

  it("take whole pages, over RAM too, and say that translations are stale", () => {
    const memory = new PhysicalMemory(MIB);
    let remaps = 0;
    memory.onRemap = () => remaps++;
    memory.mapMmio(0x8000, 0x2000, new Recorder());
    expect(memory.read8(0x9012)).toBe(0x12);
    expect(memory.hostPage(8)).toBe(-1);
    expect(remaps).toBe(1);
    expect(() => memory.mapMmio(0x8001, 0x1000, new Recorder())).toThrow(/whole pages/);
    expect(() => memory.mapMmio(0x8000, 0x10, new Recorder())).toThrow(/whole pages/);
  });
});

describe("A20", () => {
  it("off makes every odd megabyte show the even one below", () => {
    const memory = new PhysicalMemory(4 * MIB);
    memory.write8(0x100, 1);
    memory.write8(MIB + 0x100, 2);
    memory.write8(3 * MIB, 3);
    memory.a20 = false;
    expect(memory.read8(MIB + 0x100)).toBe(1);
    expect(memory.hostPage(0x100)).toBe(memory.hostPage(0));
    memory.write16(3 * MIB, 0x909);
    memory.a20 = true;
    expect(memory.read8(MIB + 0x100)).toBe(2);
    expect(memory.read8(3 * MIB)).toBe(3);
    expect(memory.read8(2 * MIB)).toBe(9);
  });

  it("tells when it changes, and only then", () => {
    const memory = new PhysicalMemory(MIB);
    let remaps = 0;
    memory.onRemap = () => remaps++;
    memory.a20 = true;
    memory.a20 = false;
    memory.a20 = false;
    memory.a20 = true;
    expect(remaps).toBe(2);
  });
});
