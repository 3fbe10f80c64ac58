/** What each of the kernel's locks keeps whole, on four CPUs that are switched between after a few instructions. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { for_each_inode } from "../../../kernel/fs/inode.ts";
import { inode } from "../../../kernel/include/linux/fs.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { page } from "../../../kernel/include/linux/mm.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, CONFIG } from "../run.ts";
import * as numbers from "./named-locks.kernel.ts";
import { balance, Exchangeable } from "./run.ts";

const CPUS = 4;
const image = link_kernel({
  config: { ...CONFIG, smp: true },
  modules: [numbers],
  system_calls: { 250: "sys_take_inodes", 251: "sys_take_pids" },
});
const PAGE = 4096;

/** CLONE_VM, FS, FILES, SIGHAND and SIGCHLD; a fork is 17. */
const THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 17;
const PROCESS = 17;

/**
 * Four tasks that call `work` with their numbers, 0 to 3, in EBP, and end with what it leaves in EBX; the last of them is the one
 * that started the others. They begin together. It ends with the sum.
 */
const four = (flags: number, work: string, data = "", after = "", before = "") => `
.macro MMAP address, length, prot, flags, fd=$-1
	pushl %ebp
	pushl %edi
	pushl %esi
	movl \\address, %ebx
	movl \\length, %ecx
	movl \\fd, %edi
	movl \\flags, %esi
	movl \\prot, %edx
	xorl %ebp, %ebp
	movl $192, %eax
	int $0x80
	popl %esi
	popl %edi
	popl %ebp
.endm
.globl _start
_start:	${before}
	MMAP $0, $${PAGE}, $3, $0x21	# a page that they share
	movl %eax, shared
	movl $${CPUS - 2}, %ebp
1:	movl $${flags}, %ebx
	movl %ebp, %ecx
	shll $11, %ecx
	addl $stacks + 2048, %ecx
	testl $0x100, %ebx
	jnz 2f
	xorl %ecx, %ecx
2:	movl $120, %eax			# clone
	int $0x80
	testl %eax, %eax
	jz begin
	decl %ebp
	jns 1b
	movl $${CPUS - 1}, %ebp
	call together
	call work
	movl %ebx, result
3:	SYSCALL wait4, $-1, $status, $0x40000000, $0
	testl %eax, %eax
	js 4f
	movl status, %eax
	orl %eax, result
	jmp 3b
4:	${after}
	SYSCALL exit_group, result
begin:	call together
	call work
	SYSCALL exit, %ebx
together:
	movl shared, %eax
	lock; incl (%eax)
1:	pause
	cmpl $${CPUS}, (%eax)
	jne 1b
	ret
work:
${work}
.data
.align 4
${data}
.bss
.align 4
shared:	.skip 4
status:	.skip 4
result:	.skip 4
stacks:	.skip 4 * 2048
`;

/** Runs a program with some seeds; `look` is called after each. Runs of threads leave the same memory behind. */
function each_seed(
  source: string,
  seeds: number,
  look: (run: ReturnType<typeof boot>, seed: number) => void = () => {},
  files: Readonly<Record<string, Uint8Array>> = {},
): void {
  const balanced = source.includes(`movl $${THREAD}, %ebx`);
  const interleaver = new Exchangeable();
  const run = boot(source, { image, cpus: CPUS, interleaver, files, fromReset: true });
  const { kernel } = run;
  kernel.run_to_user();
  const start = kernel.capture();
  let before: Record<string, number> | undefined;
  for (let seed = 1; seed <= seeds; seed++) {
    kernel.restore(start);
    interleaver.now = new RandomInterleaver(seed, 12);
    expect(kernel.run({ maxInstructions: 5_000_000 }), `seed ${seed}\n${run.log()}`).toEqual({
      kind: "exit",
      status: 0,
    });
    look(run, seed);
    if (!balanced) continue;
    const after = balance(kernel, run.memory);
    before ??= after;
    expect(after, `seed ${seed}`).toEqual(before);
  }
}

describe("mmap_sem", () => {
  it("keeps two threads from mapping the same place, or losing an area", () => {
    each_seed(
      four(
        THREAD,
        `	movl $6, %edi
	pushl %ebp
1:	pushl %edi
	MMAP $0, $12288, $3, $0x22
	cmpl $0xfffff000, %eax
	ja 9f
	movl %eax, %esi
	movl %esp, (%esi)		# everybody's own value
	movl %esp, 8192(%esi)
	addl $4096, %eax
	SYSCALL mprotect, %eax, $4096, $1	# three areas
	testl %eax, %eax
	jnz 9f
	cmpl %esp, (%esi)
	jne 9f
	cmpl %esp, 8192(%esi)
	jne 9f
	SYSCALL munmap, %esi, $12288
	testl %eax, %eax
	jnz 9f
	popl %edi
	decl %edi
	jnz 1b
	popl %ebp
	xorl %ebx, %ebx
	ret
9:	addl $4, %esp
	popl %ebp
	movl $1, %ebx
	ret`,
      ),
      6,
    );
  });

  it("keeps page faults out of areas that go meanwhile: no page is left behind", () => {
    // Faults of the kernel, which are answered by -EFAULT where nothing is mapped.
    each_seed(
      four(
        THREAD,
        `	movl $12, %edi
	testl $2, %ebp
	jnz 2f
1:	movl %edi, %ebx
	andl $3, %ebx
	shll $12, %ebx
	addl $0x50000000, %ebx
	SYSCALL getrandom, %ebx, $1, $0
	decl %edi
	jnz 1b
	xorl %ebx, %ebx
	ret
2:	testl $1, %ebp
	jz 3f
	shrl $1, %edi
4:	MMAP $0x50000000, $16384, $3, $0x32
	SYSCALL munmap, $0x50000000, $16384
	decl %edi
	jnz 4b
3:	xorl %ebx, %ebx
	ret`,
      ),
      8,
    );
  });
});

it("page_table_lock: threads that are the first in 4 MiB find the same page table", () => {
  each_seed(
    four(
      THREAD,
      `	movl $0x50000000, %esi
	movl $8, %edi
	movl $4, %edx			# as many as were here when all are at the next
1:	incb (%esi,%ebp)
	lock; incl turns
2:	pause
	cmpl %edx, turns
	jl 2b
	addl $4, %edx
	addl $0x400000, %esi
	decl %edi
	jnz 1b
	xorl %ebx, %ebx
	ret`,
      "turns: .long 0",
      `movl $0x50000000, %esi
	movl $8, %edi
5:	cmpl $0x01010101, (%esi)
	je 6f
	movl $1, result
6:	addl $0x400000, %esi
	decl %edi
	jnz 5b`,
      "MMAP $0x50000000, $0x2000000, $3, $0x32",
    ),
    10,
  );
});

it("pagecache_lock: a page of a file is in the cache once", () => {
  each_seed(
    four(
      PROCESS,
      `	SYSCALL open, $path, $0
	testl %eax, %eax
	js 9f
	MMAP $0, $49152, $1, $2, %eax
	cmpl $0xfffff000, %eax
	ja 9f
	movl $12, %ecx
1:	cmpb $'x', (%eax)
	jne 9f
	addl $4096, %eax
	loop 1b
	xorl %ebx, %ebx
	ret
9:	movl $1, %ebx
	ret`,
      `path:	.asciz "/data"`,
    ),
    6,
    ({ kernel }, seed) => {
      const twice = kernel.inspect(() =>
        [...for_each_inode()].filter((at) => {
          const cached = [...list_for_each(inode.at(at).i_pages.address)].map((each) => page.at(each).index);
          return new Set(cached).size !== cached.length;
        }),
      );
      expect(twice, `seed ${seed}`).toEqual([]);
    },
    { "/data": new TextEncoder().encode("x".repeat(12 * PAGE)) },
  );
});

it("file_lock: a descriptor is given away once", () => {
  each_seed(
    four(
      THREAD,
      `	movl $12, %edi
1:	SYSCALL dup, $1
	testl %eax, %eax
	js 9f
	SYSCALL close, %eax
	testl %eax, %eax
	jnz 9f
	decl %edi
	jnz 1b
	xorl %ebx, %ebx
	ret
9:	movl $1, %ebx
	ret`,
    ),
    6,
  );
});

it("siglock: an action is taken and given as a whole", () => {
  each_seed(
    four(
      THREAD,
      `	movl %ebp, %eax
	shll $4, %eax			# 16 bytes each: handler, mask, flags, restorer
	leal actions(%eax), %esi
	incl %ebp
	movl %ebp, %eax
	shll $20, %eax
	movl %eax, (%esi)
	orl $0x100, %eax		# with SIGKILL, which no action has
	movl %eax, 4(%esi)
	movl $25, %edi
1:	leal 64(%esi), %edx
	SYSCALL sigaction, $10, %esi
	testl %eax, %eax
	jnz 9f
	movl 64(%esi), %eax
	cmpl %eax, 68(%esi)
	jne 9f
	decl %edi
	jnz 1b
	xorl %ebx, %ebx
	ret
9:	movl $1, %ebx
	ret`,
      "actions: .skip 160",
    ),
    6,
  );
});

it.each([
  ["inode_lock: every inode", 250],
  ["pidmap_lock: every process", 251],
])("%s has a number of its own", (_what, call) => {
  each_seed(
    four(
      PROCESS,
      `	movl $${call}, %eax
	movl $25, %ebx
	int $0x80
	movl %eax, %ebx
	ret`,
    ),
    4,
    ({ kernel }, seed) =>
      expect(
        kernel.inspect(() => numbers.twice.value),
        `seed ${seed}`,
      ).toBe(0),
  );
});

it("the semaphore of a pipe: bytes that are written at once are read at once", () => {
  each_seed(
    four(
      PROCESS,
      `	movl $25, %edi
	cmpl $2, %ebp
	jae 3f
1:	movl %ebp, %eax			# writers
	movl $record, %ecx
	addl $0x11, %eax
	imull $0x01010101, %eax, %eax
	movl %eax, (%ecx)
	movl %eax, 4(%ecx)
	SYSCALL write, fds + 4, $record, $8
	cmpl $8, %eax
	jne 9f
	decl %edi
	jnz 1b
	jmp 8f
3:	SYSCALL read, fds, $record, $8	# readers
	cmpl $8, %eax
	jne 9f
	movl record, %eax
	cmpl %eax, record + 4
	jne 9f
	roll $8, %eax
	cmpl %eax, record
	jne 9f
	subb $0x11, %al			# nobody wrote over what nobody has read
	cmpb $1, %al
	ja 9f
	decl %edi
	jnz 3b
8:	xorl %ebx, %ebx
	ret
9:	movl $1, %ebx
	ret`,
      "record: .skip 8\nfds: .skip 8",
      "",
      "SYSCALL pipe, $fds",
    ),
    6,
  );
});

it("the semaphore of a terminal: what is written at once comes out at once", () => {
  const length = 2500;
  each_seed(
    four(
      PROCESS,
      `	movl $text, %edi		# each its own letter
	leal 'a'(%ebp), %eax
	movl $${length}, %ecx
	rep; stosb
	SYSCALL write, $1, $text, $${length}
	subl $${length}, %eax
	movl %eax, %ebx
	ret`,
      `text: .skip ${length}`,
    ),
    3,
    ({ output }, seed) => {
      const written = output().slice(-CPUS * length);
      expect(written.replace(/(.)\1*/g, "$1"), `seed ${seed}`).toHaveLength(CPUS);
    },
  );
});
