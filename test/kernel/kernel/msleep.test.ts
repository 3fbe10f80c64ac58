import { describe, expect, it } from "vitest";
import { time_after, time_after_eq, time_before, time_before_eq } from "../../../kernel/include/linux/timer.ts";
import * as w from "./wait.kernel.ts";
import { finish, start, word } from "./wait-run.ts";

describe.each([1, 4])("sleeping by the clock on %i CPUs (W6)", (cpus) => {
  /** Instructions a millisecond of the machine's time. */
  const MILLISECOND = 10_000;
  const lasted = (how: number, amount: number) => {
    const test = finish(`	SYSCALL s_sleep, $${how}, $${amount}\n	SYSCALL getppid\n	EXIT\n`, cpus);
    const number = 250 + w.calls.indexOf("sys_s_sleep");
    const from = test.events.find(({ event, nr }) => event === "syscall" && nr === number);
    const to = test.events.find(({ event, nr }) => event === "syscall" && nr === 64);
    return Number(to?.cycle) - Number(from?.cycle);
  };

  it.each([
    ["msleep", 0, 25, 25, 3],
    ["msleep_interruptible", 1, 25, 25, 3],
    ["ssleep", 2, 1, 1000, 3],
    ["mdelay", 3, 25, 25, 1],
    ["udelay", 4, 3000, 3, 1],
    ["ndelay", 5, 500_000, 0.5, 1],
    ["ndelay", 5, 1, 0, 0.05],
  ])("%s lasts as long as asked at least, and not much longer", (_name, how, amount, milliseconds, ticks) => {
    const took = lasted(how, amount);
    expect(took).toBeGreaterThan(milliseconds * MILLISECOND);
    expect(took).toBeLessThan((milliseconds + ticks * 10) * MILLISECOND);
  });

  it("msleep_interruptible returns what is left when a signal comes, msleep goes on", () => {
    finish(
      `
	CHILD light
	SYSCALL kill, child, $10
	SYSCALL wait4, $-1, $status, $0, $0
	movb status+1, %al
	cmpb $100, %al
	jb fail
	cmpb $180, %al
	ja fail
	CHILD sound
	SYSCALL kill, child, $10
	NAP
	SYSCALL wait4, $-1, $status, $1, $0
	CHECK 0
	JOIN
	EXIT $0
fail:	EXIT $99
light:	SYSCALL sigaction, $10, $action, $0
	SYSCALL s_sleep, $1, $200
	EXIT %eax
sound:	SYSCALL sigaction, $10, $action, $0
	SYSCALL s_sleep, $0, $200
	EXIT %eax
`,
      cpus,
    );
  });
});

describe("schedule_timeout_killable (W6)", () => {
  it("does not sleep when SIGKILL is pending already", () => {
    const test = start("	SYSCALL s_sleep, $6, $100\n	EXIT\n", 1);
    expect(test.go()).toEqual({ kind: "exit", status: 128 + 9 });
    expect(word(test, w.left)).toBe(100);
  });
});

describe("times that wrap around (W6)", () => {
  it.each([
    [1, 2],
    [0xffffffff, 0],
    [0xfffffff0, 5],
    [0x7fffffff, 0x80000000],
  ])("%i is before %i", (earlier, later) => {
    expect([time_before(earlier, later), time_after(later, earlier)]).toEqual([true, true]);
    expect([time_before(later, earlier), time_after(earlier, later)]).toEqual([false, false]);
    expect([time_before_eq(earlier, later), time_after_eq(later, earlier)]).toEqual([true, true]);
    expect([time_before_eq(later, earlier), time_after_eq(earlier, later)]).toEqual([false, false]);
    expect([time_before(later, later), time_after(later, later)]).toEqual([false, false]);
    expect([time_before_eq(later, later), time_after_eq(later, later)]).toEqual([true, true]);
  });
});
