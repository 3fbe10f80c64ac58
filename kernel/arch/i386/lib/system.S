# Privileged operations as functions (include/asm-i386/system.h, pgtable.h).

#include <asm/percpu.h>

.text
# void load_cr3(unsigned long physical)
.align 16
.globl load_cr3
.type load_cr3,@function
load_cr3:
	.cfi_startproc
	movl 4(%esp), %eax
	INC_PER_CPU kstat, kernel_stat_cr3_loads, sizeof_kernel_stat, %ecx
	movl %eax, %cr3
	ret
	.cfi_endproc
.size load_cr3, . - load_cr3

# void set_in_cr4(unsigned long bits)
.align 16
.globl set_in_cr4
.type set_in_cr4,@function
set_in_cr4:
	.cfi_startproc
	movl %cr4, %eax
	orl 4(%esp), %eax
	movl %eax, %cr4
	ret
	.cfi_endproc
.size set_in_cr4, . - set_in_cr4

# void __flush_tlb(void)
.align 16
.globl __flush_tlb
.type __flush_tlb,@function
__flush_tlb:
	.cfi_startproc
	movl %cr3, %eax
	movl %eax, %cr3
	ret
	.cfi_endproc
.size __flush_tlb, . - __flush_tlb

# void __flush_tlb_one(unsigned long linear)
.align 16
.globl __flush_tlb_one
.type __flush_tlb_one,@function
__flush_tlb_one:
	.cfi_startproc
	movl 4(%esp), %eax
	invlpg (%eax)
	ret
	.cfi_endproc
.size __flush_tlb_one, . - __flush_tlb_one

# void safe_halt(void): sti takes effect after the next instruction, so an interrupt cannot come before hlt.
.align 16
.globl safe_halt
.type safe_halt,@function
safe_halt:
	.cfi_startproc
	sti
	hlt
	ret
	.cfi_endproc
.size safe_halt, . - safe_halt

# void smp_mb(void): what this CPU has stored is seen before what it loads from here on.
.align 16
.globl smp_mb
.type smp_mb,@function
smp_mb:
	.cfi_startproc
	lock; addl $0, (%esp)
	ret
	.cfi_endproc
.size smp_mb, . - smp_mb

# void load_tr(unsigned long selector)
.align 16
.globl load_tr
.type load_tr,@function
load_tr:
	.cfi_startproc
	movl 4(%esp), %eax
	ltr %ax
	ret
	.cfi_endproc
.size load_tr, . - load_tr

# void loadsegment(int segment, unsigned long selector): FS (4) or GS (5); a bad selector loads as null.
.align 16
.globl loadsegment
.type loadsegment,@function
loadsegment:
	.cfi_startproc
	movl 8(%esp), %eax
	cmpl $4, 4(%esp)
	jne 2f
1:	movl %eax, %fs
	ret
2:	movl %eax, %gs
	ret
	.cfi_endproc
.size loadsegment, . - loadsegment
	.section .fixup,"ax"
	.cfi_startproc
3:	xorl %eax, %eax
	jmp 1b
4:	xorl %eax, %eax
	jmp 2b
	.cfi_endproc
	.previous
	.section __ex_table,"a"
	.align 4
	.long 1b, 3b
	.long 2b, 4b
	.previous
