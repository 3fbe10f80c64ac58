.globl _start
.text
stop:
	.cfi_startproc
	pushl %ebx
	.cfi_adjust_cfa_offset 4
	movl $1, %eax
	int $0x80
	.cfi_endproc
.type stop,@function
.size stop, .-stop
inner:
	.cfi_startproc
	call stop
	.cfi_endproc
.type inner,@function
.size inner, .-inner
.balign 16
.type _start,@function
_start:
	.cfi_startproc
	.cfi_undefined eip
	call inner
	.cfi_endproc
.size _start, .-_start
