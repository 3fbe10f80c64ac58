# A thread that makes a page read-only and writable again, TIMES times, while THREADS-1 others compute in the same memory: each
# CPU that runs one must drop what its TLB has of it.

.set CLONE, 0x100 | 0x200 | 0x400 | 0x800	# VM, FS, FILES, SIGHAND
.set TIMES, 1000

.globl _start
_start:
	movl $stacks, %ecx
	movl $THREADS-1, %edi
1:	testl %edi, %edi
	jz 2f
	addl $4096, %ecx
	movl $CLONE, %ebx
	movl $120, %eax				# clone
	int $0x80
	testl %eax, %eax
	jz compute
	decl %edi
	jmp 1b

2:	rep; nop
	cmpl $THREADS-1, ready
	jne 2b
	movl $TIMES, %esi
3:	movl $125, %eax				# mprotect(page, 4096, PROT_READ)
	movl $page, %ebx
	movl $4096, %ecx
	movl $1, %edx
	int $0x80
	movl $125, %eax				# mprotect(page, 4096, PROT_READ | PROT_WRITE)
	movl $3, %edx
	int $0x80
	incl page
	decl %esi
	jnz 3b
	movl $252, %eax				# exit_group(0)
	xorl %ebx, %ebx
	int $0x80

compute:
	lock; incl ready
1:	incl %eax
	jmp 1b

.bss
.align 4096
page:	.skip 4096
ready:	.skip 4
stacks:	.skip 4096 * THREADS
