import { describe, expect, it } from "vitest";
import { DebugConsole } from "../../../emulator/devices/debug-console.ts";
import { ExitPort } from "../../../emulator/devices/exit-port.ts";
import { Port92 } from "../../../emulator/devices/port92.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";
import { ResetControl } from "../../../emulator/devices/reset-control.ts";
import { Machine } from "../../../emulator/index.ts";

describe("exit port", () => {
  function setUp() {
    const exits: number[] = [];
    const bus = new PortBus();
    new ExitPort({ onExit: (value) => exits.push(value) }).connect(bus);
    return { exits, bus };
  }

  it("exits with the value written, one, two or four bytes wide", () => {
    const { exits, bus } = setUp();
    bus.write8(0xf4, 0x2a);
    bus.write16(0xf4, 0xabcd);
    bus.write32(0xf4, -1);
    expect(exits).toEqual([0x2a, 0xabcd, 0xffffffff]);
  });

  it("ignores writes to its other ports, and reads zero", () => {
    const { exits, bus } = setUp();
    bus.write8(0xf5, 1);
    bus.write16(0xf6, 1);
    expect(exits).toEqual([]);
    expect(bus.read32(0xf4)).toBe(0);
  });
});

describe("debug console", () => {
  it("passes bytes on, and identifies itself", () => {
    const seen: number[] = [];
    const bus = new PortBus();
    new DebugConsole({ onOutput: (byte) => seen.push(byte) }).connect(bus);
    bus.write8(0xe9, 0x48);
    bus.write8(0xe9, 0x169);
    expect(seen).toEqual([0x48, 0x69]);
    expect(bus.read8(0xe9)).toBe(0xe9);
  });
});

describe("port 0x92", () => {
  function setUp() {
    const events: string[] = [];
    const bus = new PortBus();
    const port = new Port92({
      onA20: (enabled) => events.push(enabled ? "A20 on" : "A20 off"),
      onReset: () => events.push("reset"),
    });
    port.connect(bus);
    return { events, bus, port };
  }

  it("has A20 on at power-on", () => {
    expect(setUp().bus.read8(0x92)).toBe(0x02);
  });

  it("gates A20 with bit 1", () => {
    const { events, bus, port } = setUp();
    bus.write8(0x92, 0x00);
    expect(bus.read8(0x92)).toBe(0x00);
    bus.write8(0x92, 0x02);
    bus.write8(0x92, 0x00);
    port.reset();
    expect(events).toEqual(["A20 off", "A20 on", "A20 off", "A20 on"]);
  });

  it("resets the CPUs when bit 0 rises", () => {
    const { events, bus } = setUp();
    bus.write8(0x92, 0x03);
    bus.write8(0x92, 0x03);
    bus.write8(0x92, 0x02);
    bus.write8(0x92, 0x03);
    expect(events.filter((event) => event === "reset").length).toBe(2);
  });
});

describe("reset control", () => {
  it("resets when bit 2 rises", () => {
    let resets = 0;
    const bus = new PortBus();
    new ResetControl({ onReset: () => resets++ }).connect(bus);
    bus.write8(0xcf9, 0x02);
    expect([resets, bus.read8(0xcf9)]).toEqual([0, 0x02]);
    bus.write8(0xcf9, 0x06);
    bus.write8(0xcf9, 0x06);
    expect([resets, bus.read8(0xcf9)]).toEqual([1, 0x06]);
    bus.write8(0xcf9, 0x00);
    bus.write8(0xcf9, 0x04);
    expect(resets).toBe(2);
  });
});

describe("power-off", () => {
  function ends(write: (machine: Machine) => void): string {
    const machine = new Machine();
    machine.load(Uint8Array.of(0xf4), 0);
    machine.onHalt = () => {
      write(machine);
      return undefined;
    };
    machine.setRegister("cs", 0);
    machine.setRegister("eip", 0);
    return machine.run({ maxInstructions: 10 }).kind;
  }

  it.each([0x604, 0xb004, 0x4004])("comes of a word with SLP_EN to port %i", (port) => {
    expect(ends(({ ports }) => ports.write16(port, 0x2000))).toBe("power-off");
    expect(ends(({ ports }) => ports.write16(port, 0x3400))).toBe("power-off");
    expect(ends(({ ports }) => ports.write16(port, 0x1c01))).toBe("halted-forever");
    expect(ends(({ ports }) => ports.write8(port, 0x20))).toBe("halted-forever");
  });

  it("comes of the word Shutdown at port 0x8900, and of no other", () => {
    const write = (text: string) =>
      ends(({ ports }) => {
        for (const letter of text) ports.write8(0x8900, letter.charCodeAt(0));
      });
    expect(["Shutdown", "ShShutdown", "Shutdow", "Shut down"].map(write)).toEqual([
      "power-off",
      "power-off",
      "halted-forever",
      "halted-forever",
    ]);
  });
});
