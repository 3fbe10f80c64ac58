/* Alignment checking: CR0.AM, EFLAGS.AC, CPL 3 (SDM vol. 3, 6.15, interrupt 17). */
#include "lib.inc"

    .text
    .globl main
main:
    movl $FLAG_AC | 2, user_eflags
    USER_WORKS "AM clear: no check", "movl word + 1, %eax"
    movl %cr0, %eax
    orl $0x40000, %eax
    movl %eax, %cr0
    USER_FAULTS "dword at 1", AC, 0, "movl word + 1, %eax"
    USER_FAULTS "dword at 2", AC, 0, "movl word + 2, %eax"
    USER_FAULTS "word at 1", AC, 0, "movw word + 1, %ax"
    USER_FAULTS "write", AC, 0, "movl %eax, word + 3"
    USER_FAULTS "read-modify-write", AC, 0, "incl word + 1"
    USER_FAULTS "xchg", AC, 0, "xchgl %eax, word + 2"
    USER_FAULTS "qword at 4 of FLDL", AC, 0, "fldl word + 4"
    USER_FAULTS "ten bytes at 4 of FLDT", AC, 0, "fldt word + 4"
    USER_FAULTS "qword at 4 of CMPXCHG8B", AC, 0, "cmpxchg8b word + 4"
    USER_FAULTS "far pointer at 2", AC, 0, "lfs word + 2, %ecx"
    xorl %eax, %eax
    USER_WORKS "BOUND at 4", "boundl %eax, zeros + 4"
    USER_WORKS "aligned dword", "movl word, %eax"
    USER_WORKS "aligned word at 2", "movw word + 2, %ax"
    USER_WORKS "bytes anywhere", "movb word + 3, %al"
    movl $word + 2, %ecx
    ENTER_USER 2f
    movl %ecx, %esp
1:
    pushl %eax
    int $USER_EXIT
2:
    CAUGHT
    CHECK_FAULT "push", AC, 0, 1b
    movl $2, user_eflags
    USER_WORKS "AC clear: no check", "movl word + 1, %eax"
    pushl $FLAG_AC | 2
    popfl
    WORKS "AC at CPL 0: no check", "movl word + 1, %eax"
    pushl $2
    popfl
    /* Exceptions reach a misaligned inner stack without a check: implicit accesses are the supervisor's. */
    movl $FLAG_AC | 2, user_eflags
    decl tss + TSS_ESP0
    USER_FAULTS "misaligned kernel stack", GP, 0, "hlt"
    incl tss + TSS_ESP0
    ret

    .data
    .balign 16
word:
    .skip 64
zeros:
    .skip 16
