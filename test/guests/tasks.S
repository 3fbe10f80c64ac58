/*
 * Hardware task switching: JMP, CALL, INT, exceptions and IRET, through TSSs and task gates (SDM vol. 3, chapter 7).
 */
#include "lib.inc"

TASK = FREE
GATE = FREE + 8
TASK16 = FREE + 16
CODE16 = FREE + 24
OTHER = FREE + 32
LOCAL = 0x0c

.macro TASK_FAULTS name:req, vector:req, error:req
    CATCH 8001f
    ljmp $TASK, $0
8001:
    CAUGHT
    CHECK_FAULT "\name", \vector, \error, user_task
    str %eax
    CHECK "\name: in the new task", $TASK, %eax
    call back_to_main_task
    call make_user_task
.endm

    .text
    .globl main
main:
    /* What a switch back to this task loads and never saves. */
    movl $page_directory, tss + TSS_CR3
    SET_GATE GATE, TASK, 0, TASK_GATE
    SET_DESCRIPTOR TASK16, tss16, TSS16_SIZE-1, TSS16
    SET_DESCRIPTOR CODE16, code16_base, 0xffff, CODE|BIG
    call jump
    call nested
    call through_gates
    call sixteen_bits
    call refused
    call faults_in_the_new_task
    call traps
    call address_space
    call return_to_itself
    call virtual_8086_task
    call double_fault
    call no_stack
    ret

/* ---- Preparing ---------------------------------------------------------------------------------------------------- */

/* The other task: ring 0, starting at EAX. */
make_task:
    pushal
    movl %eax, %ebx
    movl $tss2, %edi
    movl $TSS_SIZE / 4, %ecx
    xorl %eax, %eax
    rep stosl
    movl %ebx, tss2 + TSS_EIP
    movl $2, tss2 + TSS_EFLAGS
    movl $task_stack, tss2 + TSS_ESP
    movl $trap_stack, tss2 + TSS_ESP0
    movl $KERNEL_DS, tss2 + TSS_SS0
    movl $KERNEL_CS, tss2 + TSS_CS
    movl $KERNEL_DS, tss2 + TSS_SS
    movl $KERNEL_DS, tss2 + TSS_DS
    movl $KERNEL_DS, tss2 + TSS_ES
    movl $page_directory, tss2 + TSS_CR3
    movl $0xc1c1c1c1, tss2 + TSS_ECX
    movw $TSS_SIZE, tss2 + TSS_IO_MAP
    SET_DESCRIPTOR TASK, tss2, TSS_SIZE-1, TSS32
    popal
    ret

/* The other task: ring 3, so that faults of its first instruction have a good stack. */
make_user_task:
    pushl %eax
    movl $user_task, %eax
    call make_task
    movl $USER_CS, tss2 + TSS_CS
    movl $USER_DS, tss2 + TSS_SS
    movl $USER_DS, tss2 + TSS_DS
    movl $USER_DS, tss2 + TSS_ES
    movl $user_stack, tss2 + TSS_ESP
    popl %eax
    ret

user_task:
    int $USER_EXIT

/* After a fault in the other task: TR and the descriptors as at the start. */
back_to_main_task:
    pushl %eax
    SET_DESCRIPTOR TSS_SELECTOR, tss, TSS_SIZE-1, TSS32
    movw $TSS_SELECTOR, %ax
    ltr %ax
    xorl %eax, %eax
    lldt %ax
    pushl $2
    popfl
    clts
    popl %eax
    ret

/* ---- JMP ---------------------------------------------------------------------------------------------------------- */

jump:
    movl $1f, %eax
    call make_task
    clts
    movl $0x0a0a0a0a, %eax
    movl $0x0d0d0d0d, %edx
    movl $USER_DS, %ecx
    movl %ecx, %fs
    movl %esp, %ebp
    stc
    ljmp $TASK, $0x12345678
2:
    CHECK "JMP back: EAX", $0x0a0a0a0a, %eax
    CHECK "JMP back: EDX", $0x0d0d0d0d, %edx
    CHECK "JMP back: ESP", %ebp, saved_esp
    jmp 3f
1:
    CHECK "JMP: ECX from the TSS", $0xc1c1c1c1, %ecx
    movl %esp, %eax
    CHECK "JMP: ESP from the TSS", $task_stack, %eax
    pushfl
    popl %eax
    CHECK "JMP: EFLAGS from the TSS", $2, %eax
    movl %fs, %eax
    CHECK "JMP: FS from the TSS", $0, %eax
    str %eax
    CHECK "JMP: TR", $TASK, %eax
    movl %cr0, %eax
    CHECK_BITS "JMP: CR0.TS set", $8, $8, %eax
    CHECK "JMP: old EIP saved", $2b, tss + TSS_EIP
    CHECK "JMP: old EAX saved", $0x0a0a0a0a, tss + TSS_EAX
    CHECK "JMP: old FS saved", $USER_DS, tss + TSS_FS
    CHECK_BITS "JMP: old EFLAGS saved", $FLAG_CF, $FLAG_CF, tss + TSS_EFLAGS
    CHECK "JMP: no link", $0, tss2 + TSS_LINK
    CHECK_BITS "JMP: new TSS busy", $0xff, $0x8b, ACCESS_BYTE(TASK)
    CHECK_BITS "JMP: old TSS available", $0xff, $0x89, ACCESS_BYTE(TSS_SELECTOR)
    movl tss + TSS_ESP, %eax
    movl %eax, saved_esp
    ljmp $TSS_SELECTOR, $0
3:
    CHECK_BITS "JMP back: TSS busy", $0xff, $0x8b, ACCESS_BYTE(TSS_SELECTOR)
    CHECK_BITS "JMP back: other TSS available", $0xff, $0x89, ACCESS_BYTE(TASK)
    str %eax
    CHECK "JMP back: TR", $TSS_SELECTOR, %eax
    xorl %eax, %eax
    movl %eax, %fs
    ret

/* ---- CALL and IRET ------------------------------------------------------------------------------------------------ */

nested:
    movl $1f, %eax
    call make_task
    lcall $TASK, $0
2:
    pushfl
    popl %eax
    CHECK_BITS "IRET: NT clear in the old task", $FLAG_NT, $0, %eax
    CHECK_BITS "IRET: nested TSS available", $0xff, $0x89, ACCESS_BYTE(TASK)
    CHECK_BITS "IRET: old TSS busy", $0xff, $0x8b, ACCESS_BYTE(TSS_SELECTOR)
    CHECK_BITS "IRET: NT clear in the nested TSS", $FLAG_NT, $0, tss2 + TSS_EFLAGS
    CHECK "IRET: nested EIP saved", $3f, tss2 + TSS_EIP
    /* The nested task goes on where it left. */
    lcall $TASK, $0
    CHECK "CALL again goes on behind the IRET", $0x77, tss2 + TSS_EAX
    ret
1:
    pushfl
    popl %eax
    CHECK_BITS "CALL: NT set", $FLAG_NT, $FLAG_NT, %eax
    CHECK "CALL: link", $TSS_SELECTOR, tss2 + TSS_LINK
    CHECK_BITS "CALL: new TSS busy", $0xff, $0x8b, ACCESS_BYTE(TASK)
    CHECK_BITS "CALL: old TSS busy", $0xff, $0x8b, ACCESS_BYTE(TSS_SELECTOR)
    CHECK "CALL: old EIP saved", $2b, tss + TSS_EIP
    iret
3:
    movl $0x77, %eax
    iret

/* ---- Task gates --------------------------------------------------------------------------------------------------- */

through_gates:
    movl $1f, %eax
    call make_task
    movl $0, reached
    lcall $GATE, $0
    CHECK "CALL through a task gate", $1, reached
    movl $1f, %eax
    call make_task
    SET_IDT_GATE 0x31, TASK, 0, TASK_GATE
    int $0x31
    CHECK "INT through a task gate", $2, reached
    /* A task gate may be open to ring 3; the TSS's own DPL does not count then. */
    movl $1f, %eax
    call make_task
    SET_GATE GATE, TASK, 0, TASK_GATE|DPL3
    USER_WORKS "CALL through a task gate from ring 3", "lcall $GATE|3, $0"
    CHECK "task gate from ring 3", $3, reached
    USER_FAULTS "CALL of a TSS of ring 0 from ring 3", GP, TASK, "lcall $TASK, $0"
    /* An exception: the error code goes to the new task's stack. */
    movl $2f, %eax
    call make_task
    SET_IDT_GATE GP, TASK, 0, TASK_GATE
    movw $LAST + 8, %ax
4:
    movw %ax, %fs
5:
    RESET_IDT_GATE GP
    CHECK "exception through a task gate: error code", $LAST+8, reached
    CHECK "exception through a task gate: saved EIP", $4b, saved_eip
    CHECK_BITS "exception through a task gate: RF saved", $FLAG_RF, $FLAG_RF, saved_eflags
    ret
1:
    incl reached
    iret
2:
    popl reached
    movl tss + TSS_EIP, %eax
    movl %eax, saved_eip
    movl tss + TSS_EFLAGS, %eax
    movl %eax, saved_eflags
    movl $5b, tss + TSS_EIP
    iret

/* ---- 286 TSS ------------------------------------------------------------------------------------------------------- */

sixteen_bits:
    movl $code16_entry - code16_base, tss16 + TSS16_IP
    movw $2, tss16 + TSS16_FLAGS
    movw $0xa5a5, tss16 + TSS16_AX
    movw $0x5a5a, tss16 + TSS16_CX
    movw $0x8000, tss16 + TSS16_SP
    movw $CODE16, tss16 + TSS16_CS
    movw $OTHER, tss16 + TSS16_SS
    movw $KERNEL_DS, tss16 + TSS16_DS
    movw $KERNEL_DS, tss16 + TSS16_ES
    SET_DESCRIPTOR OTHER, task_stack-0x1000, 0xffff, DATA
    movl $0x0b0b0b0b, %ebx
    lcall $TASK16, $0
    CHECK "286 TSS: AX", $0xa5a5, reached
    CHECK "286 TSS: CX", $0x5a5a, saved_eip
    CHECK_BITS "286 TSS: link", $0xffff, $TSS_SELECTOR, tss16 + TSS16_LINK
    CHECK_BITS "286 TSS: AX saved", $0xffff, $0x1234, tss16 + TSS16_AX
    CHECK_BITS "286 TSS: IP saved", $0xffff, $code16_after-code16_base, tss16 + TSS16_IP
    CHECK_BITS "286 TSS: NT clear after IRET", $FLAG_NT, $0, tss16 + TSS16_FLAGS
    CHECK_BITS "286 TSS: available after IRET", $0xff, $0x81, ACCESS_BYTE(TASK16)
    CHECK "286 TSS: EBX of the 386 task back", $0x0b0b0b0b, %ebx
    ret

    .balign 16
code16_base:
code16_entry:
    movzwl %ax, %eax
    movl %eax, reached
    movzwl %cx, %ecx
    movl %ecx, saved_eip
    movw $0x1234, %ax
    iret
code16_after:
    nop

/* ---- Refused before the switch: the faults belong to the old task ------------------------------------------------- */

refused:
    call make_user_task
    FAULTS "JMP to the current, busy TSS", GP, TSS_SELECTOR, "ljmp $TSS_SELECTOR, $0"
    FAULTS "CALL of the current, busy TSS", GP, TSS_SELECTOR, "lcall $TSS_SELECTOR, $0"
    SET_DESCRIPTOR TASK, tss2, TSS_SIZE-1, TSS32&~PRESENT
    FAULTS "JMP to a TSS that is not present", NP, TASK, "ljmp $TASK, $0"
    FAULTS "task gate to a TSS that is not present", NP, TASK, "ljmp $GATE, $0"
    SET_DESCRIPTOR TASK, tss2, TSS_SIZE-2, TSS32
    FAULTS "JMP to a TSS that is too small", TS, TASK, "ljmp $TASK, $0"
    SET_GATE GATE, KERNEL_DS, 0, TASK_GATE
    FAULTS "task gate to data", GP, KERNEL_DS, "ljmp $GATE, $0"
    SET_GATE GATE, LOCAL, 0, TASK_GATE
    FAULTS "task gate into the LDT", GP, LOCAL, "ljmp $GATE, $0"
    SET_GATE GATE, TASK, 0, TASK_GATE&~PRESENT
    FAULTS "task gate that is not present", NP, GATE, "ljmp $GATE, $0"
    SET_GATE GATE, TASK, 0, TASK_GATE
    call make_user_task
    movl $TASK, tss + TSS_LINK
    pushl $FLAG_NT | 2
    popfl
    FAULTS "IRET to a task that is not busy", TS, TASK, "iret"
    movl $0, tss + TSS_LINK
    pushl $FLAG_NT | 2
    popfl
    FAULTS "IRET with a null link", TS, 0, "iret"
    movl $KERNEL_DS, tss + TSS_LINK
    pushl $FLAG_NT | 2
    popfl
    FAULTS "IRET with a link to data", TS, KERNEL_DS, "iret"
    pushl $2
    popfl
    str %eax
    CHECK "refused: TR unchanged", $TSS_SELECTOR, %eax
    CHECK_BITS "refused: TSS still busy", $0xff, $0x8b, ACCESS_BYTE(TSS_SELECTOR)
    ret

/* ---- Faults of the new task ----------------------------------------------------------------------------------------- */

faults_in_the_new_task:
    call make_user_task
    movl $KERNEL_DS, tss2 + TSS_LDT
    TASK_FAULTS "bad LDT", TS, KERNEL_DS
    SET_DESCRIPTOR OTHER, ldt, 0xff, LDT&~PRESENT
    movl $OTHER, tss2 + TSS_LDT
    TASK_FAULTS "LDT not present", TS, OTHER
    movl $USER_DS, tss2 + TSS_CS
    TASK_FAULTS "data for CS", TS, USER_DS&~3
    SET_DESCRIPTOR OTHER, 0, 0xfffff, (CODE|DPL3|BIG|PAGES)&~PRESENT
    movl $OTHER|3, tss2 + TSS_CS
    TASK_FAULTS "CS not present", NP, OTHER
    movl $0, tss2 + TSS_SS
    TASK_FAULTS "null SS", TS, 0
    movl $KERNEL_DS, tss2 + TSS_SS
    TASK_FAULTS "SS of ring 0", TS, KERNEL_DS
    SET_DESCRIPTOR OTHER, 0, 0xfffff, (DATA|DPL3|BIG|PAGES)&~PRESENT
    movl $OTHER|3, tss2 + TSS_SS
    TASK_FAULTS "SS not present", SS_FAULT, OTHER
    movl $KERNEL_DS, tss2 + TSS_DS
    TASK_FAULTS "DS of ring 0", TS, KERNEL_DS
    movl $OTHER|3, tss2 + TSS_ES
    TASK_FAULTS "ES not present", NP, OTHER
    movl $LAST + 8, tss2 + TSS_GS
    TASK_FAULTS "GS beyond the GDT", TS, LAST+8
    SET_DESCRIPTOR OTHER, 0, 0xff, CODE|DPL3|BIG
    movl $OTHER|3, tss2 + TSS_CS
    TASK_FAULTS "EIP beyond the limit", GP, 0
    ret

/* ---- The T bit, LDT and debug registers ----------------------------------------------------------------------------- */

traps:
    call make_user_task
    xorl %eax, %eax
    movl %eax, %dr6
    movl $0x155, %eax
    movl %eax, %dr7
    movw $1, tss2 + TSS_TRAP
    TASK_FAULTS "T bit", DB, 0
    movl %dr6, %eax
    CHECK_BITS "T bit: DR6.BT", $0xe00f, $0x8000, %eax
    movl %dr7, %eax
    CHECK_BITS "task switch clears the local enables of DR7", $0x155, $0, %eax
    xorl %eax, %eax
    movl %eax, %dr6
    movl %eax, %dr7
    movl $1f, %eax
    call make_task
    movl $0x89abcdef, local_data
    SET_DESCRIPTOR LOCAL, local_data, 3, DATA|BIG
    movl $LDT_SELECTOR, tss2 + TSS_LDT
    movl $LOCAL, tss2 + TSS_FS
    lcall $TASK, $0
    CHECK "LDT from the TSS", $0x89abcdef, reached
    sldt %eax
    CHECK "LDT of the old task back", $0, %eax
    ret
1:
    movl %fs:0, %eax
    movl %eax, reached
    iret

/* ---- CR3 ------------------------------------------------------------------------------------------------------------ */

/* Shown in place of one another at the address of `first_page`. */
address_space:
    movl $0x11111111, first_page
    movl $0x22222222, second_page
    call paging_on
    movl $page_table, %esi
    movl $page_table2, %edi
    movl $1024, %ecx
    rep movsl
    movl $page_table2 + 7, page_directory2
    movl $first_page, %eax
    shrl $12, %eax
    movl $second_page + 7, page_table2(, %eax, 4)
    movl $1f, %eax
    call make_task
    movl $page_directory2, tss2 + TSS_CR3
    movl first_page, %eax
    lcall $TASK, $0
    CHECK "the new task sees its page", $0x22222222, reached
    CHECK "the old task sees its own", $0x11111111, first_page
    movl %cr3, %eax
    CHECK "CR3 back", $page_directory, %eax
    call paging_off
    ret
1:
    movl first_page, %eax
    movl %eax, reached
    iret

/* ---- IRET to the task itself ------------------------------------------------------------------------------------------ */

return_to_itself:
    movl $TSS_SELECTOR, tss + TSS_LINK
    /* Where emulators go that load the state before they have saved it. */
    movl $2f, tss + TSS_EIP
    movl $2, tss + TSS_EFLAGS
    movl %esp, tss + TSS_ESP
    movl $0x66, tss + TSS_ECX
    movl $0x55, %ecx
    pushl $FLAG_NT | 2
    popfl
    iret
1:
2:
    CHECK "IRET to the task itself: what was saved is loaded", $0x55, %ecx
    CHECK "IRET to the task itself: EIP", $1b, tss + TSS_EIP
    CHECK_BITS "IRET to the task itself: NT clear", $FLAG_NT, $0, tss + TSS_EFLAGS
    CHECK_BITS "IRET to the task itself: left available", $0xff, $0x89, ACCESS_BYTE(TSS_SELECTOR)
    call back_to_main_task
    ret

/* ---- A task in virtual-8086 mode -------------------------------------------------------------------------------------- */

virtual_8086_task:
    movl $v86_code, %esi
    movl $0x10000, %edi
    movl $v86_code_end - v86_code, %ecx
    rep movsb
    call make_user_task
    movl $0, tss2 + TSS_EIP
    movl $FLAG_VM | 2, tss2 + TSS_EFLAGS
    movl $0x1000, tss2 + TSS_CS
    movl $0x1000, tss2 + TSS_SS
    movl $0x1000, tss2 + TSS_DS
    movl $0xfff0, tss2 + TSS_ESP
    movl $0x5aa5, 0x10100
    CATCH 1f
    ljmp $TASK, $0
1:
    CAUGHT
    CHECK_FAULT "task in virtual-8086 mode", GP, 0, v86_fault-v86_code
    CHECK_BITS "task in virtual-8086 mode: EFLAGS", $FLAG_VM, $FLAG_VM, caught_eflags
    CHECK "task in virtual-8086 mode: base", $0x5aa5, %ecx
    call back_to_main_task
    ret

    .code16
v86_code:
    movl 0x100, %ecx
v86_fault:
    hlt
v86_code_end:
    .code32

/* ---- Double fault ----------------------------------------------------------------------------------------------------- */

double_fault:
    movl $1f, %eax
    call make_task
    SET_IDT_GATE DF, TASK, 0, TASK_GATE
    SET_IDT_GATE GP, KERNEL_CS, 0, INTERRUPT_GATE32&~PRESENT
    movl %esp, %ebp
    movw $LAST + 8, %ax
2:
    movw %ax, %fs
3:
    movl %ebp, %esp
    RESET_IDT_GATE GP
    RESET_IDT_GATE DF
    CHECK "double fault task: error code", $0, reached
    CHECK "double fault task: saved EIP", $2b, saved_eip
    CHECK "double fault task: link", $TSS_SELECTOR, tss2 + TSS_LINK
    ret
1:
    popl reached
    movl tss + TSS_EIP, %eax
    movl %eax, saved_eip
    movl $3b, tss + TSS_EIP
    iret

/*
 * Ring 0's stack is not mapped: #GP, then #PF while its frame is pushed, then #PF again, which makes the double fault.
 * Only a task gate can serve it.
 */
no_stack:
    movl $1f, %eax
    call make_task
    SET_IDT_GATE DF, TASK, 0, TASK_GATE
    call paging_on
    movl $0x2000000, tss + TSS_ESP0
    movl $USER_EXIT, reached
    movl %esp, %ebp
    CATCH 3f
    call enter_user
2:
    hlt
1:
    popl reached
    movl tss + TSS_EIP, %eax
    movl %eax, saved_eip
    movl %cr2, %eax
    movl %eax, saved_esp
    ljmp $KERNEL_CS, $3f
3:
    CAUGHT
    call back_to_main_task
    call paging_off
    movl $trap_stack, tss + TSS_ESP0
    RESET_IDT_GATE DF
    CHECK "no stack in ring 0: double fault", $0, reached
    CHECK "no stack in ring 0: saved EIP", $2b, saved_eip
    CHECK "no stack in ring 0: CR2", $0x1fffffc, saved_esp
    CHECK "no stack in ring 0: saved CS", $USER_CS, tss+TSS_CS
    ret

    .bss
    .balign 4096
page_directory2:
    .skip 4096
page_table2:
    .skip 4096
first_page:
    .skip 4096
second_page:
    .skip 4096
tss2:
    .skip TSS_SIZE
tss16:
    .skip TSS16_SIZE
reached:
    .skip 4
saved_esp:
    .skip 4
saved_eip:
    .skip 4
saved_eflags:
    .skip 4
local_data:
    .skip 4
    .balign 16
    .skip 4096
task_stack:
    .skip 0x10000
