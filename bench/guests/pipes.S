# A byte goes from a task to another and back, through two pipes, 10,000 times.

.globl _start
_start:
	movl $42, %eax				# pipe: there
	movl $there, %ebx
	int $0x80
	movl $42, %eax				# pipe: and back
	movl $back, %ebx
	int $0x80
	movl $2, %eax				# fork
	int $0x80
	testl %eax, %eax
	jz child
	movl $10000, %edi
1:	movl there+4, %ebx
	call write
	movl back, %ebx
	call read
	decl %edi
	jnz 1b
	movl $6, %eax				# close: the child reads the end
	movl there+4, %ebx
	int $0x80
	movl $-1, %ebx				# wait4(-1, 0, 0, 0)
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $114, %eax
	int $0x80
	jmp out

child:	movl $6, %eax				# close
	movl there+4, %ebx
	int $0x80
1:	movl there, %ebx
	call read
	testl %eax, %eax
	jz out
	movl back+4, %ebx
	call write
	jmp 1b

out:	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80

read:	movl $3, %eax
	jmp 1f
write:	movl $4, %eax
1:	movl $byte, %ecx
	movl $1, %edx
	int $0x80
	ret

.bss
there:	.skip 8
back:	.skip 8
byte:	.skip 1
