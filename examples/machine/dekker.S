# Two cores ask for entry as in Dekker's algorithm: each stores that it wants to go in, and looks whether the other does.
# Whoever sees that the other does not goes in. Prints in how many of 1000 rounds both went in: none, if loads and stores
# happen in the order in which they are written.
#
#   esp0 as --format bin --link 0x10000 -o dekker.bin dekker.S
#   esp0 machine --cpus 2 --load dekker.bin@0x10000 --interleave random:1 --memory-model tso
#
# With -D FENCE=1 there is an MFENCE between the two.

.set ROUNDS, 1000

.set APIC_COMMAND, 0xfee00300
.set ALL_OTHERS_INIT, 0xc4500
.set ALL_OTHERS_STARTUP, 0xc4600
.set DEBUG_CONSOLE, 0xe9
.set EXIT_PORT, 0xf4

.globl _start
_start:
	movl $stack, %esp
	lgdt gdt_pointer
	movl $ALL_OTHERS_INIT, APIC_COMMAND
	movl $other, %eax
	shrl $12, %eax
	orl $ALL_OTHERS_STARTUP, %eax
	movl %eax, APIC_COMMAND
	movl $wants, %esi
	movl $wants + 64, %edi
	movl $saw, %ebx
	call rounds

	movl both, %eax			# decimal digits, last first, on the stack
	xorl %ecx, %ecx
	movl $10, %ebx
1:	xorl %edx, %edx
	divl %ebx
	addl $'0', %edx
	pushl %edx
	incl %ecx
	testl %eax, %eax
	jnz 1b
2:	popl %eax
	outb %al, $DEBUG_CONSOLE
	loop 2b
	movb $'\n', %al
	outb %al, $DEBUG_CONSOLE
	movb $0, %al
	outb %al, $EXIT_PORT

# Both cores: ESI points to what this one wants, EDI to what the other does, EBX to what this one saw.
rounds:	movl $ROUNDS, %ebp
	xorl %ecx, %ecx
round:	call meet
	movl $1, (%esi)
.ifdef FENCE
	mfence
.endif
	movl (%edi), %eax
	movl %eax, (%ebx)
	call meet
	movl $0, (%esi)
	cmpl $wants, %esi		# core 0 counts
	jne 2f
	movl saw, %eax
	orl saw + 4, %eax
	jnz 2f
	incl both
2:	decl %ebp
	jnz round
	ret

# Waits until both are here; ECX is how many arrivals there have been by then.
meet:	addl $2, %ecx
	lock; incl arrived
1:	pause
	cmpl %ecx, arrived
	jl 1b
	ret

.balign 4096
other:
.code16
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl gdt_pointer - other
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $0x08, $other32
.code32
other32: movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $other_stack, %esp
	movl $wants + 64, %esi
	movl $wants, %edi
	movl $saw + 4, %ebx
	call rounds
1:	hlt
	jmp 1b

.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer: .word 23
	.long gdt

.balign 64
wants:	.skip 128
saw:	.long 0, 0
both:	.long 0
arrived: .long 0
	.skip 256
stack:	.skip 256
other_stack:
