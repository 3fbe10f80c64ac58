/*
 * Privilege levels: call gates with stack switch and parameters, far returns and IRET to outer levels, conforming code,
 * IOPL, the I/O permission bitmap (SDM vol. 3, chapter 5; vol. 1, 19.5).
 */
#include "lib.inc"

GATE = FREE
CONFORMING_CS = FREE + 8
DATA16 = FREE + 16
CODE16 = FREE + 24
TARGET = FREE + 32


    .text
    .globl main
main:
    movw $KERNEL_DS, tss + TSS_SS0
    movw $RING1_DS, tss + TSS_SS1
    movl $ring1_stack, tss + TSS_ESP1
    SET_IDT_GATE USER_EXIT, KERNEL_CS, stubs+USER_EXIT*16, INTERRUPT_GATE32|DPL3
    call call_gates
    call gate_faults
    call returns
    call conforming
    call flags_by_level
    call permission_bitmap
    call privileged_instructions
    ret

/* ---- Call gates ---------------------------------------------------------------------------------------------------- */

call_gates:
    SET_GATE GATE, KERNEL_CS, gate_handler, CALL_GATE32|DPL3, 2
    ENTER_USER 2f
    movl %esp, %esi
    pushl $0x22222222
    pushl $0x11111111
    lcall $GATE|3, $0xdead
1:
    movl %esp, %edi
    int $USER_EXIT
2:
    CAUGHT
    CHECK "gate: stack from the TSS", $trap_stack-24, gate_esp
    CHECK "gate: return EIP", $1b, frame
    CHECK "gate: return CS", $USER_CS, frame + 4
    CHECK "gate: first parameter", $0x11111111, frame + 8
    CHECK "gate: second parameter", $0x22222222, frame + 12
    leal -8(%esi), %eax
    CHECK "gate: caller's ESP", %eax, frame + 16
    CHECK "gate: caller's SS", $USER_DS, frame + 20
    CHECK "gate: SS in the handler", $KERNEL_DS, frame + 24
    CHECK "gate: CS in the handler", $KERNEL_CS, frame + 28
    CHECK "RETF n releases the caller's parameters", %esi, %edi
    CHECK "RETF to ring 3", $USER_CS, caught_cs

    /* The same through a 286 gate: slots of two bytes. */
    SET_GATE GATE, CODE16, gate_handler16-code16_base, CALL_GATE16|DPL3, 1
    SET_DESCRIPTOR CODE16, code16_base, 0xffff, CODE
    SET_DESCRIPTOR DATA16, trap_stack-0x1000, 0xffff, DATA
    SET_DESCRIPTOR TARGET, code16_base, 0xffff, CODE|DPL3|BIG
    movl $0x1000, tss + TSS_ESP0
    movw $DATA16, tss + TSS_SS0
    ENTER_USER 2f
    movl %esp, %esi
    pushw $0x1234
    /* The return address has 16 bits. */
    ljmp $TARGET|3, $caller16-code16_base
2:
    CAUGHT
    CHECK "16-bit gate: SP from the TSS", $0x1000-10, gate_esp
    CHECK_BITS "16-bit gate: return IP", $0xffff, $caller16_return-code16_base, frame
    CHECK_BITS "16-bit gate: return CS", $0xffff, $TARGET|3, frame + 2
    CHECK_BITS "16-bit gate: parameter", $0xffff, $0x1234, frame + 4
    leal -2(%esi), %eax
    andl $0xffff, %eax
    andl $0xffff, %esi
    CHECK_BITS "16-bit gate: caller's SP", $0xffff, %eax, frame + 6
    CHECK_BITS "16-bit gate: caller's SS", $0xffff, $USER_DS, frame + 8
    CHECK_BITS "16-bit gate: RETF restores SP", $0xffff, %esi, %edi

    /* Ring 3 to ring 1, from there to ring 0. */
    SET_GATE GATE, RING1_CS&~3, ring1_handler, CALL_GATE32|DPL3
    SET_GATE TARGET, KERNEL_CS, gate_handler0, CALL_GATE32|DPL1
    ENTER_USER 2f
    lcall $GATE|3, $0
    int $USER_EXIT
2:
    CAUGHT
    CHECK "gate to ring 1: CS", $RING1_CS, ring1_selectors
    CHECK "gate to ring 1: SS", $RING1_DS, ring1_selectors + 4
    CHECK "gate to ring 1: ESP", $ring1_stack-16, ring1_selectors + 8
    CHECK "gate from ring 1: CS pushed", $RING1_CS, frame + 4
    CHECK "back in ring 3 through both", $USER_EXIT, caught_vector

    /* To the same level: no stack switch, and JMP may use the gate. */
    SET_GATE GATE, KERNEL_CS, same_level, CALL_GATE32
    movl %esp, %ebx
    lcall $GATE, $0
    CHECK "gate to the same level: two slots", $8, %eax
    subl %esp, %ebx
    CHECK "gate to the same level: balanced", $0, %ebx
    movl %esp, %ebx
    pushl %cs
    pushl $1f
    ljmp $GATE, $0
1:
    CHECK "JMP through a gate", $8, %eax
    ret

gate_handler:
    movl %esp, gate_esp
    movl $KERNEL_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %esi, %edx
    movl %esp, %esi
    movl $frame, %edi
    movl $6, %ecx
    rep movsl
    movl %edx, %esi
    movl %ss, %eax
    movl %eax, frame + 24
    movl %cs, %eax
    movl %eax, frame + 28
    movl $USER_DS, %eax
    movl %eax, %ds
    movl %eax, %es
    lret $8

gate_handler0:
    pushl (%esp)
    popl frame
    pushl 4(%esp)
    popl frame + 4
    lret

same_level:
    movl %ebx, %eax
    subl %esp, %eax
    lret

ring1_handler:
    movl %cs, %eax
    movl %eax, ring1_selectors
    movl %ss, %eax
    movl %eax, ring1_selectors + 4
    movl %esp, ring1_selectors + 8
    lcall $TARGET|1, $0
    lret

    .balign 16
code16_base:
    .code16
gate_handler16:
    movl $frame, %edx
    movzwl %sp, %eax
    movl %eax, gate_esp - frame(%edx)
    popl (%edx)
    popl 4(%edx)
    popw 8(%edx)
    subw $10, %sp
    lretw $2
    .code32
caller16:
    lcall $GATE|3, $0
caller16_return:
    movl %esp, %edi
    movl $trap_stack, tss + TSS_ESP0
    movw $KERNEL_DS, tss + TSS_SS0
    int $USER_EXIT

/* ---- What keeps a gate from being used ----------------------------------------------------------------------------- */

gate_faults:
    SET_GATE GATE, KERNEL_CS, gate_handler, CALL_GATE32
    USER_FAULTS "gate: DPL below CPL", GP, GATE, "lcall $GATE|3, $0"
    FAULTS "gate: DPL below RPL", GP, GATE, "lcall $GATE|3, $0"
    SET_GATE GATE, KERNEL_CS, gate_handler, (CALL_GATE32|DPL3)&~PRESENT
    USER_FAULTS "gate: not present", NP, GATE, "lcall $GATE|3, $0"
    SET_GATE GATE, 0, gate_handler, CALL_GATE32|DPL3
    USER_FAULTS "gate: null code selector", GP, 0, "lcall $GATE|3, $0"
    SET_GATE GATE, KERNEL_DS, gate_handler, CALL_GATE32|DPL3
    USER_FAULTS "gate: to data", GP, KERNEL_DS, "lcall $GATE|3, $0"
    SET_GATE GATE, USER_CS, gate_handler, CALL_GATE32|DPL3
    FAULTS "gate: to an outer level", GP, USER_CS&~3, "lcall $GATE, $0"
    SET_GATE GATE, KERNEL_CS, gate_handler, CALL_GATE32|DPL3
    USER_FAULTS "gate: JMP to an inner level", GP, KERNEL_CS, "ljmp $GATE|3, $0"
    SET_DESCRIPTOR TARGET, 0, 0xfffff, (CODE|BIG|PAGES)&~PRESENT
    SET_GATE GATE, TARGET, gate_handler, CALL_GATE32|DPL3
    USER_FAULTS "gate: code not present", NP, TARGET, "lcall $GATE|3, $0"
    SET_DESCRIPTOR TARGET, 0, 0xff, CODE|BIG
    USER_FAULTS "gate: offset beyond the limit", GP, 0, "lcall $GATE|3, $0"
    /* The stack of the inner level. */
    SET_GATE GATE, RING1_CS&~3, ring1_handler, CALL_GATE32|DPL3
    movw $0, tss + TSS_SS1
    USER_FAULTS "gate: null stack", TS, 0, "lcall $GATE|3, $0"
    movw $KERNEL_DS, tss + TSS_SS1
    USER_FAULTS "gate: stack of another level", TS, KERNEL_DS, "lcall $GATE|3, $0"
    movw $RING1_CS, tss + TSS_SS1
    USER_FAULTS "gate: code for a stack", TS, RING1_CS&~3, "lcall $GATE|3, $0"
    SET_DESCRIPTOR TARGET, 0, 0xfffff, (DATA|DPL1|BIG|PAGES)&~PRESENT
    movw $TARGET|1, tss + TSS_SS1
    USER_FAULTS "gate: stack not present", SS_FAULT, TARGET, "lcall $GATE|3, $0"
    SET_DESCRIPTOR TARGET, 0, 7, DATA|DPL1|BIG
    movl $8, tss + TSS_ESP1
    USER_FAULTS "gate: no room on the stack", SS_FAULT, TARGET, "lcall $GATE|3, $0"
    movw $RING1_DS, tss + TSS_SS1
    movl $ring1_stack, tss + TSS_ESP1
    ret

/* ---- RETF and IRET to outer levels --------------------------------------------------------------------------------- */

.macro RETURN_FAULTS name:req, vector:req, error:req, instruction:req, values:vararg
    CATCH 8001f
    .irp value, \values
    pushl $\value
    .endr
8000:
    \instruction
8001:
    CAUGHT
    CHECK_FAULT "\name", \vector, \error, 8000b
.endm

returns:
    /* Segments that ring 3 may not use become null. */
    CATCH 2f
    movl $KERNEL_DS, %eax
    movl %eax, %es
    movl $CONFORMING_CS, %eax
    SET_DESCRIPTOR CONFORMING_CS, 0, 0xfffff, CODE_CONFORMING|BIG|PAGES
    movl %eax, %fs
    movl $USER_DS, %eax
    movl %eax, %gs
    pushl $USER_DS
    pushl $user_stack
    pushl $0xbad
    pushl $USER_CS
    pushl $1f
    lret $4
1:
    movl %ds, %eax
    movl %es, %ebx
    movl %fs, %ecx
    movl %gs, %edx
    movl %ss, %esi
    movl %esp, %edi
    int $USER_EXIT
2:
    CAUGHT
    CHECK "RETF: DS of ring 0 nulled", $0, %eax
    CHECK "RETF: ES of ring 0 nulled", $0, %ebx
    CHECK "RETF: FS with conforming code stays", $CONFORMING_CS, %ecx
    CHECK "RETF: GS of ring 3 stays", $USER_DS, %edx
    CHECK "RETF: SS", $USER_DS, %esi
    CHECK "RETF n: n is added to the outer ESP too", $user_stack+4, %edi

    CATCH 2f
    movl $KERNEL_DS, %eax
    movl %eax, %gs
    pushl $USER_DS
    pushl $user_stack
    pushl $2
    pushl $USER_CS
    pushl $1f
    iret
1:
    movl %gs, %eax
    int $USER_EXIT
2:
    CAUGHT
    CHECK "IRET: GS of ring 0 nulled", $0, %eax

    RETURN_FAULTS "RETF: null CS", GP, 0, "lret", 0, 0x1000
    RETURN_FAULTS "RETF: data for CS", GP, KERNEL_DS, "lret", KERNEL_DS, 0x1000
    RETURN_FAULTS "RETF: RPL below DPL", GP, USER_CS&~3, "lret", USER_CS&~3, 0x1000
    RETURN_FAULTS "RETF: RPL above DPL", GP, KERNEL_CS, "lret", KERNEL_CS|3, 0x1000
    RETURN_FAULTS "RETF: null SS", GP, 0, "lret", 0, 0x1000, USER_CS, 0x1000
    RETURN_FAULTS "RETF: SS of ring 0", GP, KERNEL_DS, "lret", KERNEL_DS, 0x1000, USER_CS, 0x1000
    RETURN_FAULTS "IRET: null CS", GP, 0, "iret", 2, 0, 0x1000
    RETURN_FAULTS "IRET: SS with RPL 0", GP, USER_DS&~3, "iret", USER_DS&~3, 0x1000, 2, USER_CS, 0x1000
    SET_DESCRIPTOR TARGET, 0, 0xfffff, (DATA|DPL3|BIG|PAGES)&~PRESENT
    RETURN_FAULTS "IRET: SS not present", SS_FAULT, TARGET, "iret", TARGET|3, 0x1000, 2, USER_CS, 0x1000
    SET_DESCRIPTOR TARGET, 0, 0xfffff, (CODE|DPL3|BIG|PAGES)&~PRESENT
    RETURN_FAULTS "IRET: CS not present", NP, TARGET, "iret", USER_DS, 0x1000, 2, TARGET|3, 0x1000
    SET_DESCRIPTOR TARGET, landing-0x100, 0xff, CODE|BIG
    RETURN_FAULTS "IRET: EIP beyond the limit", GP, 0, "iret", 2, TARGET, 0x100
    /* To an inner level: never. */
    ENTER_USER 2f
    pushl $KERNEL_CS
    pushl $0x1000
1:
    lret
2:
    CAUGHT
    CHECK_FAULT "RETF to an inner level", GP, KERNEL_CS, 1b
    /* 16-bit IRET: IP, CS and FLAGS of two bytes each. */
    SET_DESCRIPTOR CODE16, code16_base, 0xffff, CODE|BIG
    CATCH 2f
    movl %esp, %ebx
    pushl $KERNEL_CS
    pushl $1f
    pushw $2
    pushw $CODE16
    pushw $iret16_target-code16_base
    iretw
iret16_target:
    lret
1:
    movl %esp, %eax
2:
    CAUGHT
    CHECK "IRETW", %ebx, %eax
    ret

/* For emulators that do not look at limits. */
landing:
    int $USER_EXIT

/* ---- Conforming code ------------------------------------------------------------------------------------------------- */

conforming:
    ENTER_USER 2f
    lcall $CONFORMING_CS, $1f
    int $USER_EXIT
1:
    movl %cs, %eax
    movl %eax, frame
    lret
2:
    CAUGHT
    CHECK "conforming code runs at the caller's level", $CONFORMING_CS|3, frame
    CHECK "conforming code returns", $USER_EXIT, caught_vector
    SET_GATE GATE, CONFORMING_CS, conforming_handler, CALL_GATE32|DPL3
    ENTER_USER 2f
    movl %esp, %ebx
    lcall $GATE|3, $0
    int $USER_EXIT
conforming_handler:
    movl %cs, %eax
    movl %eax, frame
    subl %esp, %ebx
    lret
2:
    CAUGHT
    CHECK "conforming code through a gate", $CONFORMING_CS|3, frame
    CHECK "conforming code through a gate: no stack switch", $8, %ebx
    SET_DESCRIPTOR TARGET, 0, 0xfffff, CODE_CONFORMING|DPL3|BIG|PAGES
    FAULTS "conforming code of an outer level", GP, TARGET, "ljmp $TARGET, $0x1000"
    ret

/* ---- IOPL ---------------------------------------------------------------------------------------------------------- */

flags_by_level:
    movl $2, user_eflags
    USER_FAULTS "IOPL 0, CPL 3: CLI", GP, 0, "cli"
    USER_FAULTS "IOPL 0, CPL 3: STI", GP, 0, "sti"
    USER_WORKS "IOPL 0, CPL 3: POPF", "pushl $0x3202; popfl; pushfl; popl %eax"
    CHECK_BITS "IOPL 0, CPL 3: POPF changes neither IF nor IOPL", $0x3200, $0, %eax
    movl $IOPL3 | 2, user_eflags
    USER_WORKS "IOPL 3, CPL 3: STI", "sti; pushfl; popl %eax; cli"
    CHECK_BITS "IOPL 3, CPL 3: IF set", $0x3200, $0x3200, %eax
    USER_WORKS "IOPL 3, CPL 3: POPF", "pushl $0x202; popfl; pushfl; popl %eax; cli"
    CHECK_BITS "IOPL 3, CPL 3: POPF changes IF, not IOPL", $0x3200, $0x3200, %eax
    /* IRET in ring 3 follows the same rules. */
    movl $2, user_eflags
    USER_WORKS "IOPL 0, CPL 3: IRET", "pushl $0x3202; pushl %cs; pushl $8002f; iret; 8002: pushfl; popl %eax"
    CHECK_BITS "IOPL 0, CPL 3: IRET changes neither IF nor IOPL", $0x3200, $0, %eax
    USER_WORKS "CPL 3: IRET with VM", "pushl $FLAG_VM | 2; pushl %cs; pushl $8002f; iret; 8002: movl %cs, %ecx"
    CHECK "CPL 3: IRET does not enter virtual-8086 mode", $USER_CS, %ecx
    pushl $0x3002
    popfl
    pushfl
    popl %eax
    CHECK_BITS "CPL 0: POPF changes IOPL", $0x3000, $0x3000, %eax
    pushl $FLAG_VM | FLAG_RF | 2
    popfl
    pushfl
    popl %eax
    CHECK_BITS "CPL 0: POPF changes neither VM nor RF", $FLAG_VM|FLAG_RF|0x3000, $0, %eax
    pushl $0x200000 | 0x40000 | 2
    popfw
    pushfl
    popl %eax
    popw %cx
    CHECK_BITS "16-bit POPF leaves the upper half", $0x240000, $0, %eax
    pushl $2
    popfl
    ret

/* ---- I/O permission bitmap ------------------------------------------------------------------------------------------- */

permission_bitmap:
    movl $2, user_eflags
    movw $0x80, %dx
    /* The map's offset is the TSS's size: no bitmap. */
    USER_FAULTS "no bitmap: IN", GP, 0, "inb %dx, %al"
    movl $IOPL3 | 2, user_eflags
    USER_WORKS "IOPL 3: no bitmap needed", "inb $0x80, %al"
    movl $2, user_eflags
    SET_DESCRIPTOR TSS_SELECTOR, tss, TSS_SIZE+0x20, TSS32
    movw $TSS_SELECTOR, %ax
    ltr %ax
    /* Ports 0 to 0xff: denied from 0x82 on. Byte 0x20 has to be there, and is not part of the map. */
    movl $0, tss + TSS_SIZE + 0x0c
    movl $0xfffffffc, tss + TSS_SIZE + 0x10
    movl $-1, tss + TSS_SIZE + 0x14
    movl $-1, tss + TSS_SIZE + 0x18
    movl $-1, tss + TSS_SIZE + 0x1c
    movb $-1, tss + TSS_SIZE + 0x20
    USER_WORKS "bitmap: IN of an allowed port", "inb $0x80, %al"
    USER_WORKS "bitmap: OUT to an allowed port", "outb %al, $0x80"
    USER_FAULTS "bitmap: IN of a denied port", GP, 0, "inb $0x82, %al"
    USER_FAULTS "bitmap: OUT to a denied port", GP, 0, "outb %al, $0x82"
    USER_WORKS "bitmap: word of allowed ports", "inw $0x80, %ax"
    USER_FAULTS "bitmap: word, half denied", GP, 0, "inw $0x81, %ax"
    USER_FAULTS "bitmap: dword, half denied", GP, 0, "inl $0x80, %eax"
    USER_WORKS "bitmap: dword across bytes of the map", "inl $0x7e, %eax"
    movw $0x82, %dx
    movl $frame, %edi
    USER_FAULTS "bitmap: INS", GP, 0, "insb"
    movl $frame, %esi
    USER_FAULTS "bitmap: OUTS", GP, 0, "outsb"
    movw $0x108, %dx
    USER_FAULTS "bitmap: port beyond the limit", GP, 0, "inb %dx, %al"
    /* At the level of a more privileged IOPL the map does not count. */
    WORKS "bitmap: CPL 0", "inb $0x82, %al"
    ret

privileged_instructions:
    USER_FAULTS "ring 3: HLT", GP, 0, "hlt"
    USER_FAULTS "ring 3: MOV from CR0", GP, 0, "movl %cr0, %eax"
    USER_FAULTS "ring 3: MOV to CR3", GP, 0, "movl %eax, %cr3"
    USER_FAULTS "ring 3: MOV from DR7", GP, 0, "movl %dr7, %eax"
    USER_FAULTS "ring 3: LMSW", GP, 0, "lmsw %ax"
    USER_FAULTS "ring 3: CLTS", GP, 0, "clts"
    USER_FAULTS "ring 3: INVLPG", GP, 0, "invlpg frame"
    USER_FAULTS "ring 3: INVD", GP, 0, "invd"
    USER_FAULTS "ring 3: WBINVD", GP, 0, "wbinvd"
    USER_FAULTS "ring 3: RDMSR", GP, 0, "rdmsr"
    USER_FAULTS "ring 3: WRMSR", GP, 0, "wrmsr"
    USER_FAULTS "ring 3: INT to a gate of DPL 0", GP, 0x31*8+2, "int $0x31"
    USER_FAULTS "ring 3: INT3 to a gate of DPL 0", GP, BP*8+2, "int3"
    USER_FAULTS "ring 3: loading a segment of ring 0", GP, KERNEL_DS, "movl $KERNEL_DS, %eax; 8000: movl %eax, %ds"
    ret

    .bss
    .balign 4
frame:
    .skip 64
gate_esp:
    .skip 4
ring1_selectors:
    .skip 12
