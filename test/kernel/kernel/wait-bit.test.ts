import { describe, expect, it } from "vitest";
import { bit_waitqueue } from "../../../kernel/kernel/wait-bit.ts";
import type { Run } from "../run.ts";
import * as w from "./wait.kernel.ts";
import { finish, served, start, wakeups_of } from "./wait-run.ts";

describe.each([1, 4])("waiting for a bit on %i CPUs (W4)", (cpus) => {
  const UNINTERRUPTIBLE = 2;
  const INTERRUPTIBLE = 1;
  const CLEAR = 250 + w.calls.indexOf("sys_b_clear");

  /** Two bits of the word whose waiters share a queue, and one whose waiters are on another. */
  function bits(test: Run): [number, number, number] {
    return test.kernel.inspect(() => {
      const queues = Array.from({ length: 32 }, (_, bit) => bit_waitqueue(w.word.address, bit));
      const first = queues.findIndex((queue, i) => queues.indexOf(queue, i + 1) !== -1);
      const second = queues.indexOf(queues[first], first + 1);
      return [first, second, queues.findIndex((queue) => queue !== queues[first])];
    });
  }

  it("sleeps until that bit is clear, in whichever queue others wait", () => {
    const [one, same, other] = bits(start("	EXIT\n", cpus));
    const test = finish(
      `
	SYSCALL b_wait, $${one}, $${UNINTERRUPTIBLE}, $-1	# clear already
	CHECK 0
	SYSCALL b_set, $${one}
	SYSCALL b_set, $${same}
	SYSCALL b_set, $${other}
	CHILD one
	CHILD same
	CHILD other
	SYSCALL b_clear, $${same}
	NAP
	SYSCALL b_clear, $${other}
	NAP
	SYSCALL b_clear, $${one}
	JOIN
	JOIN
	JOIN
	EXIT $0
one:	SYSCALL b_wait, $${one}, $${UNINTERRUPTIBLE}, $-1
	EXIT %eax
same:	SYSCALL b_wait, $${same}, $${UNINTERRUPTIBLE}, $-1
	EXIT %eax
other:	SYSCALL b_wait, $${other}, $${UNINTERRUPTIBLE}, $-1
	EXIT %eax
`,
      cpus,
    );
    expect(served(test)).toEqual([1, 3, 4, 2]);
    expect(wakeups_of(test.events, CLEAR)).toEqual([1, 1, 1]);
  });

  it("gives up when the time is up, or a signal comes", () => {
    finish(
      `
	SYSCALL b_set, $3
	SYSCALL b_wait, $3, $${UNINTERRUPTIBLE}, $4
	CHECK -11
	CHILD waiter
	SYSCALL kill, child, $10
	JOIN 0x400
	CHILD locker
	SYSCALL kill, child, $10
	JOIN 0x400
	SYSCALL b_clear, $3
	SYSCALL b_wait, $3, $${UNINTERRUPTIBLE}, $0
	CHECK 0
	EXIT $0
waiter:	SYSCALL sigaction, $10, $action, $0
	SYSCALL b_wait, $3, $${INTERRUPTIBLE}, $-1
	negl %eax
	EXIT %eax
locker:	SYSCALL sigaction, $10, $action, $0
	SYSCALL b_lock, $3, $${INTERRUPTIBLE}
	negl %eax
	EXIT %eax
`,
      cpus,
    );
  });

  it("locks by a bit, one after the other", () => {
    const test = finish(
      `
	SYSCALL b_lock, $5, $${UNINTERRUPTIBLE}
	CHECK 0
	CHILD locker
	CHILD locker
	CHILD locker
	SYSCALL b_clear, $5
	JOIN
	JOIN
	JOIN
	EXIT $0
locker:	SYSCALL b_lock, $5, $${UNINTERRUPTIBLE}
	NAP
	SYSCALL b_clear, $5
	EXIT $0
`,
      cpus,
    );
    expect(served(test)).toEqual([1, 2, 3, 4]);
    expect(wakeups_of(test.events, CLEAR).slice(0, 1)).toEqual([1]);
  });
});
