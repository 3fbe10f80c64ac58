/*
 * Virtual-8086 mode: entry by IRET, the instructions that IOPL rules, interrupts and exceptions to the monitor, I/O, and
 * the way back (SDM vol. 3, chapter 20). VME is off.
 */
#include "lib.inc"

/* The guest's code lies here, in segment BASE / 16, its stack below 64 KiB of the same segment. */
BASE = 0x10000
SEGMENT = BASE>>4
STACK = 0xfff0

/* Runs the instructions in virtual-8086 mode until an exception. EAX to EDI go in and come back. */
.macro V86 name:req, iopl:req, vector:req, error:req, code:req
    movl $(FLAG_VM | (\iopl) << 12 | 2), v86_eflags
    movl $\code - v86_code, v86_eip
    CATCH 8001f
    jmp enter_v86
8001:
    CAUGHT
    CHECK_FAULT "\name", \vector, \error, \code\()_fault-v86_code
.endm

    .text
    .globl main
main:
    movl $v86_code, %esi
    movl $BASE, %edi
    movl $v86_code_end - v86_code, %ecx
    rep movsb
    call frame_of_the_monitor
    call iopl_0
    call iopl_3
    call exceptions
    call ports
    call return_to_the_guest
    ret

enter_v86:
    pushl $0x4444
    pushl $0x3333
    pushl $SEGMENT
    pushl $0x1111
    pushl $SEGMENT
    pushl $STACK
    pushl v86_eflags
    pushl $SEGMENT
    pushl v86_eip
    iret

frame_of_the_monitor:
    movl $0x55667788, %ebx
    V86 "INT at IOPL 0 is a #GP", 0, GP, 0, int_30
    CHECK "monitor: CS is the segment", $SEGMENT, caught_cs
    CHECK "monitor: SS", $SEGMENT, caught_ss
    CHECK "monitor: ESP", $STACK, caught_esp
    CHECK "monitor: ES pushed", $0x1111, caught+FRAME_V86_ES
    CHECK "monitor: DS pushed", $SEGMENT, caught+FRAME_V86_DS
    CHECK "monitor: FS pushed", $0x3333, caught+FRAME_V86_FS
    CHECK "monitor: GS pushed", $0x4444, caught+FRAME_V86_GS
    CHECK "monitor: DS null", $0, caught+FRAME_DS
    CHECK "monitor: ES null", $0, caught+FRAME_ES
    CHECK "monitor: FS null", $0, caught+FRAME_FS
    CHECK "monitor: GS null", $0, caught+FRAME_GS
    CHECK_BITS "monitor: VM in the saved EFLAGS", $FLAG_VM|0x3000, $FLAG_VM, caught_eflags
    CHECK "monitor: stack from the TSS", $trap_stack-FRAME_SIZE, caught_frame
    CHECK "registers go through", $0x55667788, %ebx
    ret

iopl_0:
    V86 "IOPL 0: CLI", 0, GP, 0, do_cli
    V86 "IOPL 0: STI", 0, GP, 0, do_sti
    V86 "IOPL 0: PUSHF", 0, GP, 0, do_pushf
    V86 "IOPL 0: POPF", 0, GP, 0, do_popf
    V86 "IOPL 0: IRET", 0, GP, 0, do_iret
    V86 "IOPL 2: CLI", 2, GP, 0, do_cli
    V86 "IOPL 0: HLT", 0, GP, 0, do_hlt
    V86 "IOPL 0: INT3 needs no IOPL", 0, GP, BP*8+2, do_int3
    SET_IDT_GATE BP, KERNEL_CS, stubs+BP*16, INTERRUPT_GATE32|DPL3
    V86 "IOPL 0: INT3 through a gate of DPL 3", 0, BP, 0, do_int3_trap
    RESET_IDT_GATE BP
    ret

iopl_3:
    V86 "IOPL 3: CLI, STI, PUSHF, POPF, IRET", 3, USER_EXIT, 0, flags_at_3
    CHECK_BITS "IOPL 3: STI sets IF", $0x200, $0x200, %ebx
    CHECK_BITS "IOPL 3: CLI clears IF", $0x200, $0, %ecx
    CHECK_BITS "IOPL 3: POPF sets DF and leaves IOPL", $0x3400, $0x3400, %edx
    CHECK_BITS "IOPL 3: PUSHFD shows neither VM nor RF", $FLAG_VM|FLAG_RF, $0, %edi
    CHECK "IOPL 3: IRET went on", $0x99, %esi
    V86 "IOPL 3: INT to a gate of DPL 0", 3, GP, 0x31*8+2, int_31
    /* The handler must be in ring 0. */
    SET_IDT_GATE 0x31, RING1_CS&~3, stubs, INTERRUPT_GATE32|DPL3
    V86 "IOPL 3: INT to ring 1", 3, GP, RING1_CS&~3, int_31
    SET_IDT_GATE 0x31, KERNEL_CS, stubs+0x31*16, INTERRUPT_GATE32
    ret

exceptions:
    V86 "privileged: LGDT", 3, GP, 0, do_lgdt
    V86 "privileged: MOV from CR0", 3, GP, 0, do_mov_cr0
    V86 "privileged: CLTS", 3, GP, 0, do_clts
    V86 "not in this mode: LAR", 3, UD, 0, do_lar
    V86 "not in this mode: LLDT", 3, UD, 0, do_lldt
    V86 "not in this mode: STR", 3, UD, 0, do_str
    V86 "not in this mode: ARPL", 3, UD, 0, do_arpl
    V86 "SMSW may be used", 3, USER_EXIT, 0, do_smsw
    V86 "segment arithmetic", 3, USER_EXIT, 0, do_segments
    CHECK "segment arithmetic: base = selector * 16", $0x5a, %ecx
    CHECK "segment arithmetic: any selector may be loaded", $0xfffb, %edx
    V86 "limit fault: word at 0xffff", 3, GP, 0, do_word_wrap
    V86 "limit fault: stack", 3, SS_FAULT, 0, do_stack_wrap
    V86 "limit fault: offset beyond 64 KiB", 3, GP, 0, do_beyond
    V86 "divide error", 3, DE, 0, do_divide
    ret

/* IOPL does not count for I/O in this mode: the bitmap alone does. */
ports:
    V86 "IN without a bitmap", 3, GP, 0, do_in
    SET_DESCRIPTOR TSS_SELECTOR, tss, TSS_SIZE+0x20, TSS32
    movw $TSS_SELECTOR, %ax
    ltr %ax
    movl $0, tss + TSS_SIZE + 0x10
    V86 "IN with a bitmap", 3, USER_EXIT, 0, do_in_allowed
    movl $2, tss + TSS_SIZE + 0x10
    V86 "IN denied by the bitmap", 3, GP, 0, do_in_denied
    ret

/* A monitor that reflects INT 0x21 to the guest's own handler and lets the guest go on. */
return_to_the_guest:
    HOOK GP, reflect
    V86 "an interrupt reflected by the monitor", 0, USER_EXIT, 0, reflected
    UNHOOK GP
    CHECK "reflected: the guest's handler ran", $0x1234, %ecx
    CHECK "reflected: the guest went on behind the INT", $0x5678, %edx
    ret

reflect:
    movl FRAME_EIP(%ebx), %esi
    cmpb $0xcd, BASE(%esi)
    jne 1f
    cmpb $0x21, BASE + 1(%esi)
    jne 2f
    /* Push FLAGS, CS and IP on the guest's stack, as the 8086 does. */
    movl FRAME_ESP(%ebx), %edi
    subl $6, %edi
    movl %edi, FRAME_ESP(%ebx)
    addl $2, %esi
    movw %si, BASE(%edi)
    movw $SEGMENT, BASE + 2(%edi)
    movl FRAME_EFLAGS(%ebx), %eax
    movw %ax, BASE + 4(%edi)
    movl $reflected_handler - v86_code, FRAME_EIP(%ebx)
    ret
1:
    cmpb $0xcf, BASE(%esi)
    jne 2f
    movl FRAME_ESP(%ebx), %edi
    movzwl BASE(%edi), %eax
    movl %eax, FRAME_EIP(%ebx)
    addl $6, FRAME_ESP(%ebx)
    ret
2:
    /* INT USER_EXIT, whose gate ring 3 may use but the IOPL forbids: end here as if it had worked. */
    movl $USER_EXIT, caught_vector
    movl $0, caught_error
    movl $reflected_fault - v86_code, caught_eip
    CAUGHT
    movl caught + FRAME_ECX, %ecx
    movl caught + FRAME_EDX, %edx
    jmp *catch_resume

/* Code of the guest, copied to BASE. NAME_fault is where its exception finds EIP. */
    .balign 16
    .code16
v86_code:
int_30:
int_30_fault:
    int $USER_EXIT
do_cli:
do_cli_fault:
    cli
do_sti:
do_sti_fault:
    sti
do_pushf:
do_pushf_fault:
    pushfw
do_popf:
do_popf_fault:
    popfw
do_iret:
do_iret_fault:
    iretw
do_hlt:
do_hlt_fault:
    hlt
do_int3:
do_int3_fault:
    int3
do_int3_trap:
    int3
do_int3_trap_fault:
    nop
flags_at_3:
    sti
    pushfw
    popw %bx
    cli
    pushfw
    popw %cx
    pushw $0x0402
    popfw
    pushfw
    popw %dx
    pushfl
    popl %edi
    pushw $2
    pushw $SEGMENT
    pushw $1f - v86_code
    iretw
1:
    movl $0x99, %esi
    int $USER_EXIT
flags_at_3_fault:
int_31:
int_31_fault:
    int $0x31
do_lgdt:
do_lgdt_fault:
    .byte 0x0f, 0x01, 0x16, 0, 0
do_mov_cr0:
do_mov_cr0_fault:
    movl %cr0, %eax
do_clts:
do_clts_fault:
    clts
do_lar:
do_lar_fault:
    .byte 0x0f, 0x02, 0xc0
do_lldt:
do_lldt_fault:
    .byte 0x0f, 0x00, 0xd0
do_str:
do_str_fault:
    .byte 0x0f, 0x00, 0xc8
do_arpl:
do_arpl_fault:
    .byte 0x63, 0xc0
do_smsw:
    smsw %ax
    int $USER_EXIT
do_smsw_fault:
do_segments:
    movb $0x5a, %al
    movw $SEGMENT + 0x80, %bx
    movw %bx, %es
    movw $0x1000, %di
    stosb
    movw $0x1800, %si
    movzbl (%si), %ecx
    movw $0xfffb, %bx
    movw %bx, %es
    movl %es, %edx
    int $USER_EXIT
do_segments_fault:
do_word_wrap:
    movw $0xffff, %bx
do_word_wrap_fault:
    movw (%bx), %ax
do_stack_wrap:
    movw $1, %sp
do_stack_wrap_fault:
    pushw %ax
do_beyond:
    movl $0x10000, %ebx
do_beyond_fault:
    movb (%ebx), %al
do_divide:
    xorw %cx, %cx
do_divide_fault:
    divw %cx
do_in:
do_in_fault:
    inb $0x80, %al
do_in_allowed:
    inb $0x80, %al
    int $USER_EXIT
do_in_allowed_fault:
do_in_denied:
do_in_denied_fault:
    inb $0x81, %al
reflected:
    xorl %ecx, %ecx
    int $0x21
    movl $0x5678, %edx
    int $USER_EXIT
reflected_fault:
reflected_handler:
    movl $0x1234, %ecx
    iretw
v86_code_end:
    .code32

    .bss
    .balign 4
v86_eflags:
    .skip 4
v86_eip:
    .skip 4
