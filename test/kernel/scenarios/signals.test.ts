import { describe, expect, it } from "vitest";
import { run } from "../run.ts";

const START = ".globl _start\n_start:\n";

describe("exceptions become signals (M3)", () => {
  const cases: [string, string, number][] = [
    ["a write through a bad pointer", "movl $1, 0xdeadbee0", 11],
    ["a read of page 0", "movl 0, %eax", 11],
    ["a jump into the kernel", "movl $0xc0100000, %eax\n jmp *%eax", 11],
    ["a read of kernel memory", "movl 0xc0100000, %eax", 11],
    ["a write to its own text", "movl $1, _start", 11],
    ["a division by zero", "xorl %ecx, %ecx\n divl %ecx", 8],
    ["an undefined opcode", "ud2", 4],
    ["a privileged instruction", "hlt", 11],
    ["an I/O instruction", "outb %al, $0x80", 11],
    ["cli", "cli", 11],
    ["a bad selector", "movl $0x1234, %eax\n movl %eax, %ds", 11],
    ["int3", "int3", 5],
    ["an interrupt it may not call", "int $0x20", 11],
    ["a hostcall from ring 3", "hostcall $0", 4],
    ["bound", "movl $5, %eax\n boundl %eax, range", 11],
    ["into", "movl $0x7fffffff, %eax\n addl $1, %eax\n into", 11],
  ];
  for (const [what, code, signal] of cases) {
    it(`${what}: the process dies of signal ${signal}, the kernel lives on`, () => {
      const { stop, output } = run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	movl status, %eax
	cmpl $${signal}, %eax
	jne 1f
	PRINT "alive"
1:	EXIT
child:
	${code}
	EXIT
.section .rodata
.align 4
range:	.long 0, 4
.bss
status:	.skip 4
`);
      expect(output()).toBe("alive");
      expect(stop).toEqual({ kind: "exit", status: 0 });
    });
  }

  it("pid 1 that dies of a signal ends the run with 128 + its number", () => {
    expect(run(`${START}\tmovl 0, %eax`).stop).toEqual({ kind: "exit", status: 139 });
  });

  it("a stack that cannot be used for anything still only kills its process", () => {
    expect(run(`${START}\tmovl $0x10, %esp\n\tpushl %eax`).stop).toEqual({ kind: "exit", status: 139 });
    expect(run(`${START}\txorl %esp, %esp\n\tint $0x80\n\tEXIT $3`).stop).toEqual({ kind: "exit", status: 3 });
  });

  it("a recursion without end dies at the stack's limit", () => {
    const { stop, kernel } = run(`${START}1:\tcall 1b`, { memoryBytes: 16 << 20 });
    expect(stop).toEqual({ kind: "exit", status: 139 });
    expect(kernel.statistics.pageFaults).toBeGreaterThan(2000);
  });
});

describe("kill and default actions", () => {
  const kill = (signal: number, then = "") => `${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl %eax, %edi
	SYSCALL kill, %edi, $${signal}
	${then}
	SYSCALL wait4, $-1, $status, $2, $0
	movzbl status, %ebx
	movl $1, %eax
	int $0x80
child:	SYSCALL pause
	jmp child
.bss
status:	.skip 4
`;

  for (const signal of [1, 2, 3, 6, 9, 10, 13, 14, 15, 31, 63]) {
    it(`signal ${signal} terminates`, () => {
      expect(run(kill(signal)).stop).toEqual({ kind: "exit", status: signal });
    });
  }

  for (const signal of [17, 18, 23, 28]) {
    it(`signal ${signal} does nothing, and a pause goes on`, () => {
      expect(run(kill(signal, "SYSCALL kill, %edi, $9")).stop).toEqual({ kind: "exit", status: 9 });
      expect(run(kill(signal)).stop.kind).toBe("asleep");
    });
  }

  it("a stop signal stops, is reported once with WUNTRACED, and SIGCONT lets it go on", () => {
    const { output } = run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl %eax, %edi
	SYSCALL kill, %edi, $19
	SYSCALL wait4, $-1, $status, $2, $0
	cmpl $0x137f, status
	jne 1f
	PRINT "stopped "
	SYSCALL kill, %edi, $18
	SYSCALL wait4, $-1, $status, $0, $0
	PRINT "parent"
1:	EXIT
child:	SYSCALL nanosleep, $time, $0
	PRINT "continued "
	EXIT
.section .rodata
.align 4
time:	.long 0, 20000000
.bss
status:	.skip 4
`);
    expect(output()).toBe("stopped continued parent");
  });

  it("answers with Linux's errors", () => {
    const errno = (pid: string, signal: string) => {
      const { stop } = run(`${START}\tSYSCALL kill, ${pid}, ${signal}\n\tnegl %eax\n\tEXIT %eax`);
      return (stop as { status: number }).status;
    };
    expect(errno("$77", "$0")).toBe(3);
    expect(errno("$1", "$65")).toBe(22);
    expect(errno("$1", "$-1")).toBe(22);
    expect(errno("$1", "$0")).toBe(0);
    expect(errno("$-77", "$15")).toBe(3);
  });

  it("a child whose exit signal is no signal sends none, and can be waited for with __WALL", () => {
    for (const exit_signal of [65, 255]) {
      const { output, log } = run(`${START}
	SYSCALL clone, $${exit_signal}, $0
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0x40000000, $0
	cmpl $2, %eax
	jne child
	PRINT "waited for"
child:	EXIT
`);
      expect(output()).toBe("waited for");
      expect(log()).not.toContain("BUG");
    }
  });
});
