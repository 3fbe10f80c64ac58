/* No stack for the handlers: #PF, then #PF, then no double fault either. */
#include "lib.inc"

    .text
    .globl main
main:
    call paging_on
    CHECK "before it", $0, failures
    movl $0x3000000, %esp
    pushl %eax
    ret
