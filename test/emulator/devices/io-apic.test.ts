import { describe, expect, it } from "vitest";
import { IO_APIC_PINS } from "../../../emulator/devices/io-apic.ts";
import { APIC_REGISTER as LOCAL } from "../../../emulator/devices/local-apic-registers.ts";
import { SnapshotReader, SnapshotWriter } from "../../../emulator/snapshot-bytes.ts";
import { ApicHarness } from "./apic-harness.ts";

const ID = 0;
const VERSION = 1;
const ARBITRATION = 2;
const REDIRECTION = 0x10;

const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;
const ACTIVE_LOW = 0x2000;
const LOGICAL = 0x800;
const LOWEST = 0x100;
const SMI = 0x200;
const NMI = 0x400;
const INIT = 0x500;
const EXTINT = 0x700;

const BASE = 0xfec00000;

describe("registers", () => {
  it("after power-on: ID 0, version 0x11 with 24 entries, all masked", () => {
    const apic = new ApicHarness();
    expect([apic.readIo(ID), apic.readIo(VERSION), apic.readIo(ARBITRATION)]).toEqual([0, 0x00170011, 0]);
    for (let pin = 0; pin < IO_APIC_PINS; pin++) {
      expect([apic.readIo(REDIRECTION + 2 * pin), apic.readIo(REDIRECTION + 2 * pin + 1)]).toEqual([MASKED, 0]);
    }
  });

  it("ID has four bits, and loads the arbitration ID", () => {
    const apic = new ApicHarness();
    apic.writeIo(ID, 0xffffffff);
    expect([apic.readIo(ID), apic.readIo(ARBITRATION)]).toEqual([0x0f000000, 0x0f000000]);
  });

  it("version and arbitration ID are read-only", () => {
    const apic = new ApicHarness();
    apic.writeIo(VERSION, 0xffffffff);
    apic.writeIo(ARBITRATION, 0xffffffff);
    expect([apic.readIo(VERSION), apic.readIo(ARBITRATION)]).toEqual([0x00170011, 0]);
  });

  it("redirection entries keep the bits that exist; delivery status and remote IRR are read-only", () => {
    const apic = new ApicHarness();
    apic.writeIo(REDIRECTION + 2 * 5, 0xffffffff);
    apic.writeIo(REDIRECTION + 2 * 5 + 1, 0xffffffff);
    expect(apic.readIo(REDIRECTION + 2 * 5)).toBe(0x1afff);
    expect(apic.readIo(REDIRECTION + 2 * 5 + 1)).toBe(0xff000000);
  });

  it("that do not exist read as 0 and ignore writes", () => {
    const apic = new ApicHarness();
    for (const register of [3, 0x0f, 0x40, 0xff]) {
      apic.writeIo(register, 0xffffffff);
      expect(apic.readIo(register)).toBe(0);
    }
  });

  it("IOREGSEL can be read, and is written in any width", () => {
    const { ioApic } = new ApicHarness();
    ioApic.write8(BASE, 0x12);
    expect([ioApic.read8(BASE), ioApic.read32(BASE)]).toEqual([0x12, 0x12]);
    ioApic.write16(BASE, 0x01);
    expect(ioApic.read32(BASE + 0x10)).toBe(0x00170011);
    expect([ioApic.read8(BASE + 0x12), ioApic.read16(BASE + 0x12), ioApic.read16(BASE + 0x10)]).toEqual([
      0x17, 0x17, 0x11,
    ]);
  });

  it("IOWIN takes only 32-bit writes", () => {
    const apic = new ApicHarness();
    apic.ioApic.write32(BASE, ID);
    apic.ioApic.write8(BASE + 0x13, 0x0f);
    apic.ioApic.write16(BASE + 0x12, 0x0f00);
    expect(apic.readIo(ID)).toBe(0);
  });
});

describe("edge triggered pins", () => {
  it("interrupt on the rising edge, once", () => {
    const apic = new ApicHarness();
    apic.redirect(4, 0x41);
    apic.ioApic.setPin(4, true);
    expect([apic.acknowledge(), apic.tmr()]).toEqual([0x41, []]);
    apic.eoi();
    apic.ioApic.setPin(4, true);
    expect(apic.irr()).toEqual([]);
    apic.ioApic.setPin(4, false);
    apic.ioApic.setPin(4, true);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("active low: on the falling edge", () => {
    const apic = new ApicHarness();
    apic.ioApic.setPin(4, true);
    apic.redirect(4, ACTIVE_LOW | 0x41);
    expect(apic.irr()).toEqual([]);
    apic.ioApic.setPin(4, false);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("forget an edge while masked", () => {
    const apic = new ApicHarness();
    apic.redirect(4, MASKED | 0x41);
    apic.ioApic.setPin(4, true);
    apic.redirect(4, 0x41);
    expect(apic.irr()).toEqual([]);
  });

  it("send no EOI message to the I/O APIC", () => {
    const apic = new ApicHarness();
    apic.redirect(4, 0x41);
    apic.ioApic.setPin(4, true);
    apic.acknowledge();
    apic.eoi();
    expect(apic.log).toEqual(["0 intr", "0 no intr"]);
  });
});

describe("level triggered pins", () => {
  const raise = (low = LEVEL | 0x41) => {
    const apic = new ApicHarness();
    apic.redirect(9, low);
    apic.ioApic.setPin(9, true);
    return apic;
  };

  it("set remote IRR until the EOI comes", () => {
    const apic = raise();
    expect([apic.irr(), apic.tmr()]).toEqual([[0x41], [0x41]]);
    expect(apic.readIo(REDIRECTION + 18)).toBe(LEVEL | REMOTE_IRR | 0x41);
    apic.acknowledge();
    apic.ioApic.setPin(9, false);
    expect(apic.readIo(REDIRECTION + 18)).toBe(LEVEL | REMOTE_IRR | 0x41);
    apic.eoi();
    expect(apic.log).toContain("eoi 65");
    expect([apic.readIo(REDIRECTION + 18), apic.irr()]).toEqual([LEVEL | 0x41, []]);
  });

  it("interrupt again after EOI while they are asserted", () => {
    const apic = raise();
    for (let round = 0; round < 3; round++) {
      expect(apic.acknowledge()).toBe(0x41);
      expect(apic.irr()).toEqual([]);
      apic.eoi();
    }
    expect(apic.irr()).toEqual([0x41]);
  });

  it("do not interrupt again before EOI", () => {
    const apic = raise();
    apic.acknowledge();
    apic.ioApic.setPin(9, false);
    apic.ioApic.setPin(9, true);
    expect(apic.irr()).toEqual([]);
    apic.eoi();
    expect(apic.irr()).toEqual([0x41]);
  });

  it("active low: while the pin is low", () => {
    const apic = new ApicHarness();
    apic.redirect(9, LEVEL | ACTIVE_LOW | 0x41);
    expect(apic.irr()).toEqual([0x41]);
    apic.acknowledge();
    apic.ioApic.setPin(9, true);
    apic.eoi();
    expect(apic.irr()).toEqual([]);
  });

  it("are seen when unmasked", () => {
    const apic = raise(MASKED | LEVEL | 0x41);
    expect(apic.irr()).toEqual([]);
    apic.redirect(9, LEVEL | 0x41);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("masked in service: remote IRR goes with EOI, and nothing comes until unmasked", () => {
    const apic = raise();
    apic.acknowledge();
    apic.redirect(9, MASKED | LEVEL | 0x41);
    apic.eoi();
    expect([apic.irr(), apic.readIo(REDIRECTION + 18)]).toEqual([[], MASKED | LEVEL | 0x41]);
    apic.redirect(9, LEVEL | 0x41);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("switching to edge clears remote IRR", () => {
    const apic = raise();
    apic.redirect(9, MASKED | 0x41);
    expect(apic.readIo(REDIRECTION + 18)).toBe(MASKED | 0x41);
  });

  it("an EOI is for every pin with that vector", () => {
    const apic = raise();
    apic.redirect(10, LEVEL | 0x41);
    apic.ioApic.setPin(10, true);
    apic.redirect(11, LEVEL | 0x31);
    apic.ioApic.setPin(11, true);
    apic.acknowledge();
    apic.eoi();
    expect(apic.readIo(REDIRECTION + 18) & REMOTE_IRR).toBe(REMOTE_IRR);
    for (const pin of [9, 10]) apic.ioApic.setPin(pin, false);
    apic.acknowledge();
    apic.eoi();
    expect([9, 10, 11].map((pin) => apic.readIo(REDIRECTION + 2 * pin) & REMOTE_IRR)).toEqual([0, 0, REMOTE_IRR]);
  });

  it("are not in service with a local APIC that is disabled, and come when their entry is written again", () => {
    const apic = new ApicHarness(1, false);
    apic.redirect(9, LEVEL | 0x41);
    apic.ioApic.setPin(9, true);
    expect(apic.readIo(REDIRECTION + 18)).toBe(LEVEL | 0x41);
    apic.write(LOCAL.SVR, 0x1ff);
    apic.redirect(9, LEVEL | 0x41);
    expect(apic.irr()).toEqual([0x41]);
  });
});

describe("delivery", () => {
  it("physical: to the local APIC with that ID, or to all", () => {
    const apic = new ApicHarness(3);
    apic.redirect(1, 0x41, 2);
    apic.redirect(3, 0x51, 0xff);
    for (const pin of [1, 3]) apic.ioApic.setPin(pin, true);
    expect([0, 1, 2].map((core) => apic.irr(core))).toEqual([[0x51], [0x51], [0x41, 0x51]]);
  });

  it("logical: to the local APICs of a set", () => {
    const apic = new ApicHarness(3);
    for (const core of [0, 1, 2]) apic.write(LOCAL.LDR, 1 << (24 + core), core);
    apic.redirect(1, LOGICAL | 0x41, 0b101);
    apic.ioApic.setPin(1, true);
    expect([0, 1, 2].map((core) => apic.irr(core))).toEqual([[0x41], [], [0x41]]);
  });

  it("lowest priority: to one of the set", () => {
    const apic = new ApicHarness(3);
    for (const core of [0, 1, 2]) {
      apic.write(LOCAL.LDR, 1 << (24 + core), core);
      apic.write(LOCAL.TPR, 0x10 * (3 - core), core);
    }
    apic.redirect(1, LOWEST | LOGICAL | 0x41, 0b011);
    apic.ioApic.setPin(1, true);
    expect([0, 1, 2].map((core) => apic.irr(core))).toEqual([[], [0x41], []]);
  });

  it("NMI, SMI, INIT and ExtINT, on an edge even if programmed as level", () => {
    const apic = new ApicHarness(2);
    [NMI, SMI, INIT, EXTINT].forEach((mode, pin) => {
      apic.redirect(pin, LEVEL | mode, 1);
      apic.ioApic.setPin(pin, true);
      expect(apic.readIo(REDIRECTION + 2 * pin) & REMOTE_IRR).toBe(0);
    });
    expect(apic.log).toEqual(["1 nmi", "1 smi", "1 init", "1 intr"]);
    expect(apic.acknowledge(1)).toBe(-1);
    expect(apic.apics[1].intr).toBe(false);
  });

  it("start-up and remote read are no delivery modes here", () => {
    const apic = new ApicHarness();
    for (const mode of [0x300, 0x600]) {
      apic.redirect(1, mode | 0x41);
      apic.ioApic.setPin(1, true);
      apic.ioApic.setPin(1, false);
    }
    expect(apic.log).toEqual([]);
  });
});

describe("snapshots", () => {
  it("continue with the same entries and pins", () => {
    const original = new ApicHarness();
    original.writeIo(ID, 0x05000000);
    original.redirect(9, LEVEL | 0x41);
    original.redirect(3, LOGICAL | 0x51, 0x7f);
    original.ioApic.setPin(9, true);
    const writer = new SnapshotWriter(original.clock);
    original.ioApic.snapshot(writer);
    const copy = new ApicHarness();
    const reader = new SnapshotReader(writer.finish());
    copy.ioApic.snapshot(reader);
    reader.finish();
    const registers = [ID, VERSION, ARBITRATION, ...Array.from({ length: 48 }, (_, n) => REDIRECTION + n)];
    expect(registers.map((register) => copy.readIo(register))).toEqual(
      registers.map((register) => original.readIo(register)),
    );
    copy.ioApic.endOfInterrupt(0x41);
    expect(copy.irr()).toEqual([0x41]);
  });
});
