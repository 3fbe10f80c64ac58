import { describe, expect, it } from "vitest";
import { boot, run } from "../run.ts";
import { CLONE, START, THREAD, THREAD_DATA } from "./thread-programs.ts";

describe("threads and children", () => {
  const both = (thread: string) =>
    run(`${START}${CLONE(THREAD)}
	SYSCALL nanosleep, $tick, $0
	SYSCALL wait4, $-1, $status, $0, $0
	testl %eax, %eax
	js bad
	movzbl status+1, %ebx
	movl $252, %eax
	int $0x80
bad:	SYSCALL exit_group, $1
thread:	SYSCALL fork
	testl %eax, %eax
	jz child
	${thread}
child:	SYSCALL nanosleep, $tick, $0
	SYSCALL nanosleep, $tick, $0
	SYSCALL nanosleep, $tick, $0
	EXIT $5
${THREAD_DATA}`).stop;
  it("wakes a thread for another's child", () => {
    expect(both("1: SYSCALL pause\n jmp 1b")).toEqual({ kind: "exit", status: 5 });
  });
  it("inherits", () => {
    expect(both("EXIT $3")).toEqual({ kind: "exit", status: 5 });
  });
  it("leaks nothing", { timeout: 60_000 }, () => {
    const started = boot(`
.macro FAIL n, flags, what
	movl \\n, %ebp
772:	movl $120, %eax
	movl \\flags, %ebx
	xorl %ecx, %ecx
	movl \\what, %esi
	int $0x80
	testl %eax, %eax
	jns bad
	decl %ebp
	jnz 772b
.endm
.globl _start
_start:
	FAIL $3, $0x80011, $area
	FAIL $3, $0x80011, $8
	FAIL $3, $0x90f00, $area
	SYSCALL getppid
	FAIL $300, $0x80011, $area
	FAIL $300, $0x80011, $8
	FAIL $300, $0x90f00, $area
	SYSCALL getppid
	EXIT
bad:	EXIT $1
.data
area: .long 99, 0, 0, 0
`);
    const balance = () => {
      expect(started.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 64).kind).toBe("event");
      return started.memory();
    };
    const before = balance();
    const after = balance();
    expect(after).toEqual(before);
    expect(started.go()).toEqual({ kind: "exit", status: 0 });
  });
});
