# A ROM: 64 KiB that take over at the reset vector, in real mode, and print on COM1.
#
#   esp0 as --format bin -o rom.bin rom.S
#   esp0 machine --rom rom.bin@0xf0000

.set COM1, 0x3f8
.set COM1_LSR, COM1 + 5
.set LSR_THRE, 0x20
.set EXIT_PORT, 0xf4

.code16
.text
.globl _start
_start:
	movw %cs, %ax			# 0xf000: the text is in the ROM too
	movw %ax, %ds
	movw $message, %si
next:
	lodsb
	testb %al, %al
	jz done
	movb %al, %ah
	movw $COM1_LSR, %dx
1:	inb %dx, %al
	testb $LSR_THRE, %al
	jz 1b
	movb %ah, %al
	movw $COM1, %dx
	outb %al, %dx
	jmp next
done:
	movb $0, %al
	outb %al, $EXIT_PORT

message:
	.asciz "The ROM runs.\n"

.org 0xfff0				# where an i386 begins, 16 bytes below the end
	ljmp $0xf000, $_start
.org 0x10000
