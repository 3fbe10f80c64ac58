# The current task and the number of the CPU (include/asm-i386/current.h, thread_info.h). kernel/host/stack-layout.ts has the
# same for hosted code.

#ifndef _I386_CURRENT_H
#define _I386_CURRENT_H

#if defined(CONFIG_VMAP_STACK)
# Nothing of a task is on its stack. The CPU's number is the limit of a segment that is there for it in each CPU's GDT.
.macro GET_CPU reg
	movl $GDT_ENTRY_CPU_NUMBER*8, \reg
	lsl \reg, \reg
.endm

# Between the two instructions nobody takes the CPU away: the kernel is not preempted.
.macro GET_CURRENT reg
	.ifdef CONFIG_SMP
	GET_CPU \reg
	movl current_task(,\reg,4), \reg
	.else
	movl current_task, \reg
	.endif
.endm

# \task is the one that runs from now on. Uses \scratch.
.macro SET_CURRENT task, scratch
	.ifdef CONFIG_SMP
	GET_CPU \scratch
	movl \task, current_task(,\scratch,4)
	.else
	movl \task, current_task
	.endif
.endm

#elif defined(CONFIG_THREAD_INFO)
# The stack is 8 KiB, aligned, with a thread_info at its lower end.
.macro GET_THREAD_INFO reg
	movl $-THREAD_SIZE, \reg
	andl %esp, \reg
.endm

.macro GET_CPU reg
	GET_THREAD_INFO \reg
	movl thread_info_cpu(\reg), \reg
.endm

.macro GET_CURRENT reg
	GET_THREAD_INFO \reg
	movl thread_info_task(\reg), \reg
.endm

#else
# The stack is 8 KiB, aligned, with the PCB at its lower end.
.macro GET_CURRENT reg
	movl $-THREAD_SIZE, \reg
	andl %esp, \reg
.endm

.macro GET_CPU reg
	GET_CURRENT \reg
	movl task_struct_processor(\reg), \reg
.endm
#endif

#endif
