# A CPU-bound program: computes for some time slices and says how far it came. Never gives up the CPU by itself.

.include "start.S"

.text
.globl _start
_start:
	movl $2000000, %ecx
	movl $2463534242, %eax
1:	movl %eax, %edx			# xorshift
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
	movl %eax, %esi
	SYSCALL getpid
	PRINT "spin "
	call print_number
	PRINT ": result "
	movl %esi, %eax
	call print_number
	PRINT "\n"
	xorl %ebx, %ebx
	SYSCALL exit
