/** A program that does much at once: forks, threads, execs, pipes, signals, sleeps and shared pages, in several processes. */

/** pid 1: WORKERS processes, each ROUNDS rounds; "ok" when everybody got what it was to get. */
export const stress = (workers: number, rounds: number): string => `
.set SIGUSR1, 10
.set SIGCHLD, 17
.set THREAD, 0x100 | 0x200 | 0x400 | 0x800 | SIGCHLD	# CLONE_VM, FS, FILES, SIGHAND
.macro CHECK_EQUAL value, code
	cmpl \\value, %eax
	movl $\\code, %ebx
	jne bad
.endm
.globl _start
_start:
	SYSCALL sigaction, $SIGUSR1, $action, $0
	movl $${workers}, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz worker
	decl %ebp
	jnz 1b
	movl $${workers}, %ebp
2:	SYSCALL wait4, $-1, $status, $0, $0
	testl %eax, %eax
	jle 2b
	cmpl $0, status
	jne report
	decl %ebp
	jnz 2b
	PRINT "ok\\n"
	EXIT
report:	PRINT "a worker failed\\n"
	movzbl status+1, %ebx
	SYSCALL exit, %ebx

worker:	movl $${rounds}, %ebp
round:	SYSCALL pipe, $fds
	CHECK_EQUAL $0, 1
	SYSCALL fork
	testl %eax, %eax
	jz child
	movl %eax, child_pid
	SYSCALL close, fds+4
	xorl %esi, %esi			# bytes read
1:	SYSCALL read, fds, $buffer, $64
	cmpl $-4, %eax			# EINTR
	je 1b
	testl %eax, %eax
	js 9f
	jz 2f
	addl %eax, %esi
	jmp 1b
9:	movl $2, %ebx
	jmp bad
2:	movl %esi, %eax
	CHECK_EQUAL $300, 3
	SYSCALL close, fds
3:	SYSCALL wait4, child_pid, $status, $0, $0
	cmpl $-4, %eax
	je 3b
	CHECK_EQUAL child_pid, 4
	movl status, %eax
	CHECK_EQUAL $0x700, 5		# it exits with 7
	cmpl $0, shared_page		# what the child wrote is its own
	movl $6, %ebx
	jne bad

	# two threads and this one add to a word
	movl $0, sum
	movl $stack_a, %ecx
	call start_thread
	movl $stack_b, %ecx
	call start_thread
	call add
	movl $2, %edi
4:	SYSCALL wait4, $-1, $status, $0x40000000, $0	# __WALL
	cmpl $-4, %eax
	je 4b
	testl %eax, %eax
	movl $7, %ebx
	js bad
	decl %edi
	jnz 4b
	movl sum, %eax
	CHECK_EQUAL $300, 8
	decl %ebp
	jnz round
	SYSCALL exit, $0
bad:	SYSCALL exit, %ebx

start_thread:				# ECX = end of its stack
	movl $THREAD, %ebx
	movl $120, %eax			# clone
	int $0x80
	testl %eax, %eax
	jz 1f
	ret
1:	call add
	SYSCALL exit, $0
add:	movl $100, %edi
1:	lock; incl sum
	decl %edi
	jnz 1b
	ret

child:	movl $1, shared_page
	SYSCALL close, fds
	movl $3, %esi
1:	SYSCALL write, fds+4, $buffer, $100
	CHECK_EQUAL $100, 20
	SYSCALL getppid
	SYSCALL kill, %eax, $SIGUSR1
	CHECK_EQUAL $0, 21
	decl %esi
	jnz 1b
	testl $1, %ebp
	jz 2f
	SYSCALL nanosleep, $nap, $0
2:	SYSCALL execve, $path, $argv, $0
	SYSCALL exit, $22

handler: ret				# SA_RESTORER is not needed: the frame's code returns
.data
path:	.asciz "/seven"
.align 4
argv:	.long path, 0
action:	.long handler, 0, 0, 0
nap:	.long 0, 1000000
.bss
.align 4096
shared_page: .skip 4096
fds:	.skip 8
child_pid: .skip 4
status:	.skip 4
sum:	.skip 4
buffer:	.skip 128
	.skip 1024
stack_a: .skip 1024
stack_b: .skip 16
`;

/** What the children run: ends with 7. */
export const seven = `
.globl _start
_start:	SYSCALL exit, $7
`;

/**
 * pid 1: namespaces whose inits end while everybody in them forks, makes threads, sessions and namespaces, kills and waits.
 * "ok" when each of them was reaped as killed by nobody.
 */
export const namespaces = (count: number, forks: number): string => `
.set SYS_exit_group, 252
.set CLONE_NEWPID, 0x20000000
.set SIGCHLD, 17
.set THREAD, 0x10f00
.globl _start
_start:	movl $${count}, %ebp
1:	SYSCALL clone, $CLONE_NEWPID+SIGCHLD, $0
	testl %eax, %eax
	jz init
	decl %ebp
	jnz 1b
	movl $${count}, %ebp
2:	SYSCALL wait4, $-1, $status, $0, $0
	testl %eax, %eax
	jle bad
	cmpl $0x700, status
	jne bad
	decl %ebp
	jnz 2b
	SYSCALL wait4, $-1, $status, $0, $0
	cmpl $-10, %eax			# ECHILD: nobody came to us
	jne bad
	PRINT "ok\\n"
	EXIT
bad:	PRINT "bad\\n"
	EXIT $1

init:	cmpl $1, depth			# this deep below
	je 1f
	SYSCALL fork
	testl %eax, %eax
	jz below
1:	SYSCALL fork
	testl %eax, %eax
	jz busy
	SYSCALL clone, $THREAD, $stack
	testl %eax, %eax
	jz thread
	movl $${forks}, %esi
2:	SYSCALL fork
	testl %eax, %eax
	jz brief
	decl %esi
	jnz 2b
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL exit_group, $7
thread:	SYSCALL getppid
	testl %eax, %eax		# 0
	jnz wrong
	SYSCALL kill, $-1, $0
	jmp thread
wrong:	SYSCALL exit_group, $9
below:	incl depth
	SYSCALL clone, $CLONE_NEWPID+SIGCHLD, $0
	testl %eax, %eax
	jz init
	SYSCALL wait4, %eax, $status, $0, $0
	jmp busy
busy:	SYSCALL fork
	testl %eax, %eax
	jz brief
	SYSCALL wait4, $-1, $0, $1, $0	# WNOHANG
	jmp busy
brief:	SYSCALL setsid
	SYSCALL clone, $THREAD, $stack
	testl %eax, %eax
	jz last
	SYSCALL exit, $0
last:	SYSCALL getpgrp
	SYSCALL exit, $0
.data
depth:	.long 0
.bss
status:	.skip 4
	.skip 1024
stack:	.skip 16
`;
