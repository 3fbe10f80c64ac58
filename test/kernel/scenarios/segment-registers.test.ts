import { describe, expect, it } from "vitest";
import { run } from "../run.ts";

describe("the segment registers of a program", () => {
  it("may be null: the kernel copies with its own, and gives them back as they were", () => {
    const { stop, output, log } = run(`
.globl _start
_start:	xorl %eax, %eax
	movl %eax, %es
	movl $4, %eax
	movl $1, %ebx
	movl $text, %ecx
	movl $len, %edx
	int $0x80
	cmpl $len, %eax
	jne 1f
	movl %es, %eax
	testl %eax, %eax
	jne 1f
	EXIT
1:	EXIT $1
.data
text:	.ascii "without ES\\n"
.set len, . - text
`);
    expect(log()).not.toMatch(/general protection|Oops/);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("without ES\n");
  });

  it("may be null while a page is copied for it", () => {
    const { stop, log } = run(`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jnz 2f
	xorl %eax, %eax
	movl %eax, %es
	movl $7, %ss:here		# copies the page
	movl %ss:behind, %ebx
	movl %es, %eax
	orl %eax, %ebx
	EXIT %ebx
2:	SYSCALL waitpid, $-1, $status, $0
	movl status, %ebx
	shrl $8, %ebx
	EXIT %ebx
.data
.align 4096
here:	.long 0
status:	.long 0
behind:	.long 5
`);
    expect(log()).not.toMatch(/general protection|Oops/);
    expect(stop).toEqual({ kind: "exit", status: 5 });
  });
});
