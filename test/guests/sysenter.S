/* SYSENTER and SYSEXIT (SDM vol. 2; vol. 3, 5.8.7). */
#include "lib.inc"

MSR_CS = 0x174
MSR_ESP = 0x175
MSR_EIP = 0x176
/* Four descriptors in a row, as the instructions want them: code and stack of ring 0, code and stack of ring 3. */
FAST_CS = FREE

.macro WRITE_MSR number:req, value:req
    movl $\number, %ecx
    movl $\value, %eax
    xorl %edx, %edx
    wrmsr
.endm

    .text
    .globl main
main:
    movl $1, %eax
    cpuid
    CHECK_BITS "CPUID: SEP", $0x800, $0x800, %edx
    WRITE_MSR MSR_CS, 0
    USER_FAULTS "SYSENTER with a null SYSENTER_CS", GP, 0, "sysenter"
    FAULTS "SYSEXIT with a null SYSENTER_CS", GP, 0, "sysexit"
    /* What the descriptors say does not count, but the selectors should be usable for RETs. */
    SET_DESCRIPTOR FAST_CS, 0, 0xfffff, CODE|BIG|PAGES
    SET_DESCRIPTOR FAST_CS+8, 0, 0xfffff, DATA|BIG|PAGES
    SET_DESCRIPTOR FAST_CS+16, 0, 0xfffff, CODE|DPL3|BIG|PAGES
    SET_DESCRIPTOR FAST_CS+24, 0, 0xfffff, DATA|DPL3|BIG|PAGES
    WRITE_MSR MSR_CS, FAST_CS
    WRITE_MSR MSR_ESP, trap_stack
    WRITE_MSR MSR_EIP, system_call
    movl $MSR_EIP, %ecx
    rdmsr
    CHECK "RDMSR of SYSENTER_EIP", $system_call, %eax
    movl $IOPL3 | FLAG_IF | 2, user_eflags
    ENTER_USER 2f
    movl $0x12345678, %eax
    movl $1f, %edx
    movl %esp, %ecx
    stc
    sysenter
1:
    movl %cs, %esi
    movl %ss, %edi
    movl %esp, %ebp
    int $USER_EXIT
2:
    CAUGHT
    CHECK "SYSENTER: CS", $FAST_CS, kernel_cs
    CHECK "SYSENTER: SS", $FAST_CS+8, kernel_ss
    CHECK "SYSENTER: ESP", $trap_stack, kernel_esp
    CHECK_BITS "SYSENTER: IF clear", $FLAG_IF, $0, kernel_eflags
    CHECK_BITS "SYSENTER: CF stays", $FLAG_CF, $FLAG_CF, kernel_eflags
    CHECK "SYSENTER: EAX goes through", $0x12345678, kernel_eax
    CHECK "SYSEXIT: CS", $FAST_CS+16+3, %esi
    CHECK "SYSEXIT: SS", $FAST_CS+24+3, %edi
    CHECK "SYSEXIT: ESP is ECX", $user_stack, %ebp
    CHECK "SYSEXIT: EIP is EDX", $USER_EXIT, caught_vector
    CHECK_BITS "SYSEXIT: IF stays clear", $FLAG_IF, $0, caught_eflags
    USER_FAULTS "SYSEXIT in ring 3", GP, 0, "sysexit"
    /* SYSENTER_CS with an RPL: ignored. */
    WRITE_MSR MSR_CS, FAST_CS+3
    ENTER_USER 2f
    movl $1f, %edx
    movl %esp, %ecx
    sysenter
1:
    int $USER_EXIT
2:
    CAUGHT
    CHECK "SYSENTER: RPL of SYSENTER_CS ignored", $FAST_CS, kernel_cs
    ret

system_call:
    movl %esp, kernel_esp
    pushfl
    popl kernel_eflags
    movl %eax, kernel_eax
    movl %cs, %eax
    movl %eax, kernel_cs
    movl %ss, %eax
    movl %eax, kernel_ss
    sysexit

    .bss
    .balign 4
kernel_cs:
    .skip 4
kernel_ss:
    .skip 4
kernel_esp:
    .skip 4
kernel_eflags:
    .skip 4
kernel_eax:
    .skip 4
