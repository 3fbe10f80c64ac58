import { describe, expect, it } from "vitest";
import { PortBus, type PortDevice } from "../../../emulator/devices/ports.ts";

class Card implements PortDevice {
  readonly log: string[] = [];

  readPort8(port: number): number {
    this.log.push(`in ${port.toString(16)}`);
    return port & 0xff;
  }
  writePort8(port: number, value: number): void {
    this.log.push(`out ${port.toString(16)} ${value.toString(16)}`);
  }
}

class WideCard extends Card {
  readPort16(port: number): number {
    this.log.push(`inw ${port.toString(16)}`);
    return 0x1234;
  }
  writePort16(port: number, value: number): void {
    this.log.push(`outw ${port.toString(16)} ${value.toString(16)}`);
  }
  readPort32(port: number): number {
    this.log.push(`inl ${port.toString(16)}`);
    return 0x89abcdef;
  }
  writePort32(port: number, value: number): void {
    this.log.push(`outl ${port.toString(16)} ${(value >>> 0).toString(16)}`);
  }
}

describe("PortBus", () => {
  it("reads all ones where there is no device, and forgets writes", () => {
    const bus = new PortBus();
    bus.write32(0x1234, 0);
    expect([bus.read8(0x1234), bus.read16(0x1234), bus.read32(0x1234)]).toEqual([0xff, 0xffff, -1]);
  });

  it("splits wide accesses to a narrow device into bytes, lowest port first", () => {
    const bus = new PortBus();
    const card = new Card();
    bus.register(0x300, 4, card, "card");
    expect(bus.read16(0x300)).toBe(0x0100);
    expect(bus.read32(0x300)).toBe(0x03020100);
    bus.write32(0x300, 0x44332211);
    expect(card.log.slice(6)).toEqual(["out 300 11", "out 301 22", "out 302 33", "out 303 44"]);
  });

  it("splits an access that runs over the end of a device's ports", () => {
    const bus = new PortBus();
    bus.register(0x300, 1, new Card(), "card");
    expect(bus.read32(0x300)).toBe(0xffffff00 | 0);
    expect(bus.read16(0x2ff)).toBe(0x00ff);
  });

  it("gives wide accesses whole to a device that takes them", () => {
    const bus = new PortBus();
    const card = new WideCard();
    bus.register(0x1f0, 8, card, "disk");
    expect(bus.read16(0x1f0)).toBe(0x1234);
    expect(bus.read32(0x1f0)).toBe(0x89abcdef | 0);
    bus.write16(0x1f0, 0x1ffff);
    bus.write32(0x1f0, -2);
    expect(card.log).toEqual(["inw 1f0", "inl 1f0", "outw 1f0 ffff", "outl 1f0 fffffffe"]);
  });

  it("wraps round after port FFFF", () => {
    const bus = new PortBus();
    bus.register(0, 1, new Card(), "card");
    expect(bus.read16(0xffff)).toBe(0x00ff);
  });

  it("refuses ports that are taken, and tells by whom", () => {
    const bus = new PortBus();
    bus.register(0x3f8, 8, new Card(), "COM1");
    expect(() => bus.register(0x3f0, 9, new Card(), "floppy")).toThrow(
      "floppy: ports 0x3f0 to 0x3f8 overlap those of COM1, 0x3f8 to 0x3ff",
    );
    bus.register(0x3f0, 8, new Card(), "floppy");
    expect(bus.ranges.map((range) => range.name)).toEqual(["floppy", "COM1"]);
  });

  it("refuses ports that do not exist", () => {
    const bus = new PortBus();
    for (const [first, count] of [
      [-1, 1],
      [0xffff, 2],
      [0, 0],
      [1.5, 1],
    ]) {
      expect(() => bus.register(first, count, new Card(), "card")).toThrow(/expected ports 0 to 0xffff/);
    }
  });
});
