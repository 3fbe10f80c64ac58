# Whole pages (include/asm-i386/page.h).

.text
# void copy_page(void *to, const void *from)
.align 16
.globl copy_page
.type copy_page,@function
copy_page:
	pushl %esi
	pushl %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl $1024, %ecx
	rep; movsl
	popl %edi
	popl %esi
	ret
.size copy_page, . - copy_page

# void clear_page(void *to)
.align 16
.globl clear_page
.type clear_page,@function
clear_page:
	pushl %edi
	movl 8(%esp), %edi
	movl $1024, %ecx
	xorl %eax, %eax
	rep; stosl
	popl %edi
	ret
.size clear_page, . - clear_page

# unsigned long cpu_features(void): what CPUID leaf 1 reports in EDX
.align 16
.globl cpu_features
.type cpu_features,@function
cpu_features:
	pushl %ebx
	movl $1, %eax
	cpuid
	movl %edx, %eax
	popl %ebx
	ret
.size cpu_features, . - cpu_features
