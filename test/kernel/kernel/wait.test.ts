import { describe, expect, it } from "vitest";
import { tasks } from "../../../debug/index.ts";
import { CONFIG } from "../run.ts";
import * as w from "./wait.kernel.ts";
import { finish, served, start, wait_image, wakeups_of, word } from "./wait-run.ts";

const GIVE = 250 + w.calls.indexOf("sys_w_give");

const WAYS = [
  [0, "wait_event"],
  [1, "wait_event_interruptible"],
  [2, "wait_event_killable"],
  [3, "wait_event_exclusive"],
  [4, "wait_event_interruptible_exclusive"],
  [5, "wait_event_lock_irq"],
  [6, "wait_event_interruptible_lock_irq"],
  [7, "wait_event_cmd"],
  [8, "wait_event_command"],
] as const;

describe.each([1, 4])("the wait_event family on %i CPUs (W2)", (cpus) => {
  it.each(WAYS)("%i: %s sleeps until the condition holds, and not when it does already", (how) => {
    const test = finish(
      `
	SYSCALL w_give, $1, $0
	SYSCALL w_take, $${how}			# at once
	CHECK 0
	CHILD taker
	SYSCALL w_give, $0, $0			# woken for nothing
	NAP
	SYSCALL getppid
	SYSCALL w_give, $1, $0
	JOIN
	EXIT $0
taker:	SYSCALL w_take, $${how}
	EXIT %eax
`,
      cpus,
    );
    expect(served(test)).toEqual([1, 2]);
    expect(word(test, w.unlocked)).toBe(0);
    // Before a sleep, and after each wake-up; and once more to begin with where the macro looks before it queues.
    expect(word(test, w.looks)).toBe(1 + 4);
    if (how >= 7) expect([word(test, w.befores), word(test, w.afters)]).toEqual([2, 2]);
  });

  it("a signal ends an interruptible wait, and no other: -ERESTARTSYS, which a handler turns into -EINTR", () => {
    const waits = (how: number, ends: boolean) => `
	CHILD taker${how}
	SYSCALL kill, child, $10
	NAP
	SYSCALL wait4, $-1, $status, $1, $0	# WNOHANG
${
  ends
    ? `	movl status, %eax
	CHECK 0x400				# -EINTR is status 4`
    : `	CHECK 0
	SYSCALL w_give, $1, $1
	JOIN`
}
	movl $0, status
`;
    const taker = (how: number) => `
taker${how}: SYSCALL sigaction, $10, $action, $0
	SYSCALL w_take, $${how}
	negl %eax
	EXIT %eax
`;
    finish(
      `
${waits(0, false)}
${waits(1, true)}
${waits(2, false)}
${waits(3, false)}
${waits(4, true)}
${waits(6, true)}
	EXIT $0
${[0, 1, 2, 3, 4, 6].map(taker).join("")}
`,
      cpus,
    );
  });

  it("SIGKILL ends a killable wait, and not an uninterruptible one", () => {
    const test = start(
      `
	CHILD deaf
	SYSCALL kill, child, $9
	CHILD killable
	SYSCALL kill, child, $9
	JOIN 9
	NAP
	SYSCALL getppid
	SYSCALL w_give, $1, $0
	JOIN 9					# on its way out
	EXIT $0
deaf:	SYSCALL w_take, $0
	EXIT $1
killable: SYSCALL w_take, $2
	EXIT $2
`,
      cpus,
    );
    test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    expect(tasks(test.kernel).find(({ pid }) => pid === 2)).toMatchObject({ state: "D" });
    expect(tasks(test.kernel).some(({ pid }) => pid === 3)).toBe(false);
    expect(test.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("shows a killable sleeper as D", () => {
    const test = start("	CHILD taker\n	SYSCALL getppid\n	EXIT\ntaker: SYSCALL w_take, $2\n", cpus);
    test.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64);
    expect(test.tasks()).toContain("2 D");
  });

  it.each([0, 1, 2])(
    "with a time limit (%i): ticks left, 0 when it is over, at least 1 when the condition holds",
    (how) => {
      finish(
        `
	SYSCALL w_take_timeout, $${how}, $5
	CHECK 0
	SYSCALL w_take_timeout, $${how}, $0
	CHECK 0
	SYSCALL w_give_later, $5		# by a timer's function
	SYSCALL w_take_timeout, $${how}, $1000
	cmpl $990, %eax
	jb fail
	cmpl $996, %eax
	ja fail
	SYSCALL w_take_timeout, $${how}, $0	# it holds, the time is up
	CHECK 1
	EXIT $0
fail:	EXIT $99
`,
        cpus,
      );
    },
  );

  it("a signal ends an interruptible wait with a time limit", () => {
    finish(
      `
	CHILD taker
	SYSCALL kill, child, $10
	JOIN 0x400
	EXIT $0
taker:	SYSCALL sigaction, $10, $action, $0
	SYSCALL w_take_timeout, $1, $1000
	negl %eax
	EXIT %eax
`,
      cpus,
    );
  });
});

describe.each([1, 4])("exclusive waits on %i CPUs (W3)", (cpus) => {
  /** Six children wait for tokens in a way; then three tokens come one by one, then three at once. */
  const herd = (how: number, wake: number, rest: number) => `
	movl $6, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz taker
	NAP
	decl %ebp
	jnz 1b
	movl $3, %ebp
2:	SYSCALL w_give, $1, $${wake}
	NAP
	decl %ebp
	jnz 2b
	SYSCALL w_give, $3, $${rest}
	NAP
	movl $6, %ebp
3:	JOIN
	decl %ebp
	jnz 3b
	EXIT $0
taker:	SYSCALL w_take, $${how}
	EXIT %eax
`;

  it("a wake-up wakes the whole herd, for one token", () => {
    const test = finish(herd(1, 2, 2), cpus);
    expect(wakeups_of(test.events, GIVE).slice(0, 3)).toEqual([6, 5, 4]);
    expect(word(test, w.looks)).toBe(6 * 2 + 6 + 5 + 4 + 3);
  });

  it("one of those that are exclusive, who has waited longest", () => {
    const test = finish(herd(4, 2, 5), cpus);
    expect(wakeups_of(test.events, GIVE)).toEqual([1, 1, 1, 3]);
    expect(served(test).slice(0, 3)).toEqual([2, 3, 4]);
    expect(word(test, w.looks)).toBe(6 * 2 + 6);
  });

  it("and all of them when all are meant", () => {
    const test = finish(herd(4, 2, 4), cpus);
    expect(wakeups_of(test.events, GIVE)).toEqual([1, 1, 1, 3]);
    const deaf = finish(herd(3, 0, 1), cpus);
    expect(wakeups_of(deaf.events, GIVE)).toEqual([1, 1, 1, 3]);
    const some = finish(herd(3, 0, 3), cpus);
    expect(wakeups_of(some.events, GIVE)).toEqual([1, 1, 1, 3]);
  });

  it("wakes those who are not exclusive with the first of those who are", () => {
    const test = finish(
      `
	CHILD alone
	CHILD common
	CHILD alone
	CHILD common
	SYSCALL w_give, $0, $0
	NAP
	SYSCALL w_give, $4, $1
	JOIN
	JOIN
	JOIN
	JOIN
	EXIT $0
alone:	SYSCALL w_take, $3
	EXIT %eax
common:	SYSCALL w_take, $0
	EXIT %eax
`,
      cpus,
    );
    expect(wakeups_of(test.events, GIVE)).toEqual([3, 4]);
  });

  it("a signal that comes with the wake-up does not cost the others a token", () => {
    const test = finish(
      `
	CHILD taker
	CHILD taker
	SYSCALL kill, $2, $10			# the first leaves the queue
	SYSCALL w_give, $1, $2			# so this one is for the second
	NAP
	SYSCALL w_give, $1, $2
	JOIN
	JOIN
	EXIT $0
taker:	SYSCALL sigaction, $10, $action, $0
again:	SYSCALL w_take, $4
	cmpl $-4, %eax
	je again
	EXIT %eax
`,
      cpus,
    );
    expect(served(test)).toHaveLength(2);
  });

  it("a waker that is about to sleep lets nobody preempt it, and wakes all the same", () => {
    const test = finish(
      `
	CHILD taker
	SYSCALL w_give, $1, $6
	JOIN
	EXIT $0
taker:	SYSCALL w_take, $1
	EXIT %eax
`,
      cpus,
    );
    expect(wakeups_of(test.events, GIVE)).toEqual([1]);
  });
});

describe.each(["goodness", "o1", "fair"] as const)("a waker that is about to sleep, on %s (W3)", (scheduler) => {
  it("tells another CPU all the same, if it is that one that has to run who was woken", () => {
    finish(
      `
	SYSCALL sched_setaffinity, $0, $4, $first
	CHILD taker
	SYSCALL w_give, $1, $6
	JOIN
	EXIT $0
taker:	SYSCALL sched_setaffinity, $0, $4, $second
	SYSCALL w_take, $1
	EXIT %eax
.data
first:	.long 1 << 0
second:	.long 1 << 1
`,
      2,
      { image: wait_image({ ...CONFIG, smp: true, scheduler }) },
    );
  });
});
