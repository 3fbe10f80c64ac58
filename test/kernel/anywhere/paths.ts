/**
 * Programs that go, between their labels `begin` and `end`, through the path of a system call, check what came of it, and
 * end with status 0. Whatever time passes meanwhile makes no difference to them: an alarm is counted by a handler, a
 * sleeping child counts in shared memory, and both are waited for in the end.
 */
import { asm, type Program } from "../../../testing/program.ts";

export const MACROS = `
.set SYS_clone, 120
.set SYS_alarm, 27
.set SYS_pipe, 42
.set SYS_waitpid, 7
.set SYS_rt_sigaction, 174
.set SYS_rt_sigprocmask, 175
.set SYS_nanosleep, 162
.set SYS_futex, 240
.set SYS_munmap, 91
.set SYS_mprotect, 125
.set SYS_mmap, 90
.set SYS_poll, 168
.set SYS_execve, 11
.set SYS_tkill, 238
.set SA_RESTART, 0x10000000
.macro ACTION sig, handler, flags=0
	.pushsection .data
	.align 4
881:	.long \\handler, \\flags, 0, 0, 0
	.popsection
	SYSCALL rt_sigaction, $\\sig, $881b, $0, $8
.endm
# mmap of anonymous memory: EAX = address
.macro MAP pages, flags=0x22, prot=3
	.pushsection .data
	.align 4
882:	.long 0, \\pages*4096, \\prot, \\flags, -1, 0
	.popsection
	SYSCALL mmap, $882b
.endm
# the end of child EBX is waited for; its status goes to \`status\`
.macro WAIT pid
	movl \\pid, %ebx
883:	SYSCALL waitpid, , $status, $0
	cmpl $-4, %eax
	je 883b
	testl %eax, %eax
	js bad
.endm
.data
.align 4
second:	.long 1, 0
tick:	.long 0, 1000000
left:	.long 0, 0
status:	.long 0
alarms:	.long 0
sleeper: .long 0
child:	.long 0
word:	.long 0
fds:	.long 0, 0
seen:	.long 0
private: .long 1
.bss
.align 4096
buffer:	.space 8192
stack_bottom: .space 4096
stack_top:
.text
alarm_handler:
	incl alarms
	ret
user_handler:
	incl seen
	ret
bad:
	movl %eax, %ecx
	PRINT "bad\\n"
	EXIT $99
`;

/** The path, with what has to be there for it before and what checks it afterwards. */
function path(before: string, body: string): Program {
  return asm`${MACROS}
.globl _start
_start:
	cmpl $1, (%esp)
	jne again
	ACTION 14, alarm_handler, SA_RESTART
	MAP 1, 0x21
	movl %eax, %ebp
	movl $0, (%ebp)
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL nanosleep, $second, $0
	incl (%ebp)
	EXIT $7
1:	movl %eax, sleeper
	SYSCALL sched_yield
	${before}
	SYSCALL alarm, $1
	${body}
	WAIT sleeper
	cmpl $0x700, status
	jne bad
	cmpl $1, (%ebp)
	jne bad
2:	cmpl $0, alarms
	jne 3f
	SYSCALL nanosleep, $second, $0
	jmp 2b
3:	cmpl $1, alarms
	jne bad
	PRINT "good\n"
	EXIT
again:
	EXIT $5
`;
}

/** A pipe, and what poll is to wait for: that there is something in it. */
const POLLED_PIPE = `SYSCALL pipe, $fds
	.pushsection .data
	.align 4
polled:	.long 0
	.word 1, 0
	.popsection
	movl fds, %eax
	movl %eax, polled`;

const CLONE_THREAD_FLAGS = 0x10f00; // VM, FS, FILES, SIGHAND, THREAD

/** Two may wake the same task at once: a tick that wakes is tried at every instruction always. */
export const WAKE_RACE = "a write that wakes a poller whose time is up";

export const PATHS: Readonly<Record<string, () => Program>> = {
  "fork, copy on write, exit, wait": () =>
    path(
      "",
      `
begin:	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	incl private
	cmpl $2, private
	jne bad
	EXIT $5
1:	movl %eax, child
	incl private
	WAIT child
end:	cmpl $0x500, status
	jne bad
	cmpl $2, private
	jne bad`,
    ),
  vfork: () =>
    path(
      "",
      `
begin:	movl $190, %eax
	int $0x80
	testl %eax, %eax
	jnz 1f
	incl private
	EXIT $6
1:	movl %eax, child
	cmpl $2, private
	jne bad
	WAIT child
end:	cmpl $0x600, status
	jne bad`,
    ),
  exec: () =>
    path(
      `
	.pushsection .data
name:	.asciz "/bin/init"
	.align 4
argv:	.long name, name, 0
	.popsection`,
      `
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
begin:	SYSCALL execve, $name, $argv, $0
	jmp bad
1:	movl %eax, child
	WAIT child
end:	cmpl $0x500, status
	jne bad`,
    ),
  "mmap, munmap, mprotect": () =>
    path(
      "",
      `
begin:	MAP 3
	movl %eax, %edi
	movl $11, (%edi)
	movl $12, 4096(%edi)
	movl $13, 8192(%edi)
	leal 4096(%edi), %ebx
	SYSCALL munmap, , $4096
	testl %eax, %eax
	jnz bad
	leal 8192(%edi), %ebx
	SYSCALL mprotect, , $4096, $1
	testl %eax, %eax
	jnz bad
	cmpl $11, (%edi)
	jne bad
	cmpl $13, 8192(%edi)
	jne bad
	SYSCALL munmap, %edi, $12288
end:	testl %eax, %eax
	jnz bad`,
    ),
  "write to a pipe": () =>
    path(
      "SYSCALL pipe, $fds",
      `
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL close, fds+4
	xorl %esi, %esi
4:	SYSCALL read, fds, $buffer, $8192
	addl %eax, %esi
	testl %eax, %eax
	jnz 4b
	cmpl $6000, %esi
	jne bad
	EXIT $4
1:	movl %eax, child
	movl $6000, %edi
begin:	SYSCALL write, fds+4, $buffer, %edi	# a signal may cut it short
	testl %eax, %eax
	js bad
	subl %eax, %edi
	jnz begin
	SYSCALL close, fds+4
	WAIT child
end:	cmpl $0x400, status
	jne bad
	SYSCALL close, fds`,
    ),
  [WAKE_RACE]: () =>
    path(
      `${POLLED_PIPE}
	SYSCALL fork
	testl %eax, %eax
	jnz 2f
1:	SYSCALL poll, $polled, $1, $1000
	cmpl $1, %eax
	jne 1b
	SYSCALL read, fds, $buffer, $1
	EXIT $8
2:	movl %eax, child
	SYSCALL sched_yield`,
      `
begin:	SYSCALL write, fds+4, $buffer, $1
	cmpl $1, %eax
	jne bad
end:	WAIT child
	cmpl $0x800, status
	jne bad`,
    ),
  poll: () =>
    path(
      POLLED_PIPE,
      `
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL sched_yield
	SYSCALL write, fds+4, $buffer, $1
	EXIT $4
1:	movl %eax, child
begin:	SYSCALL poll, $polled, $1, $-1
	cmpl $-4, %eax
	je begin
	cmpl $1, %eax
	jne bad
	WAIT child
end:	cmpl $0x400, status
	jne bad`,
    ),
  "signal delivery": () =>
    path(
      "ACTION 10, user_handler",
      `
begin:	SYSCALL getpid
	movl $0x1234567, %esi
	SYSCALL kill, %eax, $10
	testl %eax, %eax
	jnz bad
	cmpl $1, seen
	jne bad
	cmpl $0x1234567, %esi
	jne bad
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
5:	cmpl $2, seen
	je 6f
	SYSCALL sched_yield
	jmp 5b
6:	EXIT $3
1:	movl %eax, child
	SYSCALL kill, child, $10
	WAIT child
end:	cmpl $0x300, status
	jne bad
	cmpl $1, seen
	jne bad`,
    ),
  nanosleep: () =>
    path(
      "",
      `
	SYSCALL alarm, $0		# no signal comes to the rescue of a wake-up that is lost
	incl alarms
begin:	SYSCALL nanosleep, $tick, $left
	cmpl $-4, %eax
	je begin
end:	testl %eax, %eax
	jnz bad`,
    ),
  futex: () =>
    path(
      "",
      `
begin:	SYSCALL clone, $${CLONE_THREAD_FLAGS | 0x200000}, $stack_top, $0
	testl %eax, %eax
	jnz 1f
	movl $1, word
	SYSCALL futex, $word, $1, $1
	EXIT
1:	js bad
2:	cmpl $1, word
	je end
	SYSCALL futex, $word, $0, $0, $0
	jmp 2b
end:	SYSCALL sched_yield`,
    ),
};
