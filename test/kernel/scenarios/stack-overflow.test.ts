import { describe, expect, it } from "vitest";
import { asm, bootKernel } from "../../../testing/index.ts";
import * as calls from "./stack.kernel.ts";

/** The parent ends with the signal that ended the child, or with 100 when the child came back from so deep. */
function run(depth: number) {
  const init = asm`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	movzbl status, %ebx
	testl %ebx, %ebx
	jnz 1f
	movl $100, %ebx
1:	SYSCALL exit, %ebx
child:	movl $250, %eax
	movl $${depth}, %ebx
	int $0x80
	SYSCALL exit, $0
.bss
status:	.skip 4
`;
  const kernel = bootKernel({ init, modules: [calls], syscalls: { 250: "sys_descend" } });
  return { stop: kernel.run(), log: kernel.log };
}

describe("a kernel stack", () => {
  it("has room for many calls", () => {
    expect(run(200)).toMatchObject({ stop: { kind: "exit", status: 100 } });
  });

  it("that is full is an oops, and ends the task alone", () => {
    const { stop, log } = run(1_000_000);
    expect(log).toMatch(
      /kernel BUG in descend: stack overflow: EBP is 0xc\w+, that of its caller 0xc\w+ \(.*stack\.kernel\.ts:6\)/,
    );
    expect(stop).toEqual({ kind: "exit", status: 11 });
  });
});
