# The BIOS: 64 KiB at 0xF0000. What has to wait or to run in interrupts is here; the other services
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
.set PORT_61, 0x61		# bit 4 changes with every memory refresh
.set REFRESH_MICROSECONDS, 15
.set EOI, 0x20

# BIOS data area
.set BDA_SEGMENT, 0x40
.set EQUIPMENT, 0x10
.set MEMORY_KIB, 0x13
.set SHIFT_FLAGS, 0x17
.set SHIFT_FLAGS_2, 0x18
.set KEY_HEAD, 0x1a
.set KEY_TAIL, 0x1c
.set TICKS, 0x6c
.set MIDNIGHT, 0x70
.set KEY_BUFFER, 0x80
.set KEY_BUFFER_END, 0x82
.set KEYBOARD_TYPE, 0x96
.set TICKS_PER_DAY, 0x1800b0

.set FLAG_CF, 0x01
.set FLAG_ZF, 0x40
.set CR0_ET, 0x10

# A 16550's registers, and bits of its line status
.set UART_LCR, 3
.set UART_MCR, 4
.set UART_LSR, 5
.set UART_MSR, 6
.set LCR_DLAB, 0x80
.set MCR_DTR_RTS, 0x03
.set LSR_DATA, 0x01
.set LSR_EMPTY, 0x20
.set TIME_OUT, 0x80
# Looks at the line status before a time-out: a quarter of a second at 10 MHz, longer than the slowest character
.set SERIAL_PATIENCE, 0x80000

.code16
.text
.globl post
post:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ss
	movw $BOOT_ADDRESS, %sp
	movl $CR0_ET, %eax		# caches on
	movl %eax, %cr0
	outb %al, $CALL_POST
	sti
	int $0x19

# Vector, and the handler or table that it points to. All others point to `return`.
.globl vectors
vectors:
	.word 0x08, timer_irq
	.word 0x09, keyboard_irq
	.word 0x0a, master_irq, 0x0b, master_irq, 0x0c, master_irq, 0x0d, master_irq, 0x0e, master_irq, 0x0f, master_irq
	.word 0x10, video
	.word 0x11, equipment
	.word 0x12, memory
	.word 0x13, disk
	.word 0x14, serial
	.word 0x15, system
	.word 0x16, keyboard
	.word 0x17, unsupported
	.word 0x18, no_boot
	.word 0x19, bootstrap
	.word 0x1a, time
	.word 0x1e, diskette_parameters
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
	cmpb $0x86, %ah
	je wait
	cmpb $0xc0, %ah
	je configuration
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

# There is no printer: time-out.
unsupported:
	movb $TIME_OUT, %ah
	iret

# INT 15h AH = 86h: waits CX:DX microseconds, in units of a memory refresh.
wait:
	sti
	pushl %eax
	pushl %ebx
	pushl %edx
	movzwl %cx, %eax
	shll $16, %eax
	movw %dx, %ax
	xorl %edx, %edx
	movl $REFRESH_MICROSECONDS, %ebx
	divl %ebx
	incl %eax
	movl %eax, %ebx
	inb $PORT_61, %al
	movb %al, %ah
1:	inb $PORT_61, %al
	xorb %ah, %al
	testb $0x10, %al
	jz 1b
	xorb %al, %ah
	decl %ebx
	jnz 1b
	popl %edx
	popl %ebx
	popl %eax
	jmp succeed

# INT 15h AH = C0h: the configuration table to ES:BX.
configuration:
	movw %cs, %bx
	movw %bx, %es
	movw $configuration_table, %bx
	xorb %ah, %ah
succeed:
	pushw %bp
	movw %sp, %bp			# BP, IP, CS, flags
	andb $~FLAG_CF, 6(%bp)
	popw %bp
	iret

configuration_table:
	.word 8
	.byte 0xfc, 0, 0		# model: PC/AT
	.byte 0x64			# a second 8259A, a real-time clock, an extended BIOS data area
	.byte 0, 0, 0, 0

# INT 14h: port DX; AH = 0 sets it up, 1 sends AL, 2 receives, 3 tells the status.
serial:
	pushw %ds
	pushw %bx
	pushw %dx
	pushl %ecx
	movw $BDA_SEGMENT, %bx
	movw %bx, %ds
	movw %dx, %bx
	cmpw $4, %bx
	jae 9f
	shlw $1, %bx
	movw (%bx), %dx			# its I/O address
	testw %dx, %dx
	jz 9f
	cmpb $1, %ah
	jb serial_setup
	je serial_send
	cmpb $3, %ah
	jb serial_receive
	je serial_status
9:	movb $TIME_OUT, %ah
serial_done:
	popl %ecx
	popw %dx
	popw %bx
	popw %ds
	iret

serial_setup:				# bits 7 to 5: baud rate; 4 and 3: parity; 2: stop bits; 1 and 0: length
	movb %al, %cl
	movzbw %al, %bx
	shrw $5, %bx
	shlw $1, %bx
	movw %cs:serial_divisors(%bx), %bx
	addw $UART_LCR, %dx
	movb $LCR_DLAB, %al
	outb %al, %dx
	subw $UART_LCR, %dx
	movb %bl, %al
	outb %al, %dx
	incw %dx
	movb %bh, %al
	outb %al, %dx
	addw $UART_LCR - 1, %dx
	movb %cl, %al
	andb $0x1f, %al
	outb %al, %dx
	subw $UART_LCR, %dx
serial_status:
	addw $UART_LSR, %dx
	inb %dx, %al
	movb %al, %ah
	incw %dx
	inb %dx, %al
	jmp serial_done

serial_divisors:
	.word 1047, 768, 384, 192, 96, 48, 24, 12

serial_send:
	movb %al, %bl
	movb $LSR_EMPTY, %bh
	call serial_wait
	jz 1f
	movb %bl, %al
	outb %al, %dx
	andb $~TIME_OUT, %ah
	jmp serial_done
1:	movb %bl, %al
	orb $TIME_OUT, %ah
	jmp serial_done

serial_receive:
	movb $LSR_DATA, %bh
	call serial_wait
	jz 1f
	inb %dx, %al
	andb $0x1e, %ah			# errors
	jmp serial_done
1:	orb $TIME_OUT, %ah
	jmp serial_done

# Waits for the bit BH of the line status of the port at DX: AH = the status, ZF when it did not come.
serial_wait:
	movl $SERIAL_PATIENCE, %ecx
	addw $UART_MCR, %dx
	movb $MCR_DTR_RTS, %al
	outb %al, %dx
	incw %dx
1:	inb %dx, %al
	movb %al, %ah
	testb %bh, %al
	jnz 2f
	decl %ecx
	jnz 1b
	xorb %al, %al
2:	pushfw
	subw $UART_LSR, %dx
	popfw
	ret

# INT 1Eh is no service: it points to the parameters of the diskette drives.
diskette_parameters:
	.byte 0xaf, 0x02, 0x25, 2, 18, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08

# INT 16h: AH = 0 waits for a key, 1 looks for one, 2 tells the shift keys, 3 sets the typematic rate (which stays as it
# is), 5 puts CX among the keys; 10h to 12h are as 0 to 2, and 12h tells more shift keys in AH.
keyboard:
	pushw %ds
	pushw %bx
	movw $BDA_SEGMENT, %bx
	movw %bx, %ds
	cmpb $0x12, %ah
	je all_shift_flags
	cmpb $5, %ah
	je put_key
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

all_shift_flags:
	movb SHIFT_FLAGS_2, %ah		# left Ctrl and Alt, lock keys that are down; SysRq is bit 2, to be bit 7
	movb %ah, %al
	andw $0x0473, %ax
	shlb $5, %ah
	orb %al, %ah
	movb KEYBOARD_TYPE, %al		# right Ctrl and Alt
	andb $0x0c, %al
	orb %al, %ah
	movb SHIFT_FLAGS, %al
	popw %bx
	popw %ds
	iret

put_key:
	movw KEY_TAIL, %bx
	addw $2, %bx
	cmpw KEY_BUFFER_END, %bx
	jb 1f
	movw KEY_BUFFER, %bx
1:	movb $1, %al			# no room
	cmpw KEY_HEAD, %bx
	je 2f
	xchgw KEY_TAIL, %bx
	movw %cx, (%bx)
	xorb %al, %al
2:	popw %bx
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

# The segments of loaders that enter kernels in protected mode: flat, code 0x08 and data 0x10
.globl gdt
.align 8
gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
.globl gdt_end
gdt_end:

.section .reset,"ax"
.code16
	ljmp $0xf000, $post
	.ascii "01/04/01"		# BIOS date, where programs look for it
	.byte 0, 0xfc, 0		# model: PC/AT
