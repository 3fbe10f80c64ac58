# 200 times: maps 128 pages, writes to each, unmaps them.

.globl _start
_start:
	movl $200, %ebp
1:	movl $90, %eax				# old_mmap
	movl $arguments, %ebx
	int $0x80
	movl %eax, %ebx
	movl $128, %edi
2:	movl %edi, (%eax)
	addl $4096, %eax
	decl %edi
	jnz 2b
	movl $91, %eax				# munmap
	movl $128 * 4096, %ecx
	int $0x80
	decl %ebp
	jnz 1b
	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80

.data
arguments:					# address, length, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0
	.long 0, 128 * 4096, 3, 0x22, -1, 0
