# The one way into the kernel and the one way out (arch/i386/kernel/entry.S).
#
# Every entry leaves a struct pt_regs on the kernel stack that TSS.esp0 named:
#	ebx ecx edx esi edi ebp eax xds xes orig_eax | eip xcs eflags [esp xss]
# the part behind the bar pushed by the CPU. orig_eax says what for, up to the iret: a system call's number, an
# exception's vector - 32, or the IRQ's number - 256 (include/asm/ptrace.ts).

# Call frame information: entry code is called by nobody; it goes on with an iret. So an unwinder finds two frames. That of
# the entry code has the address of pt_regs.eip for its CFA, and `pushed` bytes below it; it returns to the iret. That of
# the iret (IRET_FRAME) returns to what was interrupted, at any instruction and on any stack.
.macro ENTRY_FRAME pushed=0
	.cfi_startproc simple
	.cfi_def_cfa %esp, \pushed
	.cfi_val_encoded_addr %eip, 0, .Liret
.endm

# The same with a whole pt_regs on the stack.
.macro PT_REGS_FRAME
	ENTRY_FRAME pt_regs_eip
	.cfi_rel_offset %ebx, pt_regs_ebx
	.cfi_rel_offset %ecx, pt_regs_ecx
	.cfi_rel_offset %edx, pt_regs_edx
	.cfi_rel_offset %esi, pt_regs_esi
	.cfi_rel_offset %edi, pt_regs_edi
	.cfi_rel_offset %ebp, pt_regs_ebp
	.cfi_rel_offset %eax, pt_regs_eax
	.cfi_rel_offset %ds, pt_regs_xds
	.cfi_rel_offset %es, pt_regs_xes
.endm

# What the CPU pushed: EIP, CS, EFLAGS and, only if it came from ring 3, ESP and SS. `pushed` bytes lie below.
.macro IRET_FRAME pushed
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa %esp, 12 + \pushed
	.cfi_offset %eip, -12
	.cfi_offset %cs, -8
	.cfi_offset %eflags, -4
	# ESP is DW_CFA_val_expression((CS & 3) == 0 ? CFA : *CFA):
	# dup; lit8; minus; deref_size 1; lit3; and; lit0; eq; bra over the next one; deref
	.cfi_escape 0x16, 4, 13, 0x12, 0x38, 0x1c, 0x94, 1, 0x33, 0x1a, 0x30, 0x29, 0x28, 1, 0, 0x06
.endm

#include <asm/dwarf2.h>
#include <asm/percpu.h>
#include <asm/irq_stacks.h>

#ifdef CONFIG_IRQ_STACKS
#define DO_BOTTOM_HALF do_softirq
#else
#define DO_BOTTOM_HALF do_bottom_half
#endif

.macro SAVE_ALL
	cld
	pushl_cfi %es
	pushl_cfi %ds
	pushl_cfi %eax
	pushl_cfi %ebp
	pushl_cfi %edi
	pushl_cfi %esi
	pushl_cfi %edx
	pushl_cfi %ecx
	pushl_cfi %ebx
	movl $__KERNEL_DS, %edx
	movl %edx, %ds
	movl %edx, %es
.endm

.macro RESTORE_ALL
	popl_cfi %ebx
	popl_cfi %ecx
	popl_cfi %edx
	popl_cfi %esi
	popl_cfi %edi
	popl_cfi %ebp
	popl_cfi %eax
1:	popl_cfi %ds
2:	popl_cfi %es
	.cfi_endproc
	IRET_FRAME 4
	addl $4, %esp			# orig_eax
	.cfi_adjust_cfa_offset -4
3:
.Liret:	iret
	.cfi_endproc
	# A selector or frame that user space spoilt: ends the task there, where no pt_regs are left to return by.
	.section .fixup,"ax"
	ENTRY_FRAME pt_regs_eip-pt_regs_xds
	.cfi_rel_offset %ds, 0
	.cfi_rel_offset %es, 4
4:	movl $0, (%esp)
	jmp 1b
	.cfi_adjust_cfa_offset -4
	.cfi_same_value %ds
5:	movl $0, (%esp)
	jmp 2b
	.cfi_endproc
	.cfi_startproc
	.cfi_undefined %eip
6:	pushl %ss
	popl %ds
	pushl %ss
	popl %es
	sti				# as do_exit needs them; the iret came with interrupts off
	pushl $SIGSEGV
	call do_exit
	.cfi_endproc
	.previous
	.section __ex_table,"a"
	.align 4
	.long 1b, 4b
	.long 2b, 5b
	.long 3b, 6b
	.previous
.endm

.text

# int $0x80: number in EAX, arguments in EBX ECX EDX ESI EDI EBP; the result goes to the saved EAX.
.align 16
.globl system_call
.type system_call,@function
system_call:
	ENTRY_FRAME
	pushl %eax
	.cfi_adjust_cfa_offset 4
	SAVE_ALL
	GET_CURRENT %ebx
	INC_PER_CPU kstat, kernel_stat_syscalls, sizeof_kernel_stat, %ecx
	cmpl $NR_syscalls, %eax
	jae badsys
	call *sys_call_table(,%eax,4)
	movl %eax, pt_regs_eax(%esp)

# Back from a system call: bottom halves first, then need_resched, then signals; interrupts are off from the last
# check to iret, so nothing that an interrupt asks for is overlooked.
.globl ret_from_sys_call
ret_from_sys_call:
	cli
	LOAD_PER_CPU bh_active, %ebx, %ecx
	testl bh_mask, %ecx
	jne handle_bottom_half_sys_call
	cmpl $0, task_struct_need_resched(%ebx)
	jne reschedule
	cmpl $0, task_struct_sigpending(%ebx)
	jne signal_return
#ifdef CONFIG_PROVE_LOCKING
	call lockdep_sys_exit
#endif
restore_all:
	RESTORE_ALL
.size system_call, . - system_call

	PT_REGS_FRAME
badsys:
	andl $0x7fffffff, pt_regs_orig_eax(%esp)	# a negative number is that of no system call
	movl $-ENOSYS, pt_regs_eax(%esp)
	jmp ret_from_sys_call

handle_bottom_half_sys_call:
	call DO_BOTTOM_HALF
	jmp ret_from_sys_call

reschedule:
	sti
	call schedule
	jmp ret_from_sys_call

# One signal's handler was set up: the next pending one, if it is not blocked now, is set up to run first.
signal_return:
	sti
	movl %esp, %eax
	pushl $0			# oldset
	.cfi_adjust_cfa_offset 4
	pushl %eax			# regs
	.cfi_adjust_cfa_offset 4
	call do_signal
	addl $8, %esp
	.cfi_adjust_cfa_offset -8
	jmp ret_from_sys_call

# A new task's first instruction: switch_to jumped here through __switch_to's ret, EBX = the task switched from.
# (The frame goes on from above: unwinders take the byte before a return address for the call.)
.align 16
.globl ret_from_fork
.type ret_from_fork,@function
ret_from_fork:
	pushl %ebx
	.cfi_adjust_cfa_offset 4
	call schedule_tail
	addl $4, %esp
	.cfi_adjust_cfa_offset -4
	GET_CURRENT %ebx
	jmp ret_from_sys_call
.size ret_from_fork, . - ret_from_fork

# Back from an interrupt: bottom halves always; need_resched and signals only on the way to user space
# (a 2.4 kernel does not preempt itself).
.align 16
.globl ret_from_intr
.type ret_from_intr,@function
ret_from_intr:
	GET_CURRENT %ebx
	cli
	LOAD_PER_CPU bh_active, %ebx, %ecx
	testl bh_mask, %ecx
	jne handle_bottom_half_intr
.globl ret_from_exception
ret_from_exception:
	movl pt_regs_eflags(%esp), %eax	# VM flag and saved CPL in one register
	movb pt_regs_xcs(%esp), %al
	testl $VM_MASK|3, %eax
	jne ret_from_sys_call
	cli				# nothing may be pushed over orig_eax between its pop and the iret
	jmp restore_all
.size ret_from_intr, . - ret_from_intr

handle_bottom_half_intr:
	call DO_BOTTOM_HALF
	jmp ret_from_exception
	.cfi_endproc

# Hardware interrupts: one stub a line, which leaves its number where orig_eax is.
.macro BUILD_IRQ nr
	.align 16
	.globl IRQ\nr\()_interrupt
	.type IRQ\nr\()_interrupt,@function
IRQ\nr\()_interrupt:
	ENTRY_FRAME
	pushl $\nr-256
	.cfi_adjust_cfa_offset 4
	jmp common_interrupt
	.cfi_endproc
	.size IRQ\nr\()_interrupt, . - IRQ\nr\()_interrupt
.endm

.irp nr, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
BUILD_IRQ \nr
.endr

.align 16
.type common_interrupt,@function
common_interrupt:
	ENTRY_FRAME 4
	SAVE_ALL
	CALL_IRQ_HANDLER do_IRQ		# its argument is the struct pt_regs that lies here
	jmp ret_from_intr
	.cfi_endproc
.size common_interrupt, . - common_interrupt

# What the local APICs deliver (BUILD_SMP_INTERRUPT): the vector - APIC_BIAS where orig_eax is.
#ifdef CONFIG_SMP
.macro BUILD_SMP_INTERRUPT name, vector
	.align 16
	.globl \name
	.type \name,@function
\name:
	ENTRY_FRAME
	pushl $\vector-APIC_BIAS
	.cfi_adjust_cfa_offset 4
	SAVE_ALL
	CALL_IRQ_HANDLER smp_\name	# its argument is the struct pt_regs that lies here
	jmp ret_from_intr
	.cfi_endproc
	.size \name, . - \name
.endm

BUILD_SMP_INTERRUPT apic_timer_interrupt, LOCAL_TIMER_VECTOR
BUILD_SMP_INTERRUPT stop_interrupt, STOP_VECTOR
BUILD_SMP_INTERRUPT call_function_interrupt, CALL_FUNCTION_VECTOR
BUILD_SMP_INTERRUPT reschedule_interrupt, RESCHEDULE_VECTOR
BUILD_SMP_INTERRUPT invalidate_interrupt, INVALIDATE_TLB_VECTOR
BUILD_SMP_INTERRUPT error_interrupt, ERROR_APIC_VECTOR
BUILD_SMP_INTERRUPT spurious_interrupt, SPURIOUS_APIC_VECTOR
#endif

# Exceptions: the CPU or the stub pushed an error code (where orig_eax is), the stub its vector (where xes is).
.align 16
.type error_code,@function
error_code:
	ENTRY_FRAME 8
	pushl_cfi %ds
	pushl_cfi %eax
	pushl_cfi %ebp
	pushl_cfi %edi
	pushl_cfi %esi
	pushl_cfi %edx
	pushl_cfi %ecx
	pushl_cfi %ebx
	cld
	movl %es, %ecx
	movl pt_regs_orig_eax(%esp), %esi
	movl pt_regs_xes(%esp), %edi
	leal -FIRST_EXTERNAL_VECTOR(%edi), %eax
	movl %eax, pt_regs_orig_eax(%esp)
	movl %ecx, pt_regs_xes(%esp)
	.cfi_rel_offset %es, pt_regs_xes
#ifdef CONFIG_IRQ_STACKS
	movl %esp, %ebx
	.cfi_def_cfa_register %ebx
	movl $__KERNEL_DS, %edx
	movl %edx, %ds
	movl %edx, %es
	movl exception_stacks(,%edi,4), %eax
	testl %eax, %eax
	je 1f
	movl (%eax), %eax
#ifdef CONFIG_SMP
	GET_CPU %ecx
	shll $THREAD_SHIFT, %ecx
	addl %ecx, %eax
#endif
	CHANGE_STACK 1f
1:	pushl %esi			# error code
	pushl %ebx			# regs
	call *exception_table(,%edi,4)
	movl %ebx, %esp
	.cfi_def_cfa_register %esp
#else
	movl %esp, %edx
	pushl %esi			# error code
	.cfi_adjust_cfa_offset 4
	pushl %edx			# regs
	.cfi_adjust_cfa_offset 4
	movl $__KERNEL_DS, %edx
	movl %edx, %ds
	movl %edx, %es
	call *exception_table(,%edi,4)
	addl $8, %esp
	.cfi_adjust_cfa_offset -8
#endif
	GET_CURRENT %ebx
	jmp ret_from_exception
	.cfi_endproc
.size error_code, . - error_code

.macro EXCEPTION vector, name, has_error_code=0
	.align 8
	.globl \name
	.type \name,@function
\name:
	.if \has_error_code
	ENTRY_FRAME 4
	.else
	ENTRY_FRAME
	pushl $0
	.cfi_adjust_cfa_offset 4
	.endif
	pushl $\vector
	.cfi_adjust_cfa_offset 4
	jmp error_code
	.cfi_endproc
	.size \name, . - \name
	.pushsection .rodata
	.long do_\name
	.popsection
.endm

#ifdef CONFIG_IRQ_STACKS
# Those that have a stack of the CPU's, by vector.
.pushsection .rodata
.align 4
exception_stacks:
	.long 0, debug_stack, nmi_stack, debug_stack
	.fill 15, 4, 0
.popsection
#endif

# Handlers by vector, as the stubs follow.
.pushsection .rodata
.align 4
exception_table:
.popsection

EXCEPTION 0, divide_error
EXCEPTION 1, debug
EXCEPTION 2, nmi
EXCEPTION 3, int3
EXCEPTION 4, overflow
EXCEPTION 5, bounds
EXCEPTION 6, invalid_op
EXCEPTION 7, device_not_available
.pushsection .rodata
.long 0					# 8, double fault, is a task gate
.popsection
EXCEPTION 9, coprocessor_segment_overrun
EXCEPTION 10, invalid_TSS, 1
EXCEPTION 11, segment_not_present, 1
EXCEPTION 12, stack_segment, 1
EXCEPTION 13, general_protection, 1
EXCEPTION 14, page_fault, 1
EXCEPTION 15, spurious_interrupt_bug
EXCEPTION 16, coprocessor_error
EXCEPTION 17, alignment_check, 1
EXCEPTION 18, machine_check
