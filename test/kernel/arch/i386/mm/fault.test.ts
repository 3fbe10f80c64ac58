import { describe, expect, it } from "vitest";
import { ttyS0 } from "../../../../../kernel/drivers/char/tty_io.ts";
import { nr_free_pages } from "../../../../../kernel/mm/page_alloc.ts";
import { boot, run } from "../../../run.ts";

const SIGSEGV = 11;
const KILLED_BY_SEGV = { kind: "exit", status: 128 + SIGSEGV };

const body = (code: string, data = "") => `
.globl _start
_start:
${code}
	EXIT
fail:	EXIT $1
${data}
`;

describe("a program that touches what it may not", () => {
  it.each([
    ["reads address 0", "movl 0, %eax"],
    ["writes address 0", "movl $1, 0"],
    ["jumps to address 0", "xorl %eax, %eax; jmp *%eax"],
    ["writes its own code", "movl $1, _start"],
    ["writes a constant", "movl $1, constant"],
    ["reads kernel memory", "movl 0xc0100000, %eax"],
    ["writes kernel memory", "movl $1, 0xc0100000"],
    ["jumps into the kernel", "movl $0xc0100000, %eax; jmp *%eax"],
    ["reads behind its heap", "movl $0x09000000, %eax; movl (%eax), %eax"],
    ["writes far below its stack pointer", "movl $1, -0x2000(%esp)"],
  ])("%s: SIGSEGV", (_name, code) => {
    expect(run(body(code, ".section .rodata\nconstant: .long 1\n.data\n.long 1\n")).stop).toEqual(KILLED_BY_SEGV);
  });

  it("tells the child's death from its parent's life", () => {
    const { stop } = run(
      body(
        `
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	movl 0, %eax
1:	SYSCALL waitpid, %eax, $status, $0
	EXIT status`,
        ".data\nstatus: .long 0\n",
      ),
    );
    expect(stop).toEqual({ kind: "exit", status: SIGSEGV });
  });
});

describe("the stack", () => {
  it("grows as it is pushed to, by enter and pushal too", () => {
    const { stop } = run(
      body(`
	movl $100000, %ecx
1:	pushl %ecx
	loop 1b
	andl $-4096, %esp
	pushal
	andl $-4096, %esp
	enter $0, $0
`),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("ends at 8 MiB", () => {
    const { stop, kernel } = run(body("1:	pushl $0\n\tjmp 1b\n"), { memoryBytes: 16 << 20 });
    expect(stop).toEqual(KILLED_BY_SEGV);
    expect(kernel.statistics.pageFaults).toBeGreaterThan(2040);
  });
});

describe("running out of memory", () => {
  const eat = `
	SYSCALL brk, $0
	movl %eax, %edi
	movl $12, %ebp			# 12 MiB, a MiB at a time: each request alone could be met
	movl %eax, %ebx
2:	addl $0x100000, %ebx
	SYSCALL brk, %ebx
	decl %ebp
	jnz 2b
1:	movl $1, (%edi)
	addl $4096, %edi
	jmp 1b
`;

  it("kills the process that asks for more, and gives its memory back", () => {
    const { stop, kernel, log } = run(
      body(
        `
	SYSCALL fork
	testl %eax, %eax
	jz eat
	SYSCALL waitpid, %eax, $status, $0
	EXIT status
eat:	${eat}`,
        ".data\nstatus: .long 0\n",
      ),
    );
    expect(stop).toEqual({ kind: "exit", status: 9 });
    expect(log()).toMatch(/VM: killing process init/);
    expect(kernel.inspect(nr_free_pages)).toBeGreaterThan(1500);
  });

  it("makes fork and exec fail, not the kernel", () => {
    const { stop, output } = run(
      body(
        `
	movl $0, %esi
1:	SYSCALL fork
	testl %eax, %eax
	jz 2f
	js 3f
	incl %esi
	jmp 1b
2:	SYSCALL pause
	jmp 2b
3:	negl %eax
	movb %al, error
	PRINT "no more\\n"
	movzbl error, %eax
	EXIT %eax`,
        ".data\nerror: .byte 0\n",
      ),
      { memoryBytes: 4 << 20 },
    );
    expect(output()).toBe("no more\n");
    expect(stop.kind === "exit" && [11, 12].includes(stop.status)).toBe(true);
  });
});

describe("the kernel on the program's behalf", () => {
  it("copies into pages that are shared copy-on-write, and the other side keeps its own", () => {
    const { stop, output, kernel } = run(
      body(
        `
	movl $0x21212121, buffer
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL open, $zero, $0
	SYSCALL read, %eax, $buffer, $2
	SYSCALL write, $1, $buffer, $4
	EXIT
1:	SYSCALL waitpid, %eax, $0, $0
	SYSCALL write, $1, $buffer, $4
`,
        '.data\nbuffer: .long 0\nzero: .asciz "/dev/zero"\n',
      ),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("\0\0!!!!!!");
    expect(kernel.statistics.cowCopies).toBeGreaterThanOrEqual(1);
  });

  it("refuses to write where the program may not", () => {
    const { stop } = run(
      body(
        `
	SYSCALL open, $zero, $0
	movl %eax, %ebp
	SYSCALL read, %ebp, $_start, $1
	cmpl $-14, %eax
	jne fail
	SYSCALL read, %ebp, $0xbfffe000, $0x3000
	cmpl $-14, %eax
	jne fail
	SYSCALL read, %ebp, $0xc0100000, $1
	cmpl $-14, %eax
	jne fail
`,
        '.data\nzero: .asciz "/dev/zero"\n',
      ),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("reads of untouched memory see one page of zeros, which takes no memory until it is written", () => {
    const pages_used = (code: string) => {
      const { kernel, stop } = run(
        body(`
	SYSCALL brk, $0
	movl %eax, %edi
	leal 0x40000(%eax), %ebx
	SYSCALL brk, %ebx
	movl $64, %ecx
1:	${code}
	addl $4096, %edi
	loop 1b
`),
      );
      expect(stop).toEqual({ kind: "exit", status: 0 });
      return kernel.inspect(nr_free_pages);
    };
    expect(pages_used("movl (%edi), %eax") - pages_used("movl $1, (%edi)")).toBe(64);
    const { kernel } = run(body("\tmovl zeros, %eax\n\tmovl $1, zeros\n", ".bss\n\t.skip 8192\nzeros:\t.skip 8192\n"));
    expect(kernel.statistics.cowCopies).toBe(0);
  });
});

describe("an oops", () => {
  /** Runs a program whose child writes to a terminal without a driver. */
  function oops(pointer: number): { log: string; stop: unknown } {
    const { kernel, go, log } = boot(
      body(
        `
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	PRINT "x"
	EXIT
1:	SYSCALL waitpid, %eax, $status, $0
	EXIT status`,
        ".data\nstatus: .long 0\n",
      ),
    );
    kernel.run_to_user();
    const driver = kernel.inspect(() => ttyS0.address) - 0xc0000000;
    kernel.machine.writePhysical(driver, new Uint8Array(Uint32Array.of(pointer).buffer));
    return { stop: go(), log: log() };
  }

  it("tells of a null pointer, ends the task and nothing else", () => {
    const { log, stop } = oops(0);
    expect(stop).toEqual({ kind: "exit", status: SIGSEGV });
    expect(log).toMatch(/Unable to handle kernel NULL pointer dereference at virtual address 00000000/);
    expect(log).toMatch(/Oops: 0000/);
    expect(log).toMatch(/write_chan/);
  });

  it("tells of any other bad pointer", () => {
    const { log, stop } = oops(0xff123454);
    expect(stop).toEqual({ kind: "exit", status: SIGSEGV });
    expect(log).toMatch(/Unable to handle kernel paging request at virtual address ff123454/);
    expect(log).toMatch(/\*pde = 00000000/);
  });
});

describe("the trace", () => {
  it("tells of every page fault and every copy-on-write, with the counts before and after", () => {
    const { events } = run(
      body(
        `
	movl $1, value
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL waitpid, %eax, $0, $0
1:	movl $2, value`,
        ".data\nvalue: .long 0\n",
      ),
      { trace: true },
    );
    const faults = events.filter(({ event }) => event === "page_fault");
    const first_fetch = faults.find(({ address, eip }) => address === eip);
    expect(first_fetch).toMatchObject({ pid: 1, error_code: 4 });
    const pages = new Set(faults.map(({ address }) => Number(address) & -4096));
    const cow = events.filter(({ event, address }) => event === "cow" && pages.has(Number(address) & -4096));
    const data = cow.filter(({ pid, address }) => pid === 2 && Number(address) < 0x40000000);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ copied: 1, count_before: 2, count_after: 1 });
    expect(data[0].old_frame).not.toBe(data[0].new_frame);
    const reuse = cow.filter(({ pid, address }) => pid === 1 && address === data[0].address);
    expect(reuse).toHaveLength(1);
    expect(reuse[0]).toMatchObject({ copied: 0, count_before: 1, count_after: 1, old_frame: data[0].old_frame });
  });
});
