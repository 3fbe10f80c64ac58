import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { I8254, PIT_HZ } from "../../../emulator/devices/i8254.ts";
import { Port61 } from "../../../emulator/devices/port61.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";

const CONTROL = 0x43;
const LSB = 1;
const MSB = 2;
const LSB_MSB = 3;

interface Format {
  rw?: number;
  bcd?: boolean;
}

/** A timer whose machine has one cycle for each CLK pulse, unless said otherwise. */
function setUp(hz = PIT_HZ) {
  const clock = new Clock(hz);
  /** Edges of OUT0: cycle, and whether it rose. */
  const edges: [number, boolean][] = [];
  const pit = new I8254({ clock, onOut0: (level) => edges.push([clock.now, level]) });
  const port61 = new Port61(pit);
  const bus = new PortBus();
  pit.connect(bus);
  port61.connect(bus);
  pit.reset();
  const setMode = (counter: number, mode: number, { rw = LSB_MSB, bcd = false }: Format = {}) =>
    bus.write8(CONTROL, (counter << 6) | (rw << 4) | (mode << 1) | (bcd ? 1 : 0));
  const setCount = (counter: number, count: number) => {
    bus.write8(0x40 + counter, count & 0xff);
    bus.write8(0x40 + counter, count >>> 8);
  };
  const read = (counter: number) => bus.read8(0x40 + counter) | (bus.read8(0x40 + counter) << 8);
  return {
    clock,
    pit,
    bus,
    edges,
    setMode,
    setCount,
    read,
    run: (cycles: number) => clock.advanceTo(clock.now + cycles),
    gate2: (level: boolean) => bus.write8(0x61, level ? 1 : 0),
    out2: () => (bus.read8(0x61) & 0x20) !== 0,
    status: (counter: number) => {
      bus.write8(CONTROL, 0xe0 | (2 << counter));
      return bus.read8(0x40 + counter);
    },
    /** Levels of OUT2 after each of the next pulses, as "1" and "0". */
    trace2: (pulses: number) => {
      let trace = "";
      for (let i = 0; i < pulses; i++) {
        clock.advanceTo(clock.now + 1);
        trace += (bus.read8(0x61) & 0x20) !== 0 ? "1" : "0";
      }
      return trace;
    },
    /** What counter 2 reads after each of the next pulses. */
    values2: (pulses: number) =>
      Array.from({ length: pulses }, () => {
        clock.advanceTo(clock.now + 1);
        return bus.read8(0x42) | (bus.read8(0x42) << 8);
      }),
  };
}

describe("8254 mode 0, interrupt on terminal count", () => {
  it("OUT is low from the control word to N + 1 pulses after the count was written, then high", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 0);
    run(10);
    setCount(0, 4);
    run(100);
    expect(edges).toEqual([
      [0, false],
      [15, true],
    ]);
  });

  it("loads the count on the next pulse and counts down through zero", () => {
    const { gate2, setMode, setCount, values2 } = setUp();
    gate2(true);
    setMode(2, 0);
    setCount(2, 2);
    expect(values2(5)).toEqual([2, 1, 0, 0xffff, 0xfffe]);
  });

  it("gate low stops counting and does not change OUT", () => {
    const { gate2, setMode, setCount, trace2, values2 } = setUp();
    gate2(true);
    setMode(2, 0);
    setCount(2, 4);
    expect(values2(2)).toEqual([4, 3]);
    gate2(false);
    expect(values2(3)).toEqual([3, 3, 3]);
    gate2(true);
    expect(trace2(4)).toBe("0011");
  });

  it("with gate low loads the count; N pulses after the gate rises OUT does too", () => {
    const { gate2, setMode, setCount, trace2, values2 } = setUp();
    setMode(2, 0);
    setCount(2, 3);
    expect(values2(3)).toEqual([3, 3, 3]);
    gate2(true);
    expect(trace2(4)).toBe("0011");
  });

  it("the first byte of a new count stops counting and makes OUT low, the second starts it", () => {
    const { bus, edges, setMode, setCount, run, read } = setUp();
    setMode(0, 0);
    setCount(0, 5);
    run(3);
    bus.write8(0x40, 2);
    run(50);
    expect(read(0)).toBe(3);
    expect(edges).toEqual([[0, false]]);
    bus.write8(0x40, 0);
    run(50);
    expect(edges).toEqual([
      [0, false],
      [56, true],
    ]);
    bus.write8(0x40, 9);
    expect(edges.at(-1)).toEqual([103, false]);
  });

  it("a new one-byte count makes OUT low again and is loaded on the next pulse", () => {
    const { bus, edges, setMode, run } = setUp();
    setMode(0, 0, { rw: LSB });
    bus.write8(0x40, 2);
    run(10);
    bus.write8(0x40, 3);
    run(10);
    expect(edges).toEqual([
      [0, false],
      [3, true],
      [10, false],
      [14, true],
    ]);
  });
});

describe("8254 mode 1, hardware retriggerable one-shot", () => {
  it("OUT falls on the pulse after the trigger and rises N pulses later", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    setMode(2, 1);
    setCount(2, 3);
    expect(trace2(3)).toBe("111");
    gate2(true);
    expect(trace2(6)).toBe("000111");
  });

  it("a trigger during the pulse starts it anew", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    setMode(2, 1);
    setCount(2, 3);
    gate2(true);
    expect(trace2(2)).toBe("00");
    gate2(false);
    gate2(true);
    expect(trace2(5)).toBe("00011");
  });

  it("gate low does not end the pulse; a count written meanwhile waits for the next trigger", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    setMode(2, 1);
    setCount(2, 4);
    gate2(true);
    expect(trace2(1)).toBe("0");
    gate2(false);
    setCount(2, 2);
    expect(trace2(5)).toBe("00011");
    gate2(true);
    expect(trace2(4)).toBe("0011");
  });

  it("does nothing on a trigger before a count was written", () => {
    const { gate2, setMode, trace2 } = setUp();
    setMode(2, 1);
    gate2(true);
    expect(trace2(3)).toBe("111");
  });
});

describe("8254 mode 2, rate generator", () => {
  it("OUT is low for one pulse, first N pulses after the count was written, then every N", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 2);
    setCount(0, 4);
    run(13);
    expect(edges).toEqual([
      [4, false],
      [5, true],
      [8, false],
      [9, true],
      [12, false],
      [13, true],
    ]);
  });

  it("counts from N to 1", () => {
    const { gate2, setMode, setCount, values2 } = setUp();
    gate2(true);
    setMode(2, 2);
    setCount(2, 3);
    expect(values2(7)).toEqual([3, 2, 1, 3, 2, 1, 3]);
  });

  it("takes a new count at the end of the current period", () => {
    const { gate2, setMode, setCount, values2 } = setUp();
    gate2(true);
    setMode(2, 2);
    setCount(2, 4);
    expect(values2(2)).toEqual([4, 3]);
    setCount(2, 2);
    expect(values2(5)).toEqual([2, 1, 2, 1, 2]);
  });

  it("gate low stops counting and makes OUT high at once; gate high reloads on the next pulse", () => {
    const { gate2, setMode, setCount, trace2, out2, values2 } = setUp();
    gate2(true);
    setMode(2, 2);
    setCount(2, 3);
    expect(trace2(3)).toBe("110");
    gate2(false);
    expect(out2()).toBe(true);
    expect(trace2(5)).toBe("11111");
    gate2(true);
    expect(values2(3)).toEqual([3, 2, 1]);
    expect(out2()).toBe(false);
  });

  it("does not drift: the edge of every period is the first cycle at or after its exact time", () => {
    const { clock, edges, setMode, setCount } = setUp(10_000_000);
    setMode(0, 2);
    setCount(0, 11932);
    clock.advanceTo(10_000_000 * 20);
    const rising = edges.filter(([, level]) => level).map(([cycle]) => cycle);
    expect(rising.length).toBe(Math.floor((PIT_HZ * 20 - 1) / 11932));
    rising.forEach((cycle, index) => {
      const tick = 1 + (index + 1) * 11932;
      expect(cycle).toBe(Math.ceil((tick * 10_000_000) / PIT_HZ));
    });
  });

  it("a count of 0 is 65536", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 2);
    setCount(0, 0);
    run(70_000);
    expect(edges).toEqual([
      [65536, false],
      [65537, true],
    ]);
  });

  it("a count of 1, which is not allowed, goes round the whole counter", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 2);
    setCount(0, 1);
    run(70_000);
    expect(edges).toEqual([
      [65537, false],
      [65538, true],
    ]);
  });
});

describe("8254 mode 3, square wave", () => {
  it("with an even count is high and low for half each, counting by two", () => {
    const first = setUp();
    first.setMode(0, 3);
    first.setCount(0, 4);
    first.run(9);
    expect(first.edges).toEqual([
      [3, false],
      [5, true],
      [7, false],
      [9, true],
    ]);
    const second = setUp();
    second.gate2(true);
    second.setMode(2, 3);
    second.setCount(2, 4);
    expect(second.values2(6)).toEqual([4, 2, 4, 2, 4, 2]);
  });

  it("with an odd count is high one pulse longer than low", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    gate2(true);
    setMode(2, 3);
    setCount(2, 5);
    expect(trace2(11)).toBe("11100111001");
  });

  it("with an odd count counts from N - 1, to 0 while high and to 2 while low", () => {
    const { gate2, setMode, setCount, values2 } = setUp();
    gate2(true);
    setMode(2, 3);
    setCount(2, 5);
    expect(values2(8)).toEqual([4, 2, 0, 4, 2, 4, 2, 0]);
  });

  it("gate low makes OUT high at once; gate high starts a new wave", () => {
    const { gate2, setMode, setCount, trace2, out2 } = setUp();
    gate2(true);
    setMode(2, 3);
    setCount(2, 4);
    expect(trace2(3)).toBe("110");
    gate2(false);
    expect(out2()).toBe(true);
    expect(trace2(4)).toBe("1111");
    gate2(true);
    expect(trace2(5)).toBe("11001");
  });

  it("takes a new count at the end of the current half", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    gate2(true);
    setMode(2, 3);
    setCount(2, 6);
    expect(trace2(1)).toBe("1");
    setCount(2, 4);
    expect(trace2(6)).toBe("110011");
  });

  it("mode bits 110 and 111 mean modes 2 and 3", () => {
    const { setMode, status } = setUp();
    setMode(0, 7, { rw: LSB });
    expect(status(0) & 0x0e).toBe(0x06);
    setMode(0, 6, { rw: LSB });
    expect(status(0) & 0x0e).toBe(0x04);
  });
});

describe("8254 mode 4, software triggered strobe", () => {
  it("OUT is low for one pulse, N + 1 pulses after the count was written, once", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 4);
    setCount(0, 3);
    run(200_000);
    expect(edges).toEqual([
      [4, false],
      [5, true],
    ]);
  });

  it("a new count is loaded on the next pulse", () => {
    const { edges, setMode, setCount, run } = setUp();
    setMode(0, 4);
    setCount(0, 3);
    run(2);
    setCount(0, 5);
    run(20);
    expect(edges).toEqual([
      [8, false],
      [9, true],
    ]);
  });

  it("gate low stops counting, but not a strobe that began", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    gate2(true);
    setMode(2, 4);
    setCount(2, 2);
    expect(trace2(2)).toBe("11");
    gate2(false);
    expect(trace2(3)).toBe("111");
    gate2(true);
    expect(trace2(1)).toBe("0");
    gate2(false);
    expect(trace2(2)).toBe("11");
  });
});

describe("8254 mode 5, hardware triggered strobe", () => {
  it("OUT is low for one pulse, N + 1 pulses after the trigger", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    setMode(2, 5);
    setCount(2, 3);
    expect(trace2(5)).toBe("11111");
    gate2(true);
    expect(trace2(6)).toBe("111011");
  });

  it("a trigger while counting starts anew, and gate low does not stop it", () => {
    const { gate2, setMode, setCount, trace2 } = setUp();
    setMode(2, 5);
    setCount(2, 3);
    gate2(true);
    expect(trace2(2)).toBe("11");
    gate2(false);
    gate2(true);
    gate2(false);
    expect(trace2(6)).toBe("111011");
  });
});

describe("8254 reading", () => {
  it("a latched count stays until read, both bytes, while the counter goes on", () => {
    const { bus, setMode, setCount, run, read } = setUp();
    setMode(0, 2);
    setCount(0, 0x1234);
    run(1 + 0x34);
    bus.write8(CONTROL, 0x00);
    run(0x200);
    bus.write8(CONTROL, 0x00);
    expect(read(0)).toBe(0x1200);
    expect(read(0)).toBe(0x1000);
  });

  it("reads the byte that the control word chose", () => {
    const { bus, setMode, run } = setUp();
    setMode(0, 2, { rw: MSB });
    bus.write8(0x40, 0x20);
    run(2);
    expect(bus.read8(0x40)).toBe(0x1f);
    expect(bus.read8(0x40)).toBe(0x1f);
    setMode(0, 2, { rw: LSB });
    bus.write8(0x40, 0x20);
    run(2);
    expect(bus.read8(0x40)).toBe(0x1f);
  });

  it("reads and writes of two-byte counts may be mixed", () => {
    const { bus, setMode, setCount, run } = setUp();
    setMode(0, 2);
    setCount(0, 0x1234);
    run(1);
    const low = bus.read8(0x40);
    bus.write8(0x40, 0x78);
    const high = bus.read8(0x40);
    bus.write8(0x40, 0x56);
    expect([low, high]).toEqual([0x34, 0x12]);
    run(0x1234);
    expect(bus.read8(0x40) | (bus.read8(0x40) << 8)).toBe(0x5678);
  });

  it("a control word begins with the low byte again, whichever was due", () => {
    const { bus, setMode, setCount, read, run } = setUp();
    setMode(0, 2);
    bus.write8(0x40, 0x99);
    setMode(0, 2);
    setCount(0, 0x1234);
    run(1);
    bus.read8(0x40);
    setMode(0, 2);
    setCount(0, 0x1234);
    run(1);
    expect(read(0)).toBe(0x1234);
  });

  it("counts and reads in BCD when told to, with 0 as 10000", () => {
    const { gate2, setMode, setCount, values2, run } = setUp();
    gate2(true);
    setMode(2, 2, { bcd: true });
    setCount(2, 0x1000);
    expect(values2(2)).toEqual([0x1000, 0x0999]);
    setMode(2, 0, { bcd: true });
    setCount(2, 0);
    run(1);
    expect(values2(1)).toEqual([0x9999]);
    run(9998);
    expect(values2(2)).toEqual([0x0000, 0x9999]);
  });

  it("read-back latches the counts of several counters at once", () => {
    const { bus, gate2, setMode, setCount, run, read } = setUp();
    gate2(true);
    setMode(0, 2);
    setCount(0, 1000);
    setMode(2, 2);
    setCount(2, 2000);
    run(11);
    bus.write8(CONTROL, 0xc0 | 0x10 | 0x02 | 0x08);
    run(100);
    expect([read(0), read(2)]).toEqual([990, 1990]);
  });

  it("read-back status shows OUT, NULL COUNT and the control word", () => {
    const { bus, setMode, status, run } = setUp();
    setMode(0, 0, { rw: LSB, bcd: true });
    expect(status(0)).toBe(0x40 | 0x10 | 0x00 | 0x01);
    bus.write8(0x40, 3);
    expect(status(0)).toBe(0x51);
    run(1);
    expect(status(0)).toBe(0x11);
    run(3);
    expect(status(0)).toBe(0x91);
  });

  it("read-back of both gives the status first, then the count", () => {
    const { bus, setMode, setCount, run, read } = setUp();
    setMode(0, 2);
    setCount(0, 0x1234);
    run(1);
    bus.write8(CONTROL, 0xc2);
    run(1);
    expect(bus.read8(0x40)).toBe(0x80 | 0x30 | 0x04);
    expect(read(0)).toBe(0x1234);
  });

  it("a status that is latched already stays", () => {
    const { bus, setMode, setCount, run } = setUp();
    setMode(0, 2);
    bus.write8(CONTROL, 0xe2);
    setCount(0, 10);
    run(1);
    bus.write8(CONTROL, 0xe2);
    expect(bus.read8(0x40) & 0x40).toBe(0x40);
  });

  it("the control register reads as nothing", () => {
    const { bus } = setUp();
    expect(bus.read8(CONTROL)).toBe(0xff);
  });
});

describe("8254 as a whole", () => {
  it("OUT0 is high at power-on, and a control word for a periodic mode makes no edge", () => {
    const { pit, edges, setMode } = setUp();
    expect(pit.output(0)).toBe(true);
    setMode(0, 2);
    setMode(0, 3);
    expect(edges).toEqual([]);
  });

  it("a counter that nobody looks at costs nothing, however long, and has the right phase then", () => {
    const { clock, gate2, setMode, setCount, read } = setUp();
    gate2(true);
    setMode(2, 2);
    setCount(2, 7);
    expect(clock.size).toBe(0);
    clock.advanceTo(7_000_000_000_001 + 3);
    expect(read(2)).toBe(4);
    setMode(2, 3);
    setCount(2, 10);
    clock.advanceTo(clock.now + 1 + 10_000_000_000 + 3);
    expect(read(2)).toBe(4);
  });

  it("gives the same OUT however rarely it is looked at", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.record({ wait: fc.integer({ min: 1, max: 30 }), gate: fc.boolean() }), { maxLength: 12 }),
        (mode, count, steps) => {
          const watched = setUp();
          const ignored = setUp();
          for (const timer of [watched, ignored]) {
            timer.setMode(2, mode);
            timer.setCount(2, count);
          }
          for (const { wait, gate } of steps) {
            watched.trace2(wait);
            ignored.run(wait);
            watched.gate2(gate);
            ignored.gate2(gate);
            expect(ignored.out2()).toBe(watched.out2());
          }
          expect(ignored.values2(3)).toEqual(watched.values2(3));
        },
      ),
    );
  });
});

describe("port 0x61", () => {
  it("reads back its low four bits and takes GATE2 from the lowest", () => {
    const { bus, pit } = setUp();
    bus.write8(0x61, 0xff);
    expect(bus.read8(0x61) & 0x0f).toBe(0x0f);
    expect(pit.gate2).toBe(true);
    bus.write8(0x61, 0x02);
    expect(pit.gate2).toBe(false);
  });

  it("toggles bit 4 every 18 pulses, 15 µs", () => {
    const { bus, run } = setUp();
    const bits: number[] = [];
    for (let i = 0; i < 72; i++) {
      bits.push((bus.read8(0x61) >>> 4) & 1);
      run(1);
    }
    expect(bits.join("")).toBe(["0", "1", "0", "1"].map((bit) => bit.repeat(18)).join(""));
  });
});
