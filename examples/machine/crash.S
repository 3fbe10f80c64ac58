# A raw image that crashes: there is no interrupt table, and it loads a segment register that it must not.
#
#   esp0 as --format bin --link 0x10000 -o crash.bin crash.S
#   esp0 machine --load crash.bin@0x10000

.globl _start
_start:
	lidt nothing
	xorl %eax, %eax
	movl %eax, %ds			# no fault yet: a null selector
	movb (%eax), %al		# a fault, and none can be delivered
nothing:
	.word 0
	.long 0
