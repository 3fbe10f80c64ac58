import { describe, expect, it } from "vitest";
import { I8259APair } from "../../../emulator/devices/i8259a.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";

const MASTER = 0x20;
const SLAVE = 0xa0;
const ELCR = 0x4d0;

const EOI = 0x20;
const ROTATE_ON_EOI = 0xa0;
const SPECIFIC_EOI = 0x60;
const ROTATE_ON_SPECIFIC_EOI = 0xe0;
const SET_PRIORITY = 0xc0;
const SET_ROTATE_IN_AEOI = 0x80;
const CLEAR_ROTATE_IN_AEOI = 0x00;
const READ_IRR = 0x0a;
const READ_ISR = 0x0b;
const POLL = 0x0c;
const SET_SPECIAL_MASK = 0x68;
const RESET_SPECIAL_MASK = 0x48;

interface Setup {
  icw1?: number;
  masterIcw4?: number;
  slaveIcw4?: number;
}

/** A pair initialised as Linux does it: vectors 0x20 and 0x28, nothing masked. */
function setUp({ icw1 = 0x11, masterIcw4 = 0x01, slaveIcw4 = 0x01 }: Setup = {}) {
  const edges: number[] = [];
  const pic = new I8259APair({ onIntr: (level) => edges.push(level) });
  const bus = new PortBus();
  pic.connect(bus);
  pic.reset();
  const initialize = (base: number, vector: number, icw3: number, icw4: number) => {
    bus.write8(base, icw1);
    bus.write8(base + 1, vector);
    bus.write8(base + 1, icw3);
    bus.write8(base + 1, icw4);
  };
  initialize(MASTER, 0x20, 0x04, masterIcw4);
  initialize(SLAVE, 0x28, 0x02, slaveIcw4);
  const pulse = (irq: number) => {
    pic.lower(irq);
    pic.raise(irq);
  };
  const status = (base: number, command: number) => {
    bus.write8(base, command);
    return bus.read8(base);
  };
  return {
    pic,
    bus,
    edges,
    pulse,
    irr: (base = MASTER) => status(base, READ_IRR),
    isr: (base = MASTER) => status(base, READ_ISR),
    command: (value: number, base = MASTER) => bus.write8(base, value),
    mask: (value: number, base = MASTER) => bus.write8(base + 1, value),
  };
}

describe("8259A requests", () => {
  it("raise INT, which falls when the CPU acknowledges", () => {
    const { pic, edges } = setUp();
    pic.raise(0);
    expect(pic.intr).toBe(1);
    expect(pic.acknowledge()).toBe(0x20);
    expect(pic.intr).toBe(0);
    expect(edges).toEqual([1, 0]);
  });

  it("show in IRR until acknowledged, and in ISR from then to EOI", () => {
    const { pic, irr, isr, command } = setUp();
    pic.raise(3);
    expect([irr(), isr()]).toEqual([0x08, 0]);
    pic.acknowledge();
    expect([irr(), isr()]).toEqual([0, 0x08]);
    command(EOI);
    expect([irr(), isr()]).toEqual([0, 0]);
  });

  it("give the vector's upper five bits from ICW2 and the level in the lower three", () => {
    const { pic, bus } = setUp();
    bus.write8(MASTER, 0x13);
    bus.write8(MASTER + 1, 0xff);
    bus.write8(MASTER + 1, 0x01);
    pic.raise(4);
    expect(pic.acknowledge()).toBe(0xfc);
  });

  it("are refused for lines that do not exist", () => {
    const { pic } = setUp();
    for (const irq of [-1, 2, 16, 0.5]) expect(() => pic.raise(irq)).toThrow(RangeError);
  });
});

describe("8259A fully nested mode", () => {
  it("serves IR0 first and IR7 last", () => {
    const { pic, command } = setUp();
    for (const irq of [7, 5, 0, 3]) pic.raise(irq);
    const order = [0, 1, 2, 3].map(() => {
      const vector = pic.acknowledge();
      command(EOI);
      return vector;
    });
    expect(order).toEqual([0x20, 0x23, 0x25, 0x27]);
  });

  it("lets a higher level interrupt a lower one in service, not an equal or lower one", () => {
    const { pic, pulse, isr } = setUp();
    pic.raise(4);
    pic.acknowledge();
    pulse(4);
    pic.raise(5);
    expect(pic.intr).toBe(0);
    pic.raise(3);
    expect(pic.intr).toBe(1);
    expect(pic.acknowledge()).toBe(0x23);
    expect(isr()).toBe(0x18);
  });

  it("a non-specific EOI ends the highest level in service", () => {
    const { pic, isr, command } = setUp();
    pic.raise(4);
    pic.acknowledge();
    pic.raise(1);
    pic.acknowledge();
    command(EOI);
    expect(isr()).toBe(0x10);
    command(EOI);
    expect(isr()).toBe(0);
  });

  it("a specific EOI ends the level it names", () => {
    const { pic, isr, command } = setUp();
    pic.raise(4);
    pic.acknowledge();
    pic.raise(1);
    pic.acknowledge();
    command(SPECIFIC_EOI | 4);
    expect(isr()).toBe(0x02);
  });

  it("an EOI with nothing in service does nothing", () => {
    const { isr, command } = setUp();
    command(EOI);
    command(ROTATE_ON_EOI);
    expect(isr()).toBe(0);
  });
});

describe("8259A mask", () => {
  it("holds a request back but keeps it pending, and lets it through when unmasked", () => {
    const { pic, irr, mask } = setUp();
    mask(0x01);
    pic.raise(0);
    expect(pic.intr).toBe(0);
    expect(irr()).toBe(0x01);
    mask(0x00);
    expect(pic.intr).toBe(1);
    expect(pic.acknowledge()).toBe(0x20);
  });

  it("does not affect other levels, and reads back at A0 = 1", () => {
    const { pic, bus, mask } = setUp();
    mask(0xfd);
    pic.raise(0);
    pic.raise(1);
    expect(bus.read8(MASTER + 1)).toBe(0xfd);
    expect(pic.acknowledge()).toBe(0x21);
  });

  it("of the cascade input holds back the whole slave", () => {
    const { pic, mask } = setUp();
    mask(0x04);
    pic.raise(8);
    expect(pic.intr).toBe(0);
    mask(0x00);
    expect(pic.acknowledge()).toBe(0x28);
  });

  it("tells whether anything at all is let through", () => {
    const { pic, mask } = setUp();
    expect(pic.anyUnmasked).toBe(true);
    mask(0xff);
    expect(pic.anyUnmasked).toBe(false);
    mask(0xfb);
    expect(pic.anyUnmasked).toBe(true);
    mask(0xff, SLAVE);
    expect(pic.anyUnmasked).toBe(false);
  });
});

describe("8259A edge triggered mode", () => {
  it("needs a low to high transition for each interrupt", () => {
    const { pic, pulse, command } = setUp();
    pic.raise(1);
    pic.acknowledge();
    command(EOI);
    expect(pic.intr).toBe(0);
    pulse(1);
    expect(pic.intr).toBe(1);
  });

  it("forgets a request whose input falls before the acknowledge; the answer is then a spurious IR7", () => {
    const { pic, irr, isr } = setUp();
    pic.raise(1);
    pic.lower(1);
    expect(pic.intr).toBe(0);
    expect(irr()).toBe(0);
    expect(pic.acknowledge()).toBe(0x27);
    expect(isr()).toBe(0);
  });

  it("remembers an edge that comes while the level is in service", () => {
    const { pic, pulse, command } = setUp();
    pic.raise(0);
    pic.acknowledge();
    pulse(0);
    expect(pic.intr).toBe(0);
    command(EOI);
    expect(pic.intr).toBe(1);
  });
});

describe("8259A level triggered mode", () => {
  it("requests again after EOI as long as the input is high", () => {
    const { pic, bus, command } = setUp();
    bus.write8(ELCR, 0x20);
    pic.raise(5);
    pic.acknowledge();
    expect(pic.intr).toBe(0);
    command(EOI);
    expect(pic.intr).toBe(1);
    pic.acknowledge();
    pic.lower(5);
    command(EOI);
    expect(pic.intr).toBe(0);
  });

  it("is chosen for all inputs by LTIM in ICW1", () => {
    const { pic, command } = setUp({ icw1: 0x19 });
    pic.raise(1);
    pic.acknowledge();
    command(EOI);
    expect(pic.intr).toBe(1);
  });

  it("can be chosen for an input that is high already", () => {
    const { pic, bus, command } = setUp();
    pic.raise(10);
    pic.acknowledge();
    command(EOI, SLAVE);
    command(EOI);
    expect(pic.intr).toBe(0);
    bus.write8(ELCR + 1, 0x04);
    expect(pic.intr).toBe(1);
    expect(pic.acknowledge()).toBe(0x2a);
  });

  it("ELCR does not take it for the timer, keyboard, cascade, RTC and coprocessor", () => {
    const { bus } = setUp();
    bus.write8(ELCR, 0xff);
    bus.write8(ELCR + 1, 0xff);
    expect([bus.read8(ELCR), bus.read8(ELCR + 1)]).toEqual([0xf8, 0xde]);
  });
});

describe("8259A cascade", () => {
  it("puts the slave's vector on the bus, with both chips in service", () => {
    const { pic, isr } = setUp();
    pic.raise(12);
    expect(pic.acknowledge()).toBe(0x2c);
    expect([isr(), isr(SLAVE)]).toEqual([0x04, 0x10]);
  });

  it("ranks the slave's lines between IR1 and IR3", () => {
    const { pic, command } = setUp();
    for (const irq of [3, 15, 8, 1]) pic.raise(irq);
    const order: number[] = [];
    while (pic.intr === 1) {
      const vector = pic.acknowledge();
      order.push(vector);
      if (vector >= 0x28) command(EOI, SLAVE);
      command(EOI);
    }
    expect(order).toEqual([0x21, 0x28, 0x2f, 0x23]);
  });

  it("answers IR7 of the slave when its request went away between the two chips' turns", () => {
    const { pic, isr } = setUp();
    pic.raise(9);
    pic.lower(9);
    pic.master.setLine(2, true);
    expect(pic.acknowledge()).toBe(0x2f);
    expect(isr(SLAVE)).toBe(0);
    expect(isr()).toBe(0x04);
  });

  it("reads an undriven bus when no slave has the identity of the input", () => {
    const { pic, bus } = setUp();
    bus.write8(SLAVE, 0x11);
    bus.write8(SLAVE + 1, 0x28);
    bus.write8(SLAVE + 1, 0x05);
    bus.write8(SLAVE + 1, 0x01);
    pic.raise(9);
    expect(pic.acknowledge()).toBe(0xff);
  });

  it("holds further requests of the slave back while one is in service", () => {
    const { pic } = setUp();
    pic.raise(12);
    pic.acknowledge();
    pic.raise(8);
    expect(pic.intr).toBe(0);
  });

  it("in special fully nested mode lets a higher line of the slave interrupt a lower one", () => {
    const { pic } = setUp({ masterIcw4: 0x11 });
    pic.raise(12);
    pic.acknowledge();
    pic.raise(14);
    expect(pic.intr).toBe(0);
    pic.raise(8);
    expect(pic.intr).toBe(1);
    expect(pic.acknowledge()).toBe(0x28);
    pic.raise(5);
    expect(pic.intr).toBe(0);
  });
});

describe("8259A rotation", () => {
  it("on non-specific EOI gives the level just served the lowest priority", () => {
    const { pic, pulse, command } = setUp();
    for (const irq of [3, 4]) pic.raise(irq);
    pic.acknowledge();
    command(ROTATE_ON_EOI);
    pulse(3);
    expect(pic.acknowledge()).toBe(0x24);
    command(ROTATE_ON_EOI);
    expect(pic.acknowledge()).toBe(0x23);
  });

  it("set by command makes the named level the lowest, the next one the highest", () => {
    const { pic, command } = setUp();
    command(SET_PRIORITY | 4);
    for (const irq of [0, 3, 5, 7, 4]) pic.raise(irq);
    const order = [0, 1, 2, 3, 4].map(() => {
      const vector = pic.acknowledge();
      command(SPECIFIC_EOI | (vector & 7));
      return vector;
    });
    expect(order).toEqual([0x25, 0x27, 0x20, 0x23, 0x24]);
  });

  it("on specific EOI ends the level and makes it the lowest", () => {
    const { pic, pulse, isr, command } = setUp();
    pic.raise(3);
    pic.acknowledge();
    command(ROTATE_ON_SPECIFIC_EOI | 3);
    expect(isr()).toBe(0);
    pulse(3);
    pic.raise(6);
    expect(pic.acknowledge()).toBe(0x26);
  });

  it("in automatic EOI mode happens with each acknowledge, while set", () => {
    const { pic, pulse, command } = setUp({ masterIcw4: 0x03 });
    command(SET_ROTATE_IN_AEOI);
    pic.raise(0);
    pic.raise(1);
    expect(pic.acknowledge()).toBe(0x20);
    pulse(0);
    expect(pic.acknowledge()).toBe(0x21);
    command(CLEAR_ROTATE_IN_AEOI);
    pulse(1);
    expect(pic.acknowledge()).toBe(0x20);
    pulse(0);
    expect(pic.acknowledge()).toBe(0x20);
  });
});

describe("8259A automatic EOI", () => {
  it("leaves nothing in service", () => {
    const { pic, pulse, isr } = setUp({ masterIcw4: 0x03 });
    pic.raise(0);
    pic.acknowledge();
    expect(isr()).toBe(0);
    pulse(0);
    expect(pic.intr).toBe(1);
  });
});

describe("8259A special mask mode", () => {
  it("lets lower levels interrupt a level in service that is masked", () => {
    const { pic, command, mask } = setUp();
    pic.raise(3);
    pic.acknowledge();
    pic.raise(6);
    mask(0x08);
    expect(pic.intr).toBe(0);
    command(SET_SPECIAL_MASK);
    expect(pic.intr).toBe(1);
    command(RESET_SPECIAL_MASK);
    expect(pic.intr).toBe(0);
  });

  it("keeps non-specific EOI off masked levels in service", () => {
    const { pic, isr, command, mask } = setUp();
    pic.raise(3);
    pic.acknowledge();
    mask(0x08);
    command(SET_SPECIAL_MASK);
    pic.raise(6);
    pic.acknowledge();
    command(EOI);
    expect(isr()).toBe(0x08);
    command(SPECIFIC_EOI | 3);
    expect(isr()).toBe(0);
  });
});

describe("8259A poll", () => {
  it("reads the highest request and takes it into service", () => {
    const { pic, bus, isr, command } = setUp();
    pic.raise(5);
    pic.raise(6);
    command(POLL);
    expect(bus.read8(MASTER)).toBe(0x85);
    expect(isr()).toBe(0x20);
  });

  it("reads zero without a request, at either address, and lasts for one read", () => {
    const { bus, command, mask } = setUp();
    mask(0x12);
    command(POLL);
    expect(bus.read8(MASTER + 1)).toBe(0);
    expect(bus.read8(MASTER + 1)).toBe(0x12);
  });
});

describe("8259A initialization", () => {
  it("clears mask, service, edges and modes, and selects IRR for reading", () => {
    const { pic, bus, irr, isr, command, mask } = setUp();
    pic.raise(3);
    pic.acknowledge();
    pic.raise(4);
    mask(0x55);
    command(SET_PRIORITY | 2);
    command(SET_SPECIAL_MASK);
    command(READ_ISR);
    bus.write8(MASTER, 0x11);
    expect(bus.read8(MASTER)).toBe(0);
    bus.write8(MASTER + 1, 0x40);
    bus.write8(MASTER + 1, 0x04);
    bus.write8(MASTER + 1, 0x01);
    expect(bus.read8(MASTER + 1)).toBe(0);
    expect([irr(), isr()]).toEqual([0, 0]);
    pic.raise(7);
    pic.raise(0);
    expect(pic.acknowledge()).toBe(0x40);
  });

  it("takes no ICW3 for a single chip, and no ICW4 unless announced", () => {
    const { bus } = setUp();
    bus.write8(MASTER, 0x12);
    bus.write8(MASTER + 1, 0x40);
    bus.write8(MASTER + 1, 0xaa);
    expect(bus.read8(MASTER + 1)).toBe(0xaa);
    bus.write8(MASTER, 0x10);
    bus.write8(MASTER + 1, 0x40);
    bus.write8(MASTER + 1, 0x04);
    bus.write8(MASTER + 1, 0x55);
    expect(bus.read8(MASTER + 1)).toBe(0x55);
  });

  it("without 8086 mode answers with the low byte of an MCS-80 call address", () => {
    const { pic, bus } = setUp();
    bus.write8(MASTER, 0xf6);
    bus.write8(MASTER + 1, 0x40);
    pic.raise(3);
    expect(pic.acknowledge()).toBe(0xec);
    bus.write8(MASTER, 0xf2);
    bus.write8(MASTER + 1, 0x40);
    pic.lower(3);
    pic.raise(3);
    expect(pic.acknowledge()).toBe(0xd8);
  });

  it("reset makes the chips forget everything but the levels of their inputs", () => {
    const { pic, edges, isr } = setUp();
    pic.raise(3);
    pic.acknowledge();
    pic.raise(1);
    pic.reset();
    expect(pic.intr).toBe(0);
    expect(edges.at(-1)).toBe(0);
    expect(isr()).toBe(0);
    pic.raise(1);
    expect(pic.intr).toBe(0);
  });
});
