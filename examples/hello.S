# The smallest program: writes a line and exits with status 0.

.globl _start
_start:
	movl $4, %eax				# write(1, text, length)
	movl $1, %ebx
	movl $text, %ecx
	movl $text_end - text, %edx
	int $0x80
	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80

.section .rodata
text:	.ascii "hello, kernel\n"
text_end:
