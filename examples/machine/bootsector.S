# A disk's boot sector: prints through the BIOS and on COM1, reads the disk's second sector with INT 13h, and goes on there.
#
#   esp0 as --format bin --link 0x7c00 -o disk.img bootsector.S
#   esp0 machine --disk disk.img --vga

.set COM1, 0x3f8
.set COM1_LSR, COM1 + 5
.set LSR_THRE, 0x20
.set EXIT_PORT, 0xf4
.set SECOND_SECTOR, 0x7e00

.code16
.globl _start
_start:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	cli
	movw %ax, %ss
	movw $0x7c00, %sp
	sti
	cld
	movb %dl, drive

	movw $booted, %si
	call print
	movw $0x0201, %ax		# read one sector
	movw $0x0002, %cx		# cylinder 0, sector 2
	movb $0, %dh			# head 0
	movb drive, %dl
	movw $SECOND_SECTOR, %bx
	int $0x13
	jc failed
	jmp SECOND_SECTOR
failed:
	movw $unreadable, %si
	call print
	movb $1, %al
	outb %al, $EXIT_PORT
	hlt

# SI: text, ending with a zero byte; to the screen and to COM1
print:
	lodsb
	testb %al, %al
	jz 2f
	movb $0x0e, %ah			# teletype
	movw $0x0007, %bx
	int $0x10
	movb %al, %ah
	movw $COM1_LSR, %dx
1:	inb %dx, %al
	testb $LSR_THRE, %al
	jz 1b
	movb %ah, %al
	movw $COM1, %dx
	outb %al, %dx
	jmp print
2:	ret

booted:		.asciz "Booted from the disk.\r\n"
unreadable:	.asciz "The second sector cannot be read.\r\n"
drive:		.byte 0

.org 510
	.word 0xaa55

# ---- Second sector

	movw $second, %si
	call print
	int $0x12			# AX = KiB below 640 KiB
	cmpw $639, %ax
	jne 1f
	movw $memory, %si
	call print
1:	movb $0, %al
	outb %al, $EXIT_PORT
	hlt

second:		.asciz "The second sector goes on.\r\n"
memory:		.asciz "There are 639 KiB of base memory.\r\n"

.org 64 * 512
