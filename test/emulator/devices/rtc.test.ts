import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { calendarTime, secondsOf } from "../../../emulator/devices/calendar.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";
import { Rtc } from "../../../emulator/devices/rtc.ts";

const HZ = 32_768;
const [A, B, C, D] = [0x0a, 0x0b, 0x0c, 0x0d];
const utc = (...parts: [number, number, number, number, number, number]) =>
  Date.UTC(parts[0], parts[1] - 1, parts[2], parts[3], parts[4], parts[5]) / 1000;

/** A clock whose machine has one cycle for each tick of the crystal. */
function setUp(time?: number) {
  const clock = new Clock(HZ);
  const irqs: [number, boolean][] = [];
  const rtc = new Rtc({ clock, onIrq: (level) => irqs.push([clock.now, level]) }, time);
  const bus = new PortBus();
  rtc.connect(bus);
  const read = (register: number) => {
    bus.write8(0x70, register);
    return bus.read8(0x71);
  };
  const write = (register: number, value: number) => {
    bus.write8(0x70, register);
    bus.write8(0x71, value);
  };
  return {
    clock,
    rtc,
    bus,
    irqs,
    read,
    write,
    run: (ticks: number) => clock.advanceTo(clock.now + ticks),
    /** Century, year, month, day, weekday, hours, minutes, seconds, as stored. */
    time: () => [0x32, 9, 8, 7, 6, 4, 2, 0].map(read),
  };
}

describe("MC146818 time", () => {
  it("begins at the given date, in BCD and 24 hours", () => {
    const { time } = setUp(utc(1999, 12, 31, 23, 59, 58));
    expect(time()).toEqual([0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58]);
  });

  it("goes on by seconds, over the end of a century", () => {
    const { time, run } = setUp(utc(1999, 12, 31, 23, 59, 58));
    run(HZ - 1);
    expect(time().at(-1)).toBe(0x58);
    run(1);
    expect(time().at(-1)).toBe(0x59);
    run(HZ);
    expect(time()).toEqual([0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00]);
  });

  it("shows binary and 12 hours when register B says so", () => {
    const { write, read, run } = setUp();
    const start = (format: number, hours: number, minutes: number, seconds: number) => {
      write(B, 0x80 | format);
      [hours, minutes, seconds].forEach((value, index) => {
        write([4, 2, 0][index], value);
      });
      write(B, format);
      run(HZ);
      return [4, 2, 0].map(read);
    };
    expect(start(0x06, 23, 58, 59)).toEqual([23, 59, 0]);
    expect(start(0x04, 0x80 | 11, 59, 59)).toEqual([12, 0, 0]);
    expect(start(0x00, 0x11, 0x59, 0x59)).toEqual([0x92, 0, 0]);
    expect(start(0x00, 0x92, 0x59, 0x59)).toEqual([0x81, 0, 0]);
  });

  it("stands still while SET is on, and goes on from what was written", () => {
    const { write, time, run } = setUp();
    write(B, 0x82);
    [0x20, 0x04, 0x02, 0x28, 7, 0x23, 0x59, 0x59].forEach((value, index) => {
      write([0x32, 9, 8, 7, 6, 4, 2, 0][index], value);
    });
    run(5 * HZ);
    expect(time().at(-1)).toBe(0x59);
    write(B, 0x02);
    run(HZ);
    expect(time()).toEqual([0x20, 0x04, 0x02, 0x29, 1, 0x00, 0x00, 0x00]);
  });

  it("says so for 2.2 ms before it updates", () => {
    const { read, run, write } = setUp();
    run(HZ - 74);
    expect(read(A) & 0x80).toBe(0);
    run(1);
    expect(read(A) & 0x80).toBe(0x80);
    run(73);
    expect(read(A) & 0x80).toBe(0);
    run(HZ - 1);
    write(B, 0x82);
    expect(read(A) & 0x80).toBe(0);
  });

  it("updates half a second after the divider is let go", () => {
    const { read, write, run } = setUp(utc(2001, 1, 1, 0, 0, 0));
    write(A, 0x70);
    run(10 * HZ);
    expect(read(0)).toBe(0);
    write(A, 0x20);
    run(HZ / 2 - 1);
    expect(read(0)).toBe(0);
    run(1);
    expect(read(0)).toBe(1);
  });

  it("is right after years in which nobody looked", () => {
    const { clock, time } = setUp(utc(2001, 1, 1, 0, 0, 0));
    clock.advanceTo((utc(2024, 2, 29, 12, 34, 56) - utc(2001, 1, 1, 0, 0, 0)) * HZ);
    expect(time()).toEqual([0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x34, 0x56]);
  });

  it("refuses a date it cannot show", () => {
    for (const time of [-1, 0.5, Number.NaN, utc(9999, 12, 31, 23, 59, 59) + 1]) {
      expect(() => setUp(time)).toThrow(/expected whole seconds from 1970/);
    }
  });

  it("keeps whatever a program writes without failing", () => {
    const { write, run, time } = setUp();
    for (const register of [0x32, 9, 8, 7, 6, 4, 2, 0]) write(register, 0xff);
    run(3 * HZ);
    expect(time().every((value) => value >= 0 && value <= 0xff)).toBe(true);
  });
});

describe("MC146818 interrupts", () => {
  it.each([
    { rate: 3, ticks: 4 },
    { rate: 6, ticks: 32 },
    { rate: 15, ticks: 16384 },
    { rate: 1, ticks: 128 },
    { rate: 2, ticks: 256 },
  ])("periodic rate $rate comes every $ticks ticks", ({ rate, ticks }) => {
    const { irqs, read, write, run } = setUp();
    write(A, 0x20 | rate);
    write(B, 0x42);
    run(ticks);
    expect(irqs).toEqual([[ticks, true]]);
    expect(read(C)).toBe(0xc0);
    expect(irqs.at(-1)).toEqual([ticks, false]);
    run(ticks);
    expect(irqs.at(-1)).toEqual([2 * ticks, true]);
  });

  it("the line stays high until register C is read, which clears its flags", () => {
    const { irqs, read, write, run } = setUp();
    write(B, 0x12);
    run(3 * HZ);
    expect(irqs).toEqual([[HZ, true]]);
    expect(read(C) & 0xb0).toBe(0x90);
    expect(read(C)).toBe(0x00);
    expect(irqs.at(-1)).toEqual([3 * HZ, false]);
  });

  it("flags are set without the interrupts being enabled, and enabling one then interrupts at once", () => {
    const { clock, irqs, read, write, run } = setUp();
    run(HZ);
    expect(clock.size).toBe(0);
    expect(read(C)).toBe(0x50);
    run(HZ);
    write(B, 0x12);
    expect(irqs).toEqual([[2 * HZ, true]]);
  });

  it("the alarm comes at its time, once a day", () => {
    const { irqs, read, write, run } = setUp(utc(2001, 1, 1, 6, 59, 50));
    write(1, 0x00);
    write(3, 0x00);
    write(5, 0x07);
    write(B, 0x22);
    run(20 * HZ);
    expect(irqs).toEqual([[10 * HZ, true]]);
    expect(read(C) & 0xa0).toBe(0xa0);
    run(86_390 * HZ - 1);
    expect(irqs.length).toBe(2);
    run(1);
    expect(irqs.at(-1)).toEqual([86_410 * HZ, true]);
  });

  it("an alarm byte from C0 on matches anything", () => {
    const { irqs, read, write, run } = setUp(utc(2001, 1, 1, 6, 59, 50));
    write(1, 0x55);
    write(3, 0xff);
    write(5, 0xc0);
    write(B, 0x22);
    run(5 * HZ);
    read(C);
    run(60 * HZ);
    expect(irqs.filter(([, level]) => level).map(([at]) => at)).toEqual([5 * HZ, 65 * HZ]);
  });

  it("SET turns the update interrupt off", () => {
    const { read, write } = setUp();
    write(B, 0x92);
    expect(read(B)).toBe(0x82);
  });

  it("reset turns interrupts off, and keeps time and memory", () => {
    const { rtc, irqs, read, write, run, time } = setUp(utc(2001, 1, 1, 0, 0, 0));
    write(0x40, 0x77);
    write(B, 0x72);
    run(HZ);
    rtc.reset();
    expect(irqs.at(-1)![1]).toBe(false);
    expect(read(B)).toBe(0x02);
    expect(read(C)).toBe(0);
    expect(read(0x40)).toBe(0x77);
    expect(time().at(-1)).toBe(0x01);
  });
});

describe("MC146818 memory", () => {
  it("keeps bytes, has 128, and does not let registers C and D be written", () => {
    const { bus, read, write } = setUp();
    write(0x0e, 0x12);
    write(0x7f, 0x34);
    write(C, 0xff);
    write(D, 0x00);
    expect([read(0x8e), read(0xff), read(C), read(D)]).toEqual([0x12, 0x34, 0x00, 0x80]);
    expect(bus.read8(0x70)).toBe(0xff);
  });

  it("tells the size of RAM as a PC's firmware does", () => {
    const { rtc, read } = setUp();
    const word = (register: number) => read(register) | (read(register + 1) << 8);
    rtc.setUp({ memoryBytes: 32 << 20, cpus: 2, disks: [true, false] });
    expect([0x15, 0x17, 0x30, 0x34].map(word)).toEqual([640, 31 * 1024, 31 * 1024, 256]);
    rtc.setUp({ memoryBytes: 1 << 30, cpus: 1, disks: [false, false] });
    expect([0x15, 0x17, 0x30, 0x34].map(word)).toEqual([640, 0xffff, 0xffff, (1008 << 20) / 65536]);
  });
});

describe("MC146818 index port", () => {
  it("masks NMI with bit 7, until the next write or a reset", () => {
    const { bus, rtc, read } = setUp();
    expect(rtc.nmiMasked).toBe(false);
    expect(read(0x80 | D)).toBe(0x80);
    expect(rtc.nmiMasked).toBe(true);
    bus.write8(0x70, D);
    expect(rtc.nmiMasked).toBe(false);
    bus.write8(0x70, 0xff);
    rtc.reset();
    expect(rtc.nmiMasked).toBe(false);
  });
});

describe("calendar", () => {
  it("agrees with the host's, for every second of nine thousand years", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const date = new Date(seconds * 1000);
        const time = calendarTime(seconds);
        expect(time).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          weekDay: date.getUTCDay() + 1,
          hours: date.getUTCHours(),
          minutes: date.getUTCMinutes(),
          seconds: date.getUTCSeconds(),
        });
        expect(secondsOf(time)).toBe(seconds);
      }),
    );
  });
});
