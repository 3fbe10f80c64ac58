# The x87's state to and from memory (arch/i386/kernel/i387.c, include/asm-i386/i387.h).

.text
# void clts(void): the x87 may be used
.align 16
.globl clts
.type clts,@function
clts:
	.cfi_startproc
	clts
	ret
	.cfi_endproc
.size clts, . - clts

# void stts(void): the next x87 instruction raises #NM
.align 16
.globl stts
.type stts,@function
stts:
	.cfi_startproc
	movl %cr0, %eax
	orl $CR0_TS, %eax
	movl %eax, %cr0
	ret
	.cfi_endproc
.size stts, . - stts

# void fnsave(struct i387_fsave_struct *to): saves the state, pending exceptions and all, and initializes the x87
.align 16
.globl fnsave
.type fnsave,@function
fnsave:
	.cfi_startproc
	movl 4(%esp), %eax
	fnsave (%eax)
	fwait
	ret
	.cfi_endproc
.size fnsave, . - fnsave

# void frstor(const struct i387_fsave_struct *from): a pending exception in it comes with the program's next instruction
.align 16
.globl frstor
.type frstor,@function
frstor:
	.cfi_startproc
	movl 4(%esp), %eax
	frstor (%eax)
	ret
	.cfi_endproc
.size frstor, . - frstor

# void fninit(void)
.align 16
.globl fninit
.type fninit,@function
fninit:
	.cfi_startproc
	fninit
	ret
	.cfi_endproc
.size fninit, . - fninit
