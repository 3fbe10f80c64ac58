# Every .cfi_ directive, in the forms that GNU as tells apart. The first line is put in by the test: .cfi_sections.
	.text
	.globl usual
	.type usual, @function
usual:
	.cfi_startproc
	pushl %ebp
	.cfi_def_cfa_offset 8
	.cfi_offset %ebp, -8
	movl %esp, %ebp
	.cfi_def_cfa_register ebp
	jmp far				# grows
	.skip 70
	.cfi_offset %ebx, -12		# beyond what one byte of advance holds
	.skip 300
	.cfi_rel_offset %esi, 4
	.skip 70000
far:	leave
	.cfi_remember_state
	.cfi_def_cfa %esp, 4
	.cfi_restore %ebp, %ebx, 6
	ret
	.cfi_restore_state
	nop
	.cfi_same_value edi
	.align 16
	.cfi_undefined %ecx, %edx
	.cfi_endproc
	.size usual, . - usual

# The same beginning: one common entry.
again:	.cfi_startproc
	pushl $0
	.cfi_adjust_cfa_offset 4
	je again
	.cfi_adjust_cfa_offset -12
	nop
	.cfi_def_cfa %esp, -16
	ret
	.cfi_endproc

# A beginning that goes on before the first instruction.
more:	.cfi_startproc
	.cfi_register %eip, %eax
	.cfi_offset %gs, -16
	.cfi_offset %tr, 8
	.cfi_val_offset %esp, 4
	nop
	.cfi_val_offset 4, -4
	.cfi_offset %st(3), -8
	.cfi_offset %xmm7, -64
	.cfi_restore %es
	.cfi_offset 70, -8
	nop
	.cfi_restore 70
	ret
	.cfi_endproc

empty:	.cfi_startproc
	.cfi_endproc

irq:	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa %esp, 12
	.cfi_offset %eip, -12
	.cfi_escape 0x16, 4, 3, 0x12, 0x30, irq - again - (irq - again)
	.cfi_escape -1 & 0x2f, 0x10+2
	cld
	.cfi_val_encoded_addr %eip, 0, .Lback + 2
	.cfi_adjust_cfa_offset 4
	.pushsection .fixup, "ax"
	.cfi_startproc
	.cfi_return_column %eax
	.cfi_personality 0xff
	.cfi_lsda 0xff
	nop
	.cfi_def_cfa_offset 12
	.cfi_endproc
	.popsection
	call irq
	.cfi_undefined %eip
.Lback:	iret
	.cfi_endproc

	.section .init.text, "ax"
start:	.cfi_startproc
	ret
	.cfi_endproc
	.data
	.long 1
