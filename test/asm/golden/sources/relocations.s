# Relocations by name: numbers and labels for places, symbols of all kinds, types of ELF and of BFD.
	.text
	nop
	.reloc ., R_386_NONE, foo
	.reloc 1, R_386_32, foo+4
	.reloc .Lx, R_386_PC32, bar
	.reloc .Lx+4, R_386_NONE
	.long 0
.Lx:	.long 0
	.long 0
	.reloc 0, R_386_PC8, .Lx
	.data
	.reloc 0, BFD_RELOC_32, foo
	.reloc 8, R_386_16, local
	.reloc 8, BFD_RELOC_NONE, local
	.reloc ., R_386_32, local
	.long 0,1,2,3
	.reloc 4, R_386_32, .text+2
local:	.long 7
	.reloc local, R_386_32, local
	.reloc 1f, R_386_32, 1f
1:	.long 3
	.reloc 12, R_386_GOTOFF, foo
	.globl glob
glob:	.long 0
	.reloc glob, R_386_32, glob
