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
