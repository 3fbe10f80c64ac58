# Whole pages (include/asm-i386/page.h).

.macro pushl_cfi register
	pushl \register
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset \register, 0
.endm

.macro popl_cfi register
	popl \register
	.cfi_adjust_cfa_offset -4
	.cfi_restore \register
.endm

.text
# void copy_page(void *to, const void *from)
.align 16
.globl copy_page
.type copy_page,@function
copy_page:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl $1024, %ecx
	rep; movsl
	popl_cfi %edi
	popl_cfi %esi
	ret
	.cfi_endproc
.size copy_page, . - copy_page

# void clear_page(void *to)
.align 16
.globl clear_page
.type clear_page,@function
clear_page:
	.cfi_startproc
	pushl_cfi %edi
	movl 8(%esp), %edi
	movl $1024, %ecx
	xorl %eax, %eax
	rep; stosl
	popl_cfi %edi
	ret
	.cfi_endproc
.size clear_page, . - clear_page

# unsigned long cpu_features(void): what CPUID leaf 1 reports in EDX
.align 16
.globl cpu_features
.type cpu_features,@function
cpu_features:
	.cfi_startproc
	pushl_cfi %ebx
	movl $1, %eax
	cpuid
	movl %edx, %eax
	popl_cfi %ebx
	ret
	.cfi_endproc
.size cpu_features, . - cpu_features
