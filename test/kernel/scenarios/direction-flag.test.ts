import { describe, expect, it } from "vitest";
import { run } from "../run.ts";

describe("the direction flag that a program has set", () => {
  it("does not turn the kernel's copies of a system call round", () => {
    const { stop, output } = run(`
.globl _start
_start:	std
	SYSCALL write, $1, $text, $40
	cmpl $40, %eax
	jne 1f
	EXIT
1:	EXIT $1
.data
text:	.ascii "forty characters, the first of them first"
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("forty characters, the first of them firs");
  });

  it("does not turn the kernel's copies of a page fault round: copy on write, a page of the program's file", () => {
    const { stop } = run(`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jnz 2f
	std
	movl $7, here			# copies the page
	cmpl $1234, behind
	jne 1f
	cmpl $5678, before
	jne 1f
	cmpl $4321, unread		# reads a page from the file
	jne 1f
	EXIT
1:	EXIT $1
2:	SYSCALL waitpid, $-1, $status, $0
	movl status, %ebx
	shrl $8, %ebx
	EXIT %ebx
.data
.align 4096
before:	.long 5678
	.space 2000
here:	.long 0
status:	.long 0
	.space 2000
behind:	.long 1234
.align 4096
	.space 100
unread:	.long 4321
	.space 3992
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });
});
