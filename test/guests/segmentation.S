/*
 * Segmentation in protected mode: limits, types, loading of segment registers, LDT, 16-bit segments, the instructions
 * that look at descriptors (SDM vol. 3, chapters 3 and 5; vol. 2, MOV, LAR, LSL, VERR, ARPL).
 */
#include "lib.inc"

/* The descriptors under test. */
SEGMENT = FREE
LOCAL = 0x0c
ABSENT_LDT = (FREE + 16)

.macro CHECK_ZF name:req, expected:req
    setz zf
    CHECK "\name", $\expected, zf
.endm

.macro USE access:req, limit=0xff
    SET_DESCRIPTOR SEGMENT, window, \limit, \access
    movw $SEGMENT, %ax
    movw %ax, %fs
.endm

    .text
    .globl main
main:
    call limits
    call types
    call loading
    call stack_segments
    call code_segments
    call local_descriptors
    call inspection
    ret

limits:
    movl $0x44332211, window + 0xfc
    USE DATA|BIG
    movl %fs:0xfc, %eax
    CHECK "base and last dword", $0x44332211, %eax
    FAULTS "limit fault: byte", GP, 0, "movb %fs:0x100, %al"
    FAULTS "limit fault: word", GP, 0, "movw %fs:0xff, %ax"
    FAULTS "limit fault: dword", GP, 0, "movl %fs:0xfd, %eax"
    FAULTS "limit fault: write", GP, 0, "movb %al, %fs:0x100"
    FAULTS "limit fault: read-modify-write", GP, 0, "incl %fs:0xfe"
    FAULTS "limit fault: offset wraps round", GP, 0, "movl %fs:0xfffffffe, %eax"
    FAULTS "limit fault: qword", GP, 0, "fldl %fs:0xf9"
    movl $0x100, %esi
    FAULTS "limit fault: string source", GP, 0, "lodsb %fs:(%esi)"
    CHECK "limit fault: ESI unchanged", $0x100, %esi
    USE DATA|BIG|PAGES, 0
    WORKS "granularity: last byte of a page", "movb %fs:0xfff, %al"
    FAULTS "limit fault: page granularity", GP, 0, "movb %fs:0x1000, %al"
    USE DATA_EXPAND_DOWN|BIG
    WORKS "expand-down: first byte above the limit", "movb %fs:0x100, %al"
    WORKS "expand-down: beyond 64 KiB", "movb %fs:0x10000, %al"
    FAULTS "limit fault: expand-down, byte", GP, 0, "movb %fs:0xff, %al"
    FAULTS "limit fault: expand-down, dword across", GP, 0, "movl %fs:0xfe, %eax"
    USE DATA_EXPAND_DOWN
    WORKS "expand-down: last byte of 64 KiB", "movb %fs:0xffff, %al"
    FAULTS "limit fault: expand-down, 16-bit upper bound", GP, 0, "movb %fs:0x10000, %al"
    FAULTS "limit fault: expand-down, word across the upper bound", GP, 0, "movw %fs:0xffff, %ax"
    ret

types:
    USE DATA_READ_ONLY|BIG
    WORKS "read-only: read", "movl %fs:0, %eax"
    FAULTS "type fault: write to read-only", GP, 0, "movl %eax, %fs:0"
    FAULTS "type fault: read-modify-write of read-only", GP, 0, "addl %eax, %fs:0"
    USE CODE|BIG
    WORKS "readable code: read", "movl %fs:0, %eax"
    FAULTS "type fault: write to code", GP, 0, "movl %eax, %fs:0"
    FAULTS "type fault: write through CS", GP, 0, "movl %eax, %cs:window"
    xorl %eax, %eax
    movw %ax, %fs
    FAULTS "null fault: read", GP, 0, "movl %fs:window, %eax"
    FAULTS "null fault: write", GP, 0, "movl %eax, %fs:window"
    movw %ax, %gs
    FAULTS "null fault: string destination", GP, 0, "pushl $0; popl %es; movl $window, %edi; 8000: stosb"
    ret

loading:
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA|BIG
    movw $SEGMENT, %ax
    movw %ax, %fs
    CHECK_BITS "accessed bit set by MOV", $0xff, $0x93, ACCESS_BYTE(SEGMENT)
    SET_DESCRIPTOR SEGMENT, window, 0xff, (DATA|BIG)&~PRESENT
    FAULTS "not present", NP, SEGMENT, "movw %ax, %fs"
    CHECK_BITS "no accessed bit after a fault", $0xff, $0x12, ACCESS_BYTE(SEGMENT)
    movl %fs, %ecx
    CHECK "selector unchanged after a fault", $SEGMENT, %ecx
    SET_DESCRIPTOR SEGMENT, window, 0xff, CODE_EXECUTE_ONLY|BIG
    FAULTS "execute-only code", GP, SEGMENT, "movw %ax, %ds"
    SET_DESCRIPTOR SEGMENT, window, 0xff, CODE_CONFORMING|BIG
    movw $SEGMENT|3, %ax
    WORKS "conforming code with any RPL", "movw %ax, %ds"
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA|BIG
    FAULTS "RPL 3 for DPL 0", GP, SEGMENT, "movw %ax, %ds"
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA|DPL3|BIG
    WORKS "RPL 3 for DPL 3", "movw %ax, %ds"
    SET_DESCRIPTOR SEGMENT, window, 0xff, TSS32
    movw $SEGMENT, %ax
    FAULTS "system segment", GP, SEGMENT, "movw %ax, %ds"
    movw $LAST + 8, %ax
    FAULTS "beyond the GDT", GP, LAST+8, "movw %ax, %es"
    movw $3, %ax
    WORKS "null selector with RPL 3", "movw %ax, %fs"
    movl %fs, %ecx
    CHECK "null selector keeps its RPL", $3, %ecx
    FAULTS "MOV to CS", UD, 0, ".byte 0x8e, 0xc8"
    FAULTS "MOV to segment 6", UD, 0, ".byte 0x8e, 0xf0"
    FAULTS "MOV from segment 7", UD, 0, ".byte 0x8c, 0xf8"
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA|BIG
    movl $0x12345678, window
    movl $SEGMENT, window + 4
    lfs window, %ecx
    movl %fs, %edx
    CHECK "LFS offset", $0x12345678, %ecx
    CHECK "LFS selector", $SEGMENT, %edx
    movl $SEGMENT << 16 | 0x9abc, window
    lgs window, %cx
    CHECK "LGS with 16-bit operand", $0x12349abc, %ecx
    movl $LAST + 8, window + 4
    movl $0x55, %ecx
    FAULTS "LES beyond the GDT", GP, LAST+8, "les window, %ecx"
    CHECK "LES leaves its register", $0x55, %ecx
    FAULTS "LES with a register", UD, 0, ".byte 0xc4, 0xc0"
    pushl $KERNEL_DS
    popw %fs
    movl %fs, %ecx
    CHECK "POP FS", $KERNEL_DS, %ecx
    popw %cx
    movl $-1, window
    movw %ds, window
    CHECK "MOV from a segment stores 16 bits", $0xffff0010, window
    movl $-1, %ecx
    movl %ds, %ecx
    CHECK "MOV from a segment extends to 32 bits", $KERNEL_DS, %ecx
    ret

stack_segments:
    xorl %eax, %eax
    FAULTS "SS: null", GP, 0, "movw %ax, %ss"
    movw $SEGMENT, %ax
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, DATA_READ_ONLY|BIG|PAGES
    FAULTS "SS: read-only", GP, SEGMENT, "movw %ax, %ss"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, CODE|BIG|PAGES
    FAULTS "SS: code", GP, SEGMENT, "movw %ax, %ss"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, (DATA|BIG|PAGES)&~PRESENT
    FAULTS "SS: not present", SS_FAULT, SEGMENT, "movw %ax, %ss"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, DATA|DPL3|BIG|PAGES
    FAULTS "SS: DPL not CPL", GP, SEGMENT, "movw %ax, %ss"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, DATA|BIG|PAGES
    movw $SEGMENT|1, %ax
    FAULTS "SS: RPL not CPL", GP, SEGMENT, "movw %ax, %ss"
    /* A 16-bit stack: SP wraps, and the upper half of ESP stays. */
    SET_DESCRIPTOR SEGMENT, window, 0xffff, DATA
    CATCH 1f
    movw $SEGMENT, %ax
    movw %ax, %ss
    movl $0x12340000, %esp
    pushl $0x87654321
    movl %esp, %ecx
    popl %eax
    movl %esp, %edx
1:
    CAUGHT
    CHECK "16-bit stack: ESP after PUSH", $0x1234fffc, %ecx
    CHECK "16-bit stack: value comes back", $0x87654321, %eax
    CHECK "16-bit stack: ESP after POP", $0x12340000, %edx
    ret

code_segments:
    movw $SEGMENT, %ax
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, DATA|BIG|PAGES
    FAULTS "far JMP to data", GP, SEGMENT, "ljmp $SEGMENT, $0"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, (CODE|BIG|PAGES)&~PRESENT
    FAULTS "far JMP, not present", NP, SEGMENT, "ljmp $SEGMENT, $0"
    SET_DESCRIPTOR SEGMENT, 0, 0xfffff, CODE|DPL3|BIG|PAGES
    FAULTS "far JMP to DPL 3", GP, SEGMENT, "ljmp $SEGMENT, $0"
    FAULTS "far JMP, null", GP, 0, "ljmp $0, $0"
    FAULTS "far JMP beyond the GDT", GP, LAST+8, "ljmp $LAST+8, $0"
    SET_DESCRIPTOR SEGMENT, small_code, small_code_end-small_code-1, CODE|BIG
    FAULTS "far JMP beyond the limit", GP, 0, "ljmp $SEGMENT, $small_code_end-small_code"
    CATCH 1f
    ljmp $SEGMENT, $0
1:
    CAUGHT
    CHECK_FAULT "limit fault: near JMP beyond the CS limit", GP, 0, 0
    CATCH 1f
    ljmp $SEGMENT, $small_code_tail-small_code
1:
    CAUGHT
    CHECK_FAULT "limit fault: running beyond the CS limit", GP, 0, small_code_end-small_code-1
    CHECK "limit fault: instructions up to the limit are done", $0x77, %eax
    CHECK_BITS "accessed bit of CS", $0xff, $0x9b, ACCESS_BYTE(SEGMENT)
    /* 16-bit code: operands and addresses are 16 bits wide, prefixes turn that round. */
    SET_DESCRIPTOR SEGMENT, code16, 0xffff, CODE
    movl $0x11112222, %eax
    movl $0x33334444, %ecx
    movl %esp, %ebp
    lcall $SEGMENT, $0
    CHECK "16-bit code: 16-bit MOV", $0x11115678, %eax
    CHECK "16-bit code: 32-bit MOV", $0x9abcdef0, %ecx
    CHECK "16-bit code: 16-bit address", $0x33, %edx
    subl %esp, %ebp
    CHECK "16-bit code: stack pointer", $0, %ebp
    CHECK "16-bit code: near CALL pushes two bytes", $2, %esi
    ret

local_descriptors:
    movw $LOCAL, %ax
    FAULTS "LDT selector without an LDT", GP, LOCAL, "movw %ax, %fs"
    SET_DESCRIPTOR LOCAL, window, 0xff, DATA|BIG
    movw $LDT_SELECTOR, %cx
    WORKS "LLDT", "lldt %cx"
    WORKS "LDT selector", "movw %ax, %fs"
    movl $0x44332211, window + 0xfc
    sldt %edx
    CHECK "SLDT", $LDT_SELECTOR, %edx
    movl %fs:0xfc, %edx
    CHECK "base from the LDT", $0x44332211, %edx
    CHECK_BITS "accessed bit in the LDT", $0xff, $0x93, ldt + (LOCAL&0xf8) + 5
    movw $0x104, %ax
    FAULTS "beyond the LDT", GP, 0x104, "movw %ax, %fs"
    movw $KERNEL_DS, %cx
    FAULTS "LLDT of a data segment", GP, KERNEL_DS, "lldt %cx"
    movw $LOCAL, %cx
    FAULTS "LLDT of an LDT selector", GP, LOCAL, "lldt %cx"
    movw $LAST + 8, %cx
    FAULTS "LLDT beyond the GDT", GP, LAST+8, "lldt %cx"
    SET_DESCRIPTOR ABSENT_LDT, ldt, 0xff, LDT&~PRESENT
    movw $ABSENT_LDT, %cx
    FAULTS "LLDT, not present", NP, ABSENT_LDT, "lldt %cx"
    sldt %edx
    CHECK "LDTR unchanged after faults", $LDT_SELECTOR, %edx
    xorl %ecx, %ecx
    WORKS "LLDT of null", "lldt %cx"
    movw $LOCAL, %ax
    FAULTS "LDT selector after LLDT of null", GP, LOCAL, "movw %ax, %fs"
    movw $TSS_SELECTOR, %cx
    FAULTS "LTR of a busy TSS", GP, TSS_SELECTOR, "ltr %cx"
    movw $KERNEL_DS, %cx
    FAULTS "LTR of a data segment", GP, KERNEL_DS, "ltr %cx"
    xorl %ecx, %ecx
    FAULTS "LTR of null", GP, 0, "ltr %cx"
    /* For emulators that have now loaded it. */
    SET_DESCRIPTOR TSS_SELECTOR, tss, TSS_SIZE-1, TSS32
    movw $TSS_SELECTOR, %cx
    ltr %cx
    SET_DESCRIPTOR SEGMENT, window, 103, TSS32&~PRESENT
    movw $SEGMENT, %cx
    FAULTS "LTR, not present", NP, SEGMENT, "ltr %cx"
    CHECK_BITS "busy bit set by LTR", $0xff, $0x8b, ACCESS_BYTE(TSS_SELECTOR)
    str %edx
    CHECK "STR", $TSS_SELECTOR, %edx
    USER_FAULTS "LLDT in ring 3", GP, 0, "lldt %cx"
    USER_FAULTS "LTR in ring 3", GP, 0, "ltr %cx"
    USER_FAULTS "LGDT in ring 3", GP, 0, "lgdt window"
    USER_FAULTS "LIDT in ring 3", GP, 0, "lidt window"
    USER_WORKS "SLDT, STR, SGDT, SIDT in ring 3", "sldt %eax; str %eax; sgdt window; sidt window"
    sgdt window
    CHECK_BITS "SGDT: limit", $0xffff, $LAST+7, window
    CHECK "SGDT: base", $gdt, window + 2
    FAULTS "LGDT with a register", UD, 0, ".byte 0x0f, 0x01, 0xd0"
    ret

inspection:
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA|BIG
    movw $SEGMENT, %cx
    movl $-1, %eax
    larl %ecx, %eax
    CHECK_ZF "LAR of data: ZF", 1
    CHECK_BITS "LAR of data", $0xfff0ffff, $0x409200, %eax
    larw %cx, %dx
    CHECK_BITS "LAR with 16-bit operand", $0xffff, $0x9200, %edx
    CHECK_BITS "LAR leaves the accessed bit", $0xff, $0x92, ACCESS_BYTE(SEGMENT)
    lsll %ecx, %eax
    CHECK_ZF "LSL of data: ZF", 1
    CHECK "LSL of data", $0xff, %eax
    movl $KERNEL_DS, %ecx
    lsll %ecx, %eax
    CHECK "LSL of pages", $-1, %eax
    verr %cx
    CHECK_ZF "VERR of data", 1
    verw %cx
    CHECK_ZF "VERW of data", 1
    movl $KERNEL_CS, %ecx
    verr %cx
    CHECK_ZF "VERR of readable code", 1
    verw %cx
    CHECK_ZF "VERW of code", 0
    SET_DESCRIPTOR SEGMENT, window, 0xff, CODE_EXECUTE_ONLY|BIG
    movl $SEGMENT, %ecx
    verr %cx
    CHECK_ZF "VERR of execute-only code", 0
    SET_DESCRIPTOR SEGMENT, window, 0xff, DATA_READ_ONLY|BIG
    verw %cx
    CHECK_ZF "VERW of read-only data", 0
    movl $TSS_SELECTOR, %ecx
    larl %ecx, %eax
    CHECK_ZF "LAR of a TSS: ZF", 1
    CHECK_BITS "LAR of a TSS", $0xfff0ffff, $0x8b00, %eax
    lsll %ecx, %eax
    CHECK "LSL of a TSS", $103, %eax
    verr %cx
    CHECK_ZF "VERR of a TSS", 0
    SET_GATE SEGMENT, KERNEL_CS, 0, CALL_GATE32
    movl $SEGMENT, %ecx
    movl $0x55, %eax
    larl %ecx, %eax
    CHECK_ZF "LAR of a call gate: ZF", 1
    CHECK_BITS "LAR of a call gate", $0xff00, $0x8c00, %eax
    movl $0x55, %eax
    lsll %ecx, %eax
    CHECK_ZF "LSL of a call gate: ZF", 0
    CHECK "LSL of a call gate leaves its register", $0x55, %eax
    SET_GATE SEGMENT, KERNEL_CS, 0, INTERRUPT_GATE32
    larl %ecx, %eax
    CHECK_ZF "LAR of an interrupt gate: ZF", 0
    CHECK "LAR of an interrupt gate leaves its register", $0x55, %eax
    movl $LAST + 8, %ecx
    larl %ecx, %eax
    CHECK_ZF "LAR beyond the GDT", 0
    lsll %ecx, %eax
    CHECK_ZF "LSL beyond the GDT", 0
    verr %cx
    CHECK_ZF "VERR beyond the GDT", 0
    xorl %ecx, %ecx
    larl %ecx, %eax
    CHECK_ZF "LAR of null", 0
    verw %cx
    CHECK_ZF "VERW of null", 0
    /* Privilege: RPL counts, except for conforming code. */
    movl $KERNEL_DS | 3, %ecx
    larl %ecx, %eax
    CHECK_ZF "LAR with RPL 3 of DPL 0", 0
    lsll %ecx, %eax
    CHECK_ZF "LSL with RPL 3 of DPL 0", 0
    verr %cx
    CHECK_ZF "VERR with RPL 3 of DPL 0", 0
    SET_DESCRIPTOR SEGMENT, window, 0xff, CODE_CONFORMING|BIG
    movl $SEGMENT | 3, %ecx
    verr %cx
    CHECK_ZF "VERR with RPL 3 of conforming code", 1
    SET_DESCRIPTOR SEGMENT, window, 0xff, (DATA|BIG)&~PRESENT
    movl $SEGMENT, %ecx
    larl %ecx, %eax
    CHECK_ZF "LAR of what is not present", 1
    movl $0x10, %eax
    movl $0x23, %ecx
    arpl %cx, %ax
    CHECK_ZF "ARPL raises: ZF", 1
    CHECK "ARPL raises", $0x13, %eax
    movl $0x21, %ecx
    arpl %cx, %ax
    CHECK_ZF "ARPL leaves: ZF", 0
    CHECK "ARPL leaves", $0x13, %eax
    ret

small_code:
    jmp 0x10000 + . + 2
small_code_tail:
    movl $0x77, %eax
    nop
    /* Its second byte lies beyond the limit. */
    .byte 0xb0
small_code_end:
    .byte 0x99

    .code16
code16:
    movw $0x5678, %ax
    movl $0x9abcdef0, %ecx
    movw %sp, %si
    call 1f
1:
    subw %sp, %si
    popw %dx
    movl $local_byte - code16, %edx
    addl $0xabc0000, %edx
    .byte 0x2e, 0x8a, 0x16
    .word local_byte - code16
    movzbl %dl, %edx
    lretl
local_byte:
    .byte 0x33
    .code32

    .data
    .balign 4
zf:
    .long 0

    .bss
    .balign 16
window:
    .skip 0x20000
