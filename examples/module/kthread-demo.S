# Starts the thread of kthread-demo.ts, sends it SIGTERM and SIGKILL, and stops it: system calls 250 and 251.
# With an argument, it is the thread that never looks whether it is to stop.

.set SYS_exit, 1
.set SYS_kill, 37
.set SYS_nanosleep, 162
.set SYS_demo_init, 250
.set SYS_demo_exit, 251
.set SIGKILL, 9
.set SIGTERM, 15

.globl _start
_start:
	movl (%esp), %ebx			# argc - 1: the kind of thread
	decl %ebx
	movl $SYS_demo_init, %eax
	int $0x80
	movl %eax, %esi				# its pid
	call sleep
	movl $SIGTERM, %ecx			# ignored: the thread has not allowed it
	call send
	movl $SIGKILL, %ecx
	call send
	movl $SYS_demo_exit, %eax
	int $0x80
	xorl %ebx, %ebx
	movl $SYS_exit, %eax
	int $0x80

send:	movl %esi, %ebx
	movl $SYS_kill, %eax
	int $0x80
sleep:	movl $moment, %ebx
	xorl %ecx, %ecx
	movl $SYS_nanosleep, %eax
	int $0x80
	ret

.data
moment:	.long 0, 20000000
