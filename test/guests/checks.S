/* What the self-checking guest programs print on COM1, and the checks that print it; lib.inc says how they are used. */
#include "lib.inc"

COM1 = 0x3f8

    .text
/* 115200 baud, 8N1, FIFOs off, no interrupts. */
    .globl init_serial
init_serial:
    movl $serial_settings, %esi
1:
    movw (%esi), %dx
    testw %dx, %dx
    jz 2f
    movb 2(%esi), %al
    outb %al, %dx
    addl $3, %esi
    jmp 1b
2:
    ret

/* check_equal(name, expected, actual) */
    .globl check_equal
check_equal:
    pushal
    pushl %ds
    pushl %es
    movw %cs:flat_data, %ds
    movw %cs:flat_data, %es
    cld
    movl 48(%esp), %eax
    cmpl %eax, 52(%esp)
    je 1f
    movl 44(%esp), %ebp
    call print_failure
    call print_hex
    movl $got_text, %esi
    call print
    movl 52(%esp), %eax
    call print_hex
    call print_newline
    jmp 2f
1:
    movl 44(%esp), %ebp
    call print_success
2:
    popl %es
    popl %ds
    popal
    ret $12

/* check_fault(name, vector, error code, eip) */
    .globl check_fault
check_fault:
    pushal
    pushl %ds
    pushl %es
    movw %cs:flat_data, %ds
    movw %cs:flat_data, %es
    cld
    movl 48(%esp), %eax
    cmpl %eax, caught_vector
    jne 1f
    movl 52(%esp), %eax
    cmpl %eax, caught_error
    jne 1f
    movl 56(%esp), %eax
    cmpl %eax, caught_eip
    jne 1f
    movl 44(%esp), %ebp
    call print_success
    jmp 2f
1:
    movl 44(%esp), %ebp
    call print_failure
    leal 48(%esp), %ebp
    call print_triple
    movl $got_text, %esi
    call print
    call print_caught
    call print_newline
2:
    popl %es
    popl %ds
    popal
    ret $16

    .globl print_caught
print_caught:
    movl $caught_vector, %ebp
/* Three numbers at EBP. */
print_triple:
    movl (%ebp), %eax
    call print_hex
    movb $':', %al
    call print_character
    movl 4(%ebp), %eax
    call print_hex
    movb $'@', %al
    call print_character
    movl 8(%ebp), %eax
    jmp print_hex

/* Name at EBP. */
print_success:
    movl $ok_text, %esi
    call print
    movl %ebp, %esi
    call print
    jmp print_newline

print_failure:
    incl failures
    movl $fail_text, %esi
    call print
    movl %ebp, %esi
    call print
    movl $expected_text, %esi
    jmp print

    .globl print_newline
print_newline:
    movb $'\n', %al
/* AL; changes EDX. */
print_character:
    pushl %eax
    movw $COM1 + 5, %dx
1:
    inb %dx, %al
    testb $0x20, %al
    jz 1b
    popl %eax
    movw $COM1, %dx
    outb %al, %dx
    ret

/* String at ESI; changes EDX. */
    .globl print
print:
    pushl %eax
1:
    lodsb
    testb %al, %al
    jz 2f
    call print_character
    jmp 1b
2:
    popl %eax
    ret

/* EAX in hexadecimal; changes ECX and EDX. */
print_hex:
    pushl %eax
    movl %eax, %ecx
    movb $'0', %al
    call print_character
    movb $'x', %al
    call print_character
    pushl $8
1:
    roll $4, %ecx
    movl %ecx, %eax
    andl $0xf, %eax
    movb digits(%eax), %al
    call print_character
    decl (%esp)
    jnz 1b
    popl %eax
    popl %eax
    ret

    .section .rodata
serial_settings:
    .macro SERIAL register:req, value:req
    .word COM1 + \register
    .byte \value
    .endm
    SERIAL 1, 0
    SERIAL 3, 0x80
    SERIAL 0, 1
    SERIAL 1, 0
    SERIAL 3, 3
    SERIAL 2, 0
    SERIAL 4, 3
    .word 0
digits:
    .ascii "0123456789abcdef"
ok_text:
    .asciz "ok "
fail_text:
    .asciz "FAIL "
expected_text:
    .asciz " expected "
got_text:
    .asciz " got "
