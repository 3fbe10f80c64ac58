# A tight integer loop: xorshift, ECX times.

.globl _start
_start:
	movl $50000000, %ecx
	movl $2463534242, %eax
1:	movl %eax, %edx
	shll $13, %edx
	xorl %edx, %eax
	movl %eax, %edx
	shrl $17, %edx
	xorl %edx, %eax
	movl %eax, %edx
	shll $5, %edx
	xorl %edx, %eax
	decl %ecx
	jnz 1b
	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
