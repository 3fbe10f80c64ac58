# Copies standard input to standard output, a line at a time, until end of file.

.set SYS_exit, 1
.set SYS_read, 3
.set SYS_write, 4

.globl _start
_start:
	movl $SYS_read, %eax
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $4096, %edx
	int $0x80
	testl %eax, %eax
	jle 1f
	movl %eax, %edx
	movl $1, %ebx
	movl $SYS_write, %eax
	int $0x80
	jmp _start
1:	movl %eax, %ebx				# 0 at end of file, -errno otherwise
	negl %ebx
	movl $SYS_exit, %eax
	int $0x80

.bss
buffer:	.skip 4096
