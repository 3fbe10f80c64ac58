# What every CPU has one of (include/linux/percpu.h), in a kernel for several: found by the number of the CPU. In a kernel for
# one it is just there.

#include <asm/current.h>

# Increments a counter of this CPU's: `offset` bytes into its struct, one of `size` bytes, of the variable `symbol`. Uses `reg`.
.macro INC_PER_CPU symbol, offset, size, reg
	.ifdef CONFIG_SMP
	GET_CPU \reg
	imull $\size, \reg
	incl \symbol+\offset(\reg)
	.else
	incl \symbol+\offset
	.endif
.endm

# Reads a word of this CPU's; \current is a register that has the current task.
.macro LOAD_PER_CPU symbol, current, reg
	.ifdef CONFIG_SMP
	movl task_struct_processor(\current), \reg
	movl \symbol(,\reg,4), \reg
	.else
	movl \symbol, \reg
	.endif
.endm
