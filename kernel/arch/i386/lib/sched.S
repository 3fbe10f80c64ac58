# What schedulers with a run queue for each CPU need of the CPU (include/asm-i386/bitops.h, arch/i386/kernel/timers/timer_tsc.c).

.text
# int find_first_bit(const unsigned long *map): of words of which one at least has a bit set (sched_find_first_bit).
.align 16
.globl sched_find_first_bit
.type sched_find_first_bit,@function
sched_find_first_bit:
	.cfi_startproc
	movl 4(%esp), %edx
	xorl %ecx, %ecx
1:	movl (%edx), %eax
	bsfl %eax, %eax
	jnz 2f
	addl $4, %edx
	addl $32, %ecx
	jmp 1b
2:	addl %ecx, %eax
	ret
	.cfi_endproc
.size sched_find_first_bit, . - sched_find_first_bit

# unsigned long sched_clock(void): cycles since reset, in eights.
.align 16
.globl sched_clock
.type sched_clock,@function
sched_clock:
	.cfi_startproc
	rdtsc
	shrdl $3, %edx, %eax
	ret
	.cfi_endproc
.size sched_clock, . - sched_clock
