# Blocks of kernel memory, and strings in it (include/asm-i386/string.h, page.h).

#include <asm/dwarf2.h>

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

# void memcpy(void *to, const void *from, size_t length): the ranges do not overlap
.align 16
.globl memcpy
.type memcpy,@function
memcpy:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	movl %ecx, %edx
	shrl $2, %ecx
	rep; movsl
	movl %edx, %ecx
	andl $3, %ecx
	rep; movsb
	popl_cfi %edi
	popl_cfi %esi
	ret
	.cfi_endproc
.size memcpy, . - memcpy

# void memset(void *to, int value, size_t length)
.align 16
.globl memset
.type memset,@function
memset:
	.cfi_startproc
	pushl_cfi %edi
	movl 8(%esp), %edi
	movzbl 12(%esp), %eax
	imull $0x01010101, %eax
	movl 16(%esp), %edx
	movl %edx, %ecx
	shrl $2, %ecx
	rep; stosl
	movl %edx, %ecx
	andl $3, %ecx
	rep; stosb
	popl_cfi %edi
	ret
	.cfi_endproc
.size memset, . - memset

# int strcmp(const char *a, const char *b)
.align 16
.globl strcmp
.type strcmp,@function
strcmp:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %esi
	movl 16(%esp), %edi
1:	movzbl (%esi), %eax
	movzbl (%edi), %ecx
	incl %esi
	incl %edi
	subl %ecx, %eax
	jne 2f
	testl %ecx, %ecx
	jne 1b
2:	popl_cfi %edi
	popl_cfi %esi
	ret
	.cfi_endproc
.size strcmp, . - strcmp

# size_t strnlen(const char *string, size_t size)
.align 16
.globl strnlen
.type strnlen,@function
strnlen:
	.cfi_startproc
	movl 4(%esp), %edx
	movl 8(%esp), %ecx
	xorl %eax, %eax
1:	cmpl %ecx, %eax
	jae 2f
	cmpb $0, (%edx,%eax)
	je 2f
	incl %eax
	jmp 1b
2:	ret
	.cfi_endproc
.size strnlen, . - strnlen

# void strlcpy(char *to, const char *from, size_t size): size is at least 1
.align 16
.globl strlcpy
.type strlcpy,@function
strlcpy:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
1:	decl %ecx
	je 2f
	lodsb
	stosb
	testb %al, %al
	jne 1b
	jmp 3f
2:	movb $0, (%edi)
3:	popl_cfi %edi
	popl_cfi %esi
	ret
	.cfi_endproc
.size strlcpy, . - strlcpy

# u32 find_nonzero(const u32 *from, u32 words): the index of the first word that is not 0, or words
.align 16
.globl find_nonzero
.type find_nonzero,@function
find_nonzero:
	.cfi_startproc
	pushl_cfi %edi
	movl 8(%esp), %edi
	movl 12(%esp), %ecx
	movl %ecx, %edx
	xorl %eax, %eax
	repe; scasl
	je 1f
	subl %ecx, %edx
	decl %edx
1:	movl %edx, %eax
	popl_cfi %edi
	ret
	.cfi_endproc
.size find_nonzero, . - find_nonzero
