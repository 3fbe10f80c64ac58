# Registers of the APICs, which are no memory: only machine code touches them (include/asm-i386/apic.h, io_apic.h).

.text
# unsigned long apic_read(unsigned long reg)
.align 16
.globl apic_read
.type apic_read,@function
apic_read:
	.cfi_startproc
	movl 4(%esp), %eax
	movl APIC_VIRT(%eax), %eax
	ret
	.cfi_endproc
.size apic_read, . - apic_read

# void apic_write(unsigned long reg, unsigned long value)
.align 16
.globl apic_write
.type apic_write,@function
apic_write:
	.cfi_startproc
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	movl %edx, APIC_VIRT(%eax)
	ret
	.cfi_endproc
.size apic_write, . - apic_write

# unsigned int io_apic_read(unsigned int reg)
.align 16
.globl io_apic_read
.type io_apic_read,@function
io_apic_read:
	.cfi_startproc
	movl 4(%esp), %eax
	movl %eax, IO_APIC_VIRT
	movl IO_APIC_VIRT+0x10, %eax
	ret
	.cfi_endproc
.size io_apic_read, . - io_apic_read

# void io_apic_write(unsigned int reg, unsigned int value)
.align 16
.globl io_apic_write
.type io_apic_write,@function
io_apic_write:
	.cfi_startproc
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	movl %eax, IO_APIC_VIRT
	movl %edx, IO_APIC_VIRT+0x10
	ret
	.cfi_endproc
.size io_apic_write, . - io_apic_write

# void halt(void): with interrupts off, for good.
.align 16
.globl halt
.type halt,@function
halt:
	.cfi_startproc
	hlt
	ret
	.cfi_endproc
.size halt, . - halt
