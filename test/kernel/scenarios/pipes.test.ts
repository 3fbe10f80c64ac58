import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";
import { run } from "../run.ts";

const EBADF = -9;
const EAGAIN = -11;
const EFAULT = -14;
const EINVAL = -22;
const EMFILE = -24;
const ENOTTY = -25;
const EPIPE = -32;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

const START = `
.set SYS_pipe, 42
.set SYS_alarm, 27
.set SYS_signal, 48
.globl _start
_start:
	SYSCALL pipe, $ends
`;
const DATA = `
.data
.align 4
ends:	.long 0, 0
status:	.long 0
tick:	.long 0, 30000000
.bss
buffer:	.skip 20000
`;

describe("pipes", () => {
  it("a reader sleeps until something is written, and gets what is there", () => {
    const { output, events } = run(
      `${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL read, ends, $buffer, $100
	SYSCALL write, $1, $buffer, %eax
	EXIT
child:	SYSCALL nanosleep, $tick, $0
	SYSCALL write, ends+4, $text, $5
	EXIT
.section .rodata
text:	.ascii "hello"
${DATA}`,
      { trace: true },
    );
    expect(output()).toBe("hello");
    expect(
      events.some(({ event, prev, prev_state }) => event === "sched_switch" && prev === 1 && prev_state === 1),
    ).toBe(true);
  });

  it("a writer sleeps while the pipe is full: 20000 bytes arrive whole and in order", () => {
    const { output } = run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL close, ends+4
1:	SYSCALL read, ends, $buffer, $3000
	testl %eax, %eax
	jle 3f
	addl %eax, total
	movl %eax, %ecx
	movl $buffer, %esi
2:	lodsb
	cmpb next, %al
	jne 4f
	incb next
	loop 2b
	jmp 1b
3:	cmpl $20000, total
	jne 4f
	PRINT "in order"
4:	EXIT
child:	movl $buffer, %edi
	movl $20000, %ecx
	xorl %eax, %eax
5:	stosb
	incl %eax
	loop 5b
	SYSCALL write, ends+4, $buffer, $20000
	cmpl $20000, %eax
	jne 4b
	EXIT
${DATA}
.data
total:	.long 0
next:	.byte 0
`);
    expect(output()).toBe("in order");
  });

  it("the last writer's end is the end of file, also for a reader that already sleeps", () => {
    const { output } = run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL close, ends+4
	SYSCALL read, ends, $buffer, $10
	testl %eax, %eax
	jnz 1f
	PRINT "end"
1:	EXIT
child:	SYSCALL nanosleep, $tick, $0
	EXIT
${DATA}`);
    expect(output()).toBe("end");
  });

  it("SIGPIPE kills who writes where nobody reads; ignored it is -EPIPE", () => {
    const writer = (action: string) =>
      run(`${START}${action}
	SYSCALL close, ends
	SYSCALL write, ends+4, $buffer, $1
	negl %eax
	EXIT %eax
${DATA}`).stop;
    expect(writer("")).toEqual({ kind: "exit", status: 128 + 13 });
    expect(writer("SYSCALL signal, $13, $1")).toEqual({ kind: "exit", status: -EPIPE });
  });

  it("a signal interrupts a sleeping reader", () => {
    const { output } = run(`${START}
	movl $67, %eax
	movl $14, %ebx
	movl $action, %ecx
	xorl %edx, %edx
	int $0x80
	SYSCALL alarm, $1
	SYSCALL read, ends, $buffer, $1
	cmpl $-4, %eax
	jne 1f
	PRINT "EINTR"
1:	EXIT
handler: ret
.data
.align 4
action:	.long handler, 0, 0, 0
${DATA}`);
    expect(output()).toBe("EINTR");
  });

  it("exec closes what has O_CLOEXEC; memory balances after many pipes", () => {
    const loop = run(`
.set SYS_pipe, 42
.globl _start
_start:
	movl $100, %esi
1:	SYSCALL pipe, $ends
	SYSCALL close, ends
	SYSCALL close, ends+4
	decl %esi
	jnz 1b
	SYSCALL pause
${DATA}`);
    const none = run("_start: SYSCALL pause");
    expect(loop.stop.kind).toBe("asleep");
    const { filp, inode_cache } = loop.memory();
    expect({ filp, inode_cache }).toEqual({ filp: none.memory().filp, inode_cache: none.memory().inode_cache });
    const { results } = make_calls(
      [
        ["pipe2", "ends", O_CLOEXEC],
        ["fcntl", 3, 1],
        ["fcntl64", 4, 1],
      ],
      "ends: .long 0, 0",
    );
    expect(results).toEqual([0, 1, 1]);
  });

  it("answers with Linux's errors", () => {
    const { results, memory } = make_calls(
      [
        ["pipe2", "ends", O_NONBLOCK],
        ["read", "(ends)", "data", 4],
        ["write", "(ends)", "data", 4],
        ["read", "(ends+4)", "data", 4],
        ["write", "(ends+4)", "data", 4],
        ["write", "(ends+4)", 0, 4],
        ["ioctl", "(ends)", 0x541b, "count"],
        ["read", "(ends)", 0, 4],
        ["write", "(ends+4)", 0x08048000, 4093],
        ["write", "(ends+4)", 0x08048000, 5000],
        ["write", "(ends+4)", 0x08048000, 4093],
        ["ioctl", "(ends)", 0x5401, "count"],
        ["llseek", "(ends)", 0, 0, "count", 0],
        ["pipe", 0],
        ["pipe2", "ends", 1],
        ["newfstat", "(ends)", "stat"],
      ],
      'ends: .long 0, 0\ndata: .ascii "four"\ncount: .long 0, 0\nstat: .skip 64\n.section .text\n.skip 8192',
      { count: 4, stat: 64 },
    );
    expect(results.slice(0, 8)).toEqual([0, EAGAIN, EBADF, EBADF, 4, EFAULT, 0, EFAULT]);
    expect(memory.count.getInt32(0, true)).toBe(4);
    expect(results[8]).toBe(EAGAIN); // one of up to PIPE_BUF bytes is not torn
    expect(results[9]).toBe(4092); // what fits of a larger one
    expect(results.slice(10)).toEqual([EAGAIN, ENOTTY, -29, EFAULT, EINVAL, 0]);
    expect(memory.stat.getUint16(8, true) & 0xf000).toBe(0x1000);
  });

  it("-EMFILE when descriptors run out, with nothing lost", () => {
    const pipes = Array.from({ length: 16 }, () => ["pipe", "ends"] as const);
    const { results } = make_calls(
      [...pipes, ["close", 3], ["close", 30], ["close", 31], ["pipe", "ends"]],
      "ends: .long 0, 0",
    );
    expect(results.slice(0, 14).every((result) => result === 0)).toBe(true);
    expect(results[14]).toBe(EMFILE);
    expect(results[15]).toBe(EMFILE);
    expect(results.at(-1)).toBe(0);
  });
});

describe("poll and select", () => {
  const POLLIN = 1;
  const POLLOUT = 4;
  const POLLHUP = 0x10;
  const POLLNVAL = 0x20;

  it("tell what is ready", () => {
    const { results, memory } = make_calls(
      [
        ["pipe", "ends"],
        ["poll", "fds", 3, 0],
        ["write", "(ends+4)", "ends", 1],
        ["poll", "fds2", 3, 0],
        ["close", "(ends+4)"],
        ["poll", "fds3", 1, -1],
        ["select", 5, "set", 0, 0, "zero"],
        ["poll", 0, 1, 0],
        ["poll", "fds", 100, 0],
        ["select", 32, "bad", 0, 0, "zero"],
      ],
      `
ends:	.long 0, 0
fds:	.long 3, ${POLLIN}, 4, ${POLLOUT}, 9, ${POLLIN}
fds2:	.long 3, ${POLLIN}, 4, ${POLLOUT}, -1, ${POLLIN}
fds3:	.long 3, ${POLLIN}
set:	.long 0x9
bad:	.long 0x80000000
zero:	.long 0, 0
`,
      { fds: 24, fds2: 24, fds3: 8, set: 4 },
    );
    expect(results).toEqual([0, 2, 1, 2, 0, 1, 1, EFAULT, EINVAL, EBADF]);
    const revents = (name: string, count: number) =>
      Array.from({ length: count }, (_, i) => memory[name].getUint16(8 * i + 6, true));
    expect(revents("fds", 3)).toEqual([0, POLLOUT, POLLNVAL]);
    expect(revents("fds2", 3)).toEqual([POLLIN, POLLOUT, 0]);
    expect(revents("fds3", 1)).toEqual([POLLIN | POLLHUP]);
    expect(memory.set.getUint32(0, true)).toBe(8);
  });

  it("poll sleeps until a pipe is written to, or the time is up", () => {
    const waits = (milliseconds: number) =>
      run(`${START}
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl ends, %eax
	movl %eax, fds
	movl $168, %eax
	movl $fds, %ebx
	movl $1, %ecx
	movl $${milliseconds}, %edx
	int $0x80
	addb $'0', %al
	movb %al, buffer
	SYSCALL write, $1, $buffer, $1
	EXIT
child:	SYSCALL nanosleep, $tick, $0
	SYSCALL write, ends+4, $buffer, $1
	SYSCALL pause
.data
.align 4
fds:	.long 0, 1
${DATA}`).output();
    expect(waits(-1)).toBe("1");
    expect(waits(1000)).toBe("1");
    expect(waits(10)).toBe("0");
  });
});
