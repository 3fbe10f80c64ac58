# int arch_kernel_thread(int (*fn)(void *), void *arg, unsigned long flags)  (arch/i386/kernel/process.c)
#
# clone() called from ring 0. The child gets a copy of the registers but a stack of its own, so that comparing ESP with
# its value before the call tells child from parent. The parent returns the child's pid or -errno.

.text
.align 16
.globl arch_kernel_thread
.type arch_kernel_thread,@function
arch_kernel_thread:
	pushl %ebp
	movl %esp, %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl $__NR_clone, %eax
	movl 16(%ebp), %ebx
	orl $CLONE_VM, %ebx
	xorl %ecx, %ecx			# no user stack
	movl 12(%ebp), %edx		# arg
	movl 8(%ebp), %edi		# fn
	movl %esp, %esi
	int $0x80
	cmpl %esp, %esi			# child or parent?
	je 1f
	xorl %ebp, %ebp			# the child's outermost frame
	pushl %edx
	call *%edi
	movl %eax, %ebx			# exit code
	movl $__NR_exit, %eax
	int $0x80
1:	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret
.size arch_kernel_thread, . - arch_kernel_thread

# int execve(const char *filename, char **argv, char **envp): the system call, from ring 0 (init/main.c).
.align 16
.globl execve
.type execve,@function
execve:
	pushl %ebx
	movl 8(%esp), %ebx
	movl 12(%esp), %ecx
	movl 16(%esp), %edx
	movl $__NR_execve, %eax
	int $0x80
	popl %ebx
	ret
.size execve, . - execve
