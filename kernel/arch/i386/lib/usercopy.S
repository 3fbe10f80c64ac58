# Copies between kernel and user space (arch/i386/lib/usercopy.c). A fault on the user's side that do_page_fault cannot
# cure goes on at the fix-up that __ex_table names for the instruction. Callers have checked the range (access_ok).

#include <asm/dwarf2.h>

# For fix-ups of functions that have pushed EDI, or ESI and EDI.
.macro EDI_PUSHED
	.cfi_startproc
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %edi, 0
.endm

.macro ESI_EDI_PUSHED
	.cfi_startproc
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %esi, 4
	.cfi_rel_offset %edi, 0
.endm

.text
# unsigned long __copy_to_user(void *to, const void *from, unsigned long n): bytes not copied
.align 16
.globl __copy_to_user
.type __copy_to_user,@function
__copy_to_user:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	movl %ecx, %edx
	shrl $2, %ecx
	andl $3, %edx
1:	rep; movsl
	movl %edx, %ecx
2:	rep; movsb
3:	movl %ecx, %eax
	popl_cfi %edi
	popl_cfi %esi
	ret
.section .fixup,"ax"
	ESI_EDI_PUSHED
4:	leal (%edx,%ecx,4), %ecx
	jmp 3b
	.cfi_endproc
.previous
.section __ex_table,"a"
	.align 4
	.long 1b, 4b
	.long 2b, 3b
.previous
	.cfi_endproc
.size __copy_to_user, . - __copy_to_user

# unsigned long __copy_from_user(void *to, const void *from, unsigned long n): bytes not copied, which are zero in `to`
.align 16
.globl __copy_from_user
.type __copy_from_user,@function
__copy_from_user:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	movl %ecx, %edx
	shrl $2, %ecx
	andl $3, %edx
1:	rep; movsl
	movl %edx, %ecx
2:	rep; movsb
3:	movl %ecx, %eax
	popl_cfi %edi
	popl_cfi %esi
	ret
.section .fixup,"ax"
	ESI_EDI_PUSHED
4:	leal (%edx,%ecx,4), %ecx
5:	movl %ecx, %edx
	xorl %eax, %eax
	rep; stosb
	movl %edx, %ecx
	jmp 3b
	.cfi_endproc
.previous
.section __ex_table,"a"
	.align 4
	.long 1b, 4b
	.long 2b, 5b
.previous
	.cfi_endproc
.size __copy_from_user, . - __copy_from_user

# unsigned long __clear_user(void *to, unsigned long n): bytes not cleared
.align 16
.globl __clear_user
.type __clear_user,@function
__clear_user:
	.cfi_startproc
	pushl_cfi %edi
	movl 8(%esp), %edi
	movl 12(%esp), %ecx
	movl %ecx, %edx
	shrl $2, %ecx
	andl $3, %edx
	xorl %eax, %eax
1:	rep; stosl
	movl %edx, %ecx
2:	rep; stosb
3:	movl %ecx, %eax
	popl_cfi %edi
	ret
.section .fixup,"ax"
	EDI_PUSHED
4:	leal (%edx,%ecx,4), %ecx
	jmp 3b
	.cfi_endproc
.previous
.section __ex_table,"a"
	.align 4
	.long 1b, 4b
	.long 2b, 3b
.previous
	.cfi_endproc
.size __clear_user, . - __clear_user

# long __strncpy_from_user(char *to, const char *from, long n): length without the NUL, n if there was none, -EFAULT
.align 16
.globl __strncpy_from_user
.type __strncpy_from_user,@function
__strncpy_from_user:
	.cfi_startproc
	pushl_cfi %esi
	pushl_cfi %edi
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	movl %ecx, %edx
	testl %ecx, %ecx
	jz 2f
1:	lodsb
	stosb
	testb %al, %al
	jz 2f
	decl %ecx
	jnz 1b
2:	movl %edx, %eax
	subl %ecx, %eax
3:	popl_cfi %edi
	popl_cfi %esi
	ret
.section .fixup,"ax"
	ESI_EDI_PUSHED
4:	movl $-EFAULT, %eax
	jmp 3b
	.cfi_endproc
.previous
.section __ex_table,"a"
	.align 4
	.long 1b, 4b
.previous
	.cfi_endproc
.size __strncpy_from_user, . - __strncpy_from_user

# long __strnlen_user(const char *s, long n): length with the NUL, 0 on a fault, more than n if there is no NUL in n bytes
.align 16
.globl __strnlen_user
.type __strnlen_user,@function
__strnlen_user:
	.cfi_startproc
	pushl_cfi %edi
	movl 8(%esp), %edi
	movl 12(%esp), %ecx
	movl %ecx, %edx
	xorl %eax, %eax
	testl %ecx, %ecx
	jz 3f
1:	repne; scasb
	jne 3f
	movl %edx, %eax
	subl %ecx, %eax
2:	.cfi_remember_state
	popl_cfi %edi
	ret
	.cfi_restore_state
3:	leal 1(%edx), %eax
	jmp 2b
.section .fixup,"ax"
	EDI_PUSHED
4:	xorl %eax, %eax
	jmp 2b
	.cfi_endproc
.previous
.section __ex_table,"a"
	.align 4
	.long 1b, 4b
.previous
	.cfi_endproc
.size __strnlen_user, . - __strnlen_user
