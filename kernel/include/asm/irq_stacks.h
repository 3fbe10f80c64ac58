# Stacks that belong to a CPU (arch/i386/kernel/irq_stacks.ts): each CPU has one of each kind, behind those of the CPUs before it.
# Whoever changes to one keeps the ESP that it leaves in EBX, which all functions preserve: that is how an unwinder gets across.
# The topmost word of the stack has it, too.

#include <asm/current.h>

# EAX: the lower end of this CPU's \stack; 0 before there are any, on the boot CPU.
.macro GET_CPU_STACK stack
	.ifdef CONFIG_SMP
	GET_CPU %eax
	shll $THREAD_SHIFT, %eax
	addl \stack, %eax
	.else
	movl \stack, %eax
	.endif
.endm

# Changes to the stack whose lower end EAX is, with EBX = ESP; stays, and jumps to \stay, when it is on that already, or there is
# none yet. What was interrupted is not asked: an NMI may come between any two instructions, and has a stack of its own. Uses ECX.
.macro CHANGE_STACK stay
	testl %eax, %eax
	je \stay
	movl %ebx, %ecx
	xorl %eax, %ecx
	testl $-THREAD_SIZE, %ecx
	je \stay
	.ifdef CONFIG_THREAD_INFO
	movl $-THREAD_SIZE, %ecx	# whose time it is on this stack, too
	andl %ebx, %ecx
	movl thread_info_task(%ecx), %ecx
	movl %ecx, thread_info_task(%eax)
	.endif
	addl $THREAD_SIZE-4, %eax
	movl %ebx, (%eax)
	movl %eax, %esp
.endm

# Calls a handler that takes the struct pt_regs at ESP by value: without stacks of the CPU's, where it lies, else on the hard IRQ
# stack with a copy. A handler that is interrupted by another goes on with what is left of that.
.macro CALL_IRQ_HANDLER handler
	.ifdef CONFIG_IRQ_STACKS
	movl %esp, %ebx
	.cfi_def_cfa_register %ebx
	GET_CPU_STACK hardirq_stack
	CHANGE_STACK 8f
	subl $sizeof_pt_regs, %esp
	movl %ebx, %esi
	movl %esp, %edi
	movl $sizeof_pt_regs/4, %ecx
	rep; movsl
8:	call \handler
	movl %ebx, %esp
	.cfi_def_cfa_register %esp
	.else
	call \handler
	.endif
.endm
