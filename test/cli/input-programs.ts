/** Guests that take input. */
import { assembleBinary } from "../../asm/index.ts";

/**
 * A shell with a job in the background: the child counts down from a number and says `done`, the parent answers what it
 * reads until the end of input, waits for the child and exits with status 7.
 */
export const shell = (turns: number): string => `
.globl _start
_start:	movl $2, %eax			# fork
	int $0x80
	testl %eax, %eax
	jz child
1:	movl $3, %eax			# read
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $100, %edx
	int $0x80
	testl %eax, %eax
	jle 2f
	movl %eax, %edx
	movl $4, %eax			# write
	movl $1, %ebx
	int $0x80
	jmp 1b
2:	movl $114, %eax			# wait4
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	int $0x80
	movl $1, %eax			# exit
	movl $7, %ebx
	int $0x80
child:	movl $${turns}, %ecx
	jecxz 2f
1:	decl %ecx
	jnz 1b
2:	movl $4, %eax
	movl $1, %ebx
	movl $done, %ecx
	movl $5, %edx
	int $0x80
	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
.data
done:	.ascii "done\\n"
.bss
buffer:	.skip 100
`;

/** Reads without waiting, over and over, until there is a line; sends it back and ends. */
export const poller = `
.globl _start
_start:	movl $55, %eax			# fcntl
	xorl %ebx, %ebx
	movl $4, %ecx			# F_SETFL
	movl $0x802, %edx		# O_RDWR | O_NONBLOCK
	int $0x80
1:	movl $3, %eax			# read
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $100, %edx
	int $0x80
	movl $20000, %edx
2:	decl %edx
	jnz 2b
	cmpl $-11, %eax			# EAGAIN
	je 1b
	movl %eax, %edx
	movl $4, %eax			# write
	movl $1, %ebx
	int $0x80
	movl $1, %eax			# exit
	xorl %ebx, %ebx
	int $0x80
.bss
buffer:	.skip 100
`;

/** At 0x10000, never at rest: sends back what comes on COM1, one more for each byte, until a 'q'; exit status 1. */
export const pollingEcho = assembleBinary(
  `
1:	movw $0x3fd, %dx
	inb %dx, %al
	testb $1, %al
	jz 1b
	movw $0x3f8, %dx
	inb %dx, %al
	cmpb $'q', %al
	je 2f
	incl %eax
	outb %al, %dx
	jmp 1b
2:	xorl %eax, %eax
	outb %al, $0xf4
`,
  { file: "polling.S", origin: 0x10000 },
);

/**
 * At 0x10000, at rest until a character comes on COM1 (IRQ 4 through the 8259A): sends it back. At a 'q' exit status 1, at
 * a 'z' a triple fault.
 */
export const restingEcho = assembleBinary(
  `
	movl $0x9000, %esp
	lgdt gdtr
	lidt idtr
	movb $0x11, %al		# ICW1: vectors from 0x20, master only
	outb %al, $0x20
	movb $0x20, %al
	outb %al, $0x21
	movb $4, %al
	outb %al, $0x21
	movb $1, %al
	outb %al, $0x21
	movb $0xef, %al		# only IRQ 4
	outb %al, $0x21
	movw $0x3fc, %dx	# OUT2, RTS, DTR
	movb $0x0b, %al
	outb %al, %dx
	movw $0x3f9, %dx	# received data
	movb $1, %al
	outb %al, %dx
	movl $serial, %eax
	movw %ax, idt+0x24*8
	shrl $16, %eax
	movw %ax, idt+0x24*8+6
	movw %cs, %ax
	movw %ax, idt+0x24*8+2
	movw $0x8e00, idt+0x24*8+4
1:	sti
	hlt
	jmp 1b
serial:	movw $0x3f8, %dx
	inb %dx, %al
	cmpb $'q', %al
	je 3f
	cmpb $'z', %al
	je 4f
	outb %al, %dx
2:	movb $0x20, %al
	outb %al, $0x20
	iret
3:	xorl %eax, %eax
	outb %al, $0xf4
4:	lidt nothing
	ud2
.align 8
gdt:	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr:	.word 23
	.long gdt
idtr:	.word 0x7ff
	.long idt
nothing:	.word 0
	.long 0
.align 8
idt:	.skip 0x800
`,
  { file: "resting.S", origin: 0x10000 },
);
