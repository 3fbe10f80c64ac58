import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";
import { run } from "../run.ts";

const RW = 3;
const PRIVATE = 0x22;
const SHARED = 0x21;
const FIXED = 0x10;
const AT = 0x50000000;
const EINVAL = -22;
const EBADF = -9;
const EACCES = -13;
const ENOMEM = -12;
const EFAULT = -14;

describe("mmap2 and mmap", () => {
  it("map anonymous memory at the base, where it was asked for, and by the old call's arguments", () => {
    const { results } = make_calls(
      [
        ["mmap2", 0, 0x2000, RW, PRIVATE, -1, 0],
        ["mmap2", AT, 0x1000, RW, PRIVATE, -1, 0],
        ["old_mmap", "arguments"],
        ["munmap", "@0", 0x2000],
        ["mmap2", 0, 0x1000, RW, PRIVATE, -1, 0],
      ],
      `arguments: .long 0x60000000, 4096, 3, ${PRIVATE}, -1, 0`,
    );
    expect(results).toEqual([0x40000000, AT, 0x60000000, 0, 0x40000000]);
  });

  it("maps a file privately: what is written stays in memory, and behind its end are zeros", () => {
    const { stop } = run(`
.globl _start
_start:
	SYSCALL open, $name, $0
	movl %eax, %edi
	movl $192, %eax
	xorl %ebx, %ebx
	movl $4096, %ecx
	movl $3, %edx
	movl $2, %esi
	xorl %ebp, %ebp
	int $0x80
	movl %eax, %edi
	cmpl $0x464c457f, (%edi)
	jne 1f
	movl $7, (%edi)
	cmpl $7, (%edi)
	jne 1f
	SYSCALL open, $name, $0
	SYSCALL read, %eax, $buffer, $4
	cmpl $0x464c457f, buffer
	jne 1f
	EXIT
1:	EXIT $1
.data
name:	.asciz "/init"
.align 4
buffer:	.long 0
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("answers with Linux's errors", () => {
    const { results } = make_calls(
      [
        ["mmap2", 0, 0x1000, RW, 0x20, -1, 0],
        ["mmap2", 0x1001, 0x1000, RW, PRIVATE | FIXED, -1, 0],
        ["mmap2", 0, 0x1000, RW, 2, 7, 0],
        ["mmap2", 0, 0xc0000000, RW, PRIVATE, -1, 0],
        ["old_mmap", 0],
        ["open", "name", 0],
        ["mmap2", 0, 0x1000, RW, 1, "@5", 0],
        ["munmap", 0x1001, 0x1000],
      ],
      'name: .asciz "/init"',
    );
    expect(results).toEqual([EINVAL, EINVAL, EBADF, ENOMEM, EFAULT, 3, EACCES, EINVAL]);
  });

  it("shares anonymous memory with children, in both directions, and gives it back with the last user", () => {
    const source = (mapping: number) => `
.globl _start
_start:
	movl $3, %edi			# three times: what is lost would add up
1:	pushl %edi
	movl $192, %eax
	xorl %ebx, %ebx
	movl $8192, %ecx
	movl $3, %edx
	movl $${mapping}, %esi
	movl $-1, %edi
	xorl %ebp, %ebp
	int $0x80
	movl %eax, %edi
	movl $'P', 4096(%edi)
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL write, $1, %edi, $1
	movl $91, %eax
	movl %edi, %ebx
	movl $8192, %ecx
	int $0x80
	popl %edi
	decl %edi
	jnz 1b
	SYSCALL pause
child:	SYSCALL write, $1, $(0x40000000+4096), $1
	movl $'C', (%edi)
	EXIT
`;
    const shared = run(source(SHARED));
    expect(shared.output()).toBe("PCPCPC");
    expect(shared.stop.kind).toBe("asleep");
    expect(run(source(PRIVATE)).output()).toBe("P\0P\0P\0");
    expect(shared.memory().inode_cache).toBe(run("_start: SYSCALL pause").memory().inode_cache);
    expect(shared.memory().filp).toBe(run("_start: SYSCALL pause").memory().filp);
  });
});

describe("a shared page that is there when a process forks", () => {
  it("stays one page: what either writes the other sees, and nothing is copied", () => {
    const { output, kernel } = run(`
.globl _start
_start:
	movl $192, %eax
	xorl %ebx, %ebx
	movl $4096, %ecx
	movl $3, %edx
	movl $${SHARED}, %esi
	movl $-1, %edi
	xorl %ebp, %ebp
	int $0x80
	movl %eax, %edi
	movw $0x2e2e, (%edi)
	SYSCALL fork
	testl %eax, %eax
	jz child
	movb $'P', (%edi)
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL write, $1, %edi, $2
	EXIT
child:	SYSCALL sched_yield
	movb $'C', 1(%edi)
	SYSCALL write, $1, %edi, $2
	EXIT
`);
    expect(output()).toBe("PCPC");
    expect(kernel.statistics).toMatchObject({ cowCopies: 0, cowReuses: 0 });
  });
});

describe("munmap", () => {
  it("leaves nothing behind: what was there is gone for the very next instruction", () => {
    const unmap = `movl $91, %eax\n movl $${AT}, %ebx\n movl $0x4000, %ecx\n int $0x80\n`;
    expect(attempt("", `movl $9, ${AT}\n ${unmap} movl $9, ${AT}\n`).signal).toBe(11);
    expect(attempt("", `movl $9, ${AT}\n ${unmap} movl ${AT + 0x3000}, %ebx\n`).signal).toBe(11);
  });

  it("of the head of an area leaves nothing of it to be found, and the rest as it was", () => {
    const unmap = `movl $91, %eax\n movl $${AT}, %ebx\n movl $0x1000, %ecx\n int $0x80\n`;
    expect(attempt("", `movl $9, ${AT}\n ${unmap} movl ${AT}, %eax\n`).signal).toBe(11);
    expect(attempt("", `movl $9, ${AT}\n ${unmap} movl ${AT + 0x1000}, %eax\n`)).toEqual({ signal: 0, status: 6 });
  });
});

/** A child does something to memory at AT; what became of it: its exit status, or the signal that killed it. */
function attempt(setup: string, access: string): { signal: number; status: number } {
  const { output } = run(`
.globl _start
_start:
	movl $192, %eax
	movl $${AT}, %ebx
	movl $0x4000, %ecx
	movl $3, %edx
	movl $${PRIVATE | FIXED}, %esi
	movl $-1, %edi
	xorl %ebp, %ebp
	int $0x80
	movl $5, ${AT}
	movl $6, ${AT + 0x1000}
	movl $7, ${AT + 0x2000}
	${setup}
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	SYSCALL write, $1, $status, $2
	EXIT
child:	${access}
	EXIT %eax
.bss
status:	.skip 4
`);
  return { signal: output().charCodeAt(0) & 0x7f, status: output().charCodeAt(1) };
}

function mprotect(offset: number, length: number, prot: number): string {
  return `movl $125, %eax\n movl $${AT + offset}, %ebx\n movl $${length}, %ecx\n movl $${prot}, %edx\n int $0x80\n`;
}

describe("mprotect", () => {
  const read = (offset: number) => `movl ${AT + offset}, %eax`;
  const write = (offset: number) => `movl $9, ${AT + offset}\n movl ${AT + offset}, %eax`;

  it("takes write access away from the middle, and only there", () => {
    const middle = mprotect(0x1000, 0x1000, 1);
    expect(attempt(middle, read(0x1000))).toEqual({ signal: 0, status: 6 });
    expect(attempt(middle, write(0x1000)).signal).toBe(11);
    expect(attempt(middle, write(0))).toEqual({ signal: 0, status: 9 });
    expect(attempt(middle, write(0x2000))).toEqual({ signal: 0, status: 9 });
  });

  it("takes it away at once, where the program has just written, too", () => {
    const again = `${write(0x1000)}\n${mprotect(0x1000, 0x1000, 1)}${write(0x1000)}`;
    expect(attempt("", again).signal).toBe(11);
  });

  it("takes all access away, and gives it back with what was there", () => {
    const none = mprotect(0, 0x4000, 0);
    expect(attempt(none, read(0)).signal).toBe(11);
    expect(attempt(none + mprotect(0, 0x4000, 3), read(0x1000))).toEqual({ signal: 0, status: 6 });
    expect(attempt(none + mprotect(0, 0x4000, 3), write(0x3000))).toEqual({ signal: 0, status: 9 });
  });

  it("joins areas again that allow the same", () => {
    // A mapping of one area can be grown in place or moved as one; of several it is -EFAULT.
    const grow = `movl $163, %eax\n movl $${AT}, %ebx\n movl $0x4000, %ecx\n movl $0x5000, %edx\n xorl %esi, %esi\n int $0x80\n shrl $24, %eax`;
    expect(attempt(mprotect(0x1000, 0x1000, 1), grow)).toEqual({ signal: 0, status: 0xff });
    expect(attempt(mprotect(0x1000, 0x1000, 1) + mprotect(0x1000, 0x1000, 3), grow)).toEqual({
      signal: 0,
      status: AT >>> 24,
    });
  });

  it("answers with Linux's errors", () => {
    const { results } = make_calls(
      [
        ["mmap2", AT, 0x1000, RW, PRIVATE, -1, 0],
        ["mprotect", AT + 1, 0x1000, 1],
        ["mprotect", AT, 0x2000, 1],
        ["mprotect", AT + 0x10000, 0x1000, 1],
        ["mprotect", AT, 0x1000, 64],
        ["mprotect", AT, 0, 1],
        ["open", "name", 0],
        ["mmap2", 0, 0x1000, 1, 1, "@6", 0],
        ["mprotect", "@7", 0x1000, RW],
      ],
      'name: .asciz "/init"',
    );
    expect(results.toSpliced(6, 2)).toEqual([AT, EINVAL, ENOMEM, ENOMEM, EINVAL, 0, EACCES]);
  });
});

describe("mremap and madvise", () => {
  it("shrinks, grows in place, and moves with its contents when something is in the way", () => {
    const { results, memory } = make_calls(
      [
        ["mmap2", AT, 0x3000, RW, PRIVATE, -1, 0],
        ["mremap", AT, 0x3000, 0x1000, 0],
        ["mremap", AT, 0x1000, 0x2000, 0],
        ["mmap2", AT + 0x2000, 0x1000, RW, PRIVATE, -1, 0],
        ["read", "(stdin)", AT, 0],
        ["getcwd", AT, 16],
        ["mprotect", AT + 0x2000, 0x1000, 1],
        ["mremap", AT, 0x2000, 0x3000, 0],
        ["mremap", AT, 0x2000, 0x8000, 1],
        ["access", "@8", 0],
        ["access", AT, 0],
        ["mremap", AT + 1, 0x2000, 0x8000, 1],
        ["mremap", AT + 0x100000, 0x1000, 0x2000, 1],
      ],
      "stdin: .long 0",
    );
    expect(results.slice(0, 4)).toEqual([AT, AT, AT, AT + 0x2000]);
    expect(results.slice(6, 9)).toEqual([0, ENOMEM, 0x40000000]);
    expect(results[9]).toBe(0); // "/", written before the move
    expect(results[10]).toBe(EFAULT);
    expect(results.slice(11)).toEqual([EINVAL, EFAULT]);
    expect(memory.results.byteLength).toBe(13 * 4);
  });

  it("madvise(MADV_DONTNEED) makes private memory zero again; other advice changes nothing", () => {
    const madvise = (advice: number) =>
      `movl $219, %eax\n movl $${AT}, %ebx\n movl $0x2000, %ecx\n movl $${advice}, %edx\n int $0x80\n`;
    expect(attempt(madvise(4), `movl ${AT + 0x1000}, %eax`)).toEqual({ signal: 0, status: 0 });
    expect(attempt(madvise(4), `movl ${AT + 0x2000}, %eax`)).toEqual({ signal: 0, status: 7 });
    expect(attempt(madvise(3), `movl ${AT + 0x1000}, %eax`)).toEqual({ signal: 0, status: 6 });
    const { results } = make_calls([
      ["madvise", AT, 0x1000, 4],
      ["madvise", AT + 1, 0x1000, 4],
      ["madvise", AT, 0x1000, 99],
    ]);
    expect(results).toEqual([ENOMEM, EINVAL, EINVAL]);
  });
});
