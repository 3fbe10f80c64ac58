# switch_to(prev, next, last): changing ESP is the context switch (include/asm-i386/system.h).
#
# In C this is inline in schedule() with prev in EAX and EBX, next in EDX, last out of EBX. Here it is a function
# struct task_struct *switch_to(prev, next), so that a hosted schedule() can call it; the instructions between the
# bars are those of the macro. Neither EBX nor EAX is restored by the switch: on the new stack EBX still names the task
# that was really switched from, whoever this task thought was next when it went to sleep.

.text
.align 16
.globl switch_to
.type switch_to,@function
switch_to:
	pushl %ebx
	movl 8(%esp), %eax		# prev
	movl 12(%esp), %edx		# next
	movl %eax, %ebx
	# ---
	pushl %esi
	pushl %edi
	pushl %ebp
	movl %esp, task_struct_thread_esp(%eax)		# save ESP
	movl task_struct_thread_esp(%edx), %esp		# restore ESP: from here on, another task
	movl $1f, task_struct_thread_eip(%eax)		# save EIP
	pushl task_struct_thread_eip(%edx)		# restore EIP: where __switch_to will return to
	jmp __switch_to					# FASTCALL(prev in EAX, next in EDX)
.globl switch_to_resume
switch_to_resume:
1:	popl %ebp
	popl %edi
	popl %esi
	# ---
	movl %ebx, %eax			# last
	popl %ebx
	ret
.size switch_to, . - switch_to
