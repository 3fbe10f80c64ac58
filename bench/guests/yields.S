# Two tasks yield to each other 20,000 times each.

.globl _start
_start:
	movl $2, %eax				# fork
	int $0x80
	movl %eax, %ebp
	movl $20000, %edi
1:	movl $158, %eax				# sched_yield
	int $0x80
	decl %edi
	jnz 1b
	testl %ebp, %ebp
	jz 2f
	movl $-1, %ebx				# wait4(-1, 0, 0, 0)
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $114, %eax
	int $0x80
2:	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80
