import { describe, expect, it } from "vitest";
import { boot, run } from "../run.ts";

const SI_KERNEL = 0x80;
const TRAP_BRKPT = 1;

/** A program that writes the beginning of the siginfo that its handler of a signal gets, and ends. */
function told(signal: number, body: string): string {
  return `
.globl _start
_start:
	movl $SYS_rt_sigaction, %eax
	movl $${signal}, %ebx
	movl $action, %ecx
	xorl %edx, %edx
	movl $8, %esi
	int $0x80
	testl %eax, %eax
	jnz refused
	${body}
refused: EXIT $1
handler:
	movl 8(%esp), %ecx
	SYSCALL write, $1, , $16
	EXIT
.data
.align 4
group:	.long 1
termios: .space 64
action:	.long handler, 4, 0, 0, 0		# SA_SIGINFO
`;
}

/** si_signo, si_errno, si_code, si_addr (or si_pid) of what was written. */
function info(output: string): number[] {
  const bytes = Uint8Array.from(output, (character) => character.charCodeAt(0));
  expect(bytes.length).toBe(16);
  return [...new Int32Array(bytes.buffer)];
}

describe("what a handler is told", () => {
  it("of #GP: that it is the kernel's, and no address", () => {
    expect(info(run(told(11, "hlt")).output())).toEqual([11, 0, SI_KERNEL, 0]);
  });

  it("of int3: the same", () => {
    expect(info(run(told(5, "int3")).output())).toEqual([5, 0, SI_KERNEL, 0]);
  });

  it("of a single step: TRAP_BRKPT, and where", () => {
    const [signo, , code, address] = info(run(told(5, "pushfl; orl $0x100, (%esp); popfl; nop; nop")).output());
    expect([signo, code]).toEqual([5, TRAP_BRKPT]);
    expect(address).toBeGreaterThan(0x08048000);
  });

  it("of Ctrl-C: that it is the kernel's, whoever runs then", () => {
    const started = boot(
      told(
        2,
        "movl $66, %eax; int $0x80; SYSCALL ioctl, $0, $0x5410, $group; SYSCALL ioctl, $0, $0x5401, $termios; orl $1, termios+12; SYSCALL ioctl, $0, $0x5402, $termios; 1: SYSCALL read, $0, $termios, $1; jmp 1b",
      ),
    );
    expect(started.go().kind).toBe("input");
    started.kernel.input(Uint8Array.of(3));
    const stop = started.go();
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(info(started.output())).toEqual([2, 0, SI_KERNEL, 0]);
  });
});

describe("of two that are sent while the signal is blocked, the first is told of", () => {
  /** Blocks signals 10 and 17 around `body`. */
  const blocked = (body: string) => `
	SYSCALL rt_sigprocmask, $0, $mask, $0, $8
	${body}
	SYSCALL rt_sigprocmask, $1, $mask, $0, $8
	EXIT $2
.data
.align 4
mask:	.long 0x10200, 0
.text`;
  const kill = "SYSCALL getpid; SYSCALL kill, %eax, $10";
  const tkill = "SYSCALL getpid; SYSCALL tkill, %eax, $10";
  const SI_TKILL = -6;

  it("by kill, then by tkill", () => {
    expect(info(run(told(10, blocked(`${kill}; ${tkill}`))).output())).toEqual([10, 0, 0, 1]);
  });

  it("by tkill, then by kill", () => {
    expect(info(run(told(10, blocked(`${tkill}; ${kill}`))).output())).toEqual([10, 0, SI_TKILL, 1]);
  });

  it("by the end of a child, then of another", () => {
    const CLD_EXITED = 1;
    const child = "SYSCALL fork; testl %eax, %eax; jnz 1f; EXIT; 1: SYSCALL waitpid, %eax, $0, $0";
    expect(info(run(told(17, blocked(`${child}; ${child}`))).output())).toEqual([17, 0, CLD_EXITED, 2]);
  });
});

describe("signal 64", () => {
  it("has a handler, and is sent", () => {
    const result = run(told(64, "SYSCALL getpid; SYSCALL kill, %eax, $64"));
    expect(info(result.output())).toEqual([64, 0, 0, 1]);
  });

  it("is the last", () => {
    expect(run(told(65, "EXIT")).stop).toEqual({ kind: "exit", status: 1 });
    const sent = run(".globl _start\n_start: SYSCALL getpid; SYSCALL kill, %eax, $65; negl %eax; EXIT %eax");
    expect(sent.stop).toEqual({ kind: "exit", status: 22 });
  });
});
