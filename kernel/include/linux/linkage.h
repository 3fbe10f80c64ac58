# Functions of .S files (include/linux/linkage.h); <asm/dwarf2.h> comes first.

.macro FUNCTION name
	.align 16
	.globl \name
	.type \name,@function
\name:
	.cfi_startproc
.endm

.macro END_FUNCTION name
	.cfi_endproc
	.size \name, . - \name
.endm

# Returns, as the last instruction of a function.
.macro RETURN name
	ret
	END_FUNCTION \name
.endm

# Calls `function` with what EAX has as its argument, and returns what it does.
.macro CALL_AND_RETURN function
	pushl_cfi %eax
	call \function
	addl $4, %esp
	.cfi_adjust_cfa_offset -4
	ret
.endm
