.set BOOTSEG, 0x07c0
INITSEG = 0x9000
.equ SETUPLEN, 4
	.code16
	.globl _start
	.text
_start:	movw $BOOTSEG, %ax
	movw %ax, %ds
	ljmp $INITSEG, $go
go:	movw $0x4000-12, %di
	xorw %si, %si; cld ; rep ; movsw
	jmp .
1:	lodsb
	andb %al, %al
	jz 2f
	movb $0x0e, %ah
	movw $7,%bx
	int $0x10
	jmp 1b
2:	ret
	lgdt gdt_48
	lidtw idt_48
	movl %cr0,%eax
	orb $1,%al
	movl %eax,%cr0
	.byte 0x66, 0xea
	.long 0x100000
	.word 0x10
	ljmpl $0x10,$startup_32
gdt:	.quad 0, 0
	.quad 0x00cf9a000000ffff	# code
	.quad 0x00cf92000000ffff	# data
gdt_end:
idt_48: .word 0,0,0
gdt_48:	.word gdt_end - gdt - 1
	.word 512+gdt,0x9
msg:	.byte 13,10
	.ascii "Loading"
.org 497
setup_sects: .byte SETUPLEN
.org 510
boot_flag: .word 0xAA55
.code32
startup_32:
	cld
	movl $(0x18),%eax
	movl %eax,%ds
	lss stack_start,%esp
	xorl %ebx,%ebx
	movl $pg0-0xC0000000,%edi
	movl $007,%eax
2:	stosl
	add $0x1000,%eax
	cmp $empty_zero_page-0xC0000000,%edi
	jne 2b
	call setup_idt
	pushl $0 ; popfl
	lea idt_table,%edi
	mov $256,%ecx
rp_sidt:
	movl %eax,(%edi)
	movl %edx,4(%edi)
	addl $8,%edi
	dec %ecx
	jne rp_sidt
	movl 8(,%ecx,4),%eax
	call *sys_call_table(,%eax,4)
	jmp *%eax
	lret
	.align 4
setup_idt:
	lea ignore_int,%edx
	movl $(16 << 16),%eax
	movw %dx,%ax
	ret
	ALIGN=16
	.p2align 4,,15
ignore_int:
	pushl %es; pushl %ds
	movl $(gdt_end-gdt),%ecx
	addl $(1f-ignore_int),%eax
1:	iret
	.section __ex_table,"a"
	.align 4
	.long 1b,2b
	.previous
	.section .fixup,"ax"
3:	movl $-14,%eax
	jmp 1b
	.previous
	.pushsection .data
x:	.long 3b
	.popsection
	.size ignore_int, . - ignore_int
	.type ignore_int,@function
.org 0x1000
pg0:
.org 0x2000
empty_zero_page:
.data
	.balign 32
.globl idt_table
stack_start: .long 0x2000, 0x18
idt_table: .fill 256,8,0
.bss
.globl buf
buf: .space 1024
.text 1
late: nop
.text
nop
.subsection 1
jmp late
jmp go
.previous
hlt
.skip late2 - late1
.data
late1: .long 1
late2:
.balign 4
.balignl 32,0x12345678
.word 1
.balignw 16,0x1234
