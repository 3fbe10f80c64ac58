# A Multiboot kernel: prints its command line, its modules and the memory map on COM1, and ends the machine.
#
#   esp0 as --link 0x100000 -o multiboot.elf multiboot.S
#   esp0 machine --multiboot multiboot.elf --append "hello from the loader"

.set MULTIBOOT_HEADER_MAGIC, 0x1badb002
.set MULTIBOOT_BOOTLOADER_MAGIC, 0x2badb002
.set MULTIBOOT_FLAGS, 3			# modules on page boundaries, memory information
.set COM1, 0x3f8
.set COM1_LSR, COM1 + 5
.set LSR_THRE, 0x20
.set EXIT_PORT, 0xf4

# Offsets in the boot information
.set INFO_MEM_UPPER, 8
.set INFO_CMDLINE, 16
.set INFO_MODS_COUNT, 20
.set INFO_MODS_ADDR, 24
.set INFO_MMAP_LENGTH, 44
.set INFO_MMAP_ADDR, 48

.text
.align 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)

.globl _start
_start:
	movl $stack_top, %esp
	movl %ebx, %ebp				# the boot information
	cmpl $MULTIBOOT_BOOTLOADER_MAGIC, %eax
	jne not_multiboot

	movl $command_line, %esi
	call print
	movl INFO_CMDLINE(%ebp), %esi
	call skip_word				# the kernel file's name
	call print
	call newline

	movl INFO_MODS_COUNT(%ebp), %ecx
	movl INFO_MODS_ADDR(%ebp), %edi
modules:
	jecxz memory
	movl $module, %esi
	call print
	movl (%edi), %esi			# contents, of a text file
	movl 4(%edi), %edx
1:	cmpl %edx, %esi
	jae 2f
	lodsb
	call putc
	jmp 1b
2:	addl $16, %edi
	decl %ecx
	jmp modules

memory:
	movl $upper_memory, %esi
	call print
	movl INFO_MEM_UPPER(%ebp), %eax
	call print_hex
	call newline
	movl INFO_MMAP_ADDR(%ebp), %edi
	movl %edi, %ebx
	addl INFO_MMAP_LENGTH(%ebp), %ebx
1:	cmpl %ebx, %edi
	jae done
	cmpl $1, 20(%edi)			# usable memory
	jne 2f
	movl 4(%edi), %eax			# base
	call print_hex
	movl $separator, %esi
	call print
	movl 12(%edi), %eax			# length
	call print_hex
	call newline
2:	addl (%edi), %edi			# size does not count itself
	addl $4, %edi
	jmp 1b

done:
	movl $0, %eax
	outl %eax, $EXIT_PORT
not_multiboot:
	movl $1, %eax
	outl %eax, $EXIT_PORT
	cli
	hlt

# ESI: text, ending with a zero byte
print:
	lodsb
	testb %al, %al
	jz 1f
	call putc
	jmp print
1:	ret

# ESI to after the first space, or to the end
skip_word:
	lodsb
	cmpb $' ', %al
	je 1f
	testb %al, %al
	jnz skip_word
	decl %esi
1:	ret

newline:
	movb $'\n', %al
putc:
	pushl %edx
	pushl %eax
	movw $COM1_LSR, %dx
1:	inb %dx, %al
	testb $LSR_THRE, %al
	jz 1b
	popl %eax
	movw $COM1, %dx
	outb %al, %dx
	popl %edx
	ret

# EAX as eight hexadecimal digits
print_hex:
	pushl %ecx
	movl $8, %ecx
1:	roll $4, %eax
	pushl %eax
	andl $15, %eax
	movb digits(%eax), %al
	call putc
	popl %eax
	loop 1b
	popl %ecx
	ret

.section .rodata
digits:		.ascii "0123456789abcdef"
command_line:	.asciz "command line: "
module:		.asciz "module: "
upper_memory:	.asciz "KiB above 1 MiB: "
separator:	.asciz " + "

.bss
.skip 4096
stack_top:
