import { describe, expect, it } from "vitest";
import { finish, served } from "./wait-run.ts";

describe.each([1, 4])("completions on %i CPUs (W5)", (cpus) => {
  it("let as many go on as there were completions, those first who came first", () => {
    const test = finish(
      `
	CHILD waiter
	CHILD waiter
	CHILD waiter
	SYSCALL c_complete, $0
	NAP
	SYSCALL c_complete, $0
	NAP
	SYSCALL wait4, $-1, $0, $1, $0
	SYSCALL wait4, $-1, $0, $1, $0
	SYSCALL wait4, $-1, $0, $1, $0
	CHECK 0					# the third waits
	SYSCALL c_complete, $0
	JOIN
	SYSCALL c_complete, $0			# before anybody waits
	CHECK 1
	SYSCALL c_wait, $0, $0
	SYSCALL c_complete, $3
	CHECK 0
	EXIT $0
waiter:	SYSCALL c_wait, $0, $0
	EXIT $0
`,
      cpus,
    );
    expect(served(test)).toEqual([2, 3, 4, 1]);
  });

  it("let everybody go on, now and later, until they are made anew", () => {
    finish(
      `
	CHILD waiter
	CHILD waiter
	SYSCALL c_complete, $1
	JOIN
	JOIN
	SYSCALL c_wait, $0, $0
	SYSCALL c_wait, $5, $0			# try
	CHECK 1
	SYSCALL c_wait, $6, $0			# done
	CHECK 1
	SYSCALL c_complete, $0			# one more makes no difference
	CHECK -1
	SYSCALL c_complete, $2
	SYSCALL c_wait, $5, $0
	CHECK 0
	SYSCALL c_wait, $6, $0
	CHECK 0
	EXIT $0
waiter:	SYSCALL c_wait, $0, $0
	EXIT $0
`,
      cpus,
    );
  });

  it("are tried without sleeping, and taken once", () => {
    finish(
      `
	SYSCALL c_wait, $5, $0
	CHECK 0
	SYSCALL c_complete, $0
	SYSCALL c_wait, $6, $0
	CHECK 1
	SYSCALL c_wait, $5, $0
	CHECK 1
	SYSCALL c_wait, $5, $0
	CHECK 0
	EXIT $0
`,
      cpus,
    );
  });

  it.each([1, 3])("are waited for with a time limit (%i), and completed by a timer's function", (how) => {
    finish(
      `
	SYSCALL c_wait, $${how}, $5
	CHECK 0
	SYSCALL c_complete_later, $5
	SYSCALL c_wait, $${how}, $1000
	cmpl $990, %eax
	jb fail
	cmpl $996, %eax
	ja fail
	SYSCALL c_complete, $0
	SYSCALL c_wait, $${how}, $0
	CHECK 1
	EXIT $0
fail:	EXIT $99
`,
      cpus,
    );
  });

  it("are waited for until a signal comes, or SIGKILL alone", () => {
    finish(
      `
	CHILD interruptible
	SYSCALL kill, child, $10
	JOIN 0x400
	CHILD timed
	SYSCALL kill, child, $10
	JOIN 0x400
	CHILD killable
	SYSCALL kill, child, $10
	NAP
	SYSCALL wait4, $-1, $status, $1, $0
	CHECK 0
	SYSCALL kill, child, $9
	JOIN 9
	CHILD deaf
	SYSCALL kill, child, $9
	NAP
	SYSCALL wait4, $-1, $status, $1, $0
	CHECK 0
	SYSCALL c_complete, $0
	JOIN 9
	SYSCALL c_wait, $6, $0			# those who were interrupted have taken nothing
	CHECK 0
	EXIT $0
interruptible:
	SYSCALL sigaction, $10, $action, $0
	SYSCALL c_wait, $2, $0
	negl %eax
	EXIT %eax
timed:	SYSCALL sigaction, $10, $action, $0
	SYSCALL c_wait, $3, $1000
	negl %eax
	EXIT %eax
killable: SYSCALL sigaction, $10, $action, $0
	SYSCALL c_wait, $4, $0
	EXIT $1
deaf:	SYSCALL c_wait, $0, $0
	EXIT $1
`,
      cpus,
    );
  });

  it("may lie on the stack of the one who waits", () => {
    finish("	SYSCALL c_on_stack, $20\n	EXIT %eax\n", cpus);
  });
});
