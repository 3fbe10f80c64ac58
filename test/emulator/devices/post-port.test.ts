import { describe, expect, it } from "vitest";
import { PortBus } from "../../../emulator/devices/ports.ts";
import { PostPort } from "../../../emulator/devices/post-port.ts";
import { Machine } from "../../../emulator/index.ts";

describe("POST port", () => {
  it("is at 0x80, reports each byte, and reads back the last", () => {
    const codes: number[] = [];
    const bus = new PortBus();
    new PostPort({ onCode: (code) => codes.push(code) }).connect(bus);
    bus.write8(0x80, 0x12);
    bus.write16(0x80, 0xab34);
    expect(codes).toEqual([0x12, 0x34]);
    expect([bus.read8(0x80), bus.read8(0x81)]).toEqual([0x34, 0xff]);
  });

  it("can be elsewhere, and then leaves 0x80 free", () => {
    const machine = new Machine({ memoryBytes: 1 << 20, postPort: 0x190 });
    const codes: number[] = [];
    machine.onPostCode = (code) => codes.push(code);
    machine.ports.write8(0x190, 0xaa);
    machine.ports.write8(0x80, 0xbb);
    expect(codes).toEqual([0xaa]);
    expect(machine.ports.read8(0x80)).toBe(0xff);
  });

  it("cannot be where another device is, or nowhere", () => {
    expect(() => new Machine({ memoryBytes: 1 << 20, postPort: 0x60 })).toThrow(/POST port.*overlap.*8042 data/);
    expect(() => new Machine({ memoryBytes: 1 << 20, postPort: 0x10000 })).toThrow(/expected ports 0 to 0xffff/);
  });
});
