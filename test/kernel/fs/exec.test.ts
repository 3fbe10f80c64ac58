import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { for_each_inode } from "../../../kernel/fs/inode.ts";
import { inode } from "../../../kernel/include/linux/fs.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { Kernel } from "../../../kernel/index.ts";
import { nr_free_pages, page_count } from "../../../kernel/mm/page_alloc.ts";
import { boot, program, run } from "../run.ts";

const TASK_SIZE = 0xc0000000;

/** Writes its registers as `pushal` leaves them, and its stack to the end of user space. */
const dump_stack = `
.globl _start
_start:
	pushfl
	pushal
	movl %esp, %ecx
	xorl %edx, %edx
	subl %ecx, %edx
	addl $0xc0000000, %edx
	movl $4, %eax
	movl $1, %ebx
	int $0x80
	EXIT
`;

describe("a program's first moment", () => {
  let words: (address: number) => number;
  let string: (address: number) => string;
  let sp: number;

  beforeAll(() => {
    const { stop, output } = run(dump_stack, { args: ["one", "two words", ""] });
    expect(stop).toEqual({ kind: "exit", status: 0 });
    const bytes = Uint8Array.from(output(), (c) => c.charCodeAt(0));
    const base = TASK_SIZE - bytes.length;
    const view = new DataView(bytes.buffer);
    words = (address) => view.getUint32(address - base, true);
    string = (address) => {
      const from = address - base;
      return output().slice(from, output().indexOf("\0", from));
    };
    sp = base + 9 * 4;
  });

  it("has an aligned stack, interrupts on and registers of zeros", () => {
    expect(sp % 16).toBe(0);
    const [edi, esi, ebp, , ebx, edx, ecx, eax, eflags] = Array.from({ length: 9 }, (_, i) => words(sp - 36 + 4 * i));
    expect([edi, esi, ebp, ebx, edx, ecx, eax]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(eflags & 0x200).toBe(0x200);
  });

  it("finds argc, argv and envp", () => {
    const argc = words(sp);
    expect(argc).toBe(4);
    const argv = Array.from({ length: argc }, (_, i) => string(words(sp + 4 + 4 * i)));
    expect(argv).toEqual(["/init", "one", "two words", ""]);
    expect(words(sp + 4 + 4 * argc)).toBe(0);
    const envp = sp + 8 + 4 * argc;
    expect([0, 1, 2].map((i) => string(words(envp + 4 * i)))).toEqual(["HOME=/", "TERM=linux", "PATH=/bin"]);
    expect(words(envp + 12)).toBe(0);
  });

  it("finds the auxiliary vector in Linux's order, with what newer C libraries want", () => {
    let at = sp + 4 + 4 * 5 + 4 * 4;
    const entries: [number, number][] = [];
    for (; words(at) !== 0; at += 8) entries.push([words(at), words(at + 4)]);
    const value = new Map(entries);
    expect(entries.map(([type]) => type)).toEqual(
      [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 23, 25].sort((a, b) => order(a) - order(b)),
    );
    expect(value.get(4)).toBe(32);
    expect(value.get(6)).toBe(4096);
    expect(value.get(7)).toBe(0);
    expect(value.get(11)).toBe(0);
    expect(value.get(17)).toBe(100);
    expect(string(value.get(15)!)).toBe("i386");
    const TSC = 1 << 4;
    expect(value.get(16)! & TSC).toBe(TSC);
    expect(value.get(9)! - value.get(3)!).toBeGreaterThan(0);
    expect(value.get(3)! % 4096).toBe(52);
  });

  /** Place of a type in the vector: that of Linux 2.4's create_elf_tables; AT_SECURE and AT_RANDOM are newer. */
  function order(type: number): number {
    return [3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 16, 6, 17, 23, 25, 15].indexOf(type);
  }

  it("has the name of the program at the very top of the stack", () => {
    expect(string(TASK_SIZE - 4 - "/init".length - 1)).toBe("/init");
    expect(words(TASK_SIZE - 4)).toBe(0);
  });
});

/** Calls execve("/bad", argv, envp) and ends with its error number. */
const exec_bad = `
.globl _start
_start:
	SYSCALL execve, $name, $argv, $0
	negl %eax
	EXIT %eax
.data
name:	.asciz "/bad"
argv:	.long name, 0
`;

const ENOENT = 2;
const E2BIG = 7;
const ENOEXEC = 8;
const EACCES = 13;
const EFAULT = 14;
const ENOTDIR = 20;

/** A static program whose ELF and program headers can be spoilt. */
function spoilt(change: (view: DataView) => void): Uint8Array {
  const bytes = program(".globl _start\n_start: EXIT\n.data\n.long 1\n").slice();
  change(new DataView(bytes.buffer));
  return bytes;
}

const E_PHOFF = 28;
const E_PHNUM = 44;
const P_OFFSET = 4;
const P_VADDR = 8;
const P_FILESZ = 16;
const P_MEMSZ = 20;
const PHDR_SIZE = 32;

function first_header(view: DataView): number {
  return view.getUint32(E_PHOFF, true);
}

describe("execve of what cannot run", () => {
  const cases: readonly [string, Uint8Array][] = [
    ["an empty file", new Uint8Array(0)],
    ["a script", Uint8Array.from("#!/bin/sh\n", (c) => c.charCodeAt(0))],
    ["a header cut short", program(".globl _start\n_start: EXIT\n").slice(0, 51)],
    ["another magic", spoilt((view) => view.setUint8(1, 0x46))],
    ["a 64-bit class", spoilt((view) => view.setUint8(4, 2))],
    ["big-endian data", spoilt((view) => view.setUint8(5, 2))],
    ["a relocatable file", spoilt((view) => view.setUint16(16, 1, true))],
    ["another machine", spoilt((view) => view.setUint16(18, 62, true))],
    ["program headers of another size", spoilt((view) => view.setUint16(42, 56, true))],
    ["no program headers", spoilt((view) => view.setUint16(E_PHNUM, 0, true))],
    ["more program headers than the file holds", spoilt((view) => view.setUint16(E_PHNUM, 0xffff, true))],
    ["program headers far outside", spoilt((view) => view.setUint32(E_PHOFF, 0xfffffff0, true))],
    ["an interpreter", spoilt((view) => view.setUint32(first_header(view), 3, true))],
    [
      "a segment outside of the file",
      spoilt((view) => view.setUint32(first_header(view) + P_OFFSET, 0x7ffff000, true)),
    ],
    ["a segment in kernel space", spoilt((view) => view.setUint32(first_header(view) + P_VADDR, 0xc0100000, true))],
    ["more bytes in the file than in memory", spoilt((view) => view.setUint32(first_header(view) + P_MEMSZ, 1, true))],
    [
      "a segment as large as everything",
      spoilt((view) => view.setUint32(first_header(view) + P_MEMSZ, 0xffffffff, true)),
    ],
    [
      "a segment that lies on the one before it",
      spoilt((view) => {
        const [first, second] = [first_header(view), first_header(view) + PHDR_SIZE];
        const below = view.getUint32(first + P_VADDR, true) & -0x1000;
        view.setUint32(second + P_VADDR, below | (view.getUint32(second + P_VADDR, true) & 0xfff), true);
      }),
    ],
    [
      "an address that does not fit its offset",
      spoilt((view) => view.setUint32(first_header(view) + P_VADDR, 0x08048010, true)),
    ],
    [
      "a file size beyond 32 bits of sum",
      spoilt((view) => view.setUint32(first_header(view) + P_FILESZ, 0xffffffff, true)),
    ],
  ];

  it.each(cases)("%s: ENOEXEC, and the caller lives on", (_name, bad) => {
    const { stop } = run(exec_bad, { files: { "/bad": bad } });
    expect(stop).toEqual({ kind: "exit", status: ENOEXEC });
  });

  it("gives the errors of names and pointers", () => {
    const call = (name: string, argv: string) => {
      const { stop } = run(`
.globl _start
_start:
	SYSCALL execve, ${name}, ${argv}, $0
	negl %eax
	EXIT %eax
.data
missing: .asciz "/missing"
below:	.asciz "/init/x"
dir:	.asciz "/dev"
device:	.asciz "/dev/null"
empty:	.asciz ""
init:	.asciz "/init"
bad_vector: .long 8, 0
kernel_vector: .long 0xc0100000, 0
`);
      return stop.kind === "exit" ? stop.status : stop.kind;
    };
    expect(call("$missing", "$0")).toBe(ENOENT);
    expect(call("$empty", "$0")).toBe(ENOENT);
    expect(call("$below", "$0")).toBe(ENOTDIR);
    expect(call("$dir", "$0")).toBe(EACCES);
    expect(call("$device", "$0")).toBe(EACCES);
    expect(call("$16", "$0")).toBe(EFAULT);
    expect(call("$0xc0100000", "$0")).toBe(EFAULT);
    expect(call("$init", "$16")).toBe(EFAULT);
    expect(call("$init", "$bad_vector")).toBe(EFAULT);
    expect(call("$init", "$kernel_vector")).toBe(EFAULT);
  });

  it("refuses more arguments than 128 KiB", () => {
    const { stop } = run(`
.globl _start
_start:
	movl $big, %edi
	movl $70000, %ecx
	movb $'a', %al
	rep; stosb
	SYSCALL execve, $init, $argv, $0
	negl %eax
	EXIT %eax
.data
init:	.asciz "/init"
argv:	.long big, big, 0
.bss
big:	.skip 70001
`);
    expect(stop).toEqual({ kind: "exit", status: E2BIG });
  });
});

it("no damage to a program's headers harms the kernel", () => {
  const good = program(".globl _start\n_start: EXIT\n.data\n.long 1\n.bss\n.skip 9000\n");
  const parent = program(`
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL execve, $name, $argv, $0
	EXIT $1
1:	SYSCALL waitpid, %eax, $0, $0
	EXIT
.data
name:	.asciz "/bad"
argv:	.long name, 0
`);
  const headers = 52 + 32 * new DataView(good.buffer, good.byteOffset).getUint16(E_PHNUM, true);
  const change = fc.tuple(
    fc.integer({ min: 16, max: headers - 1 }),
    fc.constantFrom(0, 1, 0x0f, 0x40, 0x7f, 0x80, 0xbf, 0xff),
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bad = good.slice();
      for (const [at, value] of changes) bad[at] = value;
      const started = boot(parent, { files: { "/bad": bad } });
      const stop = started.go({ maxInstructions: 300_000 });
      // A damaged program may run for ever; the kernel must not mind.
      if (stop.kind !== "budget") expect(stop).toEqual({ kind: "exit", status: 0 });
      expect(started.log()).not.toMatch(/Oops|BUG|invalid operand|panic/);
    }),
    { numRuns: 40 },
  );
});

describe("a program in memory", () => {
  it("has its data, and zeros behind them", () => {
    const { stop } = run(`
.globl _start
_start:
	cmpl $0x12345678, value
	jne 1f
	movl $zeros, %edi
	movl $20000, %ecx
	xorl %eax, %eax
	repe; scasb
	jne 2f
	movl $1, zeros
	EXIT
1:	EXIT $1
2:	EXIT $2
.data
value:	.long 0x12345678
.bss
zeros:	.skip 20000
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("can be a segment of zeros alone", () => {
    const { stop } = run(`
.globl _start
_start:
	movl zeros+8000, %eax
	movl $7, zeros+8000
	addl zeros+8000, %eax
	EXIT %eax
.bss
zeros:	.skip 8004
`);
    expect(stop).toEqual({ kind: "exit", status: 7 });
  });

  it("gets its heap right behind its .bss", () => {
    const { output } = run(`
.globl _start
_start:
	SYSCALL brk, $0
	movl %eax, old
	leal 5000(%eax), %ebx
	SYSCALL brk, %ebx
	movl %eax, new
	movb $'y', -1(%eax)
	SYSCALL write, $1, $old, $8
	EXIT
.bss
old:	.long 0
new:	.long 0
`);
    const view = new DataView(Uint8Array.from(output(), (c) => c.charCodeAt(0)).buffer);
    expect(view.getUint32(0, true) % 4096).toBe(0);
    expect(view.getUint32(4, true) - view.getUint32(0, true)).toBe(5000);
  });
});

/** Runs /child `rounds` times, one after the other. */
function fork_and_exec(rounds: number): Kernel {
  const child = program(".globl _start\n_start:\n\tmovl $1, value\n\tEXIT $3\n.data\nvalue: .long 0\n");
  const { stop, kernel } = run(
    `
.globl _start
_start:
	movl $${rounds}, %edi
1:	SYSCALL fork
	testl %eax, %eax
	jnz 2f
	SYSCALL execve, $child, $argv, $0
	EXIT $99
2:	SYSCALL waitpid, %eax, $status, $0
	cmpl $0x300, status
	jne 3f
	decl %edi
	jnz 1b
	EXIT
3:	EXIT $1
.data
child:	.asciz "/child"
argv:	.long child, 0
status:	.long 0
`,
    { files: { "/child": child } },
  );
  expect(stop).toEqual({ kind: "exit", status: 0 });
  return kernel;
}

describe("fork and exec, again and again", () => {
  it("leak no page", () => {
    const few = fork_and_exec(3);
    const many = fork_and_exec(40);
    expect(many.inspect(nr_free_pages)).toBe(few.inspect(nr_free_pages));
  });

  it("share the pages of a program that several run, and keep them for the next", () => {
    const counts = (kernel: Kernel, path: string) =>
      kernel.inspect(() =>
        [
          ...list_for_each(inode.at([...for_each_inode()].find((at) => inode.at(at).i_name === path)!).i_pages.address),
        ].map((page) => page_count(page)),
      );
    const { kernel } = boot(
      `
.globl _start
_start:
	SYSCALL fork
	SYSCALL fork
1:	SYSCALL pause
	jmp 1b
`,
    );
    kernel.run({ maxInstructions: 2_000_000 });
    expect(Math.max(...counts(kernel, "/init"))).toBe(5);
    const done = fork_and_exec(2);
    expect(counts(done, "/child").every((count) => count === 1)).toBe(true);
    expect(counts(done, "/child").length).toBeGreaterThan(0);
  });
});

describe("without a program", () => {
  it.each([
    ["no /init", initramfs({})],
    ["an /init that is none", initramfs({ "/init": Uint8Array.of(1, 2, 3) })],
    ["no archive at all", new Uint8Array(0)],
  ])("%s: the kernel panics and says why", (_name, archive) => {
    const kernel = new Kernel({ memoryBytes: 8 << 20, initramfs: archive });
    let log = "";
    kernel.on_log = (byte) => (log += String.fromCharCode(byte));
    expect(kernel.run({ maxInstructions: 10_000_000 })).toEqual({ kind: "panic" });
    expect(log).toMatch(/No init found/);
  });
});
