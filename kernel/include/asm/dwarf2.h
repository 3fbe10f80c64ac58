# Pushes and pops that call-frame information follows (include/asm-i386/dwarf2.h).

.macro pushl_cfi register
	pushl \register
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset \register, 0
.endm

.macro popl_cfi register
	popl \register
	.cfi_adjust_cfa_offset -4
	.cfi_same_value \register
.endm
