# A bad pointer: the write faults, no area covers the address, SIGSEGV. The run's status is 128 + 11.

.globl _start
_start:
	movl $1, 0xdeadbeef
	movl $1, %eax				# never reached
	xorl %ebx, %ebx
	int $0x80
