# What the programs of the initramfs share: system calls as functions, and printing.
# Arguments in EBX ECX EDX ESI EDI as the kernel wants them, results in EAX; everything else is preserved.

.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_read, 3
.set SYS_write, 4
.set SYS_execve, 11
.set SYS_getpid, 20
.set SYS_wait4, 114
.set SYS_uname, 122
.set SYS_nanosleep, 162

.macro SYSCALL name
	movl $SYS_\name, %eax
	int $0x80
.endm

# Prints a literal.
.macro PRINT text
	.pushsection .rodata
771:	.asciz "\text"
	.popsection
	pushl %ecx
	movl $771b, %ecx
	call print_string
	popl %ecx
.endm

.text
# Writes the NUL-terminated string at ECX to standard output.
print_string:
	pushal
	xorl %edx, %edx
1:	cmpb $0, (%ecx,%edx)
	je 2f
	incl %edx
	jmp 1b
2:	movl $1, %ebx
	SYSCALL write
	popal
	ret

# Writes EAX as an unsigned decimal number.
print_number:
	pushal
	subl $16, %esp
	leal 15(%esp), %ecx
	movb $0, (%ecx)
	movl $10, %ebx
1:	xorl %edx, %edx
	divl %ebx
	addb $'0', %dl
	decl %ecx
	movb %dl, (%ecx)
	testl %eax, %eax
	jnz 1b
	call print_string
	addl $16, %esp
	popal
	ret
