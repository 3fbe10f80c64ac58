# Two processes that wake each other, 2,000 times, by a byte through a pipe and one back.

.globl _start, woken
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
	movl $2000, %edi
1:	movl there+4, %ebx
	call write
	movl back, %ebx
	call read
	decl %edi
	jnz 1b
	jmp out

child:	movl there, %ebx
	call read
	movl back+4, %ebx
	call write
	jmp child

out:	movl $1, %eax				# exit(0)
	xorl %ebx, %ebx
	int $0x80

read:	movl $3, %eax
	movl $byte, %ecx
	movl $1, %edx
	int $0x80
woken:	ret

write:	movl $4, %eax
	movl $byte, %ecx
	movl $1, %edx
	int $0x80
	ret

.bss
there:	.skip 8
back:	.skip 8
byte:	.skip 1
