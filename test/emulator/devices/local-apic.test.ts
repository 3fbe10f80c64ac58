import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { APIC_REGISTER as REGISTER } from "../../../emulator/devices/local-apic-registers.ts";
import { SnapshotReader, SnapshotWriter } from "../../../emulator/snapshot-bytes.ts";
import { ApicHarness } from "./apic-harness.ts";

const MASKED = 0x10000;
const LEVEL = 0x8000;
const ASSERT = 0x4000;
const ACTIVE_LOW = 0x2000;
const REMOTE_IRR = 0x4000;
const LOGICAL = 0x800;
const LOWEST = 0x100;
const SMI = 0x200;
const NMI = 0x400;
const INIT = 0x500;
const STARTUP = 0x600;
const EXTINT = 0x700;
const PERIODIC = 0x20000;
const SELF = 1 << 18;
const ALL = 2 << 18;
const OTHERS = 3 << 18;

const LVT = [
  REGISTER.LVT_TIMER,
  REGISTER.LVT_PERFORMANCE,
  REGISTER.LVT_LINT0,
  REGISTER.LVT_LINT1,
  REGISTER.LVT_ERROR,
] as const;

describe("registers", () => {
  it("after power-on are as the manual's 10.4.7.1 says", () => {
    const apic = new ApicHarness(2, false);
    expect([apic.read(REGISTER.ID, 0), apic.read(REGISTER.ID, 1)]).toEqual([0, 0x01000000]);
    expect(apic.read(REGISTER.VERSION)).toBe(0x00040014);
    expect(apic.read(REGISTER.DFR)).toBe(0xffffffff);
    expect(apic.read(REGISTER.SVR)).toBe(0xff);
    for (const entry of LVT) expect(apic.read(entry)).toBe(MASKED);
    const zero = ["TPR", "APR", "PPR", "LDR", "ESR", "ICR_LOW", "ICR_HIGH", "DIVIDE", "REMOTE_READ"] as const;
    for (const name of zero) expect(apic.read(REGISTER[name])).toBe(0);
    expect([apic.irr(), apic.isr(), apic.tmr()]).toEqual([[], [], []]);
    expect([apic.read(REGISTER.INITIAL_COUNT), apic.read(REGISTER.CURRENT_COUNT)]).toEqual([0, 0]);
  });

  it.each([
    { name: "ID", value: 0x0f000000 },
    { name: "TPR", value: 0xff },
    { name: "LDR", value: 0xff000000 },
    { name: "DIVIDE", value: 0x0b },
    { name: "INITIAL_COUNT", value: 0xffffffff },
    { name: "ICR_HIGH", value: 0xff000000 },
    { name: "LVT_TIMER", value: 0x300ff },
    { name: "LVT_PERFORMANCE", value: 0x107ff },
    { name: "LVT_LINT0", value: 0x1a7ff },
    { name: "LVT_LINT1", value: 0x1a7ff },
    { name: "LVT_ERROR", value: 0x100ff },
  ] as const)("$name keeps the bits that exist", ({ name, value }) => {
    const apic = new ApicHarness();
    apic.write(REGISTER[name], 0xffffffff);
    expect(apic.read(REGISTER[name])).toBe(value);
  });

  it("DFR keeps its model, with ones below; SVR has ones in the low four bits", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DFR, 0);
    expect(apic.read(REGISTER.DFR)).toBe(0x0fffffff);
    apic.write(REGISTER.SVR, 0xfffffd00);
    expect(apic.read(REGISTER.SVR)).toBe(0x10f);
    apic.write(REGISTER.SVR, 0x3e0);
    expect(apic.read(REGISTER.SVR)).toBe(0x3ef);
  });

  it("that are read-only ignore writes", () => {
    const apic = new ApicHarness();
    for (const name of ["VERSION", "APR", "PPR", "REMOTE_READ", "CURRENT_COUNT", "ISR", "TMR", "IRR"] as const) {
      const before = apic.read(REGISTER[name]);
      apic.write(REGISTER[name], 0x12345678);
      expect(apic.read(REGISTER[name])).toBe(before);
    }
    expect(apic.errors()).toBe(0);
  });

  it("are read in parts, and written only whole", () => {
    const apic = new ApicHarness();
    const device = apic.apics[0];
    expect([device.read(0x32, 1) & 0xff, device.read(0x32, 2) & 0xffff, device.read(0x30, 2) & 0xffff]).toEqual([
      4, 4, 0x14,
    ]);
    expect([device.read(0x34, 4), device.read(0x3e, 4), device.read(0x33, 2)]).toEqual([0, 0, 0]);
    device.write(REGISTER.TPR, 1, 0x55);
    device.write(REGISTER.TPR, 2, 0x55);
    device.write(REGISTER.TPR + 1, 4, 0x55);
    expect(apic.read(REGISTER.TPR)).toBe(0);
  });

  it("that do not exist set 'illegal register address'", () => {
    for (const offset of [0x000, 0x040, 0x290, 0x330, 0x3f0, 0xff0]) {
      const apic = new ApicHarness();
      expect(apic.read(offset)).toBe(0);
      expect(apic.errors()).toBe(0x80);
      apic.write(offset, 1);
      expect(apic.errors()).toBe(0x80);
    }
  });
});

describe("priorities", () => {
  it("the highest vector is delivered first, and EOI lets the next one through", () => {
    const apic = new ApicHarness();
    for (const vector of [0x31, 0x52, 0x41]) apic.command(vector | SELF);
    expect(apic.irr()).toEqual([0x31, 0x41, 0x52]);
    expect(apic.acknowledge()).toBe(0x52);
    expect([apic.irr(), apic.isr()]).toEqual([[0x31, 0x41], [0x52]]);
    expect(apic.apics[0].intr).toBe(false);
    apic.eoi();
    expect([apic.acknowledge(), apic.isr()]).toEqual([0x41, [0x41]]);
  });

  it("a higher class interrupts one in service, the same class waits", () => {
    const apic = new ApicHarness();
    apic.command(0x41 | SELF);
    apic.acknowledge();
    apic.command(0x4f | SELF);
    expect(apic.apics[0].intr).toBe(false);
    apic.command(0x50 | SELF);
    expect(apic.acknowledge()).toBe(0x50);
    expect(apic.isr()).toEqual([0x41, 0x50]);
    expect(apic.read(REGISTER.PPR)).toBe(0x50);
    apic.eoi();
    expect(apic.read(REGISTER.PPR)).toBe(0x40);
    apic.eoi();
    expect(apic.acknowledge()).toBe(0x4f);
  });

  it("TPR holds back its class and those below it", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.TPR, 0x45);
    apic.command(0x4f | SELF);
    expect(apic.apics[0].intr).toBe(false);
    apic.command(0x50 | SELF);
    expect(apic.apics[0].intr).toBe(true);
    apic.acknowledge();
    apic.eoi();
    apic.write(REGISTER.TPR, 0x3f);
    expect(apic.acknowledge()).toBe(0x4f);
  });

  it("PPR is TPR, or the class in service when that is higher", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.TPR, 0x25);
    expect(apic.read(REGISTER.PPR)).toBe(0x25);
    apic.command(0x41 | SELF);
    expect(apic.read(REGISTER.PPR)).toBe(0x25);
    apic.acknowledge();
    expect(apic.read(REGISTER.PPR)).toBe(0x40);
    apic.write(REGISTER.TPR, 0x47);
    expect(apic.read(REGISTER.PPR)).toBe(0x47);
  });

  it("APR follows the formula of 10.6.2.4", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.TPR, 0x25);
    expect(apic.read(REGISTER.APR)).toBe(0x25);
    apic.command(0x61 | SELF);
    expect(apic.read(REGISTER.APR)).toBe(0x60);
    apic.acknowledge();
    apic.write(REGISTER.TPR, 0x75);
    expect(apic.read(REGISTER.APR)).toBe(0x75);
    apic.write(REGISTER.TPR, 0x45);
    expect(apic.read(REGISTER.APR)).toBe(0x40 & 0x60);
  });

  it("a vector in service can be requested once more", () => {
    const apic = new ApicHarness();
    apic.command(0x41 | SELF);
    apic.acknowledge();
    apic.command(0x41 | SELF);
    apic.command(0x41 | SELF);
    expect([apic.irr(), apic.isr()]).toEqual([[0x41], [0x41]]);
    apic.eoi();
    expect(apic.acknowledge()).toBe(0x41);
    apic.eoi();
    expect(apic.apics[0].intr).toBe(false);
  });

  it("an acknowledge without a request gets the spurious vector, and nothing is in service", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.SVR, 0x1ef);
    expect(apic.acknowledge()).toBe(0xef);
    apic.command(0x41 | SELF);
    apic.write(REGISTER.TPR, 0x50);
    expect([apic.acknowledge(), apic.isr(), apic.irr()]).toEqual([0xef, [], [0x41]]);
  });

  it("EOI without anything in service does nothing", () => {
    const apic = new ApicHarness();
    apic.eoi();
    expect(apic.log).toEqual([]);
  });

  it("delivers whatever is requested, highest first, as a model of sets does", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("request" as const), value: fc.integer({ min: 16, max: 255 }) }),
      fc.record({ kind: fc.constant("tpr" as const), value: fc.integer({ min: 0, max: 255 }) }),
      fc.record({ kind: fc.constant("take" as const), value: fc.constant(0) }),
      fc.record({ kind: fc.constant("eoi" as const), value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const apic = new ApicHarness();
        const requested = new Set<number>();
        const serving = new Set<number>();
        let tpr = 0;
        const highest = (set: Set<number>) => Math.max(-1, ...set);
        for (const { kind, value } of steps) {
          if (kind === "request") {
            requested.add(value);
            apic.command(value | SELF);
          } else if (kind === "tpr") {
            tpr = value;
            apic.write(REGISTER.TPR, value);
          } else if (kind === "eoi") {
            serving.delete(highest(serving));
            apic.eoi();
          } else if (apic.apics[0].intr) {
            const vector = apic.acknowledge();
            expect(vector).toBe(highest(requested));
            requested.delete(vector);
            serving.add(vector);
          }
          const deliverable = highest(requested) >> 4 > Math.max(tpr >> 4, highest(serving) >> 4, 0);
          expect(apic.apics[0].intr).toBe(deliverable);
          expect([apic.irr(), apic.isr()]).toEqual([[...requested].sort(byValue), [...serving].sort(byValue)]);
        }
      }),
      { numRuns: 50 },
    );
  });
});

const byValue = (a: number, b: number) => a - b;

describe("software disable", () => {
  it("takes no fixed interrupts, but NMI, INIT, SMI and start-up", () => {
    const apic = new ApicHarness(2);
    apic.write(REGISTER.SVR, 0xff, 1);
    apic.command(0x41, 1);
    expect(apic.irr(1)).toEqual([]);
    for (const mode of [NMI, SMI, STARTUP | 9, INIT | ASSERT]) apic.command(mode, 1);
    expect(apic.log).toEqual(["1 nmi", "1 smi", "1 startup 9", "1 init"]);
  });

  it("masks the local vector table, and keeps it masked", () => {
    const apic = new ApicHarness();
    for (const entry of LVT) apic.write(entry, 0x41);
    apic.write(REGISTER.SVR, 0xff);
    for (const entry of LVT) expect(apic.read(entry)).toBe(MASKED | 0x41);
    for (const entry of LVT) apic.write(entry, 0x42);
    for (const entry of LVT) expect(apic.read(entry)).toBe(MASKED | 0x42);
  });

  it("keeps what was requested before, and lets it still send", () => {
    const apic = new ApicHarness(2);
    apic.command(0x41 | SELF);
    apic.write(REGISTER.SVR, 0xff);
    expect(apic.acknowledge()).toBe(0x41);
    apic.command(0x51, 1);
    expect(apic.irr(1)).toEqual([0x51]);
  });
});

describe("hardware disable (IA32_APIC_BASE)", () => {
  it("resets the registers, and hears no message", () => {
    const apic = new ApicHarness(2);
    apic.write(REGISTER.TPR, 0x55, 1);
    apic.apics[1].hardwareEnabled = false;
    apic.command(NMI, 1);
    apic.command(0x41, 1);
    expect(apic.log).toEqual([]);
    expect(apic.errors(0)).toBe(0x04);
    apic.apics[1].hardwareEnabled = true;
    expect([apic.read(REGISTER.TPR, 1), apic.read(REGISTER.SVR, 1)]).toEqual([0, 0xff]);
  });

  it("gives back the ID of power-up once it is on again", () => {
    const apic = new ApicHarness(2);
    const device = apic.apics[1];
    apic.write(REGISTER.ID, 0x05000000, 1);
    apic.command(0x000c0500 | 0x8000);
    device.hardwareEnabled = false;
    device.hardwareEnabled = true;
    expect([apic.read(REGISTER.ID, 1), device.arbitrationId]).toEqual([0x01000000, 1]);
    apic.write(REGISTER.SVR, 0x1ff, 1);
    apic.command(0x41, 1);
    expect(apic.irr(1)).toEqual([0x41]);
  });

  it("makes LINT0 and LINT1 the pins INTR and NMI", () => {
    const apic = new ApicHarness();
    const device = apic.apics[0];
    device.hardwareEnabled = false;
    device.setLine(0, true);
    device.setLine(1, true);
    device.setLine(1, false);
    expect(apic.log).toEqual(["0 intr", "0 nmi"]);
    expect(device.acknowledge()).toBe(-1);
    device.setLine(0, false);
    expect(device.intr).toBe(false);
  });
});

describe("commands", () => {
  it("fixed, to a physical ID", () => {
    const apic = new ApicHarness(4);
    apic.command(0x41, 2);
    expect([0, 1, 2, 3].map((core) => apic.irr(core))).toEqual([[], [], [0x41], []]);
  });

  it("physical destination 15 is everybody, the sender too", () => {
    for (const destination of [0x0f, 0xff]) {
      const apic = new ApicHarness(3);
      apic.command(0x41, destination, 1);
      expect([0, 1, 2].map((core) => apic.irr(core))).toEqual([[0x41], [0x41], [0x41]]);
    }
  });

  it("go to the ID that is in the ID register now", () => {
    const apic = new ApicHarness(2);
    apic.write(REGISTER.ID, 0x07000000, 1);
    apic.command(0x41, 7);
    apic.command(0x42, 1);
    expect(apic.irr(1)).toEqual([0x41]);
  });

  it("logical, flat: everybody who has a bit in common", () => {
    const apic = new ApicHarness(4);
    for (const core of [0, 1, 2, 3]) apic.write(REGISTER.LDR, 1 << (24 + core), core);
    apic.command(0x41 | LOGICAL, 0b0110);
    expect([0, 1, 2, 3].map((core) => apic.irr(core))).toEqual([[], [0x41], [0x41], []]);
    apic.write(REGISTER.LDR, 0, 1);
    apic.write(REGISTER.LDR, 0x0c << 24, 2);
    apic.command(0x42 | LOGICAL, 0b0110);
    expect([0, 1, 2, 3].map((core) => apic.irr(core))).toEqual([[], [0x41], [0x41, 0x42], []]);
  });

  it("logical, clusters: the cluster in the upper four bits, its members in the lower", () => {
    const apic = new ApicHarness(4);
    [0x11, 0x12, 0x21, 0x22].forEach((id, core) => {
      apic.write(REGISTER.DFR, 0x0fffffff, core);
      apic.write(REGISTER.LDR, id << 24, core);
    });
    const takers = (destination: number, vector: number) => {
      apic.command(vector | LOGICAL, destination);
      return [0, 1, 2, 3].filter((core) => apic.irr(core).includes(vector));
    };
    expect(takers(0x12, 0x41)).toEqual([1]);
    expect(takers(0x13, 0x42)).toEqual([0, 1]);
    expect(takers(0x23, 0x43)).toEqual([2, 3]);
    expect(takers(0x33, 0x44)).toEqual([]);
    expect(takers(0xf1, 0x45)).toEqual([0, 2]);
    expect(takers(0xff, 0x46)).toEqual([0, 1, 2, 3]);
  });

  it.each([
    { name: "self", shorthand: SELF, takers: [1] },
    { name: "all", shorthand: ALL, takers: [0, 1, 2] },
    { name: "all but self", shorthand: OTHERS, takers: [0, 2] },
  ])("shorthand: $name", ({ shorthand, takers }) => {
    const apic = new ApicHarness(3);
    apic.command(0x41 | shorthand, 0, 1);
    expect([0, 1, 2].filter((core) => apic.irr(core).length > 0)).toEqual(takers);
  });

  it("NMI, INIT, SMI and start-up go to all but self, but not to self", () => {
    for (const mode of [NMI, INIT | ASSERT, SMI, STARTUP | 8]) {
      const apic = new ApicHarness(3);
      apic.command(mode | SELF, 0, 1);
      apic.command(mode | ALL, 0, 1);
      expect(apic.log).toEqual([]);
      apic.command(mode | OTHERS, 0, 1);
      expect(apic.log.map((line) => line[0])).toEqual(["0", "2"]);
    }
  });

  it("INIT resets the local APIC but for its ID", () => {
    const apic = new ApicHarness(2);
    apic.write(REGISTER.ID, 0x05000000, 1);
    apic.write(REGISTER.TPR, 0x30, 1);
    apic.write(REGISTER.LDR, 0x02000000, 1);
    apic.command(0x41, 5);
    apic.command(INIT | ASSERT | LEVEL, 5);
    expect(apic.log.at(-1)).toBe("1 init");
    expect([apic.read(REGISTER.ID, 1), apic.read(REGISTER.TPR, 1), apic.read(REGISTER.LDR, 1)]).toEqual([
      0x05000000, 0, 0,
    ]);
    expect([apic.read(REGISTER.SVR, 1), apic.irr(1)]).toEqual([0xff, []]);
  });

  it("INIT level de-assert interrupts nobody", () => {
    const apic = new ApicHarness(2);
    apic.command(INIT | LEVEL | ALL);
    apic.command(INIT | LEVEL, 1);
    expect(apic.log).toEqual([]);
  });

  it("fixed messages are edge triggered whatever the trigger mode, and a level de-assert is none", () => {
    const apic = new ApicHarness(2);
    apic.command(0x41 | LEVEL | ASSERT, 1);
    apic.command(0x42 | LEVEL, 1);
    expect([apic.irr(1), apic.tmr(1)]).toEqual([[0x41], []]);
  });

  it("delivery status is always idle", () => {
    const apic = new ApicHarness(2);
    apic.command(0x1041, 1);
    expect(apic.read(REGISTER.ICR_LOW)).toBe(0x41);
  });

  it("remote read and ExtINT are not sent", () => {
    const apic = new ApicHarness(2);
    apic.command(0x300, 1);
    apic.command(EXTINT, 1);
    expect(apic.log).toEqual([]);
  });
});

describe("lowest priority", () => {
  const SET = 0xff;
  const send = (apic: ApicHarness, vector: number) => {
    apic.command(vector | LOWEST | LOGICAL, SET);
    return apic.apics.findIndex((_, core) => apic.irr(core).includes(vector));
  };

  it("goes to the core with the lowest arbitration priority", () => {
    const apic = new ApicHarness(3);
    for (const [core, tpr] of [0x50, 0x20, 0x30].entries()) apic.write(REGISTER.TPR, tpr, core);
    expect(send(apic, 0x61)).toBe(1);
    // That one has something to do now.
    expect(send(apic, 0x71)).toBe(2);
  });

  it("goes round among equals, by arbitration ID", () => {
    const apic = new ApicHarness(3);
    const winners = Array.from({ length: 6 }, () => {
      const core = send(apic, 0x61);
      apic.acknowledge(core);
      apic.eoi(core);
      return core;
    });
    expect(winners).toEqual([2, 1, 0, 2, 1, 0]);
  });

  it("INIT level de-assert sets the arbitration IDs to the APIC IDs", () => {
    const apic = new ApicHarness(3);
    expect(send(apic, 0x61)).toBe(2);
    apic.acknowledge(2);
    apic.eoi(2);
    apic.command(INIT | LEVEL | ALL);
    expect(send(apic, 0x61)).toBe(2);
  });

  it("stays with the focus processor, unless SVR says otherwise", () => {
    const apic = new ApicHarness(2);
    apic.command(0x61, 0);
    apic.write(REGISTER.TPR, 0x20, 0);
    apic.acknowledge();
    apic.command(0x61 | LOWEST | LOGICAL, SET);
    expect([apic.irr(0), apic.irr(1)]).toEqual([[0x61], []]);
    apic.write(REGISTER.SVR, 0x3ff, 0);
    apic.command(0x61 | LOWEST | LOGICAL, SET);
    expect(apic.irr(1)).toEqual([0x61]);
  });

  it("leaves out those that are disabled", () => {
    const apic = new ApicHarness(3);
    apic.write(REGISTER.SVR, 0xff, 2);
    expect(send(apic, 0x61)).toBe(1);
  });
});

describe("errors", () => {
  it("ESR shows what came up before it was last written", () => {
    const apic = new ApicHarness();
    apic.command(0x0f | SELF);
    expect(apic.read(REGISTER.ESR)).toBe(0);
    apic.write(REGISTER.ESR, 0);
    expect(apic.read(REGISTER.ESR)).toBe(0x20);
    apic.write(REGISTER.ESR, 0);
    expect(apic.read(REGISTER.ESR)).toBe(0);
  });

  it("vectors below 16 are illegal to send", () => {
    const apic = new ApicHarness(2);
    apic.command(0x0f, 1);
    apic.command(0x00 | LOWEST, 1);
    expect([apic.errors(0), apic.errors(1), apic.irr(1)]).toEqual([0x20, 0, []]);
    apic.command(0x10, 1);
    expect([apic.errors(0), apic.irr(1)]).toEqual([0, [0x10]]);
  });

  it("vectors below 16 are illegal to receive", () => {
    const apic = new ApicHarness();
    apic.redirect(5, 0x0f, 0);
    apic.ioApic.setPin(5, true);
    expect([apic.errors(), apic.irr()]).toEqual([0x40, []]);
  });

  it("a message that nobody accepts is a send accept error", () => {
    const apic = new ApicHarness(2);
    apic.command(0x41, 7);
    expect(apic.errors()).toBe(0x04);
    apic.write(REGISTER.SVR, 0xff, 1);
    apic.command(0x41, 1);
    expect(apic.errors()).toBe(0x04);
    apic.command(NMI, 1);
    expect(apic.errors()).toBe(0);
  });

  it("interrupt through their entry, once until ESR is written", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_ERROR, 0x51);
    apic.command(0x0f | SELF);
    expect(apic.acknowledge()).toBe(0x51);
    apic.eoi();
    apic.command(0x0f | SELF);
    expect(apic.irr()).toEqual([]);
    apic.write(REGISTER.ESR, 0);
    apic.command(0x0f | SELF);
    expect(apic.irr()).toEqual([0x51]);
  });

  it("an error entry with an illegal vector is an error, and no endless loop", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_ERROR, 0x05);
    apic.command(0x0f | SELF);
    expect(apic.errors()).toBe(0x60);
  });
});

describe("local interrupt pins", () => {
  const pulse = (apic: ApicHarness, pin: 0 | 1) => {
    apic.apics[0].setLine(pin, true);
    apic.apics[0].setLine(pin, false);
  };

  it("fixed, edge: once for each rising edge", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT1, 0x41);
    pulse(apic, 1);
    expect(apic.acknowledge()).toBe(0x41);
    apic.eoi();
    expect(apic.apics[0].intr).toBe(false);
    expect(apic.log).toEqual(["0 intr", "0 no intr"]);
  });

  it("an edge while masked is forgotten", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT0, MASKED | 0x41);
    apic.apics[0].setLine(0, true);
    apic.write(REGISTER.LVT_LINT0, 0x41);
    expect(apic.irr()).toEqual([]);
  });

  it("active low: on the falling edge", () => {
    const apic = new ApicHarness();
    apic.apics[0].setLine(0, true);
    apic.write(REGISTER.LVT_LINT0, ACTIVE_LOW | 0x41);
    expect(apic.irr()).toEqual([]);
    apic.apics[0].setLine(0, false);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("LINT0 fixed, level: remote IRR until EOI, and again while it is asserted", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT0, LEVEL | 0x41);
    apic.apics[0].setLine(0, true);
    expect([apic.irr(), apic.tmr()]).toEqual([[0x41], [0x41]]);
    expect(apic.read(REGISTER.LVT_LINT0)).toBe(LEVEL | REMOTE_IRR | 0x41);
    expect(apic.acknowledge()).toBe(0x41);
    apic.eoi();
    expect(apic.acknowledge()).toBe(0x41);
    apic.apics[0].setLine(0, false);
    apic.eoi();
    expect([apic.irr(), apic.read(REGISTER.LVT_LINT0)]).toEqual([[], LEVEL | 0x41]);
  });

  it("LINT0 fixed, level: seen when it is unmasked", () => {
    const apic = new ApicHarness();
    apic.apics[0].setLine(0, true);
    apic.write(REGISTER.LVT_LINT0, LEVEL | 0x41);
    expect(apic.irr()).toEqual([0x41]);
  });

  it("LINT1 is edge triggered even when programmed otherwise", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT1, LEVEL | 0x41);
    apic.apics[0].setLine(1, true);
    apic.acknowledge();
    apic.eoi();
    expect([apic.irr(), apic.tmr()]).toEqual([[], []]);
  });

  it("NMI, SMI and INIT on an edge", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT1, NMI);
    pulse(apic, 1);
    apic.write(REGISTER.LVT_LINT1, SMI);
    pulse(apic, 1);
    apic.write(REGISTER.LVT_LINT1, INIT);
    pulse(apic, 1);
    expect(apic.log).toEqual(["0 nmi", "0 smi", "0 init"]);
    expect(apic.read(REGISTER.SVR)).toBe(0xff);
  });

  it("ExtINT passes the level on, and leaves the vector to the 8259A", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT0, EXTINT);
    apic.apics[0].setLine(0, true);
    expect([apic.apics[0].intr, apic.acknowledge(), apic.isr()]).toEqual([true, -1, []]);
    apic.write(REGISTER.TPR, 0xff);
    expect(apic.apics[0].intr).toBe(true);
    apic.apics[0].setLine(0, false);
    expect(apic.apics[0].intr).toBe(false);
    apic.apics[0].setLine(0, true);
    apic.write(REGISTER.LVT_LINT0, EXTINT | MASKED);
    expect(apic.apics[0].intr).toBe(false);
  });

  it("the local APIC's own interrupt goes before ExtINT", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_LINT0, EXTINT);
    apic.apics[0].setLine(0, true);
    apic.command(0x41 | SELF);
    expect([apic.acknowledge(), apic.acknowledge()]).toEqual([0x41, -1]);
  });
});

describe("timer", () => {
  /** Cycles at which the timer interrupts until `end`. */
  const expirations = (apic: ApicHarness, end: number) => {
    const cycles: number[] = [];
    for (let cycle = apic.clock.now; cycle <= end; cycle++) {
      apic.clock.advanceTo(cycle);
      if (!apic.apics[0].intr) continue;
      cycles.push(cycle);
      apic.acknowledge();
      apic.eoi();
    }
    return cycles;
  };

  it("one-shot: interrupts once, initial count times divisor after the write", () => {
    const apic = new ApicHarness();
    apic.clock.advanceTo(7);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 50);
    expect(expirations(apic, 400)).toEqual([107]);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(0);
    expect(apic.read(REGISTER.INITIAL_COUNT)).toBe(50);
  });

  it("periodic: again and again, without drift", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0b);
    apic.write(REGISTER.LVT_TIMER, PERIODIC | 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 70);
    expect(expirations(apic, 300)).toEqual([70, 140, 210, 280]);
  });

  it.each([
    { code: 0x0, divisor: 2 },
    { code: 0x1, divisor: 4 },
    { code: 0x2, divisor: 8 },
    { code: 0x3, divisor: 16 },
    { code: 0x8, divisor: 32 },
    { code: 0x9, divisor: 64 },
    { code: 0xa, divisor: 128 },
    { code: 0xb, divisor: 1 },
  ])("divide code $code divides by $divisor", ({ code, divisor }) => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, code);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 3);
    expect(apic.clock.nextEvent).toBe(3 * divisor);
    apic.clock.advanceTo(2 * divisor - 1);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(2);
    apic.clock.advanceTo(2 * divisor);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(1);
  });

  it("counts while it is masked, and makes no events then", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0b);
    apic.write(REGISTER.LVT_TIMER, PERIODIC | MASKED | 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    expect(apic.clock.size).toBe(0);
    apic.clock.advanceTo(1234);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(66);
    apic.write(REGISTER.LVT_TIMER, PERIODIC | 0x41);
    expect(apic.clock.nextEvent).toBe(1300);
    apic.clock.advanceTo(1300);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(100);
  });

  it("a new initial count starts anew, and 0 stops it", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0b);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    apic.clock.advanceTo(60);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    expect(expirations(apic, 500)).toEqual([160]);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    apic.write(REGISTER.INITIAL_COUNT, 0);
    expect([apic.read(REGISTER.CURRENT_COUNT), apic.clock.size]).toEqual([0, 0]);
  });

  it("one-shot made periodic on the way goes on with the same count", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0b);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    apic.clock.advanceTo(30);
    apic.write(REGISTER.LVT_TIMER, PERIODIC | 0x41);
    expect(expirations(apic, 350)).toEqual([100, 200, 300]);
  });

  it("a new divisor counts what is left", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0b);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 100);
    apic.clock.advanceTo(60);
    apic.write(REGISTER.DIVIDE, 0x01);
    expect(expirations(apic, 500)).toEqual([60 + 4 * 40]);
  });

  it("the largest count and divisor fit", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.DIVIDE, 0x0a);
    apic.write(REGISTER.LVT_TIMER, 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 0xffffffff);
    expect(apic.clock.nextEvent).toBe(128 * 0xffffffff);
    expect(apic.read(REGISTER.CURRENT_COUNT)).toBe(0xffffffff);
  });

  it("an expiration while the last one is still requested is lost", () => {
    const apic = new ApicHarness();
    apic.write(REGISTER.LVT_TIMER, PERIODIC | 0x41);
    apic.write(REGISTER.INITIAL_COUNT, 10);
    apic.clock.advanceTo(1000);
    expect([apic.acknowledge(), apic.irr()]).toEqual([0x41, []]);
  });
});

describe("snapshots", () => {
  it("continue with the same registers and the same timer", () => {
    const original = new ApicHarness();
    original.write(REGISTER.TPR, 0x20);
    original.write(REGISTER.LDR, 0x03000000);
    original.write(REGISTER.LVT_LINT0, LEVEL | 0x31);
    original.apics[0].setLine(0, true);
    original.acknowledge();
    original.command(0x61 | SELF);
    original.write(REGISTER.LVT_TIMER, PERIODIC | 0x71);
    original.write(REGISTER.INITIAL_COUNT, 500);
    original.clock.advanceTo(1234);
    const writer = new SnapshotWriter(original.clock);
    original.clock.snapshot(writer);
    original.apics[0].snapshot(writer);

    const copy = new ApicHarness();
    const reader = new SnapshotReader(writer.finish());
    reader.clock = copy.clock;
    copy.clock.snapshot(reader);
    copy.apics[0].snapshot(reader);
    reader.finish();
    for (const apic of [original, copy]) apic.clock.advanceTo(3456);
    const offsets = Object.values(REGISTER).filter((offset) => offset !== REGISTER.EOI);
    expect(offsets.map((offset) => copy.read(offset))).toEqual(offsets.map((offset) => original.read(offset)));
    for (const apic of [original, copy]) {
      expect([apic.acknowledge(), apic.acknowledge(), apic.isr()]).toEqual([0x71, 0xff, [0x31, 0x71]]);
    }
  });
});

describe("hostile programs", () => {
  const word = fc.oneof(fc.nat({ max: 0xffffffff }), fc.nat({ max: 0x3ffff }), fc.constantFrom(0, 1, 0xffffffff));
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant("write" as const), fc.nat({ max: 0x3f }), word) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("read" as const), fc.nat({ max: 0xfff }), word) },
    { weight: 3, arbitrary: fc.tuple(fc.constant("io" as const), fc.nat({ max: 0x3f }), word) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("pin" as const), fc.nat({ max: 23 }), word) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("line" as const), fc.nat({ max: 1 }), word) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("acknowledge" as const), fc.constant(0), word) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("time" as const), fc.nat({ max: 1000 }), word) },
  );

  it("cannot bring the registers into a state that has no meaning", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const apic = new ApicHarness(3);
        for (const [index, [kind, place, value]] of actions.entries()) {
          const core = index % 3;
          const device = apic.apics[core];
          if (kind === "write") apic.write(place << 4, value, core);
          else if (kind === "read") device.read(place, 4);
          else if (kind === "io") apic.writeIo(place, value);
          else if (kind === "pin") apic.ioApic.setPin(place, (value & 1) !== 0);
          else if (kind === "line") device.setLine(place === 0 ? 0 : 1, (value & 1) !== 0);
          else if (kind === "time") apic.clock.advanceTo(apic.clock.now + place);
          else expect(device.acknowledge()).toBeLessThan(256);
          const legal = [...apic.irr(core), ...apic.isr(core)].every((vector) => vector >= 16);
          expect([legal, Number.isSafeInteger(device.read(REGISTER.CURRENT_COUNT, 4))]).toEqual([true, true]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
