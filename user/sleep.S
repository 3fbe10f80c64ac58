# A program that mostly waits: sleeps a fifth of a second three times.

.include "start.S"

.text
.globl _start
_start:
	SYSCALL getpid
	movl %eax, %edi
	movl $3, %esi
1:	movl $pause_length, %ebx
	xorl %ecx, %ecx
	SYSCALL nanosleep
	PRINT "sleep "
	movl %edi, %eax
	call print_number
	PRINT ": woke up\n"
	decl %esi
	jnz 1b
	xorl %ebx, %ebx
	SYSCALL exit

.section .rodata
.align 4
pause_length:	.long 0, 200000000
