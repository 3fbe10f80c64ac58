import { asm, bootKernel } from "esp0/testing";
import { expect, it } from "vitest";
import * as counter from "./counter.ts";

const FORKS = asm`
	movl $3, %edi
1:	SYSCALL fork
	testl %eax, %eax
	jz quit
	SYSCALL wait4, $-1, $0, $0, $0
	decl %edi
	jnz 1b
	movl $400, %eax
	int $0x80
	movl %eax, %edi
	movl $400, %eax
	int $0x80
	subl %edi, %eax
	jnz quit
	EXIT %edi
quit:	EXIT
`;

it("a kernel has a system call more: forks, without another between two calls of it", () => {
  const kernel = bootKernel({ init: FORKS, modules: [counter], syscalls: { 400: "sys_forks" } });
  const before = kernel.inspect(() => kernel.kernel.statistics.forks);
  expect(kernel.runUntilExit()).toBe(before + 3);
  expect(kernel.word("forks_asked")).toBe(2);
});
