import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add_timer,
  del_timer,
  init_timer,
  init_timervecs,
  jiffies,
  nr_timers,
  timer_jiffies,
} from "../../../kernel/kernel/timer.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { Harness } from "../harness.ts";
import * as timer_module from "./timer.kernel.ts";
import { again, fired, TIMERS, test_fire, test_fire_again, test_ticks, timers } from "./timer.kernel.ts";

const image = link_kernel({ modules: [timer_module] });

/** A kernel whose clock stands at `now`, with nothing pending. */
function at(now: number): Harness {
  const harness = new Harness(64, "kmem_cache_init", image);
  harness.run(() => init_timervecs());
  harness.inspect(() => {
    jiffies.value = now;
    timer_jiffies.value = now;
  });
  return harness;
}

function start(harness: Harness, index: number, expires: number): void {
  const address = harness.inspect(() => {
    const timer = timers.value.get(index);
    init_timer(timer.address);
    timer.expires = expires >>> 0;
    timer.data = index;
    timer.function = test_fire.address;
    return timer.address;
  });
  harness.run(() => add_timer(address));
}

/** Lets `ticks` timer interrupts happen; the bottom half runs after every `each` of them. */
function tick(harness: Harness, ticks: number, each = 1): void {
  harness.run(() => test_ticks(ticks, each));
}

describe("the timer wheel (D10)", () => {
  it("fires every timer at exactly its tick, whatever vector it starts in", () => {
    const delay = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 250, max: 20_000 }),
      // Where a wide slot begins, for most of the times that it is counted from.
      fc.integer({ min: 1, max: 79 }).map((slots) => slots * 256),
    );
    fc.assert(
      fc.property(
        fc.array(delay, { minLength: 1, maxLength: TIMERS }),
        fc.constantFrom(0, 1, 250, 0x3f00, 0xffffff00, 0xfffff000),
        (delays, now) => {
          const harness = at(now);
          delays.forEach((ticks, i) => {
            start(harness, i, now + ticks);
          });
          tick(harness, 20_400);
          delays.forEach((ticks, i) => {
            const when = harness.inspect(() => fired.value.get(i));
            expect((when - now) >>> 0).toBe(Math.max(ticks, 1));
          });
          expect(harness.inspect(() => nr_timers.value)).toBe(0);
        },
      ),
      { numRuns: 6 },
    );
  });

  it("fires late, but none lost, when bottom halves come seldom", () => {
    const harness = at(1000);
    for (let i = 0; i < TIMERS; i++) start(harness, i, 1000 + 37 * i + 1);
    tick(harness, 2000, 100);
    for (let i = 0; i < TIMERS; i++) {
      const late = harness.inspect(() => fired.value.get(i)) - (1000 + 37 * i + 1);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(100);
    }
  });

  it("does not fire what was deleted, and says whether it was pending", () => {
    const harness = at(0);
    start(harness, 0, 10);
    const address = harness.inspect(() => timers.value.address_of(0));
    expect(harness.run(() => del_timer(address))).toBe(1);
    expect(harness.run(() => del_timer(address))).toBe(0);
    tick(harness, 20);
    expect(harness.inspect(() => fired.value.get(0))).toBe(0);
  });

  it.each([0, -5, 1])("has a timer that starts itself again for now + %i go off once a tick", (delay) => {
    const harness = at(100);
    harness.inspect(() => {
      again.value.times = 3;
      again.value.delay = delay;
      const timer = timers.value.get(0);
      init_timer(timer.address);
      timer.expires = 101;
      timer.function = test_fire_again.address;
    });
    const address = harness.inspect(() => timers.value.address_of(0));
    harness.run(() => add_timer(address));
    for (let now = 101; now <= 104; now++) {
      tick(harness, 1);
      expect(harness.inspect(() => [fired.value.get(0), again.value.times])).toEqual([now, Math.max(0, 104 - now - 1)]);
    }
    expect(harness.inspect(() => nr_timers.value)).toBe(0);
  });

  it("refuses a timer that is pending already", () => {
    const harness = at(0);
    start(harness, 0, 10);
    const address = harness.inspect(() => timers.value.address_of(0));
    expect(() => harness.run(() => add_timer(address))).toThrow(/pending already/);
  });
});
