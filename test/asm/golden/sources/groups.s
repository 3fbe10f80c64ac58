# Section groups: members by name and by `?`, names that are in a group and out of it, signatures that are symbols or not.
	.text
	call f
	.section .text.f,"axG",@progbits,f,comdat
	.weak f
	.hidden f
	.type f,@function
f:	call g
	movl $.Lx, %eax
	ret
	.size f, .-f
	.section .rodata.f,"aG",@progbits,f,comdat
.Lx:	.long 1, f
	.section .text.g,"axG",@progbits,pair,comdat
g:	ret
	.section .text.f,"axG",@progbits,f,comdat
	nop
	jmp f
	.section .text.f
	hlt
	.section .strings,"aMSG",@progbits,1,pair,comdat
	.asciz "text"
	.section .same,"a?"
	.long f, 3
	.section .alone,"awG",alone
	.long 1
	.pushsection .text.quoted,"axG",@progbits,"a name",comdat
	.globl main
main:	ret
	.popsection
	.long main
	.section .none,"a?",@progbits
	.section .zeros,"awG",@nobits,zeros
	.skip 12
	.data
	.long g, g+1
	.section .gnu.linkonce.t.h,"ax",@progbits
h:	ret
1:	nop
	.text
	call h
	call 1b
