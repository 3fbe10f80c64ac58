# int arch_kernel_thread(int (*fn)(void *), void *arg, unsigned long flags)  (arch/i386/kernel/process.c)
#
# clone() called from ring 0. The child gets a copy of the registers but a stack of its own, so that comparing ESP with
# its value before the call tells child from parent. The parent returns the child's pid or -errno.

.text
.align 16
.globl arch_kernel_thread
.type arch_kernel_thread,@function
arch_kernel_thread:
	.cfi_startproc
	pushl %ebp
	.cfi_def_cfa_offset 8
	.cfi_offset %ebp, -8
	movl %esp, %ebp
	.cfi_def_cfa_register %ebp
	pushl %ebx
	.cfi_offset %ebx, -12
	pushl %esi
	.cfi_offset %esi, -16
	pushl %edi
	.cfi_offset %edi, -20
	movl $__NR_clone, %eax
	movl 16(%ebp), %ebx
	orl $CLONE_VM, %ebx
	xorl %ecx, %ecx			# no user stack
	movl 12(%ebp), %edx		# arg
	movl 8(%ebp), %edi		# fn
	movl %esp, %esi
	int $0x80
	.cfi_remember_state
	# The child has nobody to return to, and its EBP points into the parent's stack.
	# EIP is DW_CFA_val_expression(*(CFA - 4) * (ESP == ESI)): lit4; minus; deref; breg4+0; breg6+0; eq; mul
	.cfi_escape 0x16, 8, 9, 0x34, 0x1c, 0x06, 0x74, 0, 0x76, 0, 0x29, 0x1e
	cmpl %esp, %esi			# child or parent?
	je 1f
	.cfi_undefined %eip
	xorl %ebp, %ebp			# the child's outermost frame
	.cfi_def_cfa %esp, 4
	pushl %edx
	call *%edi
	movl %eax, %ebx			# exit code
	movl $__NR_exit, %eax
	int $0x80
	.cfi_restore_state
1:	popl %edi
	.cfi_restore %edi
	popl %esi
	.cfi_restore %esi
	popl %ebx
	.cfi_restore %ebx
	popl %ebp
	.cfi_restore %ebp
	.cfi_def_cfa %esp, 4
	ret
	.cfi_endproc
.size arch_kernel_thread, . - arch_kernel_thread

# int execve(const char *filename, char **argv, char **envp): the system call, from ring 0 (init/main.c).
.align 16
.globl execve
.type execve,@function
execve:
	.cfi_startproc
	pushl %ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebx, 0
	movl 8(%esp), %ebx
	movl 12(%esp), %ecx
	movl 16(%esp), %edx
	movl $__NR_execve, %eax
	int $0x80
	popl %ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	ret
	.cfi_endproc
.size execve, . - execve
