# Four tasks that compute: xorshift numbers into a table, which is summed up and sorted a little, ROUNDS times.

.set WORDS, 1024

.globl _start, progress
_start:
	movl $4, %edi
1:	movl $2, %eax				# fork
	int $0x80
	testl %eax, %eax
	jz compute
	decl %edi
	jnz 1b
	movl $4, %edi
2:	movl $-1, %ebx				# wait4(-1, 0, 0, 0)
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $114, %eax
	int $0x80
	decl %edi
	jnz 2b
	xorl %ebx, %ebx				# exit(0)
	movl $1, %eax
	int $0x80

compute:
	movl $ROUNDS, progress
	movl $2463534242, %eax
3:	movl $table, %edi
	movl $WORDS, %ecx
4:	call next
	stosl
	decl %ecx
	jnz 4b
	movl $table, %esi
	movl $WORDS - 1, %ecx
	xorl %ebx, %ebx
5:	movl (%esi), %edx
	addl %edx, %ebx
	cmpl 4(%esi), %edx
	jbe 6f
	xchgl 4(%esi), %edx
	movl %edx, (%esi)
6:	addl $4, %esi
	decl %ecx
	jnz 5b
	xorl %ebx, %eax
	orl $1, %eax
	decl progress
	jnz 3b
	xorl %ebx, %ebx				# exit(0)
	movl $1, %eax
	int $0x80

next:
	movl %eax, %edx
	shll $13, %edx
	xorl %edx, %eax
	movl %eax, %edx
	shrl $17, %edx
	xorl %edx, %eax
	movl %eax, %edx
	shll $5, %edx
	xorl %edx, %eax
	ret

.bss
progress:
	.zero 4
table:
	.zero 4 * WORDS
