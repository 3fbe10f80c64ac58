import { describe, expect, it } from "vitest";
import { EAX, ESP } from "../../../emulator/index.ts";
import { task_struct } from "../../../kernel/include/linux/sched.ts";
import { rq } from "../../../kernel/include/linux/sched_class.ts";
import type { KernelCapture } from "../../../kernel/index.ts";
import { asm, type Program } from "../../../testing/program.ts";
import { breath } from "../../breathing.ts";
import { Lab, LONG } from "./lab.ts";
import { MACROS } from "./paths.ts";

const ALLOCATORS = ["__alloc_pages", "kmem_cache_alloc"];

const CLONE_VM = 0x100;
const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const CLONE_SIGHAND = 0x800;
const CLONE_PARENT = 0x8000;
const CLONE_THREAD = 0x10000;
const CLONE_SETTLS = 0x80000;
const CLONE_PARENT_SETTID = 0x100000;
const CLONE_CHILD_CLEARTID = 0x200000;
const CLONE_CHILD_SETTID = 0x1000000;
const SIGCHLD = 17;

/**
 * A worker does `body` from `begin` on, and ends with 0 when all of it succeeded, with 1 at the first call that returned an
 * error. pid 1 waits for everybody (a child of the worker's becomes its own) up to \`done\`.
 */
function work(before: string, body: string): Program {
  return asm`${MACROS}
.macro CHECK
	testl %eax, %eax
	js failed
.endm
.globl _start
_start:
	cmpl $1, (%esp)
	jne again
	movl $0, alarms
	movl $0, stack_top-4
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	${before}
begin:
	${body}
	EXIT
failed:
	cmpl $-4095, %eax
	jb bad
	EXIT $1
again:	EXIT $5
1:	SYSCALL waitpid, $-1, $status, $0
	testl %eax, %eax
	jns 1b
done:	EXIT
`;
}

/** clone(flags) for a child that ends at once, on a stack of its own. */
const clone = (flags: number, tls = 0): Program =>
  work(
    "",
    `
	movl $buffer, %edx
	movl $buffer+4, %edi
	movl $${tls}, %esi
	SYSCALL clone, $${flags}, $stack_top
	testl %eax, %eax
	jz 2f
	CHECK
	SYSCALL waitpid, $-1, $status, $0x40000000
	SYSCALL sched_yield
	EXIT
2:	EXIT $0`,
  );

const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

const OPERATIONS: Readonly<Record<string, () => Program>> = {
  fork: () => work("", "SYSCALL fork\n CHECK\n jz 2f\n SYSCALL waitpid, $-1, $status, $0\n 2:"),
  vfork: () =>
    work(
      "",
      "movl $190, %eax\n int $0x80\n testl %eax, %eax\n jz 2f\n CHECK\n SYSCALL waitpid, $-1, $status, $0\n EXIT\n 2: EXIT $0",
    ),
  "clone of nothing": () => clone(SIGCHLD),
  "clone with CLONE_VM": () => clone(CLONE_VM | SIGCHLD),
  "clone with CLONE_FS": () => clone(CLONE_FS | SIGCHLD),
  "clone with CLONE_FILES": () => clone(CLONE_FILES | SIGCHLD),
  "clone with CLONE_VM and CLONE_SIGHAND": () => clone(CLONE_VM | CLONE_SIGHAND | SIGCHLD),
  "clone with CLONE_PARENT": () => clone(CLONE_PARENT | SIGCHLD),
  "clone with CLONE_THREAD": () => clone(THREAD),
  "clone with ids told": () => clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD),
  "clone with CLONE_SETTLS and a bad descriptor": () => clone(CLONE_SETTLS | SIGCHLD, 1),
  "a thread with CLONE_SETTLS and a bad descriptor": () => clone(THREAD | CLONE_SETTLS, 1),
  exec: () =>
    work(
      '.pushsection .data\nname: .asciz "/bin/init"\n.align 4\nargv: .long name, name, 0\n.popsection',
      "SYSCALL execve, $name, $argv, $0\n CHECK",
    ),
  mmap: () =>
    work(
      "",
      "MAP 4\n cmpl $-4096, %eax\n ja failed\n movl %eax, %edi\n movl $1, (%edi)\n movl $1, 8192(%edi)\n SYSCALL munmap, %edi, $16384\n CHECK",
    ),
  "shared mmap": () =>
    work(
      "",
      "MAP 4, 0x21\n cmpl $-4096, %eax\n ja failed\n movl %eax, %edi\n movl $1, (%edi)\n movl $1, 8192(%edi)\n SYSCALL munmap, %edi, $16384\n CHECK",
    ),
  "munmap that splits": () =>
    work("MAP 4\n movl %eax, %edi\n movl $1, 4096(%edi)", "leal 4096(%edi), %ebx\n SYSCALL munmap, , $4096\n CHECK"),
  "mprotect that splits": () =>
    work(
      "MAP 4\n movl %eax, %edi\n movl $1, 4096(%edi)",
      "leal 4096(%edi), %ebx\n SYSCALL mprotect, , $4096, $1\n CHECK",
    ),
  pipe: () => work("", "SYSCALL pipe, $fds\n CHECK\n SYSCALL write, fds+4, $buffer, $100\n CHECK"),
  poll: () =>
    work(
      "SYSCALL pipe, $fds\n.pushsection .data\n.align 4\npolled: .long 0\n.word 1, 0\n.popsection\n movl fds, %eax\n movl %eax, polled",
      "SYSCALL poll, $polled, $1, $10\n CHECK",
    ),
  select: () =>
    work(
      "SYSCALL pipe, $fds\n.pushsection .data\n.align 4\nset: .long 0\ntime: .long 0, 10000\n.popsection\n movl fds, %ecx\n btsl %ecx, set\n leal 1(%ecx), %ebx",
      "movl $time, %edi\n SYSCALL select, , $set, $0, $0\n CHECK",
    ),
  "a signal's frame": () => work("ACTION 10, user_handler", "SYSCALL getpid\n SYSCALL kill, %eax, $10\n CHECK"),
  "a signal's frame on a new page of the stack": () =>
    work(
      "ACTION 10, user_handler",
      "SYSCALL getpid\n movl %eax, %ebx\n subl $16384, %esp\n SYSCALL kill, , $10\n CHECK",
    ),
  "a signal's frame on no stack": () =>
    work("ACTION 10, user_handler", "SYSCALL getpid\n movl %eax, %ebx\n movl $16, %esp\n SYSCALL kill, , $10\n CHECK"),
};

/** The states in which the worker, or a child of its, is about to allocate something. */
function allocations(lab: Lab): KernelCapture[] {
  const result: KernelCapture[] = [];
  lab.must("begin");
  for (;;) {
    const reached = lab.to(...ALLOCATORS, "done");
    if (reached === "done") return result;
    if (typeof reached !== "string") throw new Error(`${JSON.stringify(reached)}\n${lab.log}`);
    const tgid = lab.peek(lab.peek(lab.symbol("runqueues") + rq.offset("curr")) + task_struct.offset("tgid"));
    if (tgid !== 1) result.push(lab.kernel.capture());
  }
}

/** Returns 0 from the function whose first instruction is next. */
function fail(lab: Lab): void {
  const core = lab.kernel.machine.cores[0];
  const esp = core.r[ESP];
  core.eip = lab.peek(esp >>> 0) | 0;
  core.r[ESP] = esp + 4;
  core.r[EAX] = 0;
}

describe("an allocation that fails", () => {
  for (const [name, program] of Object.entries(OPERATIONS)) {
    it(`is an error or the end of a task, and leaves nothing behind: ${name}`, { timeout: LONG }, async () => {
      const lab = new Lab(program());
      const states = allocations(lab);
      const balance = lab.memory();
      expect(lab.complaints()).toEqual([]);
      expect(balance.threads).toBe(1);
      const failures: string[] = [];
      for (const [number, state] of states.entries()) {
        if (number % 8 === 0) await breath();
        lab.restore(state);
        const where = lab.kernel.image.function_at(lab.peek(lab.kernel.machine.cores[0].r[ESP] >>> 0)) ?? "?";
        fail(lab);
        const reached = lab.to("done");
        const complaints = lab.complaints();
        const memory = lab.memory();
        if (
          reached !== "done" ||
          lab.output !== "" ||
          complaints.length > 0 ||
          JSON.stringify(memory) !== JSON.stringify(balance)
        )
          failures.push(
            `allocation ${number}, in ${where}: ${JSON.stringify(reached)} ${lab.output}${complaints.join()} ${difference(balance, memory)}`,
          );
      }
      if (process.env.ANYWHERE_TELL) console.log(name, states.length, "allocations", failures.length, "failures");
      expect(failures.join("\n")).toBe("");
    });
  }
});

function difference(before: Record<string, number>, after: Record<string, number>): string {
  return Object.keys(before)
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${before[name]} -> ${after[name]}`)
    .join(", ");
}
