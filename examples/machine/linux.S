# The smallest kernel that a loader takes for Linux: the header of boot protocol 2.15, and set-up code in real mode that
# prints the command line on COM1 and switches the machine off.
#
#   esp0 as --format bin -o bzImage linux.S
#   esp0 machine --kernel bzImage --append "console=ttyS0"

.set SERIAL_SEND, 1
.set POWER_CONTROL, 0x604
.set SLEEP_ENABLE, 0x2000

.code16
	.org 0x1f1
	.byte 1				# sectors of set-up code after the first
	.org 0x1fe
	.word 0xaa55
	.byte 0xeb, setup - header	# the entry point: a jump over the header
header:	.ascii "HdrS"
	.word 0x020f			# protocol 2.15
	.org 0x211
	.byte 1				# the rest of the file goes to 1 MiB
	.org 0x228
command_line:
	.long 0				# the loader's
	.long 0x7fffffff		# highest address of an initial ramdisk
	.org 0x238
	.long 255			# longest command line
	.org 0x268

setup:	movl command_line, %esi		# DS, as all segments, is where the file's first byte is
	movl %esi, %eax
	shrl $4, %eax
	movw %ax, %ds
	andw $15, %si
	xorw %dx, %dx			# COM1
1:	lodsb
	testb %al, %al
	jz 2f
	movb $SERIAL_SEND, %ah
	int $0x14
	jmp 1b
2:	movw $SERIAL_SEND << 8 | '\n', %ax
	int $0x14
	movw $POWER_CONTROL, %dx
	movw $SLEEP_ENABLE, %ax
	outw %ax, %dx
	hlt

	.org 0x400
	.long 0				# protected-mode code, which nothing enters
