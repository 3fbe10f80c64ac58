import { asm, bootKernel } from "esp0/testing";
import "esp0/testing/vitest";
import { expect, it } from "vitest";

const SYS_getppid = 64;

/** Forks and waits: three times to warm up, then a hundred times, with getppid() behind each. */
const FORKS = asm`
.macro FORKS count
	movl $\count, %edi
771:	SYSCALL fork
	testl %eax, %eax
	jz quit
	SYSCALL wait4, $-1, $0, $0, $0
	decl %edi
	jnz 771b
	SYSCALL getppid
.endm
	FORKS 3
	FORKS 100
quit:	EXIT
`;

it("a hundred forks leave nothing behind", () => {
  const kernel = bootKernel({ init: FORKS });
  kernel.runUntil({ event: "syscall", nr: SYS_getppid });
  const mark = kernel.memory();
  kernel.runUntil({ event: "syscall", nr: SYS_getppid });
  expect(kernel).toHaveBalancedMemory(mark);
  expect(kernel.events.filter(({ event, parent }) => event === "fork" && parent === 1)).toHaveLength(103);
});
