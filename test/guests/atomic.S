/* CMPXCHG8B, and where the LOCK prefix may stand (SDM vol. 2, CMPXCHG8B and LOCK). */
#include "lib.inc"

/* LOCK before this is legal. */
.macro LOCKED name:req, instruction:req
    WORKS "LOCK \name", ".byte 0xf0; \instruction"
.endm

.macro NOT_LOCKED name:req, instruction:req
    FAULTS "LOCK \name: #UD", UD, 0, ".byte 0xf0; \instruction"
.endm

    .text
    .globl main
main:
    movl $0x11111111, operand
    movl $0x22222222, operand + 4
    movl $0x11111111, %eax
    movl $0x22222222, %edx
    movl $0x33333333, %ebx
    movl $0x44444444, %ecx
    cmpxchg8b operand
    setz zf
    CHECK "CMPXCHG8B equal: ZF", $1, zf
    CHECK "CMPXCHG8B equal: low", $0x33333333, operand
    CHECK "CMPXCHG8B equal: high", $0x44444444, operand+4
    CHECK "CMPXCHG8B equal: EAX stays", $0x11111111, %eax
    lock cmpxchg8b operand
    setz zf
    CHECK "CMPXCHG8B different: ZF", $0, zf
    CHECK "CMPXCHG8B different: EAX", $0x33333333, %eax
    CHECK "CMPXCHG8B different: EDX", $0x44444444, %edx
    CHECK "CMPXCHG8B different: memory stays", $0x33333333, operand
    stc
    cmpxchg8b operand
    setc zf
    CHECK "CMPXCHG8B leaves the other flags", $1, zf
    FAULTS "CMPXCHG8B with a register", UD, 0, ".byte 0x0f, 0xc7, 0xc8"
    FAULTS "0F C7 /0", UD, 0, ".byte 0x0f, 0xc7, 0x05; .long operand"

    LOCKED "ADD", "addl %eax, operand"
    LOCKED "ADC", "adcl $1, operand"
    LOCKED "AND", "andb $1, operand"
    LOCKED "OR", "orw %ax, operand"
    LOCKED "SBB", "sbbl %eax, operand"
    LOCKED "SUB", "subl %eax, operand"
    LOCKED "XOR", "xorl %eax, operand"
    LOCKED "INC", "incl operand"
    LOCKED "DEC", "decb operand"
    LOCKED "NOT", "notl operand"
    LOCKED "NEG", "negl operand"
    LOCKED "BTS", "btsl $1, operand"
    LOCKED "BTR", "btrl %ecx, operand; nop"
    LOCKED "BTC", "btcl $1, operand"
    LOCKED "XCHG", "xchgl %eax, operand"
    LOCKED "XADD", "xaddl %eax, operand"
    LOCKED "CMPXCHG", "cmpxchgl %ecx, operand"
    NOT_LOCKED "ADD from memory", "addl operand, %eax"
    NOT_LOCKED "ADD to a register", "addl %ecx, %eax"
    NOT_LOCKED "CMP", "cmpl %eax, operand"
    NOT_LOCKED "CMP with an immediate", "cmpl $1, operand"
    NOT_LOCKED "TEST", "testl %eax, operand"
    NOT_LOCKED "BT", "btl $1, operand"
    NOT_LOCKED "XCHG of registers", "xchgl %eax, %ecx"
    NOT_LOCKED "MOV", "movl %eax, operand"
    NOT_LOCKED "SHL", "shll $1, operand"
    NOT_LOCKED "MUL", "mull operand"
    NOT_LOCKED "PUSH", "pushl operand"
    NOT_LOCKED "MOVS", "movsl"
    NOT_LOCKED "JMP", "jmp 8099f; 8099:"
    NOT_LOCKED "INT3", "int3"
    NOT_LOCKED "SETC", "setc operand"
    NOT_LOCKED "LEA", "leal operand, %eax"
    NOT_LOCKED "FWAIT", "fwait"
    ret

    .bss
    .balign 8
operand:
    .skip 16
zf:
    .skip 4
