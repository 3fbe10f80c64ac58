# The BIOS that disk boots get: 64 KiB at 0xF0000. What has to wait or to run in interrupts is here; the other services
# are the host's. A stub enters the host by writing to one of the service ports (see services.ts), with the caller's
# registers as they are and the INT's frame on top of the stack; the host changes registers, memory and the flags in
# that frame, and the stub returns to the caller.
#
# Defined by the host: SERVICE (the first service port), BOOT_ADDRESS.

.set CALL_POST, SERVICE + 0
.set CALL_KEYBOARD_IRQ, SERVICE + 1
.set CALL_VIDEO, SERVICE + 2
.set CALL_DISK, SERVICE + 3
.set CALL_SYSTEM, SERVICE + 4
.set CALL_TIME, SERVICE + 5
.set CALL_BOOTSTRAP, SERVICE + 6

.set PIC_MASTER, 0x20
.set PIC_SLAVE, 0xa0
.set PIT, 0x40
.set EOI, 0x20

# BIOS data area
.set BDA_SEGMENT, 0x40
.set EQUIPMENT, 0x10
.set MEMORY_KIB, 0x13
.set SHIFT_FLAGS, 0x17
.set KEY_HEAD, 0x1a
.set KEY_TAIL, 0x1c
.set TICKS, 0x6c
.set MIDNIGHT, 0x70
.set KEY_BUFFER, 0x80
.set KEY_BUFFER_END, 0x82
.set TICKS_PER_DAY, 0x1800b0

.set FLAG_ZF, 0x40

.code16
.text
.globl post
post:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ss
	movw $BOOT_ADDRESS, %sp
	movw %ax, %es
	movw %cs, %ax
	movw %ax, %ds

	xorw %di, %di			# all vectors, then those that have a handler
	movw $256, %cx
1:	movw $return, %ax
	stosw
	movw %cs, %ax
	stosw
	loop 1b
	movw $vectors, %si
2:	lodsw
	cmpw $0xffff, %ax
	je 3f
	movw %ax, %di
	shlw $2, %di
	movsw
	jmp 2b
3:
	movb $0x11, %al			# 8259As: vectors 0x08 and 0x70; timer, keyboard, cascade unmasked
	outb %al, $PIC_MASTER
	outb %al, $PIC_SLAVE
	movb $0x08, %al
	outb %al, $PIC_MASTER + 1
	movb $0x70, %al
	outb %al, $PIC_SLAVE + 1
	movb $4, %al
	outb %al, $PIC_MASTER + 1
	movb $2, %al
	outb %al, $PIC_SLAVE + 1
	movb $1, %al
	outb %al, $PIC_MASTER + 1
	outb %al, $PIC_SLAVE + 1
	movb $0xf8, %al
	outb %al, $PIC_MASTER + 1
	movb $0xff, %al
	outb %al, $PIC_SLAVE + 1
	movb $0x36, %al			# 8254: counter 0, mode 3, 65536: 18.2 Hz
	outb %al, $PIT + 3
	xorb %al, %al
	outb %al, $PIT
	outb %al, $PIT
	outb %al, $CALL_POST
	sti
	int $0x19

# Vector, handler
vectors:
	.word 0x08, timer_irq
	.word 0x09, keyboard_irq
	.word 0x0a, master_irq, 0x0b, master_irq, 0x0c, master_irq, 0x0d, master_irq, 0x0e, master_irq, 0x0f, master_irq
	.word 0x10, video
	.word 0x11, equipment
	.word 0x12, memory
	.word 0x13, disk
	.word 0x14, unsupported
	.word 0x15, system
	.word 0x16, keyboard
	.word 0x17, unsupported
	.word 0x18, no_boot
	.word 0x19, bootstrap
	.word 0x1a, time
	.word 0x70, slave_irq, 0x71, slave_irq, 0x72, slave_irq, 0x73, slave_irq
	.word 0x74, slave_irq, 0x75, slave_irq, 0x76, slave_irq, 0x77, slave_irq
	.word 0xffff

# ---- Hardware interrupts

timer_irq:
	pushl %eax
	pushw %ds
	movw $BDA_SEGMENT, %ax
	movw %ax, %ds
	incl TICKS
	cmpl $TICKS_PER_DAY, TICKS
	jb 1f
	movl $0, TICKS
	incb MIDNIGHT
1:	int $0x1c
	movb $EOI, %al
	outb %al, $PIC_MASTER
	popw %ds
	popl %eax
	iret

keyboard_irq:
	outb %al, $CALL_KEYBOARD_IRQ
master_irq:
	pushw %ax
	movb $EOI, %al
	outb %al, $PIC_MASTER
	popw %ax
return:
	iret

slave_irq:
	pushw %ax
	movb $EOI, %al
	outb %al, $PIC_SLAVE
	outb %al, $PIC_MASTER
	popw %ax
	iret

# ---- Services of the host

video:
	outb %al, $CALL_VIDEO
	iret
disk:
	outb %al, $CALL_DISK
	iret
system:
	outb %al, $CALL_SYSTEM
	iret
time:
	outb %al, $CALL_TIME
	iret

# ---- Services without the host

equipment:
	pushw %ds
	movw $BDA_SEGMENT, %ax
	movw %ax, %ds
	movw EQUIPMENT, %ax
	popw %ds
	iret

memory:
	pushw %ds
	movw $BDA_SEGMENT, %ax
	movw %ax, %ds
	movw MEMORY_KIB, %ax
	popw %ds
	iret

# Serial ports and printers are for programs to drive themselves: time-out.
unsupported:
	movb $0x80, %ah
	iret

# INT 16h: AH = 0 waits for a key, 1 looks for one, 2 tells the shift keys; 10h to 12h are the same for us.
keyboard:
	pushw %ds
	pushw %bx
	movw $BDA_SEGMENT, %bx
	movw %bx, %ds
	andb $0xef, %ah
	jz read_key
	cmpb $1, %ah
	je peek_key
	cmpb $2, %ah
	jne 1f
	movb SHIFT_FLAGS, %al
1:	popw %bx
	popw %ds
	iret

read_key:
	cli
	movw KEY_HEAD, %bx
	cmpw KEY_TAIL, %bx
	jne 1f
	sti				# takes effect after the HLT: no key is missed in between
	hlt
	jmp read_key
1:	movw (%bx), %ax
	addw $2, %bx
	cmpw KEY_BUFFER_END, %bx
	jb 2f
	movw KEY_BUFFER, %bx
2:	movw %bx, KEY_HEAD
	popw %bx
	popw %ds
	iret

peek_key:
	pushw %bp
	movw %sp, %bp			# BP, BX, DS, IP, CS, flags
	orw $FLAG_ZF, 10(%bp)
	movw KEY_HEAD, %bx
	cmpw KEY_TAIL, %bx
	je 1f
	movw (%bx), %ax
	andw $~FLAG_ZF, 10(%bp)
1:	popw %bp
	popw %bx
	popw %ds
	iret

# INT 19h: the host loads the boot sector, sets DL, and says with AX = 0 that there is one.
bootstrap:
	outb %al, $CALL_BOOTSTRAP
	testw %ax, %ax
	jnz no_boot
	cli
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $BOOT_ADDRESS, %sp
	sti
	ljmp $0, $BOOT_ADDRESS

no_boot:
	movw %cs, %ax
	movw %ax, %ds
	movw $no_boot_message, %si
	cld
1:	lodsb
	testb %al, %al
	jz 2f
	movb $0x0e, %ah
	movw $7, %bx
	int $0x10
	jmp 1b
2:	cli
	hlt
	jmp 2b

no_boot_message:
	.asciz "No bootable disk.\r\n"

.section .reset,"ax"
.code16
	ljmp $0xf000, $post
	.ascii "01/04/01"		# BIOS date, where programs look for it
	.byte 0, 0xfc, 0		# model: PC/AT
