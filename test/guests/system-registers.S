/*
 * Control registers, model-specific registers, CPUID, time-stamp counter, the bits that rule the x87 (SDM vol. 3,
 * chapter 2).
 */
#include "lib.inc"

PE = 1
MP = 2
EM = 4
TS_BIT = 8
ET = 0x10
NE = 0x20
WP = 0x10000
AM = 0x40000
NW = 0x20000000
CD = 0x40000000
PG = 0x80000000
CR4_TSD = 4
CR4_PSE = 0x10

/* Sets CR0 to what it is now, with these bits changed; EAX is lost. */
.macro CHANGE_CR0 clear:req, set:req
    movl %cr0, %eax
    andl $~(\clear), %eax
    orl $(\set), %eax
    movl %eax, %cr0
.endm

    .text
    .globl main
main:
    call cr0_bits
    call machine_status
    call other_control_registers
    call x87_traps
    call identification
    call model_specific
    call time_stamp
    ret

cr0_bits:
    movl %cr0, %ebx
    CHECK_BITS "CR0: PE set, PG clear", $PE|PG, $PE, %ebx
    CHECK_BITS "CR0: ET always set", $ET, $ET, %ebx
    movl %ebx, %eax
    andl $~ET, %eax
    movl %eax, %cr0
    movl %cr0, %eax
    CHECK "CR0: ET cannot be cleared", %ebx, %eax
    /* The second instruction is for emulators that do not fault at the first. */
    call paging_on
    movl %ebx, %ecx
    orl $PG, %ecx
    movl %ecx, %eax
    andl $~PE, %eax
    FAULTS "CR0: PG without PE", GP, 0, "movl %eax, %cr0; movl %ecx, %cr0"
    call paging_off
    movl %ebx, %eax
    andl $~CD, %eax
    orl $NW, %eax
    FAULTS "CR0: NW without CD", GP, 0, "movl %eax, %cr0; movl %ebx, %cr0"
    movl %ebx, %eax
    orl $CD|NW, %eax
    WORKS "CR0: CD and NW", "movl %eax, %cr0"
    movl %ebx, %cr0
    movl %cr0, %eax
    CHECK "CR0: unchanged after all that", %ebx, %eax
    CHANGE_CR0 0, MP|NE|WP|AM
    movl %cr0, %eax
    CHECK_BITS "CR0: MP, NE, WP, AM can be set", $MP|NE|WP|AM, $MP|NE|WP|AM, %eax
    CHANGE_CR0 MP|NE|WP|AM, 0
    movl %cr0, %eax
    CHECK_BITS "CR0: and cleared", $MP|NE|WP|AM, $0, %eax
    movl %ebx, %cr0
    ret

machine_status:
    movl %cr0, %ebx
    movw $0xfffe, %ax
    lmsw %ax
    movl %cr0, %ecx
    CHECK_BITS "LMSW: MP, EM and TS set, PE cannot be cleared", $PE|MP|EM|TS_BIT, $PE|MP|EM|TS_BIT, %ecx
    xorl $PE|MP|EM|TS_BIT, %ecx
    movl %ebx, %edx
    xorl $PE, %edx
    andl $~(MP|EM|TS_BIT), %edx
    CHECK "LMSW: nothing else", %edx, %ecx
    xorl %eax, %eax
    lmsw %ax
    movl %cr0, %ecx
    CHECK_BITS "LMSW: cleared, but for PE", $PE|MP|EM|TS_BIT, $PE, %ecx
    movl $-1, %eax
    smsw %ax
    CHECK_BITS "SMSW: 16 bits of a register", $0xffff0001, $0xffff0001, %eax
    movl $-1, word
    smsw word
    CHECK_BITS "SMSW: 16 bits of memory", $0xffff0001, $0xffff0001, word
    movl $TS_BIT|PE, word
    lmsw word
    movl %cr0, %eax
    CHECK_BITS "LMSW from memory", $TS_BIT, $TS_BIT, %eax
    clts
    movl %cr0, %eax
    CHECK_BITS "CLTS", $TS_BIT, $0, %eax
    USER_WORKS "SMSW in ring 3", "smsw %ax"
    movl %ebx, %cr0
    ret

other_control_registers:
    movl $0x12345678, %eax
    movl %eax, %cr2
    movl %cr2, %ecx
    CHECK "CR2 holds anything", $0x12345678, %ecx
    movl $page_directory + 0x18, %eax
    movl %eax, %cr3
    movl %cr3, %ecx
    CHECK "CR3: base, PCD and PWT", $page_directory+0x18, %ecx
    movl $page_directory, %eax
    movl %eax, %cr3
    /* MOV to and from control registers ignores mod. */
    .byte 0x0f, 0x20, 0x11
    CHECK "MOV from CR2 with mod 0", $0x12345678, %ecx
    movl %cr4, %ebx
    movl %ebx, %eax
    orl $CR4_PSE, %eax
    movl %eax, %cr4
    movl %cr4, %ecx
    CHECK "CR4: PSE", %eax, %ecx
    movl %ebx, %cr4
    FAULTS "MOV from CR1", UD, 0, ".byte 0x0f, 0x20, 0xc8"
    FAULTS "MOV from CR7", UD, 0, ".byte 0x0f, 0x20, 0xf8"
    ret

/* EM: every x87 instruction; TS: too; MP with TS: WAIT. */
x87_traps:
    CHANGE_CR0 MP|EM|TS_BIT, 0
    fninit
    WORKS "EM, TS clear: x87", "fnop"
    WORKS "EM, TS clear: WAIT", "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, EM
    FAULTS "EM: x87", NM, 0, "fnop"
    FAULTS "EM: FNSTCW", NM, 0, "fnstcw word"
    WORKS "EM: WAIT", "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, TS_BIT
    FAULTS "TS: x87", NM, 0, "fnop"
    WORKS "TS without MP: WAIT", "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, TS_BIT|MP
    FAULTS "TS and MP: WAIT", NM, 0, "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, MP
    WORKS "MP alone: WAIT", "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, EM|MP
    WORKS "EM and MP: WAIT", "fwait"
    CHANGE_CR0 MP|EM|TS_BIT, 0
    ret

identification:
    pushfl
    popl %eax
    movl %eax, %ecx
    xorl $FLAG_ID|FLAG_AC, %ecx
    pushl %ecx
    popfl
    pushfl
    popl %ecx
    xorl %eax, %ecx
    CHECK_BITS "EFLAGS: ID and AC can be changed", $FLAG_ID|FLAG_AC, $FLAG_ID|FLAG_AC, %ecx
    pushl $-1 & ~(FLAG_TF|FLAG_IF|FLAG_NT)
    popfl
    pushfl
    popl %ecx
    pushl $2
    popfl
    CHECK_BITS "EFLAGS: fixed bits", $0xffc3802a, $2, %ecx
    xorl %eax, %eax
    cpuid
    cmpl $1, %eax
    setae word
    CHECK_BITS "CPUID 0: leaf 1 exists", $0xff, $1, word
    movl $1, %eax
    cpuid
    movl %edx, features
    CHECK_BITS "CPUID 1: FPU, DE, PSE, TSC, MSR, CX8", $0x13d, $0x13d, features
    CHECK_BITS "CPUID 1: APIC, SEP, PGE, CMOV", $0xaa00, $0xaa00, features
    shrl $8, %eax
    andl $0xf, %eax
    CHECK "CPUID 1: family 6", $6, %eax
    USER_WORKS "CPUID in ring 3", "cpuid"
    ret

model_specific:
    movl $0x1b, %ecx
    rdmsr
    CHECK_BITS "APIC base: address, BSP, enabled", $0xfffff900, $0xfee00900, %eax
    CHECK "APIC base: upper half", $0, %edx
    movl $0x175, %ecx
    movl $0x89abcdef, %eax
    xorl %edx, %edx
    wrmsr
    xorl %eax, %eax
    rdmsr
    CHECK "WRMSR, RDMSR of SYSENTER_ESP", $0x89abcdef, %eax
    movl $0x7fffffff, %ecx
    FAULTS "RDMSR of a register that does not exist", GP, 0, "rdmsr"
    FAULTS "WRMSR of a register that does not exist", GP, 0, "wrmsr"
    ret

time_stamp:
    rdtsc
    movl %eax, %ebx
    movl %edx, %esi
    nop
    nop
    rdtsc
    subl %ebx, %eax
    sbbl %esi, %edx
    CHECK "RDTSC goes on: upper half", $0, %edx
    testl %eax, %eax
    setnz word
    CHECK_BITS "RDTSC goes on", $0xff, $1, word
    USER_WORKS "RDTSC in ring 3", "rdtsc"
    movl %cr4, %eax
    orl $CR4_TSD, %eax
    movl %eax, %cr4
    USER_FAULTS "CR4.TSD: RDTSC in ring 3", GP, 0, "rdtsc"
    WORKS "CR4.TSD: RDTSC in ring 0", "rdtsc"
    movl %cr4, %eax
    andl $~CR4_TSD, %eax
    movl %eax, %cr4
    movl $0x10, %ecx
    movl $0x1000, %eax
    movl $0, %edx
    wrmsr
    rdtsc
    CHECK "WRMSR sets the time-stamp counter: upper half", $0, %edx
    ret

    .bss
    .balign 4
word:
    .skip 4
features:
    .skip 4
