import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";
import { ON_ONE_CPU, run } from "../run.ts";
import { CLONE, START, THREAD, THREAD_DATA, TLS_FLAGS } from "./thread-programs.ts";

const EFAULT = -14;
const EINVAL = -22;
const ESRCH = -3;

describe("thread-local segments", () => {
  it("set_thread_area takes entries 6 to 8 and says which; get_thread_area tells what is there", () => {
    const { results, memory } = make_calls(
      [
        ["set_thread_area", "first"],
        ["set_thread_area", "second"],
        ["set_thread_area", "third"],
        ["set_thread_area", "fourth"],
        ["get_thread_area", "query"],
        ["set_thread_area", "empty"],
        ["set_thread_area", "fourth"],
        ["set_thread_area", "wrong"],
        ["get_thread_area", "wrong"],
        ["set_thread_area", 0xdead0000],
        ["get_thread_area", 0],
      ],
      `
first:	.long -1, 0x12345678, 0xfffff, ${TLS_FLAGS}
second:	.long -1, 0x1000, 0xfff, 1
third:	.long -1, 0x2000, 0xfff, 1
fourth:	.long -1, 0x3000, 0xfff, 1
query:	.long 6, 0, 0, 0
empty:	.long 7, 0, 0, 0b101000
wrong:	.long 5, 0, 0, 0
`,
      { first: 4, second: 4, third: 4, fourth: 4, query: 16 },
    );
    expect(results).toEqual([0, 0, 0, ESRCH, 0, 0, 0, EINVAL, EINVAL, EFAULT, EFAULT]);
    const entry = (name: string) => memory[name].getInt32(0, true);
    expect([entry("first"), entry("second"), entry("third"), entry("fourth")]).toEqual([6, 7, 8, 7]);
    expect([1, 2, 3].map((i) => memory.query.getUint32(4 * i, true))).toEqual([0x12345678, 0xfffff, TLS_FLAGS]);
  });

  it("each task has its own: GS names another place after a switch, with the same selector", () => {
    const { output } = run(`${START}
	SYSCALL set_thread_area, $area
	movl $0x33, %eax
	movl %eax, %gs
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl $20, %esi
1:	SYSCALL sched_yield
	cmpl $'P', %gs:0
	jne 2f
	decl %esi
	jnz 1b
	SYSCALL wait4, $-1, $0, $0, $0
	PRINT "parent"
2:	EXIT
child:	movl $mine, area+4
	SYSCALL set_thread_area, $area
	movl $0x33, %eax
	movl %eax, %gs
	movl $20, %esi
3:	SYSCALL sched_yield
	cmpl $'C', %gs:0
	jne 2b
	decl %esi
	jnz 3b
	PRINT "child "
	EXIT
.data
.align 4
area:	.long 6, yours, 0xfffff, ${TLS_FLAGS}
yours:	.long 'P'
mine:	.long 'C'
`);
    expect(output()).toBe("child parent");
  });

  it("exec takes them away", () => {
    const { output, stop } = run(
      `${START}
	cmpl $2, (%esp)
	je again
	SYSCALL set_thread_area, $area
	movl $0x33, %eax
	movl %eax, %gs
	SYSCALL execve, $name, $argv, $0
	EXIT $1
again:	movl %gs, %eax
	testl %eax, %eax
	jnz 1f
	PRINT "null "
	movl $0x33, %eax
	movl %eax, %gs
1:	EXIT $2
.data
.align 4
area:	.long -1, 0, 0xfffff, ${TLS_FLAGS}
argv:	.long name, name, 0
name:	.asciz "/init"
`,
    );
    expect(output()).toBe("null ");
    expect(stop).toEqual({ kind: "exit", status: 139 });
  });
});

const SETTLS = 0x80000;
const PARENT_SETTID = 0x100000;
const CHILD_CLEARTID = 0x200000;
const CHILD_SETTID = 0x1000000;

describe("threads", () => {
  it.runIf(ON_ONE_CPU)(
    "CLONE_SETTLS, PARENT_SETTID, CHILD_SETTID and CHILD_CLEARTID; a futex wait sees the thread's end",
    () => {
      // Whoever runs first: the thread has not ended before its number was there.
      const { output, tasks } = run(`${START}
	movl $-1, child_tid
${CLONE(THREAD | SETTLS | PARENT_SETTID | CHILD_SETTID | CHILD_CLEARTID)}
	cmpl %eax, parent_tid
	jne bad
1:	movl child_tid, %edx
	testl %edx, %edx
	jz 2f
	SYSCALL futex, $child_tid, $0, %edx, $0
	jmp 1b
2:	PRINT "joined"
	SYSCALL wait4, $-1, $0, $0x40000000, $0
	cmpl $-10, %eax			# nobody's child
	jne bad
	SYSCALL pause
bad:	EXIT $1
thread:	movl $0x33, %eax
	movl %eax, %gs
	cmpl $'T', %gs:0
	jne bad
	SYSCALL gettid
	cmpl %eax, child_tid
	jne bad
	SYSCALL getpid
	cmpl $1, %eax
	jne bad
	SYSCALL nanosleep, $tick, $0
	PRINT "thread "
	EXIT
${THREAD_DATA}`);
      expect(output()).toBe("thread joined");
      expect(tasks()).toEqual(["0 R", "1 S"]);
    },
  );

  it("exit ends a thread, exit_group all of them, with its status", () => {
    const ends = (main: string, thread: string) =>
      run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz group
	SYSCALL wait4, $-1, $status, $0, $0
	movzbl status+1, %ebx
	movl $1, %eax
	int $0x80
group:	${CLONE(THREAD)}
	${main}
	EXIT $1
thread:	${thread}
	EXIT $2
${THREAD_DATA}`).stop;
    expect(ends("SYSCALL pause", "SYSCALL exit_group, $7")).toEqual({ kind: "exit", status: 7 });
    expect(ends("SYSCALL exit_group, $8", "SYSCALL pause")).toEqual({ kind: "exit", status: 8 });
    expect(ends("SYSCALL exit, $9", "SYSCALL nanosleep, $tick, $0")).toEqual({ kind: "exit", status: 9 });
  });

  it("a fatal signal in one thread ends all; pid 1's group ends the run", () => {
    expect(
      run(`${START}${CLONE(THREAD)}\n1: SYSCALL pause\n jmp 1b\nthread: movl 0, %eax\n${THREAD_DATA}`).stop,
    ).toEqual({
      kind: "exit",
      status: 139,
    });
    const last = run(`${START}${CLONE(THREAD)}
	EXIT $5
thread:	SYSCALL nanosleep, $tick, $0
	PRINT "last"
	EXIT $6
${THREAD_DATA}`);
    expect(last.output()).toBe("last");
    expect(last.stop).toEqual({ kind: "exit", status: 5 });
  });

  it("exec ends the other threads, and waits see one process", () => {
    const { output, tasks } = run(`${START}
	cmpl $2, (%esp)
	je again
${CLONE(THREAD)}
	SYSCALL execve, $name, $argv, $0
	EXIT $1
thread:	SYSCALL pause
	jmp thread
again:	SYSCALL nanosleep, $tick, $0
	PRINT "alone"
	SYSCALL pause
.data
argv:	.long name, name, 0
name:	.asciz "/init"
${THREAD_DATA}`);
    expect(output()).toBe("alone");
    expect(tasks()).toEqual(["0 R", "1 S"]);
  });

  it("threads give everything back", () => {
    const program = (count: number) => `${START}
	movl $${count}, %ebp
1:	testl %ebp, %ebp
	jz 3f
${CLONE(THREAD | CHILD_SETTID | CHILD_CLEARTID)}
2:	SYSCALL sched_yield
	cmpl $0, child_tid
	jne 2b
	decl %ebp
	jmp 1b
3:	SYSCALL nanosleep, $tick, $0
	SYSCALL pause
thread:	EXIT
${THREAD_DATA}`;
    const few = run(program(2));
    const many = run(program(40));
    expect(many.stop.kind).toBe("asleep");
    expect(many.memory()).toEqual(few.memory());
  });

  it("futex: -EAGAIN when the word has changed, -ETIMEDOUT, a wake counts who slept", () => {
    const { results } = make_calls(
      [
        ["futex", "word", 0, 1, 0],
        ["futex", "word", 0, 5, "soon"],
        ["futex", "word", 1, 10, 0],
        ["futex", "word+1", 0, 5, 0],
        ["futex", 0xdead0000, 0, 5, 0],
        ["futex", "word", 77, 5, 0],
        ["futex", "word", 9, 5, "soon", 0, -1],
        ["set_tid_address", "word"],
      ],
      "word: .long 5\nsoon: .long 0, 1000000",
    );
    expect(results).toEqual([-11, -110, 0, EINVAL, EFAULT, -38, -110, 1]);
  });
});
