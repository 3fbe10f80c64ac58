/*
 * Start, descriptor tables, exceptions and paging of the self-checking guest programs; checks.S is the rest of their
 * library, and lib.inc says how it is used.
 */
#include "lib.inc"

#define EXIT_PORT 0xf4
#define STUB_COUNT 64
/* Exceptions that push an error code: 8, 10 to 14, 17. */
#define ERROR_CODE_VECTORS 0x27d00

    .section .multiboot, "a"
    .balign 4
    .long 0x1badb002, 0, -0x1badb002

    .text
    .globl _start
_start:
    movl $main_stack, %esp
    call init_serial
    call init_pics
    call init_tables
    lgdt gdt_pointer
    lidt idt_pointer
    ljmp $KERNEL_CS, $1f
1:
    movw $KERNEL_DS, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    movw %ax, %fs
    movw %ax, %gs
    lldt %ax
    movw $TSS_SELECTOR, %ax
    ltr %ax
    call main
    movl $done_text, %esi
    call print
    cmpl $0, failures
    setne %al
    movzbl %al, %eax
/* Ends the run; AL is what the exit port gets. */
    .globl exit
exit:
    movw $EXIT_PORT, %dx
    outl %eax, %dx
2:
    cli
    hlt
    jmp 2b

init_pics:
    movl $pic_settings, %esi
1:
    movb (%esi), %dl
    testb %dl, %dl
    jz 2f
    movzbl %dl, %edx
    movb 1(%esi), %al
    outb %al, %dx
    addl $2, %esi
    jmp 1b
2:
    ret

init_tables:
    SET_DESCRIPTOR KERNEL_CS, 0, 0xfffff, CODE | BIG | PAGES
    SET_DESCRIPTOR KERNEL_DS, 0, 0xfffff, DATA | BIG | PAGES
    SET_DESCRIPTOR USER_CS, 0, 0xfffff, CODE | DPL3 | BIG | PAGES
    SET_DESCRIPTOR USER_DS, 0, 0xfffff, DATA | DPL3 | BIG | PAGES
    SET_DESCRIPTOR RING1_CS, 0, 0xfffff, CODE | DPL1 | BIG | PAGES
    SET_DESCRIPTOR RING1_DS, 0, 0xfffff, DATA | DPL1 | BIG | PAGES
    SET_DESCRIPTOR RING2_CS, 0, 0xfffff, CODE | DPL2 | BIG | PAGES
    SET_DESCRIPTOR RING2_DS, 0, 0xfffff, DATA | DPL2 | BIG | PAGES
    SET_DESCRIPTOR TSS_SELECTOR, tss, TSS_SIZE-1, TSS32
    SET_DESCRIPTOR LDT_SELECTOR, ldt, 0xff, LDT
    movl $trap_stack, tss + TSS_ESP0
    movl $KERNEL_DS, tss + TSS_SS0
    movw $TSS_SIZE, tss + TSS_IO_MAP
    xorl %ecx, %ecx
    movl $stubs, %ebx
1:
    pushl $INTERRUPT_GATE32 << 8
    cmpl $USER_EXIT, %ecx
    jne 2f
    movl $(INTERRUPT_GATE32 | DPL3) << 8, (%esp)
2:
    pushl %ebx
    pushl $KERNEL_CS
    pushl %ecx
    call set_idt_gate
    addl $16, %ebx
    incl %ecx
    cmpl $STUB_COUNT, %ecx
    jb 1b
    ret

/* ---- Descriptors -------------------------------------------------------------------------------------------------- */

/* set_descriptor(selector, base, limit, access); takes its arguments off the stack, changes no register. */
    .globl set_descriptor
set_descriptor:
    pushfl
    pushal
    movl 40(%esp), %edi
    call descriptor_address
    movl 44(%esp), %eax
    movl 48(%esp), %ecx
    movl 52(%esp), %edx
    movw %cx, (%edi)
    movw %ax, 2(%edi)
    shrl $16, %eax
    movb %al, 4(%edi)
    movb %ah, 7(%edi)
    andl $0xf0000, %ecx
    shrl $8, %ecx
    andl $0xf0ff, %edx
    orl %ecx, %edx
    movw %dx, 5(%edi)
    popal
    popfl
    ret $16

/* set_gate(gate selector, selector, offset, access << 8 | count) */
    .globl set_gate
set_gate:
    pushfl
    pushal
    movl 40(%esp), %edi
    call descriptor_address
    call write_gate
    popal
    popfl
    ret $16

/* set_idt_gate(vector, selector, offset, access << 8) */
    .globl set_idt_gate
set_idt_gate:
    pushfl
    pushal
    movl 40(%esp), %edi
    leal idt(, %edi, 8), %edi
    call write_gate
    popal
    popfl
    ret $16

/* EDI = address of the descriptor of selector EDI. */
descriptor_address:
    testl $4, %edi
    jz 1f
    andl $0xfff8, %edi
    addl $ldt, %edi
    ret
1:
    andl $0xfff8, %edi
    addl $gdt, %edi
    ret

write_gate:
    movl 48(%esp), %eax
    movl 52(%esp), %ecx
    movl 56(%esp), %edx
    movw %cx, (%edi)
    movw %ax, 2(%edi)
    movw %dx, 4(%edi)
    shrl $16, %ecx
    movw %cx, 6(%edi)
    ret

/* ---- Exceptions --------------------------------------------------------------------------------------------------- */

    .balign 16
    .globl stubs
stubs:
vector = 0
    .rept STUB_COUNT
    .balign 16
    .if vector > 31 || !((ERROR_CODE_VECTORS >> vector) & 1)
    pushl $0
    .endif
    pushl $vector
    jmp common_handler
vector = vector + 1
    .endr

common_handler:
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movw %cs:flat_data, %ds
    movw %cs:flat_data, %es
    cld
    movl %esp, %esi
    movl $caught, %edi
    movl $FRAME_SIZE / 4, %ecx
    rep movsl %ss:(%esi), %es:(%edi)
    movl %esp, %ebx
    movl %esp, caught_frame
    incl caught_count
    movl FRAME_VECTOR(%ebx), %eax
    movl hooks(, %eax, 4), %eax
    testl %eax, %eax
    jz 1f
    call *%eax
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iret
1:
    cmpl $0, catch_resume
    je unexpected
    lss catch_stack, %esp
    pushl $2
    popfl
    pushl catch_resume
    movl $0, catch_resume
    movl caught + FRAME_EDI, %edi
    movl caught + FRAME_ESI, %esi
    movl caught + FRAME_EBP, %ebp
    movl caught + FRAME_EBX, %ebx
    movl caught + FRAME_EDX, %edx
    movl caught + FRAME_ECX, %ecx
    movl caught + FRAME_EAX, %eax
    ret

unexpected:
    lss flat_stack, %esp
    movl $unexpected_text, %esi
    call print
    call print_caught
    call print_newline
    movl $2, %eax
    jmp exit

/* Returns in ring 3; see ENTER_USER. */
    .globl enter_user
enter_user:
    popl user_eip
    movl %esp, catch_stack
    pushl $USER_DS
    pushl $user_stack
    pushl user_eflags
    pushl $USER_CS
    pushl user_eip
    movw %cs:flat_user_data, %ds
    movw %cs:flat_user_data, %es
    iret

/* ---- Paging ------------------------------------------------------------------------------------------------------- */

/* Maps the first 4 MiB one to one, for users and writable, and turns paging on. */
    .globl paging_on
paging_on:
    pushal
    movl $page_table, %edi
    movl $7, %eax
1:
    movl %eax, (%edi)
    addl $4, %edi
    addl $0x1000, %eax
    cmpl $0x400000, %eax
    jb 1b
    movl $page_table + 7, page_directory
    movl $page_directory, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    jmp 2f
2:
    popal
    ret

    .globl paging_off
paging_off:
    pushl %eax
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    jmp 1f
1:
    popl %eax
    ret

    .section .rodata
pic_settings:
    .byte 0x20, 0x11, 0xa0, 0x11
    .byte 0x21, IRQ0, 0xa1, IRQ0 + 8
    .byte 0x21, 4, 0xa1, 2
    .byte 0x21, 1, 0xa1, 1
    .byte 0x21, 0xff, 0xa1, 0xff
    .byte 0
unexpected_text:
    .asciz "UNEXPECTED exception "
done_text:
    .asciz "done\n"
    .balign 4
gdt_pointer:
    .word LAST + 7
    .long gdt
    .globl idt_pointer
    .balign 4
idt_pointer:
    .word 256 * 8 - 1
    .long idt

    .data
    .globl flat_data, user_eflags, catch_stack
    .balign 4
flat_data:
    .long KERNEL_DS
flat_user_data:
    .long USER_DS
catch_stack:
    .long 0
    .word KERNEL_DS
    .balign 4
flat_stack:
    .long main_stack
    .word KERNEL_DS
    .balign 4
user_eflags:
    .long 2

    .bss
    .balign 8
    .globl gdt, idt, ldt, tss, hooks, caught, caught_frame, caught_count, catch_resume, failures
gdt:
    .skip LAST + 8
idt:
    .skip 256 * 8
ldt:
    .skip 0x100
tss:
    /* Room for an I/O permission bitmap of all ports and its last byte. */
    .skip TSS_SIZE + 0x2000 + 4
hooks:
    .skip 256 * 4
caught:
    .skip FRAME_SIZE
caught_frame:
    .skip 4
caught_count:
    .skip 4
catch_resume:
    .skip 4
failures:
    .skip 4
user_eip:
    .skip 4

    .globl main_stack, trap_stack, user_stack, ring1_stack, ring2_stack, page_directory, page_table
    .balign 16
    .skip 4096
main_stack:
    .skip 4096
trap_stack:
    .skip 4096
user_stack:
    .skip 4096
ring1_stack:
    .skip 4096
ring2_stack:
    /* An exception frame is copied in full, also where it is shorter. */
    .skip 64
    .balign 4096
page_directory:
    .skip 4096
page_table:
    .skip 4096
