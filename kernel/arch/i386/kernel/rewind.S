# The end of a task that is not on its own stack, or has none left (arch/i386/entry/entry_32.S, Linux 4.9).

#include <asm/current.h>

.text
# void leave_cpu_stack(int code): does nothing on the current task's own stack. On any other, such as that of debug exceptions, which
# the next one will begin anew, and where there is hardly any of its own left, it ends the task at the top of its own.
.align 16
.globl leave_cpu_stack
.type leave_cpu_stack,@function
leave_cpu_stack:
	.cfi_startproc
	GET_CURRENT %eax
	movl %esp, %ecx
	subl task_struct_thread_esp0(%eax), %ecx
	addl $THREAD_SIZE, %ecx		# bytes below ESP, on its own stack
	cmpl $THREAD_SIZE, %ecx
	jae rewind_stack_do_exit
#ifdef CONFIG_VMAP_STACK
	cmpl $THREAD_SIZE/2, %ecx
	jb rewind_stack_do_exit
#endif
	ret
	.cfi_endproc
.size leave_cpu_stack, . - leave_cpu_stack

# void rewind_stack_do_exit(int code): do_exit(code) at the top of the task's stack, below the registers of its program.
.align 16
.globl rewind_stack_do_exit
.type rewind_stack_do_exit,@function
rewind_stack_do_exit:
	.cfi_startproc
	.cfi_undefined %eip		# what was on the stack is gone
	movl 4(%esp), %ecx
	GET_CURRENT %eax
	xorl %ebp, %ebp			# the outermost frame
	movl task_struct_thread_esp0(%eax), %esp
	subl $sizeof_pt_regs, %esp
	pushl %ecx
	call do_exit
	.cfi_endproc
.size rewind_stack_do_exit, . - rewind_stack_do_exit

#ifdef CONFIG_VMAP_STACK
# Where the double fault's task begins, and goes on for the next one: back to the task that was interrupted, as its TSS has it now.
.align 16
.globl doublefault_entry
.type doublefault_entry,@function
doublefault_entry:
	.cfi_startproc
	.cfi_undefined %eip		# a task of its own
	addl $4, %esp			# the error code, 0
	xorl %ebp, %ebp
	call doublefault_fn
	iret				# NT is set: a switch of tasks
	jmp doublefault_entry
	.cfi_endproc
.size doublefault_entry, . - doublefault_entry
#endif
