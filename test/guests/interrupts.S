/*
 * External interrupts: the 8259A and the 8254 as a source, the shadow of STI, HLT, NMIs (SDM vol. 3, 6.3, 6.7, 6.8;
 * vol. 2, STI and HLT).
 */
#include "lib.inc"

LOCAL_APIC_ICR = 0xfee00300
LOCAL_APIC_ICR_HIGH = 0xfee00310
ICR_NMI = 0x4400
PIC = 0x20

    .text
    .globl main
main:
    HOOK IRQ0, note_irq
    movb $0xfe, %al
    outb %al, $PIC+1
    call acceptance
    call halt
    call from_ring_3
    call from_virtual_8086
    call faults_on_the_way
    call nmi
    movb $0xff, %al
    outb %al, $PIC+1
    ret

note_irq:
    incl irq_count
    movl FRAME_EIP(%ebx), %eax
    movl %eax, irq_eip
    movl FRAME_EFLAGS(%ebx), %eax
    movl %eax, irq_eflags
    pushfl
    popl flags_in_handler
    movb $PIC, %al
    outb %al, $PIC
    ret

/* A single pulse of IRQ 0, after 200 ticks of the 8254. */
start_timer:
    pushl %eax
    movb $0x30, %al
    outb %al, $0x43
    movb $200, %al
    outb %al, $0x40
    xorb %al, %al
    outb %al, $0x40
    popl %eax
    ret

/* Waits until the 8259A has a request of IRQ 0. */
request:
    movl $0, irq_count
    movl $0, irq_eip
    call start_timer
    pushl %eax
    movb $0x0a, %al
    outb %al, $PIC
1:
    inb $PIC, %al
    testb $1, %al
    jz 1b
    popl %eax
    ret

acceptance:
    call request
    CHECK "IF clear: nothing is taken", $0, irq_count
    sti
    nop
1:
    nop
    cli
    CHECK "STI: taken once", $1, irq_count
    CHECK "STI: behind the next instruction", $1b, irq_eip
    CHECK_BITS "IF saved", $FLAG_IF, $FLAG_IF, irq_eflags
    CHECK_BITS "IF clear in the handler", $FLAG_IF, $0, flags_in_handler
    call request
    sti
    cli
    nop
    CHECK "STI, CLI: nothing is taken", $0, irq_count
    sti
    sti
1:
    nop
    cli
    CHECK "the second of two STIs casts no shadow", $1b, irq_eip
    call request
    pushl $FLAG_IF | 2
    popfl
1:
    nop
    cli
    CHECK "POPF: taken at once", $1b, irq_eip
    call request
    pushl $FLAG_IF | 2
    pushl $KERNEL_CS
    pushl $1f
    iret
1:
    nop
    cli
    CHECK "IRET: taken at its target", $1b, irq_eip
    /* Unmasked while IF is set: taken behind the OUT. */
    movb $0xff, %al
    outb %al, $PIC+1
    call request
    sti
    nop
    nop
    CHECK "masked: nothing is taken", $0, irq_count
    movb $0xfe, %al
    outb %al, $PIC+1
    jmp 1f
1:
    nop
    cli
    CHECK "unmasked: taken", $1, irq_count
    /* Between the elements of a repeated instruction: it is resumed. */
    movl $buffer, %edi
    movl $0x4000, %ecx
    xorl %eax, %eax
    call request
    sti
    rep stosb
1:
    cli
    CHECK "REP STOSB goes on behind an interrupt", $0, %ecx
    CHECK "REP STOSB: EDI", $buffer+0x4000, %edi
    CHECK "REP STOSB: the interrupt came", $1, irq_count
    movl $0, irq_count
    sti
    nop
    nop
    cli
    CHECK "no request, no interrupt", $0, irq_count
    ret

halt:
    movl $0, irq_count
    call start_timer
    sti
    hlt
1:
    cli
    CHECK "HLT ends with an interrupt", $1, irq_count
    CHECK "HLT: return EIP is behind it", $1b, irq_eip
    /* The request is there before the HLT: STI's shadow lets the HLT run first. */
    call request
    sti
    hlt
1:
    cli
    CHECK "STI, HLT: no wake-up is lost", $1, irq_count
    CHECK "STI, HLT: taken behind the HLT", $1b, irq_eip
    ret

from_ring_3:
    call request
    movl $FLAG_IF | 2, user_eflags
    ENTER_USER 2f
1:
    int $USER_EXIT
2:
    CAUGHT
    CHECK "ring 3: taken", $1, irq_count
    CHECK "ring 3: return EIP", $1b, irq_eip
    CHECK "ring 3: goes on", $USER_EXIT, caught_vector
    movl $2, user_eflags
    ret

/* The IOPL says what the program may do with IF, not whether interrupts come. */
from_virtual_8086:
    movb $0xf4, 0x10000
    call request
    CATCH 1f
    pushl $0x4444
    pushl $0x3333
    pushl $0x2222
    pushl $0x1111
    pushl $0x1000
    pushl $0xfff0
    pushl $FLAG_VM | FLAG_IF | 2
    pushl $0x1000
    pushl $0
    iret
1:
    CAUGHT
    CHECK "virtual-8086 mode, IOPL 0: taken", $1, irq_count
    CHECK "virtual-8086 mode: return EIP", $0, irq_eip
    CHECK_BITS "virtual-8086 mode: VM and IF saved", $FLAG_VM|FLAG_IF, $FLAG_VM|FLAG_IF, irq_eflags
    CHECK_FAULT "virtual-8086 mode: goes on to its HLT", GP, 0, 0
    CHECK "virtual-8086 mode: DS is back after the interrupt", $0x2222, caught+FRAME_V86_DS
    ret

/* What goes wrong on the way to the handler has the EXT bit in its error code. */
faults_on_the_way:
    call request
    SET_IDT_GATE IRQ0, KERNEL_CS, 0, INTERRUPT_GATE32&~PRESENT
    CATCH 2f
    sti
    nop
1:
    nop
    cli
2:
    CAUGHT
    CHECK_FAULT "gate not present: EXT", NP, IRQ0*8+3, 1b
    RESET_IDT_GATE IRQ0
    movb $PIC, %al
    outb %al, $PIC
    ret

nmi:
    HOOK NMI, note_nmi
    movl $0, LOCAL_APIC_ICR_HIGH
    movl $0, irq_count
    movl $1, nmi_again
    /* IF does not count; a second NMI, sent by the handler, waits for its IRET. */
    movl $ICR_NMI, LOCAL_APIC_ICR
    movl $1000, %ecx
1:
    loop 1b
    CHECK "NMI with IF clear, and one more behind the IRET", $2, irq_count
    CHECK "NMI inside the handler: held back", $1, nmi_seen_in_handler
    UNHOOK NMI
    ret

note_nmi:
    incl irq_count
    cmpl $0, nmi_again
    je 1f
    movl $0, nmi_again
    movl $ICR_NMI, LOCAL_APIC_ICR
    movl $1000, %ecx
2:
    loop 2b
    movl irq_count, %eax
    movl %eax, nmi_seen_in_handler
1:
    ret

    .bss
    .balign 4
irq_count:
    .skip 4
irq_eip:
    .skip 4
irq_eflags:
    .skip 4
flags_in_handler:
    .skip 4
nmi_again:
    .skip 4
nmi_seen_in_handler:
    .skip 4
buffer:
    .skip 0x4000
