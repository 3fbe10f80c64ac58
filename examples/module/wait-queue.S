# Two children read from the device of wait-queue.ts, and sleep. An `n` wakes them for nothing, a `y` lets one of them go on, a
# second `y` the other. System call 250 registers the device, 251 takes it back.

.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_read, 3
.set SYS_write, 4
.set SYS_open, 5
.set SYS_mknod, 14
.set SYS_wait4, 114
.set SYS_nanosleep, 162
.set SYS_wq_init, 250
.set SYS_wq_exit, 251
.set S_IFCHR, 0x2000
.set O_RDWR, 2

.globl _start
_start:
	movl $SYS_wq_init, %eax
	int $0x80
	movl %eax, %edx				# the major number
	shll $8, %edx
	movl $SYS_mknod, %eax
	movl $path, %ebx
	movl $S_IFCHR | 0600, %ecx
	int $0x80
	movl $SYS_open, %eax
	movl $path, %ebx
	movl $O_RDWR, %ecx
	int $0x80
	movl %eax, %edi				# the descriptor
	call reader
	call reader
	movl $no, %ecx
	call write
	movl $yes, %ecx
	call write
	movl $yes, %ecx
	call write
	call wait
	call wait
	movl $SYS_wq_exit, %eax
	int $0x80
	movl %eax, %ebx
	movl $SYS_exit, %eax
	int $0x80

reader:	movl $SYS_fork, %eax
	int $0x80
	testl %eax, %eax
	jnz sleep
	movl $SYS_read, %eax
	movl %edi, %ebx
	movl $no, %ecx
	movl $1, %edx
	int $0x80
	movl $SYS_exit, %eax
	xorl %ebx, %ebx
	int $0x80

write:	movl $SYS_write, %eax
	movl %edi, %ebx
	movl $1, %edx
	int $0x80
sleep:	movl $SYS_nanosleep, %eax
	movl $moment, %ebx
	xorl %ecx, %ecx
	int $0x80
	ret

wait:	movl $SYS_wait4, %eax
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	int $0x80
	ret

.data
moment:	.long 0, 20000000
path:	.asciz "/dev/wq"
no:	.ascii "n"
yes:	.ascii "y"
