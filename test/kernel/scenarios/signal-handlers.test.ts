import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";
import { type Options, run } from "../run.ts";

const EINVAL = -22;
const EFAULT = -14;
const ESRCH = -3;

const SA_SIGINFO = 4;
const SA_ONSTACK = 0x08000000;
const SA_RESTART = 0x10000000;
const SA_NODEFER = 0x40000000;
const SA_RESETHAND = 0x80000000;

const MACROS = `
.set SYS_dup, 41
.set SYS_alarm, 27
.set SYS_rt_sigaction, 174
.set SYS_rt_sigprocmask, 175
.set SYS_rt_sigsuspend, 179
.set SYS_sigaltstack, 186
.set SYS_tkill, 238
.macro ACTION sig, handler, flags=0, mask=0
	.pushsection .data
	.align 4
881:	.long \\handler, \\flags, 0, \\mask, 0
	.popsection
	SYSCALL rt_sigaction, $\\sig, $881b, $0, $8
.endm
.macro RAISE sig
	SYSCALL getpid
	SYSCALL kill, %eax, $\\sig
.endm
.macro SAY text
	pushal
	PRINT "\\text"
	popal
.endm
.globl _start
_start:
`;

const says = (source: string, options: Options = {}) => run(MACROS + source, options);

describe("signal handlers", () => {
  it("run with the signal's number and return exactly: registers, flags, stack, segment registers", () => {
    const { output, stop } = says(`
	ACTION 10, handler
	SYSCALL fork
	movl %eax, child
	testl %eax, %eax
	jz sender
	movl $0x11111111, %ebx
	movl $0x22222222, %ecx
	movl $0x33333333, %edx
	movl $0x44444444, %esi
	movl $0x55555555, %edi
	movl $0x66666666, %ebp
	movl $0x77777777, %eax
	movl %esp, stack
	stc
	std
1:	movl $1, ready
	jnc bad
	cmpl $0, seen		# CF is clear from here on, unless...
	stc
	je 1b
	cmpl $0x11111111, %ebx
	jne bad
	cmpl $0x22222222, %ecx
	jne bad
	cmpl $0x33333333, %edx
	jne bad
	cmpl $0x44444444, %esi
	jne bad
	cmpl $0x55555555, %edi
	jne bad
	cmpl $0x66666666, %ebp
	jne bad
	cmpl $0x77777777, %eax
	jne bad
	cmpl %esp, stack
	jne bad
	pushfl
	testl $0x400, (%esp)	# DF
	jz bad
	cld
	PRINT "same"
	EXIT
bad:	EXIT $1
handler:
	cmpl $10, 4(%esp)
	jne bad
	movl $1, seen
	xorl %eax, %eax
	xorl %ebx, %ebx
	xorl %ecx, %ecx
	movl $99, %edx
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %ebp, %ebp
	cld
	ret
sender:	SYSCALL nanosleep, $tick, $0
	SYSCALL getppid
	SYSCALL kill, %eax, $10
	EXIT
.data
tick:	.long 0, 30000000
seen:	.long 0
ready:	.long 0
stack:	.long 0
child:	.long 0
`);
    expect(output()).toBe("same");
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("nest: the inner one ends first, and both return to where they came from", () => {
    const { output } = says(`
	ACTION 10, outer
	ACTION 12, inner
	RAISE 10
	SAY "end"
	EXIT
outer:	SAY "[ "
	RAISE 12
	SAY "] "
	ret
inner:	SAY "( "
	SAY ") "
	ret
`);
    expect(output()).toBe("[ ( ) ] end");
  });

  it("the signal itself and sa_mask are blocked meanwhile, and come afterwards", () => {
    const program = (flags: number, mask: number) => `
	ACTION 10, outer, ${flags}, ${mask}
	ACTION 12, inner
	RAISE 10
	SAY "end"
	EXIT
outer:	incl depth
	cmpl $1, depth
	jne 1f
	SAY "[ "
	RAISE 12
	RAISE 10
	SAY "] "
	ret
1:	SAY "again "
	ret
inner:	SAY "inner "
	ret
.data
depth:	.long 0
`;
    expect(says(program(0, 0)).output()).toBe("[ inner ] again end");
    expect(says(program(0, 1 << 11)).output()).toBe("[ ] again inner end");
    expect(says(program(SA_NODEFER, 0)).output()).toBe("[ inner again ] end");
  });

  it("two signals at once: both handlers run, the later one delivered first", () => {
    const { output } = says(`
	ACTION 10, usr1
	ACTION 12, usr2
	SYSCALL rt_sigprocmask, $0, $both, $0, $8
	RAISE 10
	RAISE 12
	SAY "blocked "
	SYSCALL rt_sigprocmask, $1, $both, $0, $8
	SAY "end"
	EXIT
usr1:	SAY "usr1 "
	ret
usr2:	SAY "usr2 "
	ret
.data
.align 4
both:	.long (1<<9)|(1<<11), 0
`);
    expect(output()).toBe("blocked usr2 usr1 end");
  });

  it("SA_RESETHAND: once, then the default action", () => {
    const { output, stop } = says(`
	ACTION 10, handler, ${SA_RESETHAND}
	RAISE 10
	RAISE 10
	EXIT
handler: SAY "once"
	ret
`);
    expect(output()).toBe("once");
    expect(stop).toEqual({ kind: "exit", status: 128 + 10 });
  });

  it("SA_SIGINFO: who sent it, and the context it interrupted", () => {
    const { output } = says(`
	ACTION 10, handler, ${SA_SIGINFO}
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL nanosleep, $while, $0
	SYSCALL getppid
	SYSCALL kill, %eax, $10
	EXIT
1:	movl %eax, child
	SYSCALL pause
	cmpl $-4, %eax
	jne 2f
	PRINT "EINTR"
2:	EXIT
handler:
	movl 8(%esp), %esi
	movl child, %eax
	cmpl $10, (%esi)	# si_signo
	jne 2b
	cmpl $0, 8(%esi)	# si_code: SI_USER
	jne 2b
	cmpl %eax, 12(%esi)	# si_pid
	jne 2b
	movl 12(%esp), %edi
	cmpl $-4, 20+44(%edi)	# uc_mcontext.eax
	jne 2b
	SAY "info "
	ret
.data
child:	.long 0
while:	.long 0, 50000000
`);
    expect(output()).toBe("info EINTR");
  });

  it("a handler can repair a fault: SIGSEGV with its address, and the access happens again", () => {
    const { output } = says(`
	ACTION 11, handler, ${SA_SIGINFO}
	movl $0x50000123, %ebx
	movl (%ebx), %eax
	cmpl $buffer, %ebx
	jne 1f
	cmpl $77, %eax
	jne 1f
	PRINT "repaired"
1:	EXIT
handler:
	movl 8(%esp), %esi
	cmpl $0x50000123, 12(%esi)	# si_addr
	jne 1b
	cmpl $1, 8(%esi)		# SEGV_MAPERR
	jne 1b
	movl 12(%esp), %edi
	cmpl $14, 20+48(%edi)		# trapno
	jne 1b
	movl $buffer, 20+32(%edi)	# ebx
	ret
.data
.align 4
buffer:	.long 77
`);
    expect(output()).toBe("repaired");
  });

  it("an exception that a handler does not repair comes again and again, until it changes EIP", () => {
    const { output } = says(`
	ACTION 8, handler
	xorl %ecx, %ecx
	xorl %edx, %edx
	movl $5, %eax
	divl %ecx
after:	SAY "after"
	EXIT
handler: SAY "fpe "
	decl count
	jnz 1f
	movl $after, 8+56(%esp)		# sc.eip
1:	ret
.data
count:	.long 3
`);
    expect(output()).toBe("fpe fpe fpe after");
  });

  it("the mask and the segments of a frame that a program forged cannot do harm", () => {
    const forged = (change: string) =>
      says(`
	ACTION 10, handler
	RAISE 10
	EXIT $7
handler: ${change}
	ret
`).stop;
    expect(forged("movl $0xffffffff, 8+80(%esp)")).toEqual({ kind: "exit", status: 7 }); // oldmask
    expect(forged("movl $0x10, 8+60(%esp)")).toEqual({ kind: "exit", status: 139 }); // cs
    expect(forged("movl $0x3202|0x20000, 8+64(%esp)")).toEqual({ kind: "exit", status: 7 }); // eflags: VM, IOPL 3
    expect(forged("movl $0x1234, 8+0(%esp)")).toEqual({ kind: "exit", status: 7 }); // gs
    expect(says("movl $0x10, %esp\n movl $119, %eax\n int $0x80\n EXIT").stop).toEqual({ kind: "exit", status: 139 });
    expect(says("movl $0x10, %esp\n movl $173, %eax\n int $0x80\n EXIT").stop).toEqual({ kind: "exit", status: 139 });
  });

  it("a frame that a program forged gives it no I/O privilege", () => {
    const { stop } = says(`
	ACTION 10, handler
	RAISE 10
	cli
	EXIT $7
handler: orl $0x3000, 8+64(%esp)		# sc.eflags
	ret
`);
    expect(stop).toEqual({ kind: "exit", status: 139 });
  });

  it("a stack that cannot hold the frame is SIGSEGV", () => {
    expect(says("ACTION 10, 1f\n movl $0x1000, %esp\n RAISE 10\n1: EXIT").stop).toEqual({ kind: "exit", status: 139 });
  });

  it("sigaltstack: the handler of a stack overflow runs elsewhere", () => {
    const { output, stop } = says(
      `
	SYSCALL sigaltstack, $stack, $0
	ACTION 11, handler, ${SA_ONSTACK}
1:	call 1b
handler:
	cmpl $area, %esp
	jb 1f
	cmpl $area+4096, %esp
	jae 1f
	SYSCALL sigaltstack, $0, $old
	cmpl $1, old+4		# SS_ONSTACK
	jne 1f
	SYSCALL sigaltstack, $stack, $0
	cmpl $-1, %eax		# -EPERM
	jne 1f
	PRINT "elsewhere"
	EXIT
1:	EXIT $1
.data
.align 4
stack:	.long area, 0, 4096
old:	.skip 12
.bss
area:	.skip 4096
`,
      { memoryBytes: 16 << 20 },
    );
    expect(output()).toBe("elsewhere");
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("exec resets handlers, fork keeps them", () => {
    const { output } = says(`
	ACTION 10, handler
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
1:	RAISE 10
	EXIT
handler: SAY "kept"
	ret
`);
    expect(output()).toBe("kept");
  });
});

describe("system calls that a handler interrupts", () => {
  /** A read of the terminal is interrupted by an alarm; the next input ends it. */
  const reader = (flags: number) => `
	ACTION 14, handler, ${flags}
	SYSCALL alarm, $1
	SYSCALL read, $0, $buffer, $8
	cmpl $-4, %eax
	jne 1f
	SAY "EINTR"
	EXIT
1:	SYSCALL write, $1, $buffer, %eax
	EXIT
handler: SAY "alarm "
	ret
.bss
buffer:	.skip 8
`;

  it("end with -EINTR without SA_RESTART", () => {
    expect(says(reader(0)).output()).toBe("alarm EINTR");
  });

  it("begin again with SA_RESTART", () => {
    const waiting = says(reader(SA_RESTART));
    expect(waiting.output()).toBe("alarm ");
    expect(waiting.stop.kind).toBe("input");
    waiting.kernel.input(new TextEncoder().encode("typed\n"));
    expect(waiting.go()).toEqual({ kind: "exit", status: 0 });
    expect(waiting.output()).toBe("alarm typed\n");
  });

  it("sigsuspend lets a blocked signal in, returns -EINTR and puts the mask back", () => {
    const { output } = says(`
	ACTION 10, handler
	SYSCALL rt_sigprocmask, $0, $usr1, $0, $8
	RAISE 10
	SAY "blocked "
	SYSCALL rt_sigsuspend, $none, $8
	cmpl $-4, %eax
	jne 1f
	SAY "EINTR "
	SYSCALL rt_sigprocmask, $0, $0, $now, $8
	cmpl $1<<9, now
	jne 1f
	SAY "mask"
1:	EXIT
handler: SAY "handler "
	ret
.data
.align 4
usr1:	.long 1<<9, 0
none:	.long 0, 0
now:	.long 0, 0
`);
    expect(output()).toBe("blocked handler EINTR mask");
  });

  it("pause ends with -EINTR whatever the flags", () => {
    const { output } = says(`
	ACTION 14, handler, ${SA_RESTART}
	SYSCALL alarm, $1
	SYSCALL pause
	cmpl $-4, %eax
	jne 1f
	SAY "EINTR"
1:	EXIT
handler: SAY "alarm "
	ret
`);
    expect(output()).toBe("alarm EINTR");
  });

  it("setitimer goes off again and again, and getitimer tells what is left", () => {
    const { output } = says(`
	ACTION 14, handler
	movl $104, %eax
	xorl %ebx, %ebx
	movl $often, %ecx
	xorl %edx, %edx
	int $0x80
1:	SYSCALL pause
	cmpl $3, count
	jne 1b
	PRINT "three"
	EXIT
handler: incl count
	ret
.data
.align 4
often:	.long 0, 20000, 0, 20000
count:	.long 0
`);
    expect(output()).toBe("three");
  });
});

describe("signal calls answer as Linux does", () => {
  const data = `
.align 4
action: .long 0x1234, ${SA_RESTART}, 0x5678, 0xffffffff, 0xffffffff
old:	.skip 20
mask:	.long 0x40100, 0
usr1:	.long 0x200, 0
omask:	.long 0, 0
bad:	.long 0xdead0000
all:	.long -1, -1
tiny:	.long 0x1000, 0, 100
`;

  it("rt_sigaction keeps what it was given, but for the signals that cannot be blocked", () => {
    const { results, memory } = make_calls(
      [
        ["rt_sigaction", 10, "action", 0, 8],
        ["rt_sigaction", 10, 0, "old", 8],
        ["rt_sigaction", 9, "action", 0, 8],
        ["rt_sigaction", 19, "action", 0, 8],
        ["rt_sigaction", 9, 0, "old+0", 4],
        ["rt_sigaction", 65, "action", 0, 8],
        ["rt_sigaction", 0, 0, 0, 8],
        ["rt_sigaction", 10, 0xdead0000, 0, 8],
        ["rt_sigaction", 10, 0, 0xdead0000, 8],
        ["signal", 12, 0x4321],
        ["signal", 12, 0],
      ],
      data,
      { old: 20 },
    );
    expect(results).toEqual([0, 0, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EFAULT, EFAULT, 0, 0x4321]);
    const word = (i: number) => memory.old.getUint32(4 * i, true);
    expect([0, 1, 2, 3, 4].map(word)).toEqual([0x1234, SA_RESTART, 0x5678, 0xfffbfeff, 0xffffffff]);
  });

  it("rt_sigprocmask blocks, unblocks and sets; SIGKILL and SIGSTOP never", () => {
    const { results, memory } = make_calls(
      [
        ["rt_sigprocmask", 2, "all", 0, 8],
        ["rt_sigprocmask", 1, "usr1", 0, 8],
        ["rt_sigprocmask", 0, 0, "omask", 8],
        ["rt_sigprocmask", 3, "mask", 0, 8],
        ["rt_sigprocmask", 0, "mask", 0, 4],
        ["rt_sigprocmask", 0, 0xdead0000, 0, 8],
      ],
      data,
      { omask: 8 },
    );
    expect(results).toEqual([0, 0, 0, EINVAL, EINVAL, EFAULT]);
    expect(memory.omask.getUint32(0, true)).toBe(0xfffbfcff);
    expect(memory.omask.getUint32(4, true)).toBe(0xffffffff);
  });

  it("tkill, tgkill, sigaltstack, alarm", () => {
    const { results } = make_calls(
      [
        ["tkill", 1, 0],
        ["tkill", 99, 0],
        ["tkill", 0, 0],
        ["tkill", 1, 65],
        ["tgkill", 1, 1, 0],
        ["tgkill", 2, 1, 0],
        ["tgkill", 0, 1, 0],
        ["sigaltstack", "tiny", 0],
        ["sigaltstack", 0xdead0000, 0],
        ["alarm", 100],
        ["alarm", 0],
        ["alarm", 0],
        ["setitimer", 5, 0, 0],
      ],
      data,
    );
    expect(results).toEqual([0, ESRCH, EINVAL, EINVAL, 0, ESRCH, EINVAL, -12, EFAULT, 0, 101, 0, EINVAL]);
  });

  it("SIG_IGN for SIGCHLD: children leave no zombies", () => {
    const { output, tasks } = says(`
	ACTION 17, 1
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL nanosleep, $tick, $0
	SYSCALL wait4, $-1, $0, $0, $0
	cmpl $-10, %eax		# -ECHILD
	jne 1f
	PRINT "none"
	SYSCALL pause
1:	EXIT
.data
.align 4
tick:	.long 0, 50000000
`);
    expect(output()).toBe("none");
    expect(tasks()).toHaveLength(2);
  });
});
