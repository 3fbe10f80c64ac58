/* Bits of CR4 that this CPU does not have: each of them alone raises #GP (SDM vol. 3, 2.5). */
#include "lib.inc"

    .text
    .globl main
main:
    movl %cr4, %ebx
.irp bit, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movl %ebx, %eax
    orl $1 << \bit, %eax
    FAULTS "CR4: bit \bit", GP, 0, "movl %eax, %cr4"
.endr
    movl %cr4, %eax
    CHECK "CR4 unchanged", %ebx, %eax
    ret
