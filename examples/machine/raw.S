# A raw image: adds the numbers from 1 to ECX, prints the sum on the debug console and exits with it.
#
#   esp0 as --format bin --link 0x10000 -o raw.bin raw.S
#   esp0 machine --load raw.bin@0x10000 --reg ecx=10,esp=0x9000

.set DEBUG_CONSOLE, 0xe9
.set EXIT_PORT, 0xf4

.globl _start
_start:
	xorl %eax, %eax
1:	addl %ecx, %eax
	loop 1b
	pushl %eax

	xorl %ecx, %ecx			# decimal digits, last first, on the stack
	movl $10, %ebx
2:	xorl %edx, %edx
	divl %ebx
	addl $'0', %edx
	pushl %edx
	incl %ecx
	testl %eax, %eax
	jnz 2b
3:	popl %eax
	outb %al, $DEBUG_CONSOLE
	loop 3b
	movb $'\n', %al
	outb %al, $DEBUG_CONSOLE

	popl %eax
	outl %eax, $EXIT_PORT
