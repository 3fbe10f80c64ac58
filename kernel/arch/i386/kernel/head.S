# startup_32: from flat protected mode without paging to start_kernel() (arch/i386/kernel/head.S).
#
# Entered at its physical address with CS, DS, ES, SS flat 4 GiB segments, A20 on, interrupts off,
# ESI = physical address of the boot parameters (the "zero page"). Linked at __PAGE_OFFSET + 1 MiB,
# so until paging is on every address has __PAGE_OFFSET taken off.

.section .text.head,"ax"
.globl startup_32
.type startup_32,@function
startup_32:
	.cfi_startproc
	.cfi_undefined %eip		# nobody called
	cld
	# pg0 and pg1: the first 8 MiB, seen both at 0 (where we run) and at __PAGE_OFFSET (where we are linked).
	movl $pg0-__PAGE_OFFSET, %edi
	movl $_PAGE_KERNEL_EARLY, %eax
1:	stosl
	addl $0x1000, %eax
	cmpl $pg_end-__PAGE_OFFSET, %edi
	jb 1b
	movl $swapper_pg_dir-__PAGE_OFFSET, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG|CR0_WP|CR0_NE|CR0_MP, %eax
	movl %eax, %cr0
	jmp 1f				# flush what was fetched before paging
1:	movl $1f, %eax
	jmp *%eax			# and go on at the linked address
1:
	lss stack_start, %esp

	xorl %eax, %eax			# .bss
	movl $__bss_start, %edi
	movl $__bss_stop, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	rep; stosl

	movl %esi, boot_params		# they stay where they are until read_boot_params()

	call setup_idt
	pushl $0
	popfl
	lgdt gdt_descr
	lidt idt_descr
	ljmp $__KERNEL_CS, $1f
1:	movl $__KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	lss stack_start, %esp
	xorl %eax, %eax
	lldt %ax
	xorl %ebp, %ebp			# the outermost frame
	call start_kernel
1:	hlt				# start_kernel never returns
	jmp 1b
	.cfi_endproc
.size startup_32, . - startup_32

# Every vector goes to ignore_int until trap_init() and init_IRQ() know better.
.type setup_idt,@function
setup_idt:
	.cfi_startproc
	movl $ignore_int, %edx
	movl $__KERNEL_CS<<16, %eax
	movw %dx, %ax
	movw $0x8e00, %dx		# interrupt gate, DPL 0, present
	movl $idt_table, %edi
	movl $256, %ecx
1:	movl %eax, (%edi)
	movl %edx, 4(%edi)
	addl $8, %edi
	loop 1b
	ret
	.cfi_endproc
.size setup_idt, . - setup_idt

.type ignore_int,@function
ignore_int:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa %esp, 12		# from ring 0: EIP, CS, EFLAGS
	.cfi_offset %eip, -12
	.cfi_offset %cs, -8
	.cfi_offset %eflags, -4
	pushl $NO_ENTRY			# where orig_eax would be
	.cfi_adjust_cfa_offset 4
	pushl %eax
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %eax, 0
	pushl %ecx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ecx, 0
	pushl %edx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %edx, 0
	call unknown_interrupt
	popl %edx
	.cfi_adjust_cfa_offset -4
	.cfi_same_value %edx
	popl %ecx
	.cfi_adjust_cfa_offset -4
	.cfi_same_value %ecx
	popl %eax
	.cfi_adjust_cfa_offset -4
	.cfi_same_value %eax
	addl $4, %esp
	.cfi_adjust_cfa_offset -4
	iret
	.cfi_endproc
.size ignore_int, . - ignore_int

.data
.align 4
stack_start:				# lss: the boot stack is init_task's, the idle task's for good
	.long init_task_union + THREAD_SIZE
	.word __KERNEL_DS

	.word 0				# so that the bases below are aligned
gdt_descr:
	.word GDT_ENTRIES*8-1
	.long gdt_table
	.word 0
idt_descr:
	.word 256*8-1
	.long idt_table

.section .data.page_aligned,"aw"
.align 4096
.globl swapper_pg_dir
.type swapper_pg_dir,@object
swapper_pg_dir:
	.long pg0 - __PAGE_OFFSET + _PAGE_TABLE_EARLY
	.long pg1 - __PAGE_OFFSET + _PAGE_TABLE_EARLY
	.fill 766, 4, 0
	.long pg0 - __PAGE_OFFSET + _PAGE_TABLE_EARLY
	.long pg1 - __PAGE_OFFSET + _PAGE_TABLE_EARLY
	.fill 254, 4, 0
.size swapper_pg_dir, 4096

.section .bss.page_aligned,"aw",@nobits
.align 4096
.globl pg0
pg0:	.skip 4096
.globl pg1
pg1:	.skip 4096
pg_end:
.globl empty_zero_page
.type empty_zero_page,@object
empty_zero_page:
	.skip 4096
.size empty_zero_page, 4096
