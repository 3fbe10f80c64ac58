# Starts the threads of kthread.ts, lets them work for a while, and stops them: system calls 250 and 251. They are children of
# init, which is this program, and it waits for them.

.set SYS_exit, 1
.set SYS_wait4, 114
.set SYS_nanosleep, 162
.set SYS_threads_init, 250
.set SYS_threads_exit, 251

.globl _start
_start:
	movl $SYS_threads_init, %eax
	int $0x80
	movl $while, %ebx
	xorl %ecx, %ecx
	movl $SYS_nanosleep, %eax
	int $0x80
	movl $SYS_threads_exit, %eax
	int $0x80
1:	movl $-1, %ebx				# until there is no child any more
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $SYS_wait4, %eax
	int $0x80
	testl %eax, %eax
	jg 1b
	xorl %ebx, %ebx
	movl $SYS_exit, %eax
	int $0x80

.data
while:	.long 0, 70000000
