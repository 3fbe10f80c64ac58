/*
 * Debugging: single steps, code and data breakpoints, DR6, DR7, RF, general detection, ICEBP, and the shadow of MOV SS
 * (SDM vol. 3, chapter 17).
 */
#include "lib.inc"

RW_WRITE = 1
RW_ACCESS = 3
LENGTH1 = 0
LENGTH2 = 4
LENGTH4 = 12
DR6_B0 = 1
DR6_BD = 0x2000
DR6_BS = 0x4000
DR6_BITS = 0xe00f
GD = 0x2000

/* DR0 watches; EAX is lost. */
.macro WATCH address:req, kind:req, length:req
    movl $\address, %eax
    movl %eax, %dr0
    movl $(((\kind)|(\length))<<16|2), %eax
    movl %eax, %dr7
    movl $0, trap_count
.endm

.macro UNWATCH
    pushl %eax
    xorl %eax, %eax
    movl %eax, %dr7
    popl %eax
.endm

/* The instruction hits, and traps behind itself. */
.macro HITS name:req, instruction:req
    movl $0, trap_count
    \instruction
8001:
    CHECK "\name", $1, trap_count
    CHECK "\name: EIP", $8001b, trap_eips
    CHECK_BITS "\name: DR6", $DR6_BITS, $DR6_B0, trap_dr6
.endm

.macro MISSES name:req, instruction:req
    movl $0, trap_count
    \instruction
    CHECK "\name", $0, trap_count
.endm

/* EFLAGS.TF from here on, until END_STEPS. */
.macro BEGIN_STEPS
    movl $0, trap_count
    pushl $FLAG_TF | 2
    popfl
.endm

.macro END_STEPS
    pushl $2
    popfl
.endm

    .text
    .globl main
main:
    HOOK DB, note_trap
    call registers
    call single_step
    call data_breakpoints
    call string_breakpoints
    call code_breakpoints
    call general_detection
    call icebp
    call shadow
    UNHOOK DB
    ret

/* Hook: notes EIP and DR6, clears DR6; sets RF or clears TF in the saved EFLAGS as told. */
note_trap:
    movl trap_count, %ecx
    movl FRAME_EIP(%ebx), %eax
    movl %eax, trap_eips(, %ecx, 4)
    incl trap_count
    movl FRAME_EFLAGS(%ebx), %eax
    movl %eax, trap_eflags
    movl %dr6, %eax
    movl %eax, trap_dr6
    movl %dr7, %eax
    movl %eax, trap_dr7
    xorl %eax, %eax
    movl %eax, %dr6
    movl set_flags, %eax
    orl %eax, FRAME_EFLAGS(%ebx)
    ret

registers:
    movl $-1, %eax
    movl %eax, %dr6
    movl %dr6, %ecx
    CHECK "DR6: bits that stay 1 and 0", $0xffffefff, %ecx
    xorl %eax, %eax
    movl %eax, %dr6
    movl %dr6, %ecx
    CHECK "DR6: cleared", $0xffff0ff0, %ecx
    movl %dr7, %ecx
    CHECK "DR7: bit 10 is 1", $0x400, %ecx
    movl $0x12345678, %eax
    movl %eax, %dr3
    movl %dr3, %ecx
    CHECK "DR3 holds any address", $0x12345678, %ecx
    movl %db4, %ecx
    CHECK "DR4 is DR6", $0xffff0ff0, %ecx
    movl %db5, %ecx
    CHECK "DR5 is DR7", $0x400, %ecx
    movl %cr4, %eax
    orl $8, %eax
    movl %eax, %cr4
    FAULTS "CR4.DE: DR4", UD, 0, "movl %db4, %ecx"
    FAULTS "CR4.DE: DR5", UD, 0, "movl %ecx, %db5"
    movl %cr4, %eax
    andl $~8, %eax
    movl %eax, %cr4
    USER_FAULTS "MOV from DR0 in ring 3", GP, 0, "movl %dr0, %eax"
    ret

single_step:
    BEGIN_STEPS
    nop
1:
    nop
2:
    pushl $2
3:
    popfl
4:
    CHECK "single step: traps", $4, trap_count
    CHECK "single step: first", $1b, trap_eips
    CHECK "single step: second", $2b, trap_eips+4
    CHECK "single step: third", $3b, trap_eips+8
    CHECK "single step: the POPF that ends it still traps", $4b, trap_eips+12
    CHECK_BITS "single step: DR6.BS", $DR6_BITS, $DR6_BS, trap_dr6
    CHECK_BITS "single step: a trap saves no RF", $FLAG_RF, $0, trap_eflags
    /* Each element of a repeated instruction traps. */
    movl $3, %ecx
    movl $buffer, %edi
    BEGIN_STEPS
1:
    rep stosb
2:
    END_STEPS
    CHECK "single step of REP STOSB: first", $1b, trap_eips
    CHECK "single step of REP STOSB: second", $1b, trap_eips+4
    CHECK "single step of REP STOSB: last", $2b, trap_eips+8
    /* The handler of an INT runs without traps; they come again behind it. */
    HOOK 0x3f, nothing
    BEGIN_STEPS
    int $0x3f
1:
    nop
2:
    END_STEPS
    UNHOOK 0x3f
    CHECK "single step over INT: first trap is behind the next instruction", $2b, trap_eips
    /* IRET that sets TF: the instruction behind it runs before the trap. */
    movl $0, trap_count
    pushl $FLAG_TF | 2
    pushl $KERNEL_CS
    pushl $1f
    iret
1:
    nop
2:
    END_STEPS
    CHECK "IRET that sets TF", $2b, trap_eips
    /* A fault comes instead of the trap. */
    SET_IDT_GATE DE, KERNEL_CS, stubs+DE*16, INTERRUPT_GATE32
    xorl %ecx, %ecx
    movl $0, trap_count
    CATCH 2f
    pushl $FLAG_TF | 2
    popfl
1:
    divl %ecx
2:
    CAUGHT
    CHECK "single step: no trap after a fault", $0, trap_count
    CHECK_FAULT "single step: the fault", DE, 0, 1b
    CHECK_BITS "single step: TF saved by the fault", $FLAG_TF, $FLAG_TF, caught_eflags
    ret

nothing:
    ret

data_breakpoints:
    WATCH buffer+4, RW_WRITE, LENGTH4
    HITS "write breakpoint: dword", "movl %eax, buffer+4"
    HITS "write breakpoint: byte inside", "movb %al, buffer+7"
    HITS "write breakpoint: dword that ends inside", "movl %eax, buffer+1"
    HITS "write breakpoint: word that starts inside", "movw %ax, buffer+7"
    HITS "write breakpoint: read-modify-write", "incl buffer+4"
    HITS "write breakpoint: XCHG", "xchgl %eax, buffer+4"
    MISSES "write breakpoint: read", "movl buffer+4, %eax"
    MISSES "write breakpoint: byte before", "movb %al, buffer+3"
    MISSES "write breakpoint: byte behind", "movb %al, buffer+8"
    WATCH buffer+4, RW_ACCESS, LENGTH2
    HITS "access breakpoint: read", "movw buffer+4, %ax"
    HITS "access breakpoint: write", "movb %al, buffer+5"
    MISSES "access breakpoint: byte behind", "movb buffer+6, %al"
    /* The low bits of the address do not count, as many as the length has. */
    WATCH buffer+7, RW_ACCESS, LENGTH4
    HITS "length 4: address aligned down", "movb buffer+4, %al"
    WATCH buffer+4, RW_ACCESS, LENGTH1
    HITS "length 1", "movb buffer+4, %al"
    MISSES "length 1: byte behind", "movb buffer+5, %al"
    /* The stack counts. */
    WATCH main_stack-0x800, RW_WRITE, LENGTH4
    movl %esp, %ebp
    movl $main_stack - 0x7fc, %esp
    movl $0, trap_count
    pushl %eax
    nop
    movl %ebp, %esp
    CHECK "write breakpoint: PUSH", $1, trap_count
    /* Two at once, and the ones that are not enabled. */
    movl $buffer + 8, %eax
    movl %eax, %dr1
    movl $buffer + 10, %eax
    movl %eax, %dr2
    movl %eax, %dr3
    movl $0x51110008 | 0x20, %eax
    movl %eax, %dr7
    movl $0, trap_count
    movl %eax, buffer + 8
    CHECK "two breakpoints, one trap", $1, trap_count
    CHECK_BITS "two breakpoints: B1 and B2", $6, $6, trap_dr6
    UNWATCH
    MISSES "all disabled", "movl %eax, buffer+8"
    ret

string_breakpoints:
    WATCH buffer+4, RW_WRITE, LENGTH4
    movl $buffer, %edi
    movl $4, %ecx
    movl $0, trap_count
1:
    rep stosl
2:
    CHECK "REP STOSD into a breakpoint: one trap", $1, trap_count
    CHECK "REP STOSD: EIP on the instruction", $1b, trap_eips
    CHECK "REP STOSD: ECX behind the element", $2, caught+FRAME_ECX
    CHECK "REP STOSD: EDI behind the element", $buffer+8, caught+FRAME_EDI
    WATCH buffer+12, RW_WRITE, LENGTH4
    movl $buffer, %edi
    movl $4, %ecx
    rep stosl
2:
    CHECK "REP STOSD, last element: EIP behind the instruction", $2b, trap_eips
    CHECK "REP STOSD, last element: ECX", $0, caught+FRAME_ECX
    WATCH buffer+4, RW_ACCESS, LENGTH1
    movl $buffer, %esi
    movl $buffer + 32, %edi
    movl $8, %ecx
    rep movsb
    CHECK "REP MOVSB from a breakpoint: ECX", $3, caught+FRAME_ECX
    UNWATCH
    ret

code_breakpoints:
    movl $FLAG_RF, set_flags
    movl $1f, %eax
    movl %eax, %dr0
    movl $2, %eax
    movl %eax, %dr7
    movl $0, trap_count
    movl $0, %ecx
1:
    incl %ecx
    CHECK "code breakpoint: once, with RF in the handler's IRET", $1, trap_count
    CHECK "code breakpoint: EIP is the instruction", $1b, trap_eips
    CHECK_BITS "code breakpoint: DR6", $DR6_BITS, $DR6_B0, trap_dr6
    CHECK_BITS "code breakpoint: no RF saved", $FLAG_RF, $0, trap_eflags
    CHECK "code breakpoint: the instruction ran once", $1, %ecx
    CHECK "code breakpoint: it had not run before", $0, caught+FRAME_ECX
    /* RF lasts for one instruction. */
    movl $3, %ecx
    movl $2f, %eax
    movl %eax, %dr0
    movl $0, trap_count
2:
    decl %ecx
    jnz 2b
    CHECK "code breakpoint in a loop", $3, trap_count
    /* In the middle of an instruction there is none. */
    movl $3f + 1, %eax
    movl %eax, %dr0
    movl $0, trap_count
3:
    movl $0x90909090, %ecx
    CHECK "code breakpoint inside an instruction", $0, trap_count
    /* The instruction's own fault saves RF, so that restarting it does not trap again. */
    movl $0, set_flags
    movl $4f, %eax
    movl %eax, %dr0
    pushl $FLAG_RF | 2
    pushl $KERNEL_CS
    pushl $4f
    movl $0, trap_count
    iret
4:
    nop
    CHECK "IRET with RF: no trap", $0, trap_count
    UNWATCH
    ret

general_detection:
    movl $GD, %eax
    movl %eax, %dr7
    movl $0, trap_count
    movl $0, set_flags
1:
    movl %dr0, %ecx
    CHECK "GD: trap on MOV from DR", $1, trap_count
    CHECK "GD: before the instruction", $1b, trap_eips
    CHECK_BITS "GD: DR6.BD", $DR6_BITS, $DR6_BD, trap_dr6
    CHECK_BITS "GD: cleared for the handler", $GD, $0, trap_dr7
    movl $GD, %eax
    movl %eax, %dr7
    movl $0, trap_count
    movl %eax, %dr3
    CHECK "GD: trap on MOV to DR", $1, trap_count
    /* Any debug exception clears it. */
    movl $GD, %eax
    movl %eax, %dr7
    CATCH 1f
    .byte 0xf1
1:
    CAUGHT
    CHECK_BITS "GD: cleared by ICEBP too", $GD, $0, trap_dr7
    UNWATCH
    ret

icebp:
    movl $0, trap_count
    CATCH 1f
    .byte 0xf1
1:
    CAUGHT
    CHECK "ICEBP", $1, trap_count
    CHECK "ICEBP: EIP behind it", $1b, trap_eips
    CHECK_BITS "ICEBP: DR6", $DR6_BITS, $0, trap_dr6
    /* It needs no right, unlike INT 1. */
    ENTER_USER 2f
    .byte 0xf1
    int $USER_EXIT
2:
    CAUGHT
    CHECK "ICEBP in ring 3", $USER_EXIT, caught_vector
    USER_FAULTS "INT 1 in ring 3", GP, DB*8+2, "int $1"
    ret

/* MOV SS and POP SS hold traps back for one instruction; STI does not. */
shadow:
    movl %ss, %eax
    BEGIN_STEPS
    movl %eax, %ss
1:
    nop
2:
    nop
3:
    END_STEPS
    CHECK "single step: none behind MOV SS", $2b, trap_eips
    CHECK "single step: the next as ever", $3b, trap_eips+4
    BEGIN_STEPS
    pushl %ss
1:
    popl %ss
2:
    nop
3:
    END_STEPS
    CHECK "single step: PUSH SS", $1b, trap_eips
    CHECK "single step: none behind POP SS", $3b, trap_eips+4
    BEGIN_STEPS
    sti
1:
    nop
    END_STEPS
    cli
    CHECK "single step: behind STI", $1b, trap_eips
    movw %ss, buffer
    WATCH buffer, RW_ACCESS, LENGTH2
    movw buffer, %ss
    nop
1:
    CHECK "data breakpoint of MOV SS: behind the next instruction", $1b, trap_eips
    CHECK_BITS "data breakpoint of MOV SS: DR6", $DR6_BITS, $DR6_B0, trap_dr6
    UNWATCH
    ret

    .bss
    .balign 16
buffer:
    .skip 64
trap_count:
    .skip 4
trap_eips:
    .skip 64 * 4
trap_dr6:
    .skip 4
trap_dr7:
    .skip 4
trap_eflags:
    .skip 4
set_flags:
    .skip 4
