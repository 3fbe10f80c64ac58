/*
 * Real mode: 16-bit segments, the interrupt table, exceptions, switching modes, big segments kept from protected mode,
 * and the A20 gate (SDM vol. 3, chapter 20.1).
 */
#include "lib.inc"

/* Real-mode code is copied to BASE; its stack is in another segment. */
BASE = 0x10000
SEGMENT = BASE>>4
STACK_SEGMENT = 0x3000
STACK = 0x8000
DATA_SEGMENT = 0x4000
DATA_BASE = DATA_SEGMENT<<4
CODE16 = FREE
DATA16 = FREE + 8
CR0_PE = 1

/* Runs code in real mode until it jumps to `leave` or an exception. All general registers but ESP go in and come back. */
.macro REAL code:req
    movl $NOTHING, real_vector
    movw $\code - real_code, real_entry
    call enter_real
.endm

.macro REAL_FAULTS name:req, vector:req, code:req
    REAL \code
    CHECK "\name", $\vector, real_vector
    CHECK "\name: IP", $\code\()_fault-real_code, real_ip
.endm

    .text
    .globl main
main:
    SET_DESCRIPTOR CODE16, BASE, 0xffff, CODE
    SET_DESCRIPTOR DATA16, 0, 0xffff, DATA
    movl $real_code, %esi
    movl $BASE, %edi
    movl $real_code_end - real_code, %ecx
    rep movsb
    /* Again 64 KiB above, for emulators that do not look at the limit of CS. */
    movl $real_code, %esi
    movl $BASE + 0x10000, %edi
    movl $real_code_end - real_code, %ecx
    rep movsb
    call make_table
    call segments
    call interrupts
    call exceptions
    call flags
    call modes
    call big_segments
    call a20
    ret

/* Exceptions lead to the stubs, INT 0x40 to its own handler. */
make_table:
    xorl %ecx, %ecx
    movl $SEGMENT << 16 | (real_stubs - real_code), %eax
1:
    movl %eax, table(, %ecx, 4)
    addl $8, %eax
    incl %ecx
    cmpl $32, %ecx
    jb 1b
    movl $SEGMENT << 16 | (int_40_handler - real_code), table + 0x40 * 4
    ret

enter_real:
    movl %esp, flat_esp
    movl %eax, BASE + real_eax - real_code
    movw real_entry, %ax
    movw %ax, BASE + real_target - real_code
    lidt table_pointer
    movl $DATA16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    ljmp $CODE16, $from_protected-real_code

/* Back in 32-bit protected mode; the caller's registers but EAX are in place. */
from_real:
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl flat_esp, %esp
    lidt idt_pointer
    xorl %eax, %eax
    movw BASE + seen_vector - real_code, %ax
    cwtl
    movl %eax, real_vector
    movzwl BASE + seen_ip - real_code, %eax
    movl %eax, real_ip
    movzwl BASE + seen_cs - real_code, %eax
    movl %eax, real_cs
    movzwl BASE + seen_flags - real_code, %eax
    movl %eax, real_flags
    movl BASE + real_eax - real_code, %eax
    ret

segments:
    movl $0x11223344, DATA_BASE
    movl $0x55667788, DATA_BASE + 0xfffc
    REAL read_segments
    CHECK "base = selector * 16", $0x11223344, %eax
    CHECK "the same byte through another selector", $0x11223344, %ebx
    CHECK "last dword of 64 KiB", $0x55667788, %ecx
    CHECK "LDS: offset", $0x7788, %esi
    CHECK "LDS: selector", $0x5566, %edi
    REAL offsets
    CHECK "16-bit offsets wrap", $0x11223344, %eax
    CHECK "32-bit addressing below 64 KiB", $0x55667788, %ebx
    REAL stack_wrap
    CHECK "PUSH at SP 0 wraps to the end", $0xfffe, %eax
    CHECK "PUSH at SP 0: value", $0x1234, %ebx
    REAL far_calls
    CHECK "far CALL: CS and IP pushed", $SEGMENT<<16|(far_calls_back-real_code), %eax
    CHECK "RETF n", $STACK, %ebx
    ret

interrupts:
    REAL int_40
    CHECK "INT: IP", $int_40_back-real_code, %eax
    CHECK "INT: CS", $SEGMENT, %ebx
    CHECK_BITS "INT: FLAGS with IF and TF as they were", $0x301, $0x201, %ecx
    CHECK_BITS "INT: IF and TF clear in the handler", $0x300, $0, %edx
    CHECK "IRET: SP", $STACK, %esi
    CHECK_BITS "IRET: FLAGS", $0x201, $0x201, %edi
    REAL iret32
    CHECK "IRETD in real mode: SP", $STACK, %eax
    CHECK_BITS "IRETD in real mode: AC and ID", $0x240000, $0x240000, %ebx
    lidt idt_pointer
    movw $32 * 4 - 1, table_pointer
    REAL_FAULTS "INT beyond the table", GP, int_beyond
    movw $0x3ff, table_pointer
    ret

exceptions:
    REAL_FAULTS "#DE", DE, do_divide
    CHECK "#DE: CS", $SEGMENT, real_cs
    REAL_FAULTS "#UD", UD, do_ud
    REAL_FAULTS "#BR", BR, do_bound
    REAL_FAULTS "#BP is behind INT3", BP, do_int3
    REAL_FAULTS "#OF is behind INTO", OF, do_into
    REAL_FAULTS "#NM", NM, do_nm
    movl %cr0, %eax
    andl $~4, %eax
    movl %eax, %cr0
    REAL_FAULTS "#UD: ARPL", UD, do_arpl
    REAL_FAULTS "#UD: LAR", UD, do_lar
    REAL_FAULTS "#UD: VERR", UD, do_verr
    REAL_FAULTS "#UD: SLDT", UD, do_sldt
    REAL_FAULTS "#UD: LTR", UD, do_ltr
    REAL_FAULTS "#UD: LOCK", UD, do_lock
    REAL_FAULTS "limit fault: word at 0xffff", GP, do_word_wrap
    REAL_FAULTS "limit fault: offset of 64 KiB", GP, do_beyond
    REAL_FAULTS "limit fault: word at SP 0xffff", SS_FAULT, do_stack
    REAL_FAULTS "limit fault: JMP beyond 64 KiB", GP, do_jump
    ret

flags:
    REAL push_flags
    CHECK_BITS "POPF: IOPL and NT", $0x7000, $0x7000, %eax
    CHECK_BITS "POPFD: AC and ID", $0x240000, $0x240000, %ebx
    CHECK_BITS "POPFD: neither VM nor RF", $0x30000, $0, %ebx
    CHECK_BITS "CLI and STI at any IOPL", $0x200, $0x200, %ecx
    ret

modes:
    REAL privileged
    CHECK_BITS "SMSW: PE clear", $1, $0, %eax
    CHECK_BITS "MOV from CR0: PE clear", $1, $0, %ebx
    CHECK "SGDT", $gdt, %ecx
    /* PE set, and the old CS still in its cache. */
    REAL pe_without_jump
    CHECK "PE set before the far jump: CS keeps its selector", $SEGMENT, %eax
    CHECK "PE set before the far jump: DS keeps its base", $0x11223344, %ebx
    CHECK "PE set: a descriptor is read from now on", $0x11223344, %ecx
    ret

/* Limits of 4 GiB, loaded in protected mode, stay until protected mode loads others. */
big_segments:
    movl $0x99aabbcc, flat_value
    movl $KERNEL_DS, %eax
    movl %eax, %fs
    movl $flat_value, %esi
    REAL read_flat
    CHECK "4 GiB segment in real mode", $0x99aabbcc, %eax
    CHECK "it keeps its limit when real mode loads it", $0x99aabbcc, %ebx
    movl $DATA16, %eax
    movl %eax, %fs
    ret

a20:
    REAL a20_off
    CHECK "A20 off: 1 MiB is 0", $0x13579bdf, %eax
    CHECK "A20 on: it is not", $0, %ebx
    CHECK "A20 on: what lies at 1 MiB", 0x100500, %ecx
    CHECK_BITS "A20 state in port 0x92", $2, $2, %edx
    ret

    .balign 16
    .code16
real_code:
from_protected:
    movl %cr0, %eax
    andl $~CR0_PE, %eax
    movl %eax, %cr0
    ljmp $SEGMENT, $1f - real_code
1:
    movw $STACK_SEGMENT, %ax
    movw %ax, %ss
    movl $STACK, %esp
    movw $DATA_SEGMENT, %ax
    movw %ax, %ds
    movw %ax, %es
    pushl %cs:real_eax - real_code
    popl %eax
    jmpw *%cs:real_target - real_code

/* Exceptions come here with their vector on top of IP, CS and FLAGS. */
caught_here:
    popw %cs:seen_vector - real_code
    popw %cs:seen_ip - real_code
    popw %cs:seen_cs - real_code
    popw %cs:seen_flags - real_code
    jmp leave_real
leave:
    movw $-1, %cs:seen_vector - real_code
leave_real:
    cli
    cld
    movl %eax, %cs:real_eax - real_code
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $KERNEL_CS, $from_real

    .balign 8
real_stubs:
real_number = 0
    .rept 32
    .balign 8
    pushw $real_number
    jmp caught_here
real_number = real_number + 1
    .endr

read_segments:
    movl 0, %eax
    movw $DATA_SEGMENT - 0x100, %bx
    movw %bx, %fs
    movl %fs:0x1000, %ebx
    movl 0xfffc, %ecx
    movw $0xfffc, %si
    ldsw (%si), %si
    movzwl %si, %esi
    movl %ds, %edi
    jmp leave

offsets:
    movw $0xfffe, %bx
    movw $2, %si
    movl (%bx, %si), %eax
    movl $0xfffc, %ecx
    movl (%ecx), %ebx
    jmp leave

stack_wrap:
    xorw %sp, %sp
    pushw $0x1234
    movzwl %sp, %eax
    popw %bx
    movzwl %bx, %ebx
    movw $STACK, %sp
    jmp leave

far_calls:
    pushw $0
    lcallw $SEGMENT, $far_target - real_code
far_calls_back:
    movzwl %sp, %ebx
    jmp leave
far_target:
    movw %sp, %bp
    movl (%bp), %eax
    lretw $2

int_40:
    pushw $0x0203
    popfw
    int $0x40
int_40_back:
    pushfw
    popw %di
    movzwl %sp, %esi
    jmp leave
int_40_handler:
    movw %sp, %bp
    movzwl (%bp), %eax
    movzwl 2(%bp), %ebx
    movzwl 4(%bp), %ecx
    pushfw
    popw %dx
    iretw

iret32:
    pushl $0x240002
    pushl $SEGMENT
    pushl $1f - real_code
    iretl
1:
    movzwl %sp, %eax
    pushfl
    popl %ebx
    pushl $2
    popfl
    jmp leave

int_beyond:
int_beyond_fault:
    int $0x40
do_divide:
    xorw %cx, %cx
do_divide_fault:
    divw %cx
do_ud:
do_ud_fault:
    ud2
do_bound:
    movl $0, 0x10
    movw $1, %ax
do_bound_fault:
    boundw %ax, 0x10
do_int3:
    int3
do_int3_fault:
    nop
do_into:
    movb $0x7f, %al
    incb %al
    into
do_into_fault:
    nop
do_nm:
    movl %cr0, %eax
    orl $4, %eax
    movl %eax, %cr0
do_nm_fault:
    fninit
do_arpl:
do_arpl_fault:
    .byte 0x63, 0xc0
do_lar:
do_lar_fault:
    .byte 0x0f, 0x02, 0xc0
do_verr:
do_verr_fault:
    .byte 0x0f, 0x00, 0xe0
do_sldt:
do_sldt_fault:
    .byte 0x0f, 0x00, 0xc0
do_ltr:
do_ltr_fault:
    .byte 0x0f, 0x00, 0xd8
do_lock:
do_lock_fault:
    .byte 0xf0, 0x90
do_word_wrap:
    movw $0xffff, %bx
do_word_wrap_fault:
    movw (%bx), %ax
    jmp leave
do_beyond:
    movl $0x10000, %ebx
do_beyond_fault:
    movb (%ebx), %al
    jmp leave
do_stack:
    movw $0xffff, %bp
do_stack_fault:
    movw (%bp), %ax
    jmp leave
do_jump:
    movl $0x10000 + leave - real_code, %ebx
do_jump_fault:
    jmpl *%ebx

push_flags:
    pushw $0x7002
    popfw
    sti
    pushfw
    popw %ax
    cli
    pushl $0x270002
    popfl
    pushfl
    popl %ebx
    sti
    pushfw
    popw %cx
    pushl $2
    popfl
    jmp leave

privileged:
    smsw %ax
    movl %cr0, %ebx
    sgdtl 0x20
    movl 0x22, %ecx
    clts
    jmp leave

pe_without_jump:
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    movl %cs, %eax
    movl 0, %ebx
    movw $KERNEL_DS, %cx
    movw %cx, %fs
    movl $DATA_BASE, %ecx
    movl %fs:(%ecx), %ecx
    jmp leave

read_flat:
    movl %fs:(%esi), %eax
    movw $0x100, %bx
    movw %bx, %fs
    subl $0x1000, %esi
    movl %fs:(%esi), %ebx
    jmp leave

a20_off:
    inb $0x92, %al
    andb $0xfc, %al
    outb %al, $0x92
    xorw %bx, %bx
    movw %bx, %fs
    movw $0xffff, %bx
    movw %bx, %gs
    movl $0x13579bdf, %fs:0x500
    movl %gs:0x510, %ecx
    inb $0x92, %al
    orb $2, %al
    andb $0xfe, %al
    outb %al, $0x92
    movl %ecx, %eax
    movl %gs:0x510, %ecx
    xorl %ebx, %ebx
    cmpl %eax, %ecx
    sete %bl
    pushl %eax
    inb $0x92, %al
    movzbl %al, %edx
    popl %eax
    jmp leave

    .balign 4
real_eax:
    .long 0
real_target:
    .word 0
seen_vector:
    .word 0
seen_ip:
    .word 0
seen_cs:
    .word 0
seen_flags:
    .word 0
real_code_end:
    .code32

    .data
    .balign 4
table_pointer:
    .word 0x3ff
    .long table
real_entry:
    .word 0

    .bss
    .balign 4
table:
    .skip 0x400
flat_esp:
    .skip 4
flat_value:
    .skip 4
real_vector:
    .skip 4
real_ip:
    .skip 4
real_cs:
    .skip 4
real_flags:
    .skip 4
