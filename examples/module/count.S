# Two processes count to 5,000 in each of the three ways of count.ts; with two CPUs, at the same time.
.globl _start
_start:	movl $2, %eax			# fork
	int $0x80
	movl %eax, %ebp
	xorl %esi, %esi
1:	movl %esi, %ebx			# the way
	movl $5000, %ecx
	movl $250, %eax			# sys_count
	int $0x80
	incl %esi
	cmpl $3, %esi
	jb 1b
	testl %ebp, %ebp
	jz 2f
	movl $7, %eax			# waitpid
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	int $0x80
	movl $3, %ebx			# tell
	movl $250, %eax
	int $0x80
2:	movl $1, %eax			# exit
	xorl %ebx, %ebx
	int $0x80
