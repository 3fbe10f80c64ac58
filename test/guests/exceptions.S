/*
 * Exceptions: every vector with its error code and saved EIP, faults and traps, priorities, and what happens when an
 * exception comes up while another is being delivered (SDM vol. 3, chapter 6).
 */
#include "lib.inc"

GATE = FREE
ABSENT_CS = FREE + 8
PAGE = 0x2000000
NE = 0x20

.macro CHECK_RF name:req, expected:req
    CHECK_BITS "\name", $FLAG_RF, $\expected, caught_eflags
.endm

    .text
    .globl main
main:
    call faults
    call traps
    call undefined_opcodes
    call priorities
    call software_interrupts
    call delivery
    call second_faults
    ret

faults:
    xorl %ecx, %ecx
    FAULTS "#DE: DIV by 0", DE, 0, "divl %ecx"
    CHECK_RF "#DE saves RF", FLAG_RF
    movl $1, %eax
    movl $1, %edx
    movl $1, %ecx
    FAULTS "#DE: quotient too large", DE, 0, "divl %ecx"
    movl $0x80000000, %eax
    movl $-1, %edx
    movl $-1, %ecx
    FAULTS "#DE: IDIV overflow", DE, 0, "idivl %ecx"
    CHECK "#DE leaves EAX", $0x80000000, %eax
    FAULTS "#DE: AAM 0", DE, 0, ".byte 0xd4, 0"
    movl $5, %eax
    FAULTS "#BR", BR, 0, "boundl %eax, bounds"
    CHECK_RF "#BR saves RF", FLAG_RF
    movl $4, %eax
    WORKS "BOUND at the upper bound", "boundl %eax, bounds"
    movl $-1, %eax
    WORKS "BOUND at the lower bound", "boundl %eax, bounds"
    FAULTS "#UD: UD2", UD, 0, "ud2"
    CHECK_RF "#UD saves RF", FLAG_RF
    movl %cr0, %eax
    orl $4, %eax
    movl %eax, %cr0
    FAULTS "#NM", NM, 0, "fninit"
    CHECK_RF "#NM saves RF", FLAG_RF
    andl $~4, %eax
    movl %eax, %cr0
    movw $ABSENT_CS, %ax
    SET_DESCRIPTOR ABSENT_CS, 0, 0xfffff, (DATA|BIG|PAGES)&~PRESENT
    FAULTS "#NP", NP, ABSENT_CS, "movw %ax, %ds"
    CHECK_RF "#NP saves RF", FLAG_RF
    FAULTS "#SS", SS_FAULT, ABSENT_CS, "movw %ax, %ss"
    FAULTS "#GP", GP, LAST+8, "movl $LAST+8, %eax; 8000: movw %ax, %ds"
    CHECK_RF "#GP saves RF", FLAG_RF
    call paging_on
    FAULTS "#PF", PF, 0, "movl PAGE, %eax"
    CHECK_RF "#PF saves RF", FLAG_RF
    call paging_off
    /* #MF comes with the next waiting x87 instruction. */
    movl %cr0, %eax
    orl $NE, %eax
    movl %eax, %cr0
    fninit
    pushl $0x033b
    fldcw (%esp)
    popl %eax
    fld1
    fldz
    fdivrp
    FAULTS "#MF", MF, 0, "fwait"
    CHECK_RF "#MF saves RF", FLAG_RF
    WORKS "#MF: not by FNINIT", "fninit"
    ret

traps:
    SET_IDT_GATE OF, KERNEL_CS, stubs+OF*16, INTERRUPT_GATE32|DPL3
    CATCH 1f
    int3
1:
    CAUGHT
    CHECK_FAULT "#BP: EIP behind INT3", BP, 0, 1b
    CHECK_RF "#BP saves no RF", 0
    CATCH 1f
    movb $0x7f, %al
    incb %al
    into
1:
    CAUGHT
    CHECK_FAULT "#OF: EIP behind INTO", OF, 0, 1b
    xorl %eax, %eax
    WORKS "INTO without OF", "into"
    RESET_IDT_GATE OF
    ret

undefined_opcodes:
    FAULTS "#UD: 0F FF", UD, 0, ".byte 0x0f, 0xff, 0xc0"
    FAULTS "#UD: 0F 0B with a prefix", UD, 0, ".byte 0x66, 0x0f, 0x0b"
    FAULTS "#UD: FE /2", UD, 0, ".byte 0xfe, 0xd0"
    FAULTS "#UD: FF /7", UD, 0, ".byte 0xff, 0xf8"
    FAULTS "#UD: LEA of a register", UD, 0, ".byte 0x8d, 0xc0"
    FAULTS "#UD: BOUND with a register", UD, 0, ".byte 0x62, 0xc0"
    FAULTS "#UD: far JMP with a register", UD, 0, ".byte 0xff, 0xe8"
    FAULTS "#UD: far CALL with a register", UD, 0, ".byte 0xff, 0xd8"
    FAULTS "#UD: MOV to CR1", UD, 0, ".byte 0x0f, 0x22, 0xc8"
    FAULTS "#UD: MOV to CR5", UD, 0, ".byte 0x0f, 0x22, 0xe8"
    FAULTS "#UD: LOCK on MOV", UD, 0, ".byte 0xf0; movl %eax, bounds"
    FAULTS "#UD: LOCK on NOP", UD, 0, ".byte 0xf0, 0x90"
    FAULTS "#UD: LOCK on a register operand", UD, 0, ".byte 0xf0; incl %eax"
    FAULTS "#GP: 16 bytes", GP, 0, ".fill 15, 1, 0x66; nop"
    WORKS "15 bytes", ".fill 14, 1, 0x66; nop"
    ret

/* Of several reasons, the one that the processor looks at first. */
priorities:
    USER_FAULTS "#UD before #GP: MOV to CR1 in ring 3", UD, 0, ".byte 0x0f, 0x22, 0xc8"
    movl %cr0, %eax
    orl $4, %eax
    movl %eax, %cr0
    xorl %ecx, %ecx
    movl %ecx, %fs
    FAULTS "#NM before the operand's #PF", NM, 0, "fldl 0xf0000000"
    andl $~4, %eax
    movl %eax, %cr0
    call paging_on
    movl $PAGE, %esi
    FAULTS "#PF of the source before the destination's", PF, 0, "movl $PAGE+0x1000, %edi; 8000: movsl"
    movl %cr2, %eax
    CHECK "MOVS: CR2 is the source", $PAGE, %eax
    USER_FAULTS "#GP before #PF: privileged instruction", GP, 0, "lgdt PAGE"
    xorl %ecx, %ecx
    FAULTS "#PF of the divisor before #DE", PF, 0, "divl PAGE(%ecx)"
    call paging_off
    ret

software_interrupts:
    CATCH 1f
    int $0x3f
1:
    CAUGHT
    CHECK_FAULT "INT n: EIP behind it", 0x3f, 0, 1b
    CHECK_RF "INT n saves no RF", 0
    SET_IDT_GATE 0x3f, KERNEL_CS, stubs+0x3f*16, INTERRUPT_GATE32&~PRESENT
    FAULTS "INT n: gate not present", NP, 0x3f*8+2, "int $0x3f"
    SET_IDT_GATE 0x3f, KERNEL_CS, stubs+0x3f*16, CALL_GATE32
    FAULTS "INT n: a call gate", GP, 0x3f*8+2, "int $0x3f"
    SET_IDT_GATE 0x3f, KERNEL_DS, stubs+0x3f*16, INTERRUPT_GATE32
    FAULTS "INT n: to data", GP, KERNEL_DS, "int $0x3f"
    SET_IDT_GATE 0x3f, 0, stubs+0x3f*16, INTERRUPT_GATE32
    FAULTS "INT n: to a null selector", GP, 0, "int $0x3f"
    SET_IDT_GATE 0x3f, USER_CS, stubs+0x3f*16, INTERRUPT_GATE32
    FAULTS "INT n: to an outer level", GP, USER_CS&~3, "int $0x3f"
    SET_DESCRIPTOR ABSENT_CS, 0, 0xfffff, (CODE|BIG|PAGES)&~PRESENT
    SET_IDT_GATE 0x3f, ABSENT_CS, stubs+0x3f*16, INTERRUPT_GATE32
    FAULTS "INT n: code not present", NP, ABSENT_CS, "int $0x3f"
    lidt short_idt
    FAULTS "INT n: beyond the IDT", GP, 0x3f*8+2, "int $0x3f"
    lidt idt_pointer
    RESET_IDT_GATE 0x3f
    ret

/* Interrupt and trap gates, 16 and 32 bits. */
delivery:
    HOOK 0x3e, look_at_flags
    sti
    int $0x3e
    CHECK_BITS "interrupt gate: IF saved", $0x200, $0x200, caught_eflags
    CHECK_BITS "interrupt gate: IF clear in the handler", $0x200, $0, flags_in_handler
    SET_IDT_GATE 0x3e, KERNEL_CS, stubs+0x3e*16, TRAP_GATE32
    int $0x3e
    CHECK_BITS "trap gate: IF set in the handler", $0x200, $0x200, flags_in_handler
    cli
    pushl $FLAG_NT | FLAG_AC | 2
    popfl
    int $0x3e
    pushl $2
    popfl
    CHECK_BITS "NT saved", $FLAG_NT, $FLAG_NT, caught_eflags
    CHECK_BITS "NT clear in the handler", $FLAG_NT, $0, flags_in_handler
    CHECK_BITS "AC set in the handler", $FLAG_AC, $FLAG_AC, flags_in_handler
    UNHOOK 0x3e
    RESET_IDT_GATE 0x3e
    /* A 286 gate: three words, and a handler with a 16-bit offset. */
    SET_DESCRIPTOR GATE, code16_base, 0xffff, CODE|BIG
    SET_IDT_GATE 0x3e, GATE, handler16-code16_base, TRAP_GATE16
    movl %esp, %ebx
    pushl $KERNEL_CS
    pushl $1f
    ljmp $GATE, $call16-code16_base
1:
    subl %ecx, %eax
    CHECK "286 gate: three words", $6, %eax
    CHECK_BITS "286 gate: IP", $0xffff, $after16-code16_base, flags_in_handler
    CHECK_BITS "286 gate: CS", $0xffff, $GATE, flags_in_handler+2
    RESET_IDT_GATE 0x3e
    ret

look_at_flags:
    pushfl
    popl flags_in_handler
    ret

    .balign 16
code16_base:
call16:
    movl %esp, %eax
    int $0x3e
after16:
    lret
handler16:
    movl %esp, %ecx
    movl (%esp), %edx
    movl %edx, flags_in_handler
    iretw

/* Faults that come up while another exception is delivered. */
second_faults:
    /* Contributory and contributory: #GP, whose gate is not present (#NP). */
    movw $LAST + 8, %ax
    SET_IDT_GATE GP, KERNEL_CS, stubs, INTERRUPT_GATE32&~PRESENT
    CATCH 1f
    movw %ax, %fs
1:
    CAUGHT
    CHECK "#GP then #NP: double fault", $DF, caught_vector
    CHECK "double fault: error code", $0, caught_error
    RESET_IDT_GATE GP
    /* #DE, whose gate leads to a code segment that is not present. */
    SET_DESCRIPTOR ABSENT_CS, 0, 0xfffff, (CODE|BIG|PAGES)&~PRESENT
    SET_IDT_GATE DE, ABSENT_CS, 0, INTERRUPT_GATE32
    xorl %ecx, %ecx
    CATCH 1f
    divl %ecx
1:
    CAUGHT
    CHECK "#DE then #NP: double fault", $DF, caught_vector
    RESET_IDT_GATE DE
    /* A benign one first: no double fault, the second is served, with EXT in its error code. */
    SET_IDT_GATE UD, KERNEL_CS, 0, INTERRUPT_GATE32&~PRESENT
    CATCH 2f
1:
    ud2
2:
    CAUGHT
    CHECK_FAULT "#UD then #NP: #NP with EXT", NP, UD*8+3, 1b
    RESET_IDT_GATE UD
    SET_IDT_GATE 0x3f, KERNEL_CS, 0, INTERRUPT_GATE32&~PRESENT
    FAULTS "INT n then #NP: no EXT", NP, 0x3f*8+2, "int $0x3f"
    /* INT3 is a software interrupt too. */
    SET_IDT_GATE BP, KERNEL_CS, 0, INTERRUPT_GATE32&~PRESENT
    FAULTS "INT3 then #NP: no EXT", NP, BP*8+2, "int3"
    RESET_IDT_GATE BP
    RESET_IDT_GATE 0x3f
    /* The IDT itself is not mapped, but for the page fault's gate: #UD then #PF. */
    call paging_on
    movl $idt_copy, %edi
    movl $idt, %esi
    addl $8 * 8, %esi
    movl $56 * 2, %ecx
    rep movsl
    /* Vectors up to 7 lie on the page before. */
    lidt split_idt
    movl $idt_copy - 0x1000, %eax
    shrl $12, %eax
    movl $0, page_table(, %eax, 4)
    movl %cr3, %ecx
    movl %ecx, %cr3
    CATCH 2f
1:
    ud2
2:
    CAUGHT
    lidt idt_pointer
    CHECK_FAULT "#UD then #PF on the IDT: #PF", PF, 0, 1b
    movl %cr2, %eax
    CHECK "CR2 of it", $idt_copy-8*(8-UD), %eax
    lidt split_idt
    xorl %ecx, %ecx
    CATCH 2f
1:
    divl %ecx
2:
    CAUGHT
    lidt idt_pointer
    CHECK "#DE then #PF: #PF", $PF, caught_vector
    CHECK "#DE then #PF: EIP", $1b, caught_eip
    call paging_off
    ret

    .section .rodata
bounds:
    .long -1, 4
short_idt:
    .word 0x20 * 8 - 1
    .long idt
split_idt:
    .word 256 * 8 - 1
    .long idt_copy - 8 * 8

    .bss
    .balign 4
flags_in_handler:
    .skip 4
    .balign 4096
    .skip 4096
idt_copy:
    .skip 4096
