import { describe, expect, it } from "vitest";
import { boot, ON_ONE_CPU, run } from "../run.ts";

const MACROS = `
.set SYS_rt_sigaction, 174
.macro ACTION sig, handler, flags=0
	.pushsection .data
	.align 4
881:	.long \\handler, \\flags, 0, 0, 0
	.popsection
	SYSCALL rt_sigaction, $\\sig, $881b, $0, $8
.endm
.globl _start
_start:
`;

describe("the x87 is switched lazily (X4)", () => {
  it.runIf(ON_ONE_CPU)("every task finds its own stack and control word, however often they are switched", () => {
    const { output, events } = run(
      `${MACROS}
	fldpi
	fldcw chop
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl $20, %esi
1:	fld1
	faddp			# pi + 20 in the end
	SYSCALL sched_yield
	decl %esi
	jnz 1b
	fnstcw word
	cmpw $0xf7f, word
	jne bad
	fistpl value
	cmpl $23, value
	jne bad
	SYSCALL wait4, $-1, $0, $0, $0
	PRINT "parent"
	EXIT
child:	fnstcw word		# inherited
	cmpw $0xf7f, word
	jne bad
	fldcw near
	movl $20, %esi
2:	fld1
	fsubp			# 1 - x, again and again: pi in the end
	SYSCALL sched_yield
	decl %esi
	jnz 2b
	fnstcw word
	cmpw $0x37f, word
	jne bad
	fistpl value
	cmpl $3, value
	jne bad
	PRINT "child "
	EXIT
bad:	EXIT $1
.data
.align 4
chop:	.word 0xf7f
near:	.word 0x37f
word:	.long 0
value:	.long 0
`,
      { trace: true },
    );
    expect(output()).toBe("child parent");
    const traps = events.filter(({ event, vector }) => event === "exception" && vector === 7);
    expect(traps.length).toBeGreaterThan(20);
  });

  it("a task that does not use it costs nothing: one #NM for the only user, none for the others", () => {
    const { events } = run(
      `${MACROS}
	SYSCALL fork
	testl %eax, %eax
	jz child
	fld1
	SYSCALL sched_yield
	EXIT
child:	SYSCALL sched_yield
	SYSCALL pause
`,
      { trace: true },
    );
    expect(events.filter(({ event, vector }) => event === "exception" && vector === 7)).toHaveLength(1);
  });

  it("exec begins with a fresh one", () => {
    const { output } = run(`${MACROS}
	cmpl $2, (%esp)
	je again
	fldcw chop
	fldpi
	SYSCALL execve, $name, $argv, $0
again:	fnstenv environment
	cmpw $0x37f, environment
	jne 1f
	cmpw $0, environment+4
	jne 1f
	cmpw $0xffff, environment+8
	jne 1f
	PRINT "fresh"
1:	EXIT
.data
.align 4
chop:	.word 0xf7f, 0
argv:	.long name, name, 0
name:	.asciz "/init"
.align 4
environment: .skip 28
`);
    expect(output()).toBe("fresh");
  });

  it("a signal handler has a fresh one, and the program its own back", () => {
    const { output } = run(`${MACROS}
	ACTION 10, handler
	fldpi
	fldcw chop
	SYSCALL getpid
	SYSCALL kill, %eax, $10
	fnstcw word
	cmpw $0xf7f, word
	jne bad
	fistpl value
	cmpl $3, value
	jne bad
	PRINT "back"
bad:	EXIT
handler:
	fnstenv environment
	cmpw $0x37f, environment
	jne bad
	cmpw $0xffff, environment+8
	jne bad
	movl 8+76(%esp), %esi		# sc.fpstate
	cmpw $0xf7f, (%esi)
	jne bad
	fldz
	fldz
	PRINT "fresh "
	ret
.data
.align 4
chop:	.word 0xf7f, 0
word:	.long 0
value:	.long 0
environment: .skip 28
`);
    expect(output()).toBe("fresh back");
  });

  it("an unmasked exception is SIGFPE at the next instruction that waits, and says which it was", () => {
    const { output } = run(`${MACROS}
	ACTION 8, handler, 4
	fldcw unmasked
	fld1
	fldz
	fdivrp
	fwait
after:	PRINT "after"
bad:	EXIT
handler:
	movl 8(%esp), %esi
	cmpl $3, 8(%esi)		# FPE_FLTDIV
	jne bad
	movl 12(%esp), %edi
	cmpl $16, 20+48(%edi)		# trapno
	jne bad
	movl $after, 20+56(%edi)
	movl 20+76(%edi), %esi		# fpstate: its exceptions are over
	andl $~0xff, 4(%esi)
	PRINT "divided by zero, "
	ret
.data
.align 4
unmasked: .word 0x37b
`);
    expect(output()).toBe("divided by zero, after");
    expect(run(`${MACROS}\tfldcw 1f\n\tfldz\n\tfld1\n\tfdivp\n\tfwait\n\tEXIT\n.data\n1: .word 0x340`).stop).toEqual({
      kind: "exit",
      status: 128 + 8,
    });
  });

  it("a switch sets CR0.TS", () => {
    const { kernel } = boot(`${MACROS}\tfld1\n1:\tSYSCALL pause\n\tjmp 1b`);
    kernel.run({ maxInstructions: 20_000_000 });
    expect(kernel.machine.getRegister("cr0") & 8).toBe(8);
  });
});
