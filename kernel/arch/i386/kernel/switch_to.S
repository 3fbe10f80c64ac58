# switch_to(prev, next, last): changing ESP is the context switch (include/asm-i386/system.h).
#
# In C this is inline in schedule() with prev in EAX and EBX, next in EDX, last out of EBX. Here it is a function
# struct task_struct *switch_to(prev, next), so that a hosted schedule() can call it; the instructions between the
# bars are those of the macro. Neither EBX nor EAX is restored by the switch: on the new stack EBX still names the task
# that was really switched from, whoever this task thought was next when it went to sleep.

#include <asm/current.h>

.text
.align 16
.globl switch_to
.type switch_to,@function
switch_to:
	.cfi_startproc
	pushl %ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebx, 0
	movl 8(%esp), %eax		# prev
	movl 12(%esp), %edx		# next
	movl %eax, %ebx
	# ---
	pushl %esi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %esi, 0
	pushl %edi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %edi, 0
	pushl %ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebp, 0
	movl %esp, task_struct_thread_esp(%eax)		# save ESP
#ifdef CONFIG_VMAP_STACK
	SET_CURRENT %edx, %ecx		# an interrupt now charges its tick to the one, or to the other
#endif
	movl task_struct_thread_esp(%edx), %esp		# restore ESP: from here on, another task
	# The frame is that of the other task's switch_to, which pushed the same; a new task has none, but its ret_from_fork's.
	movl $1f, task_struct_thread_eip(%eax)		# save EIP
	pushl task_struct_thread_eip(%edx)		# restore EIP: where __switch_to will return to
	.cfi_adjust_cfa_offset 4
	# __switch_to returns to switch_to_resume as if the jmp had called it. Who unwinds from there looks at the jmp, where
	# EIP has yet to be pushed or is no more there: the CFA is ESP + 20, and 4 more if EIP is at the jmp.
	# DW_CFA_def_cfa_expression: breg4+20; breg8+0; lit15; and; const1u; eq; lit2; shl; plus
	.cfi_escape 0x0f, 12, 0x74, 20, 0x78, 0, 0x3f, 0x1a, 0x08, (. - switch_to) & 15, 0x29, 0x32, 0x24, 0x22
	jmp __switch_to					# FASTCALL(prev in EAX, next in EDX)
.globl switch_to_resume
switch_to_resume:
1:	.cfi_def_cfa %esp, 20
	popl %ebp
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebp
	popl %edi
	.cfi_adjust_cfa_offset -4
	.cfi_restore %edi
	popl %esi
	.cfi_adjust_cfa_offset -4
	.cfi_restore %esi
	# ---
	movl %ebx, %eax			# last
	popl %ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	ret
	.cfi_endproc
.size switch_to, . - switch_to
