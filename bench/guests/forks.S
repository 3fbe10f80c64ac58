# fork, exit, wait: 15,000 times.

.globl _start
_start:
	movl $15000, %edi
1:	movl $2, %eax				# fork
	int $0x80
	testl %eax, %eax
	jz 2f
	movl $-1, %ebx				# wait4(-1, 0, 0, 0)
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $114, %eax
	int $0x80
	decl %edi
	jnz 1b
2:	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80
