import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock, type EventHandle } from "../../emulator/clock.ts";
import { mulDiv, TickRate } from "../../emulator/hz.ts";

describe("Clock", () => {
  it("runs events at their cycle, in order of time", () => {
    const clock = new Clock();
    const seen: [string, number][] = [];
    clock.schedule(30, () => seen.push(["c", clock.now]));
    clock.schedule(10, () => seen.push(["a", clock.now]));
    clock.schedule(20, () => seen.push(["b", clock.now]));
    clock.advanceTo(20);
    expect(seen).toEqual([
      ["a", 10],
      ["b", 20],
    ]);
    expect(clock.now).toBe(20);
    expect(clock.nextEvent).toBe(30);
  });

  it("runs events of the same cycle in the order in which they were scheduled", () => {
    const clock = new Clock();
    const seen: number[] = [];
    for (let i = 0; i < 50; i++) clock.schedule(7, () => seen.push(i));
    clock.advanceTo(7);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("runs an event that a callback schedules for the same cycle, after those already there", () => {
    const clock = new Clock();
    const seen: string[] = [];
    clock.schedule(5, () => {
      seen.push("first");
      clock.schedule(5, () => seen.push("third"));
    });
    clock.schedule(5, () => seen.push("second"));
    clock.advanceTo(5);
    expect(seen).toEqual(["first", "second", "third"]);
  });

  it("has no next event when empty, and after the last was cancelled", () => {
    const clock = new Clock();
    expect(clock.nextEvent).toBe(Number.POSITIVE_INFINITY);
    const handle = clock.schedule(3, () => {});
    clock.cancel(handle);
    expect(clock.nextEvent).toBe(Number.POSITIVE_INFINITY);
    expect(handle.pending).toBe(false);
  });

  it("ignores the cancellation of null, of a cancelled event and of one that ran", () => {
    const clock = new Clock();
    let runs = 0;
    const ran = clock.schedule(1, () => runs++);
    clock.advanceTo(1);
    clock.schedule(2, () => runs++);
    clock.cancel(ran);
    clock.cancel(null);
    clock.advanceTo(2);
    expect(runs).toBe(2);
  });

  it("tells when a new event became the earliest, and only then", () => {
    const clock = new Clock();
    let earlier = 0;
    clock.onEarlierEvent = () => earlier++;
    clock.schedule(10, () => {});
    clock.schedule(20, () => {});
    clock.schedule(10, () => {});
    clock.schedule(5, () => {});
    expect(earlier).toBe(2);
  });

  it("takes `now` from the running core, and refuses events in its past", () => {
    const clock = new Clock();
    clock.runOn(() => 100);
    expect(clock.now).toBe(100);
    expect(() => clock.schedule(99, () => {})).toThrow(/event at cycle 99.*current cycle 100/);
    clock.runOn(null);
    expect(clock.now).toBe(0);
  });

  it("refuses fractions, going back, and impossible frequencies", () => {
    const clock = new Clock();
    clock.advanceTo(10);
    expect(() => clock.schedule(10.5, () => {})).toThrow(RangeError);
    expect(() => clock.advanceTo(9)).toThrow(/back from cycle 10 to 9/);
    for (const hz of [0, -1, 1.5, 2 ** 32, Number.NaN]) expect(() => new Clock(hz)).toThrow(RangeError);
  });

  it("behaves as a list kept sorted, under any sequence of operations", () => {
    const operation = fc.oneof(
      fc.record({ kind: fc.constant("schedule" as const), delay: fc.nat(40) }),
      fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(200) }),
      fc.record({ kind: fc.constant("advance" as const), by: fc.nat(25) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const clock = new Clock();
        const handles: EventHandle[] = [];
        const happened: string[] = [];
        const expected: string[] = [];
        let model: { at: number; id: number }[] = [];
        for (const step of operations) {
          if (step.kind === "schedule") {
            const id = handles.length;
            const at = clock.now + step.delay;
            handles.push(clock.schedule(at, () => happened.push(`${id}@${clock.now}`)));
            model.push({ at, id });
          } else if (step.kind === "cancel" && handles.length > 0) {
            const id = step.which % handles.length;
            clock.cancel(handles[id]);
            model = model.filter((event) => event.id !== id);
          } else if (step.kind === "advance") {
            const until = clock.now + step.by;
            clock.advanceTo(until);
            const due = model.filter((event) => event.at <= until).sort((a, b) => a.at - b.at || a.id - b.id);
            expected.push(...due.map((event) => `${event.id}@${event.at}`));
            model = model.filter((event) => event.at > until);
          }
          expect(clock.size).toBe(model.length);
          expect(clock.nextEvent).toBe(Math.min(...model.map((event) => event.at)));
          handles.forEach((handle, id) => {
            expect(handle.pending).toBe(model.some((event) => event.id === id));
          });
        }
        expect(happened).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe("mulDiv", () => {
  it("is exact for every value below 2^53 and factors below 2^32 whose quotient fits", () => {
    const word = fc.integer({ min: 1, max: 0xffffffff });
    fc.assert(
      fc.property(fc.maxSafeNat(), word, word, (value, multiplier, divisor) => {
        const exact = (BigInt(value) * BigInt(multiplier)) / BigInt(divisor);
        fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER));
        expect(BigInt(mulDiv(value, multiplier, divisor))).toBe(exact);
      }),
    );
  });
});

describe("TickRate", () => {
  const rates = fc.record({ cpu: fc.integer({ min: 1, max: 4e9 }), device: fc.integer({ min: 1, max: 1e8 }) });

  it("gives the first cycle at which a tick has happened", () => {
    fc.assert(
      fc.property(rates, fc.nat(1e6), ({ cpu, device }, tick) => {
        const rate = new TickRate(cpu, device);
        const cycle = rate.cycleOf(tick);
        expect(rate.ticksAt(cycle)).toBeGreaterThanOrEqual(tick);
        if (cycle > 0) expect(rate.ticksAt(cycle - 1)).toBeLessThan(tick);
      }),
    );
  });

  it("does not drift: a day of 8254 ticks at 10 MHz takes a day", () => {
    const rate = new TickRate(10_000_000, 1_193_182);
    expect(rate.cycleOf(1_193_182 * 86_400)).toBe(10_000_000 * 86_400);
    expect(rate.ticksAt(10_000_000 * 86_400)).toBe(1_193_182 * 86_400);
  });
});
