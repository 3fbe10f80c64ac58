import { describe, expect, it } from "vitest";
import { Imcr } from "../../../emulator/devices/imcr.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";

function setUp() {
  const changes: boolean[] = [];
  const imcr: Imcr = new Imcr({ onChange: () => changes.push(imcr.throughApic) });
  const bus = new PortBus();
  imcr.connect(bus);
  return { imcr, bus, changes };
}

describe("IMCR", () => {
  it("is in PIC mode after power-on", () => {
    expect(setUp().imcr.throughApic).toBe(false);
  });

  it("switches to the local APICs by 70h to port 22h and 01h to port 23h, and back", () => {
    const { imcr, bus, changes } = setUp();
    bus.write8(0x22, 0x70);
    bus.write8(0x23, 0x01);
    expect([imcr.throughApic, bus.read8(0x22), bus.read8(0x23)]).toEqual([true, 0x70, 0x01]);
    bus.write8(0x23, 0x00);
    expect(imcr.throughApic).toBe(false);
    expect(changes).toEqual([true, false]);
  });

  it("is the only register behind the ports", () => {
    const { imcr, bus } = setUp();
    bus.write8(0x22, 0x71);
    bus.write8(0x23, 0x01);
    expect([imcr.throughApic, bus.read8(0x23)]).toEqual([false, 0xff]);
  });

  it("has one bit", () => {
    const { bus, changes } = setUp();
    bus.write8(0x22, 0x70);
    bus.write8(0x23, 0xff);
    bus.write8(0x23, 0x01);
    expect([bus.read8(0x23), changes]).toEqual([0x01, [true]]);
  });

  it("reset goes back to PIC mode", () => {
    const { imcr, bus } = setUp();
    bus.write8(0x22, 0x70);
    bus.write8(0x23, 0x01);
    imcr.reset();
    expect(imcr.throughApic).toBe(false);
  });
});
