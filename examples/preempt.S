# Preemption: two children count as fast as they can and never give up the CPU by themselves; the timer takes it from
# them. Each stops when both have counted, so the program ends only if both make progress.
#
# The counters lie in one page that parent and children share: the children are clones with CLONE_VM.

.set SYS_exit, 1
.set SYS_write, 4
.set SYS_wait4, 114
.set SYS_clone, 120
.set CLONE_VM, 0x100
.set SIGCHLD, 17
.set ENOUGH, 100000

.text
.globl _start
_start:
	movl $stack_a, %ecx
	movl $counter_a, %esi
	movl $counter_b, %edi
	call start_child
	movl $stack_b, %ecx
	movl $counter_b, %esi
	movl $counter_a, %edi
	call start_child
	call wait_child
	call wait_child
	movl $1, %ebx
	movl $text, %ecx
	movl $text_end - text, %edx
	movl $SYS_write, %eax
	int $0x80
	xorl %ebx, %ebx
	movl $SYS_exit, %eax
	int $0x80

# clone(CLONE_VM | SIGCHLD, ECX): the child counts in (%esi) until (%edi) is large enough too.
start_child:
	movl $CLONE_VM|SIGCHLD, %ebx
	movl $SYS_clone, %eax
	int $0x80
	testl %eax, %eax
	jz 1f
	ret
1:	incl (%esi)
	cmpl $ENOUGH, (%esi)
	jb 1b
	cmpl $ENOUGH, (%edi)
	jb 1b
	xorl %ebx, %ebx
	movl $SYS_exit, %eax
	int $0x80

wait_child:
	movl $-1, %ebx
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %esi, %esi
	movl $SYS_wait4, %eax
	int $0x80
	ret

.section .rodata
text:	.ascii "both children made progress\n"
text_end:

.bss
counter_a: .skip 4
counter_b: .skip 4
.align 16
	.skip 1024
stack_a:
	.skip 1024
stack_b:
