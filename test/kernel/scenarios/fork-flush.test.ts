import { expect, it } from "vitest";
import { run } from "../run.ts";

it("a child sees what was there at the fork, not what its parent writes right behind it", () => {
  const { stop } = run(`
.globl _start
_start:
	movl $1, value			# the TLB has the page, writable
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	movl $99, value
	SYSCALL waitpid, $-1, $status, $0
	movzbl status+1, %ebx
	SYSCALL exit
1:	SYSCALL exit, value
.data
value:	.long 0
status:	.long 0
`);
  expect(stop).toEqual({ kind: "exit", status: 1 });
});
