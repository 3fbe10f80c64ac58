	.globl g, h, p, n
	.hidden h, wanted
	.protected p
	.internal n
	.weakref w1, only_weak
	.weakref w2, also_strong
	.weakref w3, unused
	.weakref w4, g
	call w1
	call w2
	call also_strong
	call w4
	call wanted
	.type g, @function
g:	endbr32
	.size g, . - g
h:	endbr64
p:	nop
n:	nop
l:	nop
	.globl alias
	.set alias, g
	call g@PLT
	call l@PLT
	jmp l@PLT
	jmp g@PLT
	jmp ext@PLT
	movl l@GOT(%ebx), %eax
	movl g@GOT, %eax
	addl g@GOT(%ebx), %eax
	pushl g@GOT(%ebx)
	call *g@GOT(%ebx)
	leal l@GOTOFF(%ebx), %eax
	leal l@GOTOFF+4(%ebx,%ecx), %eax
	leal 4+g@GOTOFF(%ebx), %eax
	leal ext+3@GOTOFF(%ebx), %ecx
	addl $_GLOBAL_OFFSET_TABLE_, %ebx
	addl $_GLOBAL_OFFSET_TABLE_+[.-l], %ebx
	leal _GLOBAL_OFFSET_TABLE_-4(%ebx), %eax
	.long _GLOBAL_OFFSET_TABLE_, g@GOT, l@GOTOFF, g@PLT
	movl %gs:t@NTPOFF, %eax
	movl t@INDNTPOFF, %eax
	movl t@GOTNTPOFF(%ebx), %eax
	leal t@TLSGD(,%ebx,1), %eax
	leal t@TLSLDM(%ebx), %eax
	leal t@DTPOFF(%eax), %eax
	movl t@GOTTPOFF(%ebx), %eax
	movl $t@TPOFF, %eax
	movl $g@SIZE, %eax
	.section .tdata, "awT"
t:	.long 1
