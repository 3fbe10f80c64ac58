# The boot ROM: from the reset vector in real mode to a kernel's 32-bit entry point.
#
# Lies at 0xF0000 and, for the reset vector, at the top of the address space. Leaves the CPU as the 32-bit boot protocol
# wants it: flat segments in 0x10 (code) and 0x18 (data), A20 on, paging and interrupts off, ESI = physical address of
# the boot parameters. The host has put kernel and parameters in memory and links this with their addresses.
# Linked at 0, as its segment sees it: flat addresses have ROM_BASE added.

.set PORT_A20, 0x92		# system control port A: bit 1 opens the A20 gate
.set CR0_PE, 1

.code16
.text
.globl setup
setup:
	cli
	cld
	inb $PORT_A20, %al
	orb $2, %al
	andb $0xfe, %al			# bit 0 would reset the machine
	outb %al, $PORT_A20
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_descr
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $0x10, $protected_mode + ROM_BASE

.code32
protected_mode:
	movl $0x18, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	movl $BOOT_STACK, %esp
	movl $BOOT_PARAMS, %esi
	xorl %ebp, %ebp
	xorl %edi, %edi
	xorl %ebx, %ebx
	movl $KERNEL_ENTRY, %eax
	jmp *%eax

.align 8
gdt:
	.quad 0
	.quad 0
	.quad 0x00cf9a000000ffff	# 0x10: code, 4 GiB
	.quad 0x00cf92000000ffff	# 0x18: data, 4 GiB
gdt_descr:
	.word . - gdt - 1
	.long gdt + ROM_BASE

.section .reset,"ax"
.code16
reset_vector:
	ljmp $ROM_BASE >> 4, $setup
