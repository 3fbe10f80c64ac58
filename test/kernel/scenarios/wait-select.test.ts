import { describe, expect, it } from "vitest";
import { run } from "../run.ts";

const EINTR = 4;

describe("waitpid(2)", () => {
  it("takes WUNTRACED and WCONTINUED, and tells a child's stop, that it goes on, and its end", () => {
    const { stop, output } = run(`
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
2:	SYSCALL sched_yield
	jmp 2b
1:	movl %eax, %edi
	SYSCALL kill, %edi, $19
	call wait
	SYSCALL kill, %edi, $18
	call wait
	SYSCALL kill, %edi, $9
	call wait
	EXIT
wait:	SYSCALL waitpid, $-1, $status, $10
	cmpl %edi, %eax
	jne bad
	SYSCALL write, $1, $status, $4
	ret
bad:	EXIT $1
.data
.align 4
status:	.long 0
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    const bytes = Uint8Array.from(output(), (character) => character.charCodeAt(0));
    expect([...new Uint32Array(bytes.buffer)]).toEqual([0x137f, 0xffff, 9]);
  });
});

describe("pselect(2)", () => {
  const pselect = (before: string, after: string) =>
    run(`
.globl _start
_start:
	${before}
	movl $SYS_pselect6, %eax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $time, %edi
	movl $argument, %ebp
	int $0x80
	${after}
handler: incl seen
	ret
.data
.align 4
time:	.long 2, 0
argument: .long 0, 8
none:	.long 0, 0
alarm:	.long 1<<13, 0
seen:	.long 0
action:	.long handler, 0, 0, 0, 0
`).stop;

  it("sleeps until its time is up, and says that none is left", () => {
    expect(pselect("", "testl %eax, %eax; jnz 1f; movl time, %eax; orl time+4, %eax; 1: EXIT %eax")).toEqual({
      kind: "exit",
      status: 0,
    });
  });

  it("lets a signal through that its mask does not block, and blocks it again behind the handler", () => {
    const before = `
	movl $none, argument
	movl $8, %esi
	SYSCALL rt_sigaction, $14, $action, $0
	SYSCALL rt_sigprocmask, $0, $alarm, $0
	SYSCALL alarm, $1`;
    const after = `
	cmpl $1, seen
	jne 1f
	movl %eax, %edi
	SYSCALL getpid
	SYSCALL kill, %eax, $14		# blocked: it stays pending
	cmpl $1, seen
	jne 1f
	negl %edi
	EXIT %edi
1:	EXIT $99`;
    expect(pselect(before, after)).toEqual({ kind: "exit", status: EINTR });
  });
});
