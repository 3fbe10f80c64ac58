# Where a further CPU starts: in real mode, at the page that the startup IPI names, a copy of what lies between
# trampoline_data and trampoline_end (arch/i386/kernel/trampoline.S). From there to start_secondary() (head.S).

.section .rodata
.align 4
.globl trampoline_data
trampoline_data:
.code16
	cli
	movw %cs, %ax
	movw %ax, %ds
	movl $TRAMPOLINE_REACHED, 0	# over what has been executed: do_boot_cpu() finds it when nothing else comes of the CPU
	lidtl idt_48 - trampoline_data
	lgdtl gdt_48 - trampoline_data
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $__KERNEL_CS, $startup_32_smp - __PAGE_OFFSET
idt_48:
	.word 0				# an interrupt now is the end
	.long 0
gdt_48:
	.word GDT_ENTRIES*8-1
	.long gdt_table - __PAGE_OFFSET
.globl trampoline_end
trampoline_end:

.code32
.text
# Flat protected mode, paging off, at the physical address. swapper_pg_dir maps us there as well as where we are linked.
.align 16
.type startup_32_smp,@function
startup_32_smp:
	.cfi_startproc
	.cfi_undefined %eip		# nobody called
	cld
	movl $__KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	movl $swapper_pg_dir-__PAGE_OFFSET, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG|CR0_WP|CR0_NE|CR0_MP, %eax
	movl %eax, %cr0
	jmp 1f				# flush what was fetched before paging
1:	movl $1f, %eax
	jmp *%eax			# and go on at the linked address
1:
	movl secondary_stack, %esp	# of this CPU's idle task
	pushl $0
	popfl
	movl smp_num_cpus, %eax		# its number, as it is the next one: its own GDT
	imull $GDT_ENTRIES*8, %eax
	addl $gdt_table, %eax
	pushl %eax
	pushw $GDT_ENTRIES*8-1
	lgdt (%esp)
	movl $idt_table, 2(%esp)	# the one IDT
	movw $256*8-1, (%esp)
	lidt (%esp)
	addl $6, %esp
	ljmp $__KERNEL_CS, $1f
1:	movl $__KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	xorl %eax, %eax
	lldt %ax
	xorl %ebp, %ebp			# the outermost frame
	call start_secondary
1:	hlt				# start_secondary never returns
	jmp 1b
	.cfi_endproc
.size startup_32_smp, . - startup_32_smp
