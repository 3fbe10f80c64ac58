/** A task that goes on on another CPU: what a kernel function knew of the CPU before is stale there (X5). */
import { expect, it } from "vitest";
import { calls } from "./calls.kernel.ts";
import { boot_smp } from "./run.ts";

it("a function that has slept on one CPU and goes on on another has the other's number and variables", () => {
  const { kernel, go } = boot_smp(
    4,
    `
.globl _start
_start:
	SYSCALL sched_setaffinity, $0, $4, $first
	movl $255, %eax
	movl $mask, %ebx
	int $0x80
	cmpb $1, %ah
	jne bad
	movzbl %al, %ebx
	SYSCALL exit, %ebx
bad:	EXIT $9
.data
first:	.long 1 << 1
mask:	.long 1 << 3
`,
  );
  expect(go()).toEqual({ kind: "exit", status: 3 });
  expect(kernel.inspect(() => [0, 1, 2, 3].map((cpu) => calls.of(cpu)))).toEqual([0, 0, 0, 1]);
});
