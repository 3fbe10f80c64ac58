/*
 * Paging: 4 KiB and 4 MiB pages, rights, CR0.WP, error codes and CR2, accessed and dirty bits, the TLB (SDM vol. 3,
 * chapter 4).
 */
#include "lib.inc"

PAGE = 0x2000000
PRESENT_BIT = 1
WRITABLE = 2
USER = 4
LARGE = 0x80
GLOBAL = 0x100
WP = 0x10000
PSE = 0x10
PGE = 0x80

/* Maps PAGE with these rights in the directory and the table. */
.macro MAP directory:req, table:req, frame=frame1
    movl $page_table2+(\directory), page_directory + (PAGE>>22)*4
    movl $\frame+(\table), page_table2
    call flush
.endm

.macro CHECK_CR2 name:req, expected:req
    pushl %eax
    movl %cr2, %eax
    CHECK "\name", $\expected, %eax
    popl %eax
.endm

    .text
    .globl main
main:
    call paging_on
    movl $0x11111111, frame1
    movl $0x22222222, frame2
    movl $frame2 + 7, page_table2 + 4
    call presence
    call rights
    call write_protect
    call accessed_and_dirty
    call stale
    call crossing
    call large_pages
    call global_pages
    call implicit_accesses
    call paging_off
    ret

flush:
    pushl %eax
    movl %cr3, %eax
    movl %eax, %cr3
    popl %eax
    ret

presence:
    MAP 7, 7
    movl PAGE, %eax
    CHECK "mapped page", $0x11111111, %eax
    MAP 6, 7
    FAULTS "directory entry not present: read", PF, 0, "movl PAGE+4, %eax"
    CHECK_CR2 "directory entry not present: CR2", PAGE+4
    MAP 7, 6
    FAULTS "page not present: read", PF, 0, "movl PAGE+0x123, %eax"
    CHECK_CR2 "page not present: CR2", PAGE+0x123
    FAULTS "page not present: write", PF, 2, "movl %eax, PAGE"
    FAULTS "page not present: read-modify-write", PF, 2, "incl PAGE"
    USER_FAULTS "page not present: read in ring 3", PF, 4, "movl PAGE, %eax"
    USER_FAULTS "page not present: write in ring 3", PF, 6, "movl %eax, PAGE"
    CATCH 1f
    movl $PAGE, %eax
    jmp *%eax
1:
    CAUGHT
    CHECK_FAULT "page not present: fetch", PF, 0, PAGE
    CHECK_CR2 "page not present: CR2 of a fetch", PAGE
    ret

rights:
    MAP 7, PRESENT_BIT|USER
    WORKS "read-only page: read", "movl PAGE, %eax"
    WORKS "read-only page: supervisor may write", "movl %eax, PAGE"
    USER_WORKS "read-only page: read in ring 3", "movl PAGE, %eax"
    USER_FAULTS "read-only page: write in ring 3", PF, 7, "movl %eax, PAGE"
    MAP PRESENT_BIT|USER, 7
    USER_FAULTS "read-only directory entry: write in ring 3", PF, 7, "movl %eax, PAGE"
    MAP 7, PRESENT_BIT|WRITABLE
    WORKS "supervisor page: ring 0", "movl PAGE, %eax"
    USER_FAULTS "supervisor page: read in ring 3", PF, 5, "movl PAGE, %eax"
    USER_FAULTS "supervisor page: write in ring 3", PF, 7, "movl %eax, PAGE"
    CHECK_CR2 "supervisor page: CR2", PAGE
    MAP PRESENT_BIT|WRITABLE, 7
    USER_FAULTS "supervisor directory entry: read in ring 3", PF, 5, "movl PAGE, %eax"
    ENTER_USER 1f
    movl $PAGE, %eax
    jmp *%eax
1:
    CAUGHT
    CHECK_FAULT "supervisor page: fetch in ring 3", PF, 5, PAGE
    ret

write_protect:
    movl %cr0, %eax
    orl $WP, %eax
    movl %eax, %cr0
    MAP 7, PRESENT_BIT|USER
    FAULTS "WP: supervisor write to a read-only page", PF, 3, "movl %eax, PAGE"
    FAULTS "WP: supervisor read-modify-write", PF, 3, "incl PAGE"
    WORKS "WP: supervisor read", "movl PAGE, %eax"
    MAP PRESENT_BIT|USER, 7
    FAULTS "WP: read-only directory entry", PF, 3, "movl %eax, PAGE"
    MAP PRESENT_BIT, PRESENT_BIT
    FAULTS "WP: supervisor page", PF, 3, "movl %eax, PAGE"
    movl %cr0, %eax
    andl $~WP, %eax
    movl %eax, %cr0
    WORKS "WP clear again", "movl %eax, PAGE"
    movl $0x11111111, frame1
    ret

accessed_and_dirty:
    MAP 7, 7
    movl PAGE, %eax
    CHECK_BITS "read: accessed, not dirty", $0x60, $0x20, page_table2
    CHECK_BITS "read: directory entry accessed", $0x20, $0x20, page_directory+(PAGE>>22)*4
    movl %eax, PAGE
    CHECK_BITS "write after a read: dirty", $0x60, $0x60, page_table2
    MAP 7, 7
    movl %eax, PAGE
    CHECK_BITS "write: accessed and dirty", $0x60, $0x60, page_table2
    MAP 7, PRESENT_BIT|USER
    USER_FAULTS "refused write", PF, 7, "movl %eax, PAGE"
    CHECK_BITS "refused write: not dirty", $0x40, $0, page_table2
    MAP 7, 7
    movl $PAGE, %edi
    movl $PAGE, %esi
    cmpsb
    CHECK_BITS "CMPS: not dirty", $0x60, $0x20, page_table2
    MAP 7, 7
    movl $0, %eax
    cmpxchgl %ecx, PAGE
    CHECK_BITS "CMPXCHG that fails: dirty all the same", $0x60, $0x60, page_table2
    ret

stale:
    MAP 7, 7
    movl $0x11111111, frame1
    movl PAGE, %eax
    movl $frame2 + 7, page_table2
    invlpg PAGE
    movl PAGE, %eax
    CHECK "INVLPG: new translation", $0x22222222, %eax
    movl $frame1 + 7, page_table2
    call flush
    movl PAGE, %eax
    CHECK "CR3 load: new translation", $0x11111111, %eax
    movl $frame2 + 7, page_table2
    movl PAGE, %eax
    CHECK "without either: the old translation", $0x11111111, %eax
    invlpg PAGE + 0x1000
    movl PAGE, %eax
    CHECK "INVLPG of another page: the old translation", $0x11111111, %eax
    invlpg PAGE + 0xfff
    movl PAGE, %eax
    CHECK "INVLPG of any byte of the page", $0x22222222, %eax
    movl $0, page_table2
    WORKS "not present any more, but still in the TLB", "movl PAGE, %eax"
    invlpg PAGE
    FAULTS "gone after INVLPG", PF, 0, "movl PAGE, %eax"
    /* What was not present is not kept: no INVLPG is needed after a page was put in place. */
    movl $frame1 + 7, page_table2
    WORKS "present now, without INVLPG", "movl PAGE, %eax"
    FAULTS "INVLPG with a register", UD, 0, ".byte 0x0f, 0x01, 0xf8"
    ret

crossing:
    MAP 7, 7
    movl $0, page_table2 + 4
    call flush
    movl $0x55, frame1 + 0xffc
    FAULTS "write across pages, the second not present", PF, 2, "movl $-1, PAGE+0xffe"
    CHECK_CR2 "write across pages: CR2 is the second page", PAGE+0x1000
    CHECK "write across pages: nothing written", $0x55, frame1+0xffc
    FAULTS "read across pages", PF, 0, "movl PAGE+0xffe, %eax"
    CHECK_CR2 "read across pages: CR2 is the second page", PAGE+0x1000
    movl $frame2 + 7, page_table2 + 4
    movl $0x44332211, PAGE + 0xffe
    CHECK_BITS "write across pages: second page", $0xffff, $0x4433, frame2
    movl PAGE + 0xffe, %eax
    CHECK "read across pages: value", $0x44332211, %eax
    movl $0x22222222, frame2
    /* A MOVL $imm32 across both pages. */
    movl $0x78b80000, frame1 + 0xffc
    movl $0, page_table2 + 4
    call flush
    CATCH 1f
    movl $PAGE + 0xffe, %eax
    jmp *%eax
1:
    CAUGHT
    CHECK_FAULT "fetch across pages: EIP is the start", PF, 0, PAGE+0xffe
    CHECK_CR2 "fetch across pages: CR2 is the second page", PAGE+0x1000
    /* Pushes of one instruction, down into a page that is not present. */
    movl $frame2 + 7, page_table2 + 4
    movl $0, page_table2
    call flush
    movl $0x99, frame2
    ENTER_USER 2f
    movl $PAGE + 0x1008, %esp
1:
    pushal
2:
    CAUGHT
    CHECK_FAULT "PUSHA across pages", PF, 6, 1b
    CHECK "PUSHA across pages: ESP unchanged", $PAGE+0x1008, caught_esp
    ENTER_USER 2f
    movl $PAGE + 0x1000, %esp
1:
    call 1b
2:
    CAUGHT
    CHECK_FAULT "CALL onto a page that is not present", PF, 6, 1b
    CHECK "CALL: ESP unchanged", $PAGE+0x1000, caught_esp
    movl $frame1 + 7, page_table2
    movl $0x22222222, frame2
    /* A repeated instruction stops where the fault is. */
    movl $0, page_table2 + 4
    call flush
    movl $PAGE + 0xff0, %edi
    movl $0x10, %ecx
    xorl %eax, %eax
    FAULTS "REP STOS into a page that is not present", PF, 2, "rep stosl"
    CHECK "REP STOS: EDI", $PAGE+0x1000, %edi
    CHECK "REP STOS: ECX", $12, %ecx
    movl $frame2 + 7, page_table2 + 4
    ret

large_pages:
    movl $LARGE | 7, page_directory + (PAGE>>22)*4
    call flush
    movl %cr4, %eax
    orl $PSE, %eax
    movl %eax, %cr4
    /* The first 4 MiB, seen at PAGE. */
    movl PAGE + frame2, %eax
    CHECK "4 MiB page", $0x22222222, %eax
    CHECK_BITS "4 MiB page: accessed, not dirty", $0x60, $0x20, page_directory+(PAGE>>22)*4
    movl %eax, PAGE + frame2
    CHECK_BITS "4 MiB page: dirty", $0x60, $0x60, page_directory+(PAGE>>22)*4
    movl $LARGE | PRESENT_BIT|WRITABLE, page_directory + (PAGE>>22)*4
    invlpg PAGE
    USER_FAULTS "4 MiB page: supervisor's", PF, 5, "movl PAGE, %eax"
    movl $LARGE | PRESENT_BIT|USER, page_directory + (PAGE>>22)*4
    call flush
    USER_FAULTS "4 MiB page: read-only", PF, 7, "movl %eax, PAGE"
    movl %cr4, %eax
    andl $~PSE, %eax
    movl %eax, %cr4
    movl $page_table2 + LARGE + 7, page_directory + (PAGE>>22)*4
    call flush
    movl PAGE, %eax
    CHECK "PSE clear: bit 7 means nothing", $0x11111111, %eax
    ret

global_pages:
    movl $0x11111111, frame1
    MAP 7, GLOBAL|7
    movl %cr4, %eax
    orl $PGE, %eax
    movl %eax, %cr4
    movl PAGE, %eax
    movl $frame2 + GLOBAL + 7, page_table2
    call flush
    movl PAGE, %eax
    CHECK "global page survives a CR3 load", $0x11111111, %eax
    invlpg PAGE
    movl PAGE, %eax
    CHECK "INVLPG drops a global page", $0x22222222, %eax
    movl $frame1 + GLOBAL + 7, page_table2
    movl %cr4, %ecx
    movl %ecx, %edx
    andl $~PGE, %ecx
    movl %ecx, %cr4
    movl %edx, %cr4
    movl PAGE, %eax
    CHECK "a change of PGE drops global pages", $0x11111111, %eax
    andl $~PGE, %edx
    movl %edx, %cr4
    movl $frame2 + GLOBAL + 7, page_table2
    call flush
    movl PAGE, %eax
    CHECK "PGE clear: G means nothing", $0x22222222, %eax
    ret

/* Descriptor tables and inner stacks are the supervisor's business, also while ring 3 runs. */
implicit_accesses:
    movl $gdt, %eax
    shrl $12, %eax
    andl $~USER, page_table(, %eax, 4)
    call flush
    movl $KERNEL_DS, %ecx
    USER_WORKS "GDT on a supervisor page: ring 3 loads a segment", "movl $USER_DS, %ecx; movl %ecx, %fs"
    orl $USER, page_table(, %eax, 4)
    call flush
    ret

    .bss
    .balign 4096
page_table2:
    .skip 4096
frame1:
    .skip 4096
frame2:
    .skip 4096
