import { describe, expect, expectTypeOf, it } from "vitest";
import { container_of, type ScalarType } from "../../../kernel/host/types.ts";
import { syscall_numbers } from "../../../kernel/include/asm/unistd.ts";
import { completion } from "../../../kernel/include/linux/completion.ts";
import { list_for_each } from "../../../kernel/include/linux/list.ts";
import { for_each_task, task_struct } from "../../../kernel/include/linux/sched.ts";
import { wait_queue_t } from "../../../kernel/include/linux/wait.ts";
import { stack_of } from "../../../kernel/inspect.ts";
import { boot, run } from "../run.ts";

/** What a system call returns, as a signed number. */
function result(
  nr: number,
  ebx: string | number = 0,
  ecx: string | number = 0,
  edx: string | number = 0,
  data = "",
): number {
  const { stop, output } = run(`
.globl _start
_start:
	movl $${nr}, %eax
	movl $${ebx}, %ebx
	movl $${ecx}, %ecx
	movl $${edx}, %edx
	xorl %esi, %esi
	int $0x80
	movl %eax, value
	SYSCALL write, $1, $value, $4
	EXIT
.data
value:	.long 0
${data}`);
  expect(stop).toEqual({ kind: "exit", status: 0 });
  return new DataView(Uint8Array.from(output(), (c) => c.charCodeAt(0)).buffer).getInt32(0, true);
}

const EFAULT = -14;

describe("system calls answer as Linux i386 does", () => {
  it("-ENOSYS for every number that is not implemented, and for absurd ones", () => {
    const known = new Set(Object.values(syscall_numbers));
    const unknown = Array.from({ length: 300 }, (_, nr) => nr).filter((nr) => !known.has(nr));
    const { output } = run(`
.globl _start
_start:
	movl $numbers, %esi
1:	lodsl
	xorl %ebx, %ebx
	int $0x80
	cmpl $-38, %eax
	jne 2f
	cmpl $numbers_end, %esi
	jb 1b
	PRINT "all"
2:	EXIT
.section .rodata
.align 4
numbers:	.long ${unknown.join(", ")}, 1000, 0x7fffffff, 0x80000000, -1
numbers_end:
`);
    expect(output()).toBe("all");
  });

  it("getpid 1, getppid 0 for pid 1", () => {
    expect(result(20)).toBe(1);
    expect(result(64)).toBe(0);
  });

  it("write: bytes, -EBADF, -EFAULT, 0 for nothing", () => {
    expect(result(4, 7, "value", 1)).toBe(-9);
    expect(result(4, 1, 0, 1)).toBe(EFAULT);
    expect(result(4, 1, "0xc0100000", 1)).toBe(EFAULT);
    expect(result(4, 1, "value", 0)).toBe(0);
    expect(result(4, -1, "value", 1)).toBe(-9);
  });

  it("read: -EBADF, -EFAULT for a bad buffer, 0 at the end of input", () => {
    expect(result(3, 9, "value", 1)).toBe(-9);
    expect(result(3, 0, "value", 0)).toBe(0);
  });

  it("wait4: -ECHILD without children, -EINVAL for unknown options", () => {
    expect(result(114, -1)).toBe(-10);
    expect(result(114, -1, 0, 0x1000)).toBe(-22);
  });

  it("waitpid with WNOHANG: 0 while the child runs", () => {
    const { output } = run(`
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL waitpid, $-1, $0, $1
	testl %eax, %eax
	jnz 2f
	PRINT "0"
2:	EXIT
1:	SYSCALL pause
`);
    expect(output()).toBe("0");
  });

  it("waitpid for one child leaves the others, though they have ended before it", () => {
    const { stop } = run(`
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL fork
	testl %eax, %eax
	jz 2f
	movl %eax, %esi
	SYSCALL waitpid, %esi, $status, $0
	movzbl status+1, %ebx
	EXIT %ebx
1:	EXIT $1
2:	SYSCALL nanosleep, $time, $0
	EXIT $2
.data
.align 4
time:	.long 0, 30000000
status:	.long 0
`);
    expect(stop).toEqual({ kind: "exit", status: 2 });
  });

  it("nanosleep: -EINVAL for a bad time, -EFAULT for a bad pointer", () => {
    expect(result(162, "time", 0, 0, "time: .long 0, 1000000000")).toBe(-22);
    expect(result(162, "time", 0, 0, "time: .long -1, 0")).toBe(-22);
    expect(result(162, 0)).toBe(EFAULT);
  });

  it("brk: 0 asks, growing gives zeroed memory, shrinking takes it back, nonsense changes nothing", () => {
    const { stop } = run(`
.globl _start
_start:
	SYSCALL brk, $0
	movl %eax, %edi
	leal 0x5000(%eax), %ebx
	SYSCALL brk
	leal 0x5000(%edi), %ecx
	cmpl %ecx, %eax
	jne bad
	cmpl $0, 0x4ffc(%edi)
	jne bad
	movl $1, 0x4ffc(%edi)
	SYSCALL brk, $0xb0000000
	cmpl %ecx, %eax
	jne bad
	SYSCALL brk, $1
	cmpl %ecx, %eax
	jne bad
	SYSCALL brk, %edi
	movl $1, 0x4ffc(%edi)		# gone: SIGSEGV
bad:	EXIT $1
`);
    expect(stop).toEqual({ kind: "exit", status: 139 });
  });

  it("uname: Linux, i386", () => {
    const { output } = run(`
.globl _start
_start:
	SYSCALL uname, $buffer
	SYSCALL write, $1, $buffer, $5
	SYSCALL write, $1, $buffer+4*65, $4
	EXIT
.bss
buffer:	.skip 400
`);
    expect(output()).toBe("Linuxi386");
    expect(result(122, 0)).toBe(EFAULT);
  });

  it("clone: -EINVAL for CLONE_SIGHAND without CLONE_VM, CLONE_THREAD without CLONE_SIGHAND, CLONE_PID", () => {
    expect(result(120, 0x800)).toBe(-22);
    expect(result(120, 0x10000)).toBe(-22);
    expect(result(120, 0x1000)).toBe(-22);
  });

  it("vfork: the parent waits until the child has exited, and shares its memory", () => {
    const { output } = run(`
.globl _start
_start:
	movl $190, %eax
	int $0x80
	testl %eax, %eax
	jnz parent
	incl value
	SYSCALL sched_yield
	SYSCALL sched_yield
	PRINT "child "
	EXIT
parent:	cmpl $1, value
	jne 1f
	PRINT "parent"
1:	EXIT
.data
value:	.long 0
`);
    expect(output()).toBe("child parent");
  });

  it("vfork: the child's vfork_done is a completion on the parent's stack, which the parent waits for until the child has exited", () => {
    const { kernel } = boot(".globl _start\n_start: movl $190, %eax\n int $0x80\n EXIT");
    const vfork_done = () => kernel.inspect(() => [...for_each_task()].find(({ pid }) => pid === 2)?.vfork_done);
    kernel.run_to_event(({ event, next }) => event === "sched_switch" && next === 2);
    const waited_for = vfork_done() ?? 0;
    const seen = kernel.inspect(() => {
      const parent = [...for_each_task()].find(({ pid }) => pid === 1)!;
      const { done, wait } = completion.at(waited_for);
      const waiters = [...list_for_each(wait.task_list.address)].map((entry) => {
        const { task, flags } = wait_queue_t.at(container_of(entry, wait_queue_t, "task_list"));
        return { task, flags };
      });
      const { start, end } = stack_of(parent.address);
      const is_on_stack = waited_for > start && waited_for + completion.size <= end;
      return { done, waiters, is_on_stack, parent: parent.address };
    });
    expect(seen).toMatchObject({ done: 0, waiters: [{ task: seen.parent, flags: 1 }], is_on_stack: true });
    kernel.run_to_event(({ event, pid }) => event === "sched_wakeup" && pid === 1);
    expect(vfork_done()).toBe(0);
    // What a debugger is told of it.
    expect(task_struct.fields.vfork_done.name).toBe("completion *");
    expectTypeOf(task_struct.fields.vfork_done).toEqualTypeOf<ScalarType<"completion *">>();
  });

  it("execve: -ENOENT, -EFAULT, -ENOEXEC, and the old program goes on", () => {
    expect(result(11, "name", 0, 0, 'name: .asciz "/nothing"')).toBe(-2);
    expect(result(11, 0)).toBe(EFAULT);
    const started = boot(
      `
.globl _start
_start:
	SYSCALL execve, $name, $0, $0
	cmpl $-8, %eax
	jne 1f
	PRINT "still here"
1:	EXIT
.data
name:	.asciz "/bad"
`,
      { files: { "/bad": Uint8Array.from("not a program", (c) => c.charCodeAt(0)) } },
    );
    started.go();
    expect(started.output()).toBe("still here");
  });

  it("passes arguments from the command line to pid 1, whatever characters they have", () => {
    const args = ["plain", "two words", 'quo"te', "back\\slash", "", "--", "tab\there"];
    const { output } = run(
      `
.globl _start
_start:
	movl (%esp), %edi
	leal 8(%esp), %ebp
1:	decl %edi
	jz 3f
	movl (%ebp), %ecx
	addl $4, %ebp
	xorl %edx, %edx
2:	cmpb $0, (%ecx,%edx)
	leal 1(%edx), %edx
	jne 2b
	movl $1, %ebx
	SYSCALL write
	jmp 1b
3:	EXIT
`,
      { args },
    );
    expect(output().split("\0").slice(0, -1)).toEqual(args);
  });
});
