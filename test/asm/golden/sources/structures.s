	.struct 8
a:	.skip 4
b:	.long 0
	.align 16
c:	.byte 0, 0
d = .
	.text
	.offset 4
e:	.skip 2
f:
	.previous
	.long a, b, c, d, e, f, f - e
	movl b(%eax), %eax
	.globl c
	.section .foo, "aw"
	.long .foo + 4, .text
