# All cores of a PC count together, with LOCK and without.
#
# A Multiboot 1 kernel. It finds the MP floating pointer, counts the processors in the MP configuration table, starts
# those that sleep with INIT, start-up, start-up, lets all of them increment two counters, prints what came of it on
# COM1, and writes to the exit port: 0 when the locked counter is right, 1 when it is not, 2 without MP tables.
#
#   esp0 as --link 0x100000 -o smp.elf smp.S
#   esp0 machine --cpus 8 --multiboot smp.elf
#   qemu-system-i386 -smp 8,sockets=8 -kernel smp.elf -serial stdio -display none \
#     -device isa-debug-exit,iobase=0xf4,iosize=4

.set MULTIBOOT_MAGIC, 0x1badb002
.set MULTIBOOT_FLAGS, 0

.set ROUNDS, 20000			# of counting, on each core
.set MOST_CORES, 16
.set STACK_BYTES, 1024

.set COM1, 0x3f8
.set EXIT_PORT, 0xf4
.set DELAY_PORT, 0x80			# reading it takes about a microsecond on a PC

.set APIC_ID, 0xfee00020
.set APIC_SPURIOUS, 0xfee000f0
.set APIC_COMMAND, 0xfee00300
.set APIC_DESTINATION, 0xfee00310
.set APIC_ENABLE, 0x1ff			# and spurious vector 0xff
.set COMMAND_INIT, 0x4500
.set COMMAND_STARTUP, 0x4600

.set TRAMPOLINE, 0x8000			# below 1 MiB, page aligned: start-up vector 8

.set EBDA_SEGMENT, 0x40e
.set SIGNATURE_MP, 0x5f504d5f		# "_MP_"
.set SIGNATURE_PCMP, 0x504d4350		# "PCMP"
.set ENTRY_PROCESSOR, 0

.text
.align 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

.globl _start
_start:
	cli
	cld
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $stacks + STACK_BYTES, %esp

	call find_mp_pointer
	jc no_mp_tables
	movl 4(%esi), %esi		# the configuration table
	testl %esi, %esi
	jz no_mp_tables
	cmpl $SIGNATURE_PCMP, (%esi)
	jne no_mp_tables
	call list_processors

	movl $APIC_ENABLE, APIC_SPURIOUS
	movl $trampoline, %esi
	movl $TRAMPOLINE, %edi
	movl $trampoline_end - trampoline, %ecx
	rep movsb
	call start_others

	movl $1, go
	call count
	movl processors, %eax
	decl %eax
1:	pause
	cmpl %eax, done			# wait for the others
	jne 1b

	movl $text_processors, %esi
	movl processors, %eax
	call print_line
	movl $text_locked, %esi
	movl locked, %eax
	call print_line
	movl $text_plain, %esi
	movl plain, %eax
	call print_line
	movl $ROUNDS, %eax
	mull processors
	cmpl %eax, locked
	setne %al
	jmp exit

no_mp_tables:
	movl $text_no_tables, %esi
	call print
	movb $2, %al
exit:	outb %al, $EXIT_PORT
1:	hlt
	jmp 1b

# Where the MP floating pointer may be: in the first KiB of the extended BIOS data area, in the last KiB of base memory,
# in the BIOS ROM. Returns its address in ESI; carry set when there is none.
find_mp_pointer:
	movzwl EBDA_SEGMENT, %esi
	shll $4, %esi
	jz 1f
	movl $1024, %ecx
	call search
	jnc 2f
1:	movl $0x9fc00, %esi
	movl $1024, %ecx
	call search
	jnc 2f
	movl $0xf0000, %esi
	movl $0x10000, %ecx
	call search
2:	ret

# Searches ECX bytes at ESI, in steps of 16, for the signature and a checksum of zero.
search:
	cmpl $SIGNATURE_MP, (%esi)
	jne 3f
	xorl %edx, %edx
	xorb %al, %al
2:	addb (%esi,%edx), %al
	incl %edx
	cmpl $16, %edx
	jb 2b
	testb %al, %al
	jz 4f				# TEST cleared the carry
3:	addl $16, %esi
	subl $16, %ecx
	ja search
	stc
4:	ret

# Puts the APIC IDs of the usable processors in the table at ESI into a list.
list_processors:
	movzwl 34(%esi), %ecx		# number of entries
	addl $44, %esi
1:	cmpb $ENTRY_PROCESSOR, (%esi)
	jne 3f
	testb $1, 3(%esi)		# enabled
	jz 2f
	movl processors, %eax
	cmpl $MOST_CORES, %eax
	jae 2f
	movb 1(%esi), %dl
	movb %dl, apic_ids(%eax)
	incl processors
2:	addl $12, %esi			# processor entries have 20 bytes, the others 8
3:	addl $8, %esi
	decl %ecx
	jnz 1b
	ret

# Starts all processors in the list but this one, one after the other.
start_others:
	movl APIC_ID, %ebx
	shrl $24, %ebx
	xorl %edi, %edi
1:	cmpl processors, %edi
	jae 4f
	movzbl apic_ids(%edi), %edx
	incl %edi
	cmpl %ebx, %edx
	je 1b
	shll $24, %edx
	movl started, %ebp
	movl $COMMAND_INIT, %eax
	call send
	movl $COMMAND_STARTUP + (TRAMPOLINE >> 12), %eax
	call send
	cmpl %ebp, started
	jne 3f
	call send			# the second start-up, for those that missed the first
3:	pause
	cmpl %ebp, started
	je 3b
	jmp 1b
4:	ret

# Sends the command in EAX to the processor in bits 24 to 31 of EDX, and gives it time to arrive.
send:
	movl %edx, APIC_DESTINATION
	movl %eax, APIC_COMMAND
	pushl %eax
	movl $2000, %ecx
1:	inb $DELAY_PORT, %al
	decl %ecx
	jnz 1b
2:	testl $0x1000, APIC_COMMAND	# delivery status
	jnz 2b
	popl %eax
	ret

# What every processor does.
count:
	movl $ROUNDS, %ecx
1:	lock; incl locked
	decl %ecx
	jnz 1b
	movl $ROUNDS, %ecx
2:	incl plain
	decl %ecx
	jnz 2b
	ret

# Where the trampoline leads: 32-bit code, no stack yet.
other_start:
	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $1, %eax
	lock; xaddl %eax, started	# EAX = how many of these came before
	imull $STACK_BYTES, %eax
	leal stacks + 2 * STACK_BYTES(%eax), %esp
	movl $APIC_ENABLE, APIC_SPURIOUS
1:	pause
	cmpl $0, go
	je 1b
	call count
	lock; incl done
2:	hlt
	jmp 2b

# Prints the text at ESI, the number in EAX and the end of the line.
print_line:
	pushl %eax
	call print
	popl %eax
	call print_number
	movl $text_newline, %esi
# Prints the text at ESI.
print:
	lodsb
	testb %al, %al
	jz 1f
	call print_character
	jmp print
1:	ret

# Prints EAX, decimal.
print_number:
	xorl %edx, %edx
	movl $10, %ecx
	divl %ecx
	pushl %edx
	testl %eax, %eax
	jz 1f
	call print_number
1:	popl %eax
	addb $'0', %al
# Prints the character in AL.
print_character:
	movb %al, %ah
	movw $COM1 + 5, %dx
1:	inb %dx, %al
	testb $0x20, %al		# transmitter empty
	jz 1b
	movb %ah, %al
	movw $COM1, %dx
	outb %al, %dx
	ret

# Runs at TRAMPOLINE, in real mode.
.code16
trampoline:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl TRAMPOLINE + (trampoline_gdt_pointer - trampoline)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x08, $other_start
trampoline_gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:
.code32

.section .rodata
text_processors:	.asciz "processors: "
text_locked:		.asciz "with LOCK: "
text_plain:		.asciz "without LOCK: "
text_no_tables:		.asciz "no MP tables\n"
text_newline:		.asciz "\n"

.data
.align 8
gdt:	.quad 0
	.quad 0x00cf9a000000ffff	# 0x08: flat code
	.quad 0x00cf92000000ffff	# 0x10: flat data
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt

.bss
.align 64
locked:		.long 0
.align 64
plain:		.long 0
.align 64
processors:	.long 0
started:	.long 0			# processors other than the boot processor that run
done:		.long 0			# and that have counted
go:		.long 0
apic_ids:	.skip MOST_CORES
.align 16
stacks:		.skip STACK_BYTES * (MOST_CORES + 1)
