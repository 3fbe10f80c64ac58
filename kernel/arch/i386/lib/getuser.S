# Single values from and to user space (arch/i386/lib/getuser.S). Callers have checked the address (access_ok).

.text
# int __get_user_1/2/4(void *into, const void *user): 0 or -EFAULT; the value, zero-extended, goes to the word `into`
.macro GET_USER size, load
	.align 16
	.globl __get_user_\size
	.type __get_user_\size,@function
__get_user_\size:
	.cfi_startproc
	movl 8(%esp), %edx
1:	\load (%edx), %ecx
	xorl %eax, %eax
2:	movl 4(%esp), %edx
	movl %ecx, (%edx)
	ret
	.section .fixup,"ax"
	.cfi_startproc
3:	movl $-EFAULT, %eax
	xorl %ecx, %ecx
	jmp 2b
	.cfi_endproc
	.previous
	.section __ex_table,"a"
	.align 4
	.long 1b, 3b
	.previous
	.cfi_endproc
	.size __get_user_\size, . - __get_user_\size
.endm

GET_USER 1, movzbl
GET_USER 2, movzwl
GET_USER 4, movl

# int __put_user_1/2/4(unsigned long value, void *user): 0 or -EFAULT
.macro PUT_USER size, store, register
	.align 16
	.globl __put_user_\size
	.type __put_user_\size,@function
__put_user_\size:
	.cfi_startproc
	movl 4(%esp), %eax
	movl 8(%esp), %edx
1:	\store \register, (%edx)
	xorl %eax, %eax
2:	ret
	.section .fixup,"ax"
	.cfi_startproc
3:	movl $-EFAULT, %eax
	jmp 2b
	.cfi_endproc
	.previous
	.section __ex_table,"a"
	.align 4
	.long 1b, 3b
	.previous
	.cfi_endproc
	.size __put_user_\size, . - __put_user_\size
.endm

PUT_USER 1, movb, %al
PUT_USER 2, movw, %ax
PUT_USER 4, movl, %eax
