/*
 * Kernel entry in the manner of Linux 2.4: what real .S files ask of an assembler.
 */
#define ASSEMBLY
#define SYMBOL_NAME(X) X
#define SYMBOL_NAME_LABEL(X) X##:
#define ALIGN .align 4,0x90
#define ENTRY(name) \
  .globl SYMBOL_NAME(name); \
  ALIGN; \
  SYMBOL_NAME_LABEL(name)
#define __KERNEL_CS	0x10
#define __KERNEL_DS	0x18
#define NR_syscalls 8
#define ENOSYS 38

EBX		= 0x00
ORIG_EAX	= 0x24
EAX		= 0x18
EFLAGS		= 0x30
CS		= 0x2C
OLDESP		= 0x34
VM_MASK		= 0x00020000

need_resched	= 20
addr_limit	= 12

#define SAVE_ALL \
	cld; \
	pushl %es; \
	pushl %ds; \
	pushl %eax; \
	pushl %ebp; \
	pushl %edi; \
	pushl %esi; \
	pushl %edx; \
	pushl %ecx; \
	pushl %ebx; \
	movl $(__KERNEL_DS),%edx; \
	movl %edx,%ds; \
	movl %edx,%es;

#define RESTORE_ALL	\
	popl %ebx;	\
	popl %ecx;	\
	popl %edx;	\
	popl %esi;	\
	popl %edi;	\
	popl %ebp;	\
	popl %eax;	\
1:	popl %ds;	\
2:	popl %es;	\
	addl $4,%esp;	\
3:	iret;		\
.section .fixup,"ax";	\
4:	movl $0,(%esp);	\
	jmp 1b;		\
5:	movl $0,(%esp);	\
	jmp 2b;		\
6:	pushl %ss;	\
	popl %ds;	\
	pushl %ss;	\
	popl %es;	\
	pushl $11;	\
	call do_exit;	\
.previous;		\
.section __ex_table,"a";\
	.align 4;	\
	.long 1b,4b;	\
	.long 2b,5b;	\
	.long 3b,6b;	\
.previous

#define GET_CURRENT(reg) \
	movl $-8192, reg; \
	andl %esp, reg

	.text
ENTRY(ret_from_fork)
	pushl %ebx
	call SYMBOL_NAME(schedule_tail)
	addl $4, %esp
	GET_CURRENT(%ebx)
	testb $0x02,24(%ebx)	# PT_TRACESYS
	jne tracesys_exit
	jmp	ret_from_sys_call

ENTRY(system_call)
	pushl %eax			# save orig_eax
	SAVE_ALL
	GET_CURRENT(%ebx)
	testb $0x02,24(%ebx)
	jne tracesys
	cmpl $(NR_syscalls),%eax
	jae badsys
	call *SYMBOL_NAME(sys_call_table)(,%eax,4)
	movl %eax,EAX(%esp)		# save the return value
ENTRY(ret_from_sys_call)
	cli				# need_resched and signals atomic test
	cmpl $0,need_resched(%ebx)
	jne reschedule
	cmpl $0,8(%ebx)
	jne signal_return
restore_all:
	RESTORE_ALL

	ALIGN
signal_return:
	sti				# we can get here from an interrupt handler
	testl $(VM_MASK),EFLAGS(%esp)
	movl %esp,%eax
	jne v86_signal_return
	xorl %edx,%edx
	call SYMBOL_NAME(do_signal)
	jmp restore_all

	ALIGN
v86_signal_return:
	call SYMBOL_NAME(save_v86_state)
	movl %eax,%esp
	xorl %edx,%edx
	call SYMBOL_NAME(do_signal)
	jmp restore_all

	ALIGN
tracesys:
	movl $-ENOSYS,EAX(%esp)
	call SYMBOL_NAME(syscall_trace)
	movl ORIG_EAX(%esp),%eax
	cmpl $(NR_syscalls),%eax
	jae tracesys_exit
	call *SYMBOL_NAME(sys_call_table)(,%eax,4)
	movl %eax,EAX(%esp)
tracesys_exit:
	call SYMBOL_NAME(syscall_trace)
	jmp ret_from_sys_call
badsys:
	movl $-ENOSYS,EAX(%esp)
	jmp ret_from_sys_call

	ALIGN
reschedule:
	call SYMBOL_NAME(schedule)    /* test */
	jmp ret_from_sys_call

#define BUILD_INTERRUPT(x,v) ENTRY(x ## _interrupt) pushl $v-256; SAVE_ALL; call SYMBOL_NAME(smp_ ## x ## _interrupt); jmp ret_from_intr
#ifdef CONFIG_SMP
BUILD_INTERRUPT(reschedule, 0xfc)
#else
ENTRY(ret_from_intr)
	GET_CURRENT(%ebx)
	movl EFLAGS(%esp),%eax		# mix EFLAGS and CS
	movb CS(%esp),%al
	testl $(VM_MASK | 3),%eax	# return to VM86 mode or non-supervisor?
	jne ret_from_sys_call
	jmp restore_all
#endif

#if NR_syscalls > 4 && !defined(NOTHING)
BUILD_INTERRUPT(timer, 0x20)
#endif

	.irp n, 0, 1, 2, 3
	.globl vector\n
	ALIGN
vector\n:
	pushl $0; pushl $\n
	jmp error_code
	.endr

ENTRY(divide_error)
	pushl $0		# no error code
	pushl $ SYMBOL_NAME(do_divide_error)
	ALIGN
error_code:
	pushl %ds
	pushl %eax
	xorl %eax,%eax
	pushl %ebp
	decl %eax			# eax = -1
	movl %es,%ecx
	movl ORIG_EAX(%esp), %esi	# get the error code
	movl %eax, ORIG_EAX(%esp)
	movl %esp,%edx
	pushl %esi
	pushl %edx
	GET_CURRENT(%ebx)
	call *%edi
	addl $8,%esp
	jmp ret_from_sys_call

	.macro exception name code=0
	.globl \name
	ALIGN
\name:
	.if \code == 0
	pushl $0
	.endif
	pushl $do_\name
	jmp error_code
	.endm
	exception overflow
	exception page_fault, 1
	exception name=bounds

ENTRY(get_user_4)
1:	lock ; incl 4(%eax)
	rep ; movsl
2:	movl (%eax),%edx
	xorl %eax,%eax
	ret
	.section __ex_table,"a"
	.long 1b,bad_get_user, 2b,bad_get_user
	.previous
bad_get_user:
	xorl %edx,%edx
	movl $-14,%eax
	ret

.data
ENTRY(sys_call_table)
	.long SYMBOL_NAME(sys_ni_syscall)	/* 0  -  old "setup()" system call*/
	.long SYMBOL_NAME(sys_exit)
	.long SYMBOL_NAME(sys_fork)
	.rept NR_syscalls-(.-sys_call_table)/4
		.long SYMBOL_NAME(sys_ni_syscall)
	.endr
ENTRY(gdt_table)
	.quad 0x0000000000000000	/* NULL descriptor */
	.quad 0x00cf9a000000ffff	/* 0x10 kernel 4GB code at 0x00000000 */
	.quad 0x00cf92000000ffff	/* 0x18 kernel 4GB data at 0x00000000 */
	.fill 4,8,0
gdt_descr:
	.word .-gdt_table-1
	.long gdt_table - 0xC0000000
