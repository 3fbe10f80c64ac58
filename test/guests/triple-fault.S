/* A fault that cannot even be served as a double fault: the processor shuts down. */
#include "lib.inc"

    .text
    .globl main
main:
    movw $KERNEL_DS, %ax
    CHECK "before it", $KERNEL_DS, %eax
    lidt no_idt
    movw $LAST + 8, %ax
    movw %ax, %ds
    ret

    .section .rodata
no_idt:
    .word 0
    .long 0
