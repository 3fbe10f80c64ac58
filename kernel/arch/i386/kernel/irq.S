# Bottom halves on a stack of their own (arch/i386/kernel/irq.c, Linux 2.6), and the way back from stacks of the CPU's to the
# task's own for a task that is to end.

#include <asm/irq_stacks.h>

.text
# void do_softirq(void): do_bottom_half(), on this CPU's soft IRQ stack. Interrupts are off. Within an interrupt handler or another
# bottom half, whose stack that may be, there is nothing to do.
.align 16
.globl do_softirq
.type do_softirq,@function
do_softirq:
	.cfi_startproc
	pushl %ebp
	.cfi_def_cfa_offset 8
	.cfi_offset %ebp, -8
	movl %esp, %ebp
	.cfi_def_cfa_register %ebp
	pushl %ebx
	.cfi_offset %ebx, -12
#ifdef CONFIG_SMP
	GET_CPU %eax
	movl irq_stat+irq_cpustat_t_local_irq_count(,%eax,sizeof_irq_cpustat_t), %ecx
	orl irq_stat+irq_cpustat_t_local_bh_count(,%eax,sizeof_irq_cpustat_t), %ecx
#else
	movl irq_stat+irq_cpustat_t_local_irq_count, %ecx
	orl irq_stat+irq_cpustat_t_local_bh_count, %ecx
#endif
	jne 1f
	movl %esp, %ebx
	GET_CPU_STACK softirq_stack
	CHANGE_STACK 1f
	call do_bottom_half
	movl %ebx, %esp
1:	popl %ebx
	.cfi_restore %ebx
	popl %ebp
	.cfi_restore %ebp
	.cfi_def_cfa %esp, 4
	ret
	.cfi_endproc
.size do_softirq, . - do_softirq
